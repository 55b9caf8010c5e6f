//! Session ids, passwords and timeouts, as every server of an ensemble must derive them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// XORed into a session's id to seed its password (`ZooKeeperServer.superSecret`).
const SECRET: i64 = 0xB341_5C00;

/// Gives out session ids that no other server and no earlier run of this one gives out.
#[derive(Debug)]
pub(crate) struct SessionIds {
    next: AtomicI64,
}

impl SessionIds {
    /// Ids of this server, from the time it starts at, in milliseconds since 1970: the server's
    /// id in the upper byte, 40 bits of time, then 16 bits that count
    /// (`SessionTrackerImpl.initializeNextSessionId`).
    pub(crate) fn new(server: u64, start_ms: u64) -> Self {
        let first = (server << 56) | ((start_ms << 24) >> 8 & 0x00ff_ffff_ffff_ffff);
        Self { next: AtomicI64::new(first.cast_signed()) }
    }

    /// The next id.
    pub(crate) fn next(&self) -> i64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// A session's password: the first 16 bytes that `java.util.Random` gives from the id.
///
/// Anyone who knows an id can derive it. It keeps clients from taking over sessions by mistake,
/// and it must be what Java servers of the same ensemble expect.
pub(crate) fn password(session: i64) -> [u8; 16] {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;
    let mut seed = ((session ^ SECRET).cast_unsigned() ^ MULTIPLIER) & MASK;
    let mut bytes = [0; 16];
    for word in bytes.chunks_exact_mut(4) {
        seed = seed.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        // Bits 16 to 47 are the next int, whose bytes come lowest first.
        let int = seed.to_le_bytes();
        word.copy_from_slice(&int[2..6]);
    }
    bytes
}

/// The session timeout that is granted for the one asked for, in milliseconds.
pub(crate) fn granted_timeout(asked: i32, min: Duration, max: Duration) -> i32 {
    let asked = Duration::from_millis(u64::try_from(asked).unwrap_or(0));
    i32::try_from(asked.min(max).max(min).as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
}
