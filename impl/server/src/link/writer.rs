//! The writing half of a connection.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{FLOWING_EVERY, Outgoing, Queued};
use crate::transport::Transport;

/// Messages up to this length are joined before they are written.
const JOINED_MAX: usize = 1 << 14;

/// How many bytes of joined messages are written at once.
pub(super) const WRITE_AT: usize = 1 << 16;

/// Writes what is queued until the connection fails; why it did. `written` is told of every
/// message, `flowing` now and then while something long goes out; `false` ends it.
pub(super) async fn write<W: Future<Output = bool>, F: Future<Output = bool>>(
    half: WriteHalf<Transport>,
    mut queue: UnboundedReceiver<Outgoing>,
    queued: &Queued,
    written: impl Fn() -> W,
    flowing: impl Fn() -> F,
) -> String {
    let mut writer = Writer { half, flowing, told: Instant::now() };
    let mut joined = BytesMut::new();
    while let Some(first) = queue.recv().await {
        let mut next = Some(first);
        let (mut messages, mut counted_sum) = (0_u32, 0);
        while let Some(outgoing) = next {
            let done = match outgoing {
                Outgoing::Message { parts, counted } => {
                    messages += 1;
                    counted_sum += counted;
                    if counted == 0 {
                        queued.allow(parts.iter().map(Bytes::len).sum());
                    }
                    writer.put(&mut joined, parts.into_iter().map(Ok)).await
                }
                Outgoing::Pieces(pieces) => {
                    let allowed = pieces.inspect(|piece| {
                        queued.allow(piece.as_ref().map_or(0, Bytes::len));
                    });
                    writer.put(&mut joined, allowed).await
                }
            };
            if let Err(reason) = done {
                return reason;
            }
            // What was written is told before more is taken: the queue may never be empty.
            let is_enough = joined.len() >= WRITE_AT || counted_sum >= WRITE_AT;
            next = if is_enough { None } else { queue.try_recv().ok() };
        }
        if let Err(reason) = writer.write(joined.split().freeze()).await {
            return reason;
        }
        queued.bytes.fetch_sub(counted_sum, Ordering::Relaxed);
        for _ in 0..messages {
            if !written().await {
                return ended();
            }
        }
    }
    "closed by this end".to_owned()
}

impl Queued {
    /// So many bytes of a long transfer are being written.
    fn allow(&self, bytes: usize) {
        self.max.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn ended() -> String {
    "the driver has ended".to_owned()
}

struct Writer<T> {
    half: WriteHalf<Transport>,
    flowing: T,
    /// When `flowing` was told last.
    told: Instant,
}

impl<F: Future<Output = bool>, T: Fn() -> F> Writer<T> {
    /// Joins what is short with what is joined already, and writes what is long behind that.
    async fn put(
        &mut self,
        joined: &mut BytesMut,
        parts: impl Iterator<Item = Result<Bytes, String>>,
    ) -> Result<(), String> {
        for part in parts {
            let part = part?;
            if part.len() <= JOINED_MAX {
                joined.extend_from_slice(&part);
            } else {
                self.write(joined.split().freeze()).await?;
                self.write(part).await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), String> {
        while bytes.has_remaining() {
            let length = self.half.write(&bytes).await.map_err(|error| error.to_string())?;
            bytes.advance(length);
            if bytes.len() > JOINED_MAX || length > JOINED_MAX {
                self.tell_flowing().await?;
            }
        }
        self.half.flush().await.map_err(|error| error.to_string())
    }

    async fn tell_flowing(&mut self) -> Result<(), String> {
        if self.told.elapsed() < FLOWING_EVERY {
            return Ok(());
        }
        self.told = Instant::now();
        if (self.flowing)().await { Ok(()) } else { Err(ended()) }
    }
}
