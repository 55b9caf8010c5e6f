//! The closed set of states, for `zab-certify`.
//!
//! Two lines of text: what the file is, and the bounds. Then the states as one frame of LZ4, which has a
//! checksum, each as its bytes, in no order. Then a line of 24 bytes with their number.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use tempfile::NamedTempFile;
use zab_presets::{Ending, Exploration, Outcome};

use super::{cannot_write, file};
use crate::exit::Exit;
use crate::out;

/// What files of this form begin with, with the version of the form.
const FORM: &str = "zabcheck certificate 1";

/// A certificate that is being written. The file gets its name when all is in it.
pub(crate) struct Certificate {
    path: PathBuf,
    /// Why it could not be written, if it could not.
    frame: Mutex<io::Result<FrameEncoder<BufWriter<NamedTempFile>>>>,
}

impl Certificate {
    /// Begins a certificate for this exploration.
    ///
    /// # Errors
    /// When no file can be written there.
    pub(crate) fn begin(path: &Path, exploration: &Exploration) -> Result<Self, String> {
        let begin = || {
            let (file, path) = file::begin(path)?;
            let mut out = BufWriter::new(file);
            writeln!(out, "{FORM}\n{}", exploration.family)?;
            let info = FrameInfo::new()
                .block_size(BlockSize::Max4MB)
                .block_mode(BlockMode::Linked)
                .content_checksum(true);
            let frame = FrameEncoder::with_frame_info(info, out);
            Ok(Self { path, frame: Mutex::new(Ok(frame)) })
        };
        begin().map_err(|error| cannot_write(path, &error))
    }

    /// Adds states, by their bytes.
    pub(crate) fn add(&self, states: &[u8]) {
        let mut frame = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(out) = &mut *frame
            && let Err(error) = out.write_all(states)
        {
            *frame = Err(error);
        }
    }

    /// Gives the file its name, if the set is closed and no state of it violates anything.
    pub(crate) fn finish(self, outcome: &Outcome) -> Exit {
        let Self { path, frame } = self;
        if !outcome.complete() || outcome.ending() == Ending::Violated {
            out::line(format_args!(
                "{} is not written: it would not be a closed set without a violation",
                path.display()
            ));
            return Exit::Good;
        }
        let states = outcome.counts.distinct;
        let written = frame.into_inner().unwrap_or_else(PoisonError::into_inner);
        match written.and_then(|frame| end(frame, states, &path)) {
            Ok(()) => {
                let path = path.display();
                out::line(format_args!("{path}: a certificate of {states} states"));
                Exit::Good
            }
            Err(error) => {
                out::error(cannot_write(&path, &error));
                Exit::Usage
            }
        }
    }
}

fn end(frame: FrameEncoder<BufWriter<NamedTempFile>>, states: u64, path: &Path) -> io::Result<()> {
    let mut file = frame.finish()?;
    writeln!(file, "states {states:016x}")?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
