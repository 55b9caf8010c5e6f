//! States that are new to the table, and may have been visited before it was emptied onto the disk.

use std::path::Path;

use crc32fast::Hasher;

use crate::disk::{DiskError, Scratch, Spool};
use crate::table::NUMBER_BITS;

/// Bytes of a suspect: its identity, and above it the size of its orbit.
const BYTES: usize = size_of::<u128>();

/// The suspects among the states of a list: all from a certain one on.
pub(crate) struct Suspects {
    /// The number of the first.
    first: usize,
    records: Spool,
}

impl Suspects {
    /// None yet; the next state of the list has that number.
    pub(crate) fn new(folder: &Path, first: usize) -> Result<Self, DiskError> {
        let records = Spool::new(Scratch::unnamed(folder)?, Hasher::new());
        Ok(Self { first, records })
    }

    /// The next state of the list. Of an orbit of more than 2^48 states as many are counted.
    #[inline]
    pub(crate) fn push(&mut self, number: u128, orbit: u64) {
        let orbit = orbit.min(u64::MAX >> 16);
        self.records.push(&(number | u128::from(orbit) << NUMBER_BITS).to_le_bytes());
    }

    pub(crate) fn len(&self) -> u64 {
        self.records.len() / BYTES as u64
    }

    pub(crate) fn memory(&self) -> u64 {
        self.records.memory()
    }

    pub(crate) fn failed(&self) -> Option<&DiskError> {
        self.records.failed()
    }

    /// Calls `visit` with the number of each in its list, its identity and the size of its orbit.
    pub(crate) fn for_each(
        &self,
        mut visit: impl FnMut(usize, u128, u64) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        const PAGE: usize = 4096 * BYTES;
        let (mut page, mut at) = (Vec::new(), self.first);
        for start in (0..self.records.len()).step_by(PAGE) {
            let bytes = usize::try_from(self.records.len() - start).unwrap_or(PAGE);
            page.resize(bytes.min(PAGE), 0);
            self.records.read(start, &mut page)?;
            for record in page.as_chunks::<BYTES>().0 {
                let record = u128::from_le_bytes(*record);
                let orbit = crate::hash::low(record >> NUMBER_BITS);
                visit(at, record & ((1 << NUMBER_BITS) - 1), orbit)?;
                at += 1;
            }
        }
        Ok(())
    }

    /// All is known of these; the next state of the list has that number.
    pub(crate) fn restart(&mut self, first: usize) {
        self.records.clear();
        self.first = first;
    }
}
