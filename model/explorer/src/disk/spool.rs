//! Records that are appended, in memory until there are many, and read later.

use crc32fast::Hasher;

use super::{DiskError, Scratch};

/// Bytes that are written at a time.
const WRITE: usize = 1 << 16;

/// A list of bytes that only grows, in a file but for its end. When the file cannot be written, all
/// that follows stays in memory, so that nothing is lost; [`failed`](Self::failed) says it then.
pub(crate) struct Spool {
    file: Scratch,
    /// What is not in the file.
    rest: Vec<u8>,
    /// The checksum of what is.
    sum: Hasher,
    failed: Option<DiskError>,
}

impl Spool {
    /// Begins behind what is in the file, whose checksum is that.
    pub(crate) fn new(file: Scratch, sum: Hasher) -> Self {
        Self { file, rest: Vec::with_capacity(WRITE + 16), sum, failed: None }
    }

    /// Bytes, wherever they are.
    pub(crate) fn len(&self) -> u64 {
        self.file.end() + self.rest.len() as u64
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> u64 {
        self.rest.capacity() as u64
    }

    /// Why it does not go on in the file.
    pub(crate) fn failed(&self) -> Option<&DiskError> {
        self.failed.as_ref()
    }

    #[inline]
    pub(crate) fn push(&mut self, record: &[u8]) {
        self.rest.extend_from_slice(record);
        if self.rest.len() >= WRITE && self.failed.is_none() {
            self.failed = self.write().err();
        }
    }

    fn write(&mut self) -> Result<(), DiskError> {
        self.file.append(&self.rest)?;
        self.sum.update(&self.rest);
        self.rest.clear();
        Ok(())
    }

    /// Fills `bytes` with what begins there.
    pub(crate) fn read(&self, start: u64, bytes: &mut [u8]) -> Result<(), DiskError> {
        let in_file = self.file.end().saturating_sub(start).min(bytes.len() as u64);
        let in_file = usize::try_from(in_file).unwrap_or(bytes.len());
        let (first, rest) = bytes.split_at_mut(in_file);
        if !first.is_empty() {
            self.file.read(start, first)?;
        }
        let from = (start + in_file as u64).saturating_sub(self.file.end());
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        rest.copy_from_slice(&self.rest[from..from + rest.len()]);
        Ok(())
    }

    /// Forgets all, the failure as well.
    pub(crate) fn clear(&mut self) {
        self.file.clear();
        self.rest.clear();
        self.sum = Hasher::new();
        self.failed = None;
    }

    /// Puts all on the disk; gives back the checksum.
    pub(crate) fn sync(&mut self) -> Result<u32, DiskError> {
        self.write()?;
        self.file.sync()?;
        Ok(self.sum.clone().finalize())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Hasher, Scratch, Spool};

    proptest! {
        /// Whatever is where, it is read as it was written.
        #[test]
        fn what_is_spooled_is_read_again(
            records in vec(vec(any::<u8>(), 0..90_000), 0..12),
            cuts in vec((any::<usize>(), any::<usize>()), 0..9),
        ) {
            let file = Scratch::unnamed(&std::env::temp_dir()).expect("a temporary folder");
            let mut spool = Spool::new(file, Hasher::new());
            records.iter().for_each(|record| spool.push(record));
            let all = records.concat();
            prop_assert_eq!(spool.len(), all.len() as u64);
            let read = |spool: &Spool, a: usize, b: usize| {
                let mut bytes = vec![0; b - a];
                spool.read(a as u64, &mut bytes).map(|()| bytes)
            };
            for synced in [false, true] {
                for (a, b) in &cuts {
                    let (a, b) = (a % (all.len() + 1), b % (all.len() + 1));
                    let (a, b) = (a.min(b), a.max(b));
                    prop_assert_eq!(read(&spool, a, b), Ok(all[a..b].to_vec()));
                }
                if !synced {
                    prop_assert_eq!(spool.sync(), Ok(crc32fast::hash(&all)));
                }
            }
        }
    }
}
