//! The files `acceptedEpoch`, `currentEpoch` and `incarnation`: one decimal number each.

use std::path::{Path, PathBuf};

use super::{StorageError, file};

/// One number in one file.
#[derive(Debug)]
pub(crate) struct NumberFile {
    path: PathBuf,
}

impl NumberFile {
    /// The number kept in `directory` under this name.
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        Self { path: directory.join(name) }
    }

    /// The number; `None` if it was never written.
    pub(crate) fn read(&self) -> Result<Option<u32>, StorageError> {
        let text = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StorageError::io("read", &self.path)(error)),
        };
        let number = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(StorageError::Malformed {
                path: self.path.clone(),
                reason: format!(
                    "expected one number of 32 bits, found \"{}\"",
                    text.escape_ascii().to_string().chars().take(40).collect::<String>()
                ),
            }),
        }
    }

    /// Makes `number` durable.
    pub(crate) fn write(&self, number: u32) -> Result<(), StorageError> {
        file::replace(&self.path, number.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_back_and_a_half_written_one_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let number = NumberFile::new(dir.path(), "acceptedEpoch");
        assert_eq!(number.read().unwrap(), None);
        number.write(7).unwrap();
        std::fs::write(dir.path().join("acceptedEpoch.tmp"), b"8").unwrap();
        file::remove_temporaries(dir.path()).unwrap();
        assert_eq!(number.read().unwrap(), Some(7));
        assert!(!dir.path().join("acceptedEpoch.tmp").exists());
    }

    #[test]
    fn anything_but_a_number_is_refused_with_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let file = NumberFile::new(dir.path(), "currentEpoch");
        for text in ["", "-1", "4294967296", "1 2", "\u{0}"] {
            std::fs::write(dir.path().join("currentEpoch"), text).unwrap();
            let message = file.read().unwrap_err().to_string();
            assert!(message.contains("currentEpoch") && message.contains("expected one number"));
        }
    }
}
