//! The socket of a client, and bytes that came and were not taken yet.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use zab_wire::frame;

use super::budget::SMALL_MAX;
use super::connection::Gone;
use super::requests::Request;
use crate::transport::Transport;

/// How long a client may take to close its end after it was told that this is the end.
const LINGER: Duration = Duration::from_secs(1);

/// For how many bytes there is room when more are waited for, at least, and at most unless they are
/// of one long frame.
const ROOM: std::ops::RangeInclusive<usize> = 256..=4096;

/// Bytes of a frame's length.
const PREFIX: usize = 4;

/// The socket, and bytes that came and were not taken yet.
pub(super) struct Wire {
    pub(super) stream: Transport,
    pub(super) input: BytesMut,
    /// How much room there is for the next bytes: more for clients that send much at once, since
    /// each look at the socket costs more than several requests.
    room: usize,
}

impl Wire {
    pub(super) fn new(stream: Transport) -> Self {
        Self { stream, input: BytesMut::new(), room: *ROOM.start() }
    }

    /// How many bytes the first frame has in all, its length included; 4 before that is known.
    pub(super) fn wanted(&self) -> usize {
        let length = self.input.first_chunk::<PREFIX>().map(|bytes| i32::from_be_bytes(*bytes));
        PREFIX + length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0)
    }

    /// Whether the first frame is all there; an error if it is longer than `max`.
    pub(super) fn has_frame(&self, max: usize) -> Result<bool, Gone> {
        match self.input.first_chunk::<PREFIX>().map(|bytes| i32::from_be_bytes(*bytes)) {
            Some(length) if usize::try_from(length).is_ok_and(|length| length <= max) => {
                Ok(self.input.len() >= self.wanted())
            }
            Some(_) => Err(Gone),
            None => Ok(false),
        }
    }

    /// Whether the first frame is a small request that only looks at a node.
    pub(super) fn has_look(&self) -> bool {
        // Behind the length and the client's number.
        let op = self.input.get(2 * PREFIX..).and_then(<[u8]>::first_chunk::<PREFIX>);
        let is_look = op.is_some_and(|op| Request::is_look(i32::from_be_bytes(*op)));
        is_look && self.wanted() <= SMALL_MAX
    }

    /// Takes the first frame if it is all there; an error if it is longer than `max`.
    pub(super) fn take(&mut self, max: usize) -> Result<Option<Bytes>, Gone> {
        frame::take(&mut self.input, max).map_err(|_| Gone)
    }

    /// Waits for more bytes: of small frames as many as fit, of another one no more than itself.
    pub(super) async fn receive(&mut self) -> Result<(), Gone> {
        let wanted = self.wanted();
        let room = wanted.max(SMALL_MAX).saturating_sub(self.input.len());
        if wanted > SMALL_MAX {
            // It has its room: no need to grow step by step.
            self.input.reserve(room);
        }
        self.receive_up_to(room).await
    }

    /// Waits for at most `room` more bytes.
    pub(super) async fn receive_up_to(&mut self, room: usize) -> Result<(), Gone> {
        let free = |input: &BytesMut| input.capacity() - input.len();
        if free(&self.input) < self.room / 2 {
            self.input.reserve(self.room);
        }
        let room = room.min(free(&self.input));
        let mut limited = (&mut self.input).limit(room);
        let received = self.stream.read_buf(&mut limited).await?;
        if received == room {
            self.room = (2 * self.room).min(*ROOM.end());
        } else if received < self.room / 4 {
            self.room = (self.room / 2).max(*ROOM.start());
        }
        if received == 0 { Err(Gone) } else { Ok(()) }
    }

    /// Sends these bytes.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// Says that nothing more will come, and waits a moment for the other end to close. Closing
    /// with unread bytes sends RST, and the client may lose the last answer.
    pub(super) async fn finish(&mut self) -> Result<(), Gone> {
        self.stream.shutdown().await?;
        let closed = async {
            self.input.clear();
            while self.receive_up_to(SMALL_MAX).await.is_ok() {
                self.input.clear();
            }
        };
        // The connection ends in any case.
        let _ = timeout(LINGER, closed).await;
        Ok(())
    }
}
