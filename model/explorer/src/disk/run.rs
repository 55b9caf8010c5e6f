//! Identities of states in a file, sorted, each once.

use std::path::Path;

use crc32fast::Hasher;

use super::{DiskError, Scratch};

/// Bytes of an identity: [`NUMBER_BITS`](crate::table::NUMBER_BITS) bits.
pub(crate) const BYTES: usize = 10;

/// Identities that are read and written together.
const PAGE: usize = 1024;

/// Identities in a file, as numbers, the greatest first.
pub(crate) struct Run {
    file: Scratch,
    len: u64,
    /// The first of each page.
    firsts: Vec<u128>,
    sum: u32,
}

impl Run {
    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The checksum of the file.
    pub(crate) fn sum(&self) -> u32 {
        self.sum
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> u64 {
        (self.firsts.capacity() * size_of::<u128>()) as u64
    }

    /// Waits until it is on the disk.
    pub(crate) fn sync(&self) -> Result<(), DiskError> {
        self.file.sync()
    }

    /// Reads a file that holds so many.
    ///
    /// # Errors
    /// When it cannot be read, is not sorted, or has another checksum.
    pub(crate) fn open(path: &Path, len: u64, sum: u32) -> Result<Self, DiskError> {
        let file = Scratch::open(path.to_owned(), len * BYTES as u64, false)?;
        let mut run = Self { file, len, firsts: Vec::new(), sum };
        let mut hasher = Hasher::new();
        let (mut firsts, mut last, mut bytes) = (Vec::new(), u128::MAX, Vec::new());
        for page in 0..len.div_ceil(PAGE as u64) {
            run.page(page, &mut bytes)?;
            hasher.update(&bytes);
            firsts.extend(bytes.get(..BYTES).map(number));
            for one in bytes.chunks_exact(BYTES).map(number) {
                if one >= last {
                    return Err(DiskError(format!(
                        "{} is damaged: it is not sorted",
                        path.display()
                    )));
                }
                last = one;
            }
        }
        if hasher.finalize() != sum {
            return Err(DiskError(format!(
                "{} is damaged: its checksum is another",
                path.display()
            )));
        }
        run.firsts = firsts;
        Ok(run)
    }

    fn page(&self, page: u64, bytes: &mut Vec<u8>) -> Result<(), DiskError> {
        let start = page * PAGE as u64;
        let count = (self.len - start).min(PAGE as u64);
        bytes.resize(usize::try_from(count).unwrap_or(PAGE) * BYTES, 0);
        self.file.read(start * BYTES as u64, bytes)
    }

    /// Whether the identity is there. `page` is memory for it, kept from one call to the next.
    pub(crate) fn contains(&self, wanted: u128, page: &mut Page) -> Result<bool, DiskError> {
        let after = self.firsts.partition_point(|first| *first >= wanted);
        let Some(at) = after.checked_sub(1) else { return Ok(false) };
        if page.at != Some(at) {
            page.at = None;
            self.page(at as u64, &mut page.bytes)?;
            page.at = Some(at);
        }
        let (mut low, mut high) = (0, page.bytes.len() / BYTES);
        while low < high {
            let middle = usize::midpoint(low, high);
            match number(&page.bytes[middle * BYTES..][..BYTES]) {
                found if found == wanted => return Ok(true),
                found if found > wanted => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(false)
    }
}

/// The page that was looked at last.
#[derive(Default)]
pub(crate) struct Page {
    at: Option<usize>,
    bytes: Vec<u8>,
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// Reads a run from its beginning.
pub(crate) struct Reader<'r> {
    run: Option<&'r Run>,
    /// The page after the one that is read.
    next: u64,
    bytes: Vec<u8>,
    at: usize,
}

impl<'r> Reader<'r> {
    /// Of no run it reads nothing.
    pub(crate) fn new(run: Option<&'r Run>) -> Self {
        Self { run, next: 0, bytes: Vec::new(), at: 0 }
    }

    /// The next, or nothing at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<u128>, DiskError> {
        if self.at == self.bytes.len() {
            let Some(run) = self.run.filter(|run| self.next < run.len.div_ceil(PAGE as u64)) else {
                return Ok(None);
            };
            run.page(self.next, &mut self.bytes)?;
            (self.next, self.at) = (self.next + 1, 0);
        }
        let mut bytes = [0; size_of::<u128>()];
        bytes[..BYTES].copy_from_slice(&self.bytes[self.at..self.at + BYTES]);
        self.at += BYTES;
        Ok(Some(u128::from_le_bytes(bytes)))
    }
}

/// Writes a run.
pub(crate) struct Writer {
    file: Scratch,
    len: u64,
    firsts: Vec<u128>,
    bytes: Vec<u8>,
    sum: Hasher,
}

impl Writer {
    pub(crate) fn new(file: Scratch) -> Self {
        let bytes = Vec::with_capacity(PAGE * BYTES);
        Self { file, len: 0, firsts: Vec::new(), bytes, sum: Hasher::new() }
    }

    /// Appends one that is less than all before it.
    #[inline]
    pub(crate) fn push(&mut self, number: u128) -> Result<(), DiskError> {
        if self.bytes.is_empty() {
            self.firsts.push(number);
        }
        self.bytes.extend_from_slice(&number.to_le_bytes()[..BYTES]);
        self.len += 1;
        if self.bytes.len() == PAGE * BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), DiskError> {
        self.file.append(&self.bytes)?;
        self.sum.update(&self.bytes);
        self.bytes.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Run, DiskError> {
        self.write()?;
        let Self { file, len, firsts, sum, .. } = self;
        Ok(Run { file, len, firsts, sum: sum.finalize() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{PAGE, Page, Reader, Run, Scratch, Writer};

    fn written(numbers: impl Iterator<Item = u128>) -> Run {
        let file = Scratch::unnamed(&std::env::temp_dir()).expect("a temporary folder");
        let mut writer = Writer::new(file);
        numbers.for_each(|number| writer.push(number).expect("room"));
        writer.finish().expect("room")
    }

    proptest! {
        /// What was written is read in order, and found; what was not, is not.
        #[test]
        fn runs_are_read_and_searched(numbers in btree_set(0_u128..1 << 80, 0..300)) {
            let run = written(numbers.iter().rev().copied());
            let mut reader = Reader::new(Some(&run));
            for number in numbers.iter().rev() {
                prop_assert_eq!(reader.next(), Ok(Some(*number)));
            }
            prop_assert_eq!(reader.next(), Ok(None));
            let mut page = Page::default();
            for number in &numbers {
                prop_assert!(run.contains(*number, &mut page).expect("a file"));
                let next = number + 1;
                let found = run.contains(next, &mut page).expect("a file");
                prop_assert_eq!(found, numbers.contains(&next));
            }
        }
    }

    #[test]
    fn several_pages_are_one_run() {
        let count = 3 * PAGE as u128 + 7;
        let run = written((0..count).rev().map(|number| 3 * number));
        assert_eq!(run.len(), 3 * PAGE as u64 + 7);
        let mut page = Page::default();
        for number in 0..3 * count {
            let found = run.contains(number, &mut page).expect("a file");
            assert_eq!(found, number % 3 == 0, "{number}");
        }
    }
}
