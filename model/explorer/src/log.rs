//! How each state was reached first: what counterexamples are rebuilt from.

use crate::disk::{DiskError, Scratch, Spool};
use crate::search::{Edge, Place, Recorder};
use crate::table::Table;

/// Bytes of an entry on disk.
pub(crate) const BYTES: usize = size_of::<u32>() + size_of::<u16>();

/// One thread's part of the log.
#[derive(Default)]
pub(crate) struct Log {
    kept: Kept,
    /// By level: entries at its end.
    pub(crate) ends: Vec<usize>,
}

/// For each state, the number of the state before it, within the level before, and the number of the
/// step among those of that state. For an initial state, its own number.
enum Kept {
    InMemory { parents: Vec<u32>, ordinals: Vec<u16> },
    OnDisk(Spool),
}

impl Default for Kept {
    fn default() -> Self {
        Self::InMemory { parents: Vec::new(), ordinals: Vec::new() }
    }
}

impl Log {
    /// A log in that file, which goes on behind what is there.
    pub(crate) fn on_disk(spool: Spool, ends: Vec<usize>) -> Self {
        Self { kept: Kept::OnDisk(spool), ends }
    }

    /// An empty log in a file without a name in that folder.
    pub(crate) fn spilled(folder: &std::path::Path) -> Result<Self, DiskError> {
        let file = Scratch::unnamed(folder)?;
        Ok(Self::on_disk(Spool::new(file, crc32fast::Hasher::new()), Vec::new()))
    }

    fn len(&self) -> usize {
        match &self.kept {
            Kept::InMemory { parents, .. } => parents.len(),
            Kept::OnDisk(spool) => usize::try_from(spool.len()).unwrap_or(usize::MAX) / BYTES,
        }
    }

    /// A level is complete.
    pub(crate) fn mark_level(&mut self) {
        self.ends.push(self.len());
    }

    fn entry(&self, at: usize) -> Result<(u32, u16), DiskError> {
        match &self.kept {
            Kept::InMemory { parents, ordinals } => Ok((parents[at], ordinals[at])),
            Kept::OnDisk(spool) => {
                let mut bytes = [0; BYTES];
                spool.read((at * BYTES) as u64, &mut bytes)?;
                let [a, b, c, d, e, f] = bytes;
                Ok((u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f])))
            }
        }
    }

    /// Puts it on the disk, if it is to be there; gives back the checksum.
    pub(crate) fn sync(&mut self) -> Result<u32, DiskError> {
        match &mut self.kept {
            Kept::InMemory { .. } => Ok(0),
            Kept::OnDisk(spool) => spool.sync(),
        }
    }
}

impl<S> Recorder<S> for Log {
    const EVERY_STEP: bool = false;

    #[inline]
    fn new_state(&mut self, _table: &Table, edge: &Edge<S>, _slot: usize) -> u32 {
        match &mut self.kept {
            Kept::InMemory { parents, ordinals } => {
                parents.push(edge.source);
                ordinals.push(edge.ordinal);
            }
            Kept::OnDisk(spool) => {
                let ([a, b, c, d], [e, f]) =
                    (edge.source.to_le_bytes(), edge.ordinal.to_le_bytes());
                spool.push(&[a, b, c, d, e, f]);
            }
        }
        0
    }

    fn bytes(&self) -> u64 {
        let kept = match &self.kept {
            Kept::InMemory { parents, .. } => (parents.len() * BYTES) as u64,
            Kept::OnDisk(spool) => spool.memory(),
        };
        kept + (self.ends.len() * size_of::<usize>()) as u64
    }

    fn failed(&self) -> Option<&DiskError> {
        match &self.kept {
            Kept::InMemory { .. } => None,
            Kept::OnDisk(spool) => spool.failed(),
        }
    }
}

/// The entry of a state, in the logs of all threads.
///
/// # Errors
/// When it cannot be read.
///
/// # Panics
/// When there is none.
pub(crate) fn entry(logs: &[&Log], place: Place) -> Result<(u32, u16), DiskError> {
    let mut at = place.position;
    for log in logs {
        let start = if place.level == 0 { 0 } else { log.ends[place.level - 1] };
        let length = log.ends[place.level] - start;
        if at < length {
            return log.entry(start + at);
        }
        at -= length;
    }
    unreachable!("the log holds every state")
}
