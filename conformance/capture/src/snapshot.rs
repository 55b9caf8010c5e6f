//! The snapshot that follows SNAP on the quorum port.

use bytes::BytesMut;
use zab_wire::DecodeError;
use zab_wire::snapshot::{Decoder, Item};

/// What a snapshot on the wire held. It has no length of its own: it ends where its signature does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotBody {
    /// Sessions in it.
    pub sessions: u64,
    /// Access control lists in it.
    pub acls: u64,
    /// Nodes in it, the root included.
    pub nodes: u64,
    /// Its length in bytes, the signature included.
    pub bytes: u64,
}

/// Reads a snapshot as its bytes arrive.
#[derive(Debug, Default)]
pub(crate) struct Arriving {
    decoder: Decoder,
    is_complete: bool,
    body: SnapshotBody,
}

impl Arriving {
    /// Takes what is there; the whole snapshot's summary once its signature was taken.
    ///
    /// # Errors
    /// If the bytes are no snapshot.
    pub(crate) fn take(
        &mut self,
        buffer: &mut BytesMut,
    ) -> Result<Option<SnapshotBody>, DecodeError> {
        let before = buffer.len();
        let taken = self.take_items(buffer);
        self.body.bytes += (before - buffer.len()) as u64;
        Ok(taken?.map(|()| std::mem::take(&mut self.body)))
    }

    fn take_items(&mut self, buffer: &mut BytesMut) -> Result<Option<()>, DecodeError> {
        while !self.is_complete {
            match self.decoder.take(buffer)? {
                Some(Item::Session(_)) => self.body.sessions += 1,
                Some(Item::Acl(_)) => self.body.acls += 1,
                Some(Item::Node(_)) => self.body.nodes += 1,
                Some(Item::End) => self.is_complete = true,
                None => return Ok(None),
            }
        }
        self.decoder.take_signature(buffer)
    }
}
