//! Histories as they are written.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::record::{Header, Line};

/// Writes a history line by line, from any number of threads. Each line is written as a whole.
#[derive(Debug)]
pub struct Recorder<W: Write> {
    out: Mutex<(W, u64)>,
}

impl<W: Write> Recorder<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(mut out: W, header: &Header) -> io::Result<Self> {
        put(&mut out, header)?;
        Ok(Self { out: Mutex::new((out, 0)) })
    }

    /// A moment: that of the clock, in nanoseconds, or the one after the last that was given, so that
    /// no two are the same.
    pub fn moment(&self) -> u64 {
        let now = now();
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.1 = now.max(out.1 + 1);
        out.1
    }

    /// Writes a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn line(&self, line: &Line) -> io::Result<()> {
        put(&mut self.out.lock().unwrap_or_else(PoisonError::into_inner).0, line)
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out.into_inner().unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The clock that all processes of a machine share, in nanoseconds.
fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000_000 + rest.unwrap_or(0)
}

fn put(out: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string(value)?;
    text.push('\n');
    out.write_all(text.as_bytes())
}
