//! How fast a check is.

use std::time::{Duration, Instant};

use crate::{Inputs, Options, Verdict, check};

/// A timed check.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// What the check says; only CONFORMS is a measurement of anything.
    pub verdict: Verdict,
    /// How long it took, reading and parsing included.
    pub elapsed: Duration,
    /// The most memory that this process ever held, in bytes; none where `/proc` does not say.
    pub peak_bytes: Option<u64>,
}

impl Measurement {
    /// Lines checked per second; 0 if the trace does not conform.
    #[must_use]
    pub fn events_per_second(&self) -> u64 {
        let Verdict::Conforms(summary) = &self.verdict else { return 0 };
        let micros = self.elapsed.as_micros().max(1);
        u64::try_from(u128::from(summary.events) * 1_000_000 / micros).unwrap_or(u64::MAX)
    }
}

/// Checks a trace and takes the time. The peak of memory is that of the whole process: measure in
/// one that does nothing else.
#[must_use]
pub fn measure<I: Inputs + ?Sized>(inputs: &I) -> Measurement {
    let begin = Instant::now();
    let verdict = check(inputs, &Options::default()).verdict;
    Measurement { verdict, elapsed: begin.elapsed(), peak_bytes: peak_bytes() }
}

/// `VmHWM` of this process.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
