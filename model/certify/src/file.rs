//! Reads certificates; `conformance/cli/src/report/certificate.rs` says how they are written.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use lz4_flex::frame::FrameDecoder;

const FORM: &str = "zabcheck certificate 1\n";

/// Bytes of the last line: `states` and 16 digits.
const LAST: u64 = 24;

/// Why a set is not confirmed, and the exit code.
pub(crate) struct Wrong(pub(crate) u8, pub(crate) String);

/// The file is no certificate, not whole, or of a kind that cannot be confirmed here.
pub(crate) fn file<T>(why: impl ToString) -> Result<T, Wrong> {
    Err(Wrong(3, format!("the certificate cannot be used: {}", why.to_string())))
}

/// A certificate that has a beginning and an end.
pub(crate) struct Certificate {
    path: PathBuf,
    pub(crate) servers: u8,
    pub(crate) txns: u8,
    pub(crate) states: u64,
    /// Where the states begin and end.
    frame: (u64, u64),
}

impl Certificate {
    pub(crate) fn open(path: &Path) -> Result<Self, Wrong> {
        let mut text = BufReader::new(File::open(path).or_else(file)?);
        let length = text.get_ref().metadata().or_else(file)?.len();
        let (mut first, mut second, mut last) = (Vec::new(), Vec::new(), String::new());
        text.by_ref().take(99).read_until(b'\n', &mut first).or_else(file)?;
        text.by_ref().take(999).read_until(b'\n', &mut second).or_else(file)?;
        if length == 0 {
            return file("it is empty");
        }
        if first != FORM.as_bytes() {
            return file(format!("it is no certificate that begins with `{}`", FORM.trim_end()));
        }
        let start = (first.len() + second.len()) as u64;
        let end = length.saturating_sub(LAST).max(start);
        text.seek(SeekFrom::Start(end)).or_else(file)?;
        let whole = text.read_to_string(&mut last).is_ok();
        let states = last.strip_prefix("states ").filter(|_| whole && last.ends_with('\n'));
        let states = states.and_then(|digits| u64::from_str_radix(digits.trim_end(), 16).ok());
        let Some(states) = states else {
            return file("it is cut short: its last line is missing");
        };
        let (mut servers, mut txns, mut unlimited) = (None, None, 0);
        for word in String::from_utf8_lossy(&second).split_whitespace() {
            match word.split_once('=') {
                Some(("servers", number)) => servers = number.parse().ok(),
                Some(("txns", number)) => txns = number.parse().ok(),
                Some(("failures" | "requests", "unlimited")) => unlimited += 1,
                Some(("epochs", "next")) => {}
                None if word == "symmetry" => {}
                _ => return file(format!("it is of a run with `{word}`, which is not known here")),
            }
        }
        let (Some(servers), Some(txns), 2) = (servers, txns, unlimited) else {
            return file("it does not say how many servers and transactions there are");
        };
        Ok(Self { path: path.to_owned(), servers, txns, states, frame: (start, end) })
    }

    /// The bytes of all states, in pieces of so many bytes.
    pub(crate) fn pieces(
        &self,
        size: u64,
    ) -> Result<impl Iterator<Item = Result<Vec<u8>, Wrong>> + Send, Wrong> {
        let mut bytes = BufReader::new(File::open(&self.path).or_else(file)?);
        bytes.seek(SeekFrom::Start(self.frame.0)).or_else(file)?;
        let mut frame = FrameDecoder::new(bytes.take(self.frame.1 - self.frame.0));
        Ok(std::iter::from_fn(move || {
            let mut piece = Vec::new();
            let read = frame.by_ref().take(size).read_to_end(&mut piece);
            let read = read.or_else(|error| file(format!("it is damaged: {error}")));
            read.map(|count| (count > 0).then_some(piece)).transpose()
        }))
    }
}
