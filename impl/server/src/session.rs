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
pub(crate) fn granted_timeout_ms(asked: i32, min: Duration, max: Duration) -> i32 {
    let asked = Duration::from_millis(u64::try_from(asked).unwrap_or(0));
    i32::try_from(asked.min(max).max(min).as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by Java: `new Random(id ^ 0xB3415C00L).nextBytes(password)`.
    #[test]
    fn passwords_are_those_of_java() {
        for (session, expected) in [
            (0, 0xf22a_cd4a_97e6_9d6d_20a4_9bb6_38ea_db38),
            (1, 0x054c_c74a_3732_7db2_15e7_02e2_0c73_f005),
            (0x0100_000c_7629_0000, 0x7d59_c14e_c699_8af0_2329_b40f_7f3e_9168),
            (-1, 0x20f6_2cb5_648d_c2d7_7147_1c8a_2486_a9ee_u128),
        ] {
            assert_eq!(u128::from_be_bytes(password(session)), expected, "session {session}");
        }
    }

    /// The ids in a capture of Apache ZooKeeper end in 0000 and begin with the server's id.
    #[test]
    fn ids_begin_with_the_server_and_end_with_a_count() {
        let ids = SessionIds::new(3, 0x0001_2345_6789_abcd);
        assert_eq!(ids.next(), 0x0345_6789_abcd_0000);
        assert_eq!(ids.next(), 0x0345_6789_abcd_0001);
    }

    #[test]
    fn timeouts_are_clamped() {
        let granted =
            |asked| granted_timeout_ms(asked, Duration::from_secs(4), Duration::from_secs(40));
        assert_eq!(granted(10_000), 10_000);
        assert_eq!(granted(1), 4_000);
        assert_eq!(granted(-1), 4_000);
        assert_eq!(granted(i32::MAX), 40_000);
    }
}
