//! What a caller may say about a run, and why a run may not begin.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use thiserror::Error;

const MEBIBYTE: u64 = 1 << 20;

/// How to run, and where to stop although there is more to see.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Threads that work; at least 1, at most 1024.
    pub threads: usize,
    /// Bytes that tables, logs and frontier may have together. The default is three quarters of
    /// what is free; more than nine tenths of what is free is never used, whatever is given here.
    /// What states that are not flat have on the heap is not counted: some hundreds for each thread
    /// are kept as they are, all others as their bytes.
    pub memory_max: Option<u64>,
    /// Different states that are expected. With a good guess the table need not grow, and
    /// identities of states are longer; a bad one costs memory or time, nothing else.
    pub states_expected: u64,
    /// Different states at which the run ends; it may pass them by a few.
    pub states_max: u64,
    /// Levels after which the run ends; initial states are level 1. States of the last level are
    /// checked, but not expanded.
    pub depth_max: u64,
    /// Time after which the run ends.
    pub time_max: Option<Duration>,
    /// Whether a run ends as soon as an `always` property is violated.
    pub stop_when_violated: bool,
    /// Whether one state stands for all of its orbit
    /// ([`ExplorerModel::representative`](crate::ExplorerModel::representative)).
    pub symmetry: bool,
    /// Another seed gives other identities: a run with the same counts is a second witness.
    pub seed: u64,
    /// Time between two calls of the progress callback.
    pub progress_every: Duration,
    /// Ends the run when somebody sets it.
    pub stop: Option<&'a AtomicBool>,
    /// Where a safety run may keep in files without a name what memory is short of: states that
    /// wait, how each state was reached, and in the end the identities of visited states.
    pub spill: Option<&'a Path>,
    /// Where a safety run saves itself, so that another process can go on with it.
    pub checkpoint: Option<Checkpoint<'a>>,
    /// Who wants to see every state.
    pub visited: Option<Visited<'a>>,
}

/// A folder in which a run saves itself between two levels: not between all, but so that at most a
/// twentieth of the time is spent on it.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint<'a> {
    /// The folder, which exists.
    pub folder: &'a Path,
    /// Whether to go on with what is there. Otherwise nothing may be there.
    pub resume: bool,
    /// What the run is about, as names and values: model, bounds, build. All must be the same when it
    /// is resumed; what the engine knows itself need not be among them.
    pub identity: &'a [(&'a str, String)],
}

/// Is given the bytes of each state when its steps have been looked at, of several states at a time;
/// by any thread, while other threads wait or not. States that are not [flat](crate::FlatState) have
/// different lengths, which are not told.
#[derive(Clone, Copy)]
pub struct Visited<'a>(pub &'a (dyn Fn(&[u8]) + Sync));

impl fmt::Debug for Visited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visited")
    }
}

impl Default for Options<'_> {
    /// One thread, no limits but memory; goes on after a violation.
    fn default() -> Self {
        Self {
            threads: 1,
            memory_max: None,
            states_expected: 0,
            states_max: u64::MAX,
            depth_max: u64::MAX,
            time_max: None,
            stop_when_violated: false,
            symmetry: false,
            seed: 0,
            progress_every: Duration::from_secs(1),
            stop: None,
            spill: None,
            checkpoint: None,
            visited: None,
        }
    }
}

/// Why a run did not begin.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// The budget does not hold the table that the run begins with.
    #[error(
        "{:.1} MiB of memory are too few: the run begins with {} MiB \
         (hint: give more, or expect fewer states)",
        *given as f64 / MEBIBYTE as f64, needed.div_ceil(MEBIBYTE)
    )]
    TooLittleMemory {
        /// Bytes that it takes to begin.
        needed: u64,
        /// Bytes that may be used: the budget, or most of what is free if that is less.
        given: u64,
    },
    /// The system does not give the address space for a budget of so many bytes.
    #[error("the system does not give {bytes} bytes (hint: give a smaller memory budget)")]
    NoAddressSpace {
        /// The budget.
        bytes: u64,
    },
    /// A set of properties has 64 bits, or 30 where liveness needs two for each.
    #[error("{count} properties are too many: at most {most} can be checked in one run")]
    TooManyProperties {
        /// Properties of the model.
        count: usize,
        /// As many can be checked.
        most: usize,
    },
    /// A set of conditions has 64 bits.
    #[error("{count} conditions of fairness are too many: at most 64 can be told apart")]
    TooManyConditions {
        /// Conditions given.
        count: usize,
    },
    /// A class has two bytes; in the graph of liveness, one.
    #[error("{count} classes of steps are too many: at most {most} can be told apart")]
    TooManyClasses {
        /// Classes of the model.
        count: usize,
        /// As many can be told apart.
        most: usize,
    },
    /// A condition of fairness speaks of steps that the model does not have.
    #[error("the model has no class of steps with number {class}")]
    NoSuchClass {
        /// The class.
        class: u16,
    },
    /// Where runs go on as long as they can, a run might have to take such a step.
    #[error("steps are taken finitely often only where runs may stutter")]
    FinitelyWithoutStuttering,
    /// Fairness tells servers apart that symmetry takes for one.
    #[error("liveness is not checked with symmetry: fairness tells apart what symmetry unites")]
    SymmetryInLiveness,
    /// Liveness keeps its graph in memory.
    #[error("liveness is checked in memory: it neither spills to disk nor saves itself")]
    DiskInLiveness,
    /// The folder for files cannot be used, or what it holds is not what is asked for.
    #[error("{0}")]
    Disk(String),
    /// Nobody would work.
    #[error("a run needs at least one thread")]
    NoThreads,
    /// Each thread has half a mebibyte of its own.
    #[error("{count} threads are too many: at most {most} can work")]
    TooManyThreads {
        /// Threads asked for.
        count: usize,
        /// As many can work.
        most: usize,
    },
    /// Nothing holds of nothing: a verdict on such a model would be empty.
    #[error("the model has no initial state within its boundary")]
    NoInitialState,
    /// The model panicked before there was a state to tell of.
    #[error("the model panicked when it was asked for {asked}: {message}")]
    ModelPanicked {
        /// What it was asked for.
        asked: &'static str,
        /// What the panic says.
        message: String,
    },
}

/// Bytes that can be used without swapping and without being killed for it, by what the system and
/// the control group of this process say; `None` where neither does.
#[must_use]
pub fn memory_available() -> Option<u64> {
    [system_available(), group_available()].into_iter().flatten().min()
}

fn system_available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// What the limits of the control group leave, of this process or of one around it, in the second
/// version of control groups or the first.
fn group_available() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let left = |line: &str| {
        let (_, controllers_and_path) = line.split_once(':')?;
        let (root, most, used) = match controllers_and_path.split_once(':')?.0 {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
            "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
            _ => return None,
        };
        let path = controllers_and_path.split_once(":/")?.1;
        let number = |path: PathBuf| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        let left = |group: &Path| {
            let folder = Path::new(root).join(group);
            Some(number(folder.join(most))?.saturating_sub(number(folder.join(used))?))
        };
        Path::new(path).ancestors().filter_map(left).min()
    };
    groups.lines().filter_map(left).min()
}

/// The bytes that a run may use.
pub(crate) fn memory_budget(asked: Option<u64>) -> u64 {
    /// Where the system does not say what is free.
    const CAUTIOUS: u64 = 1 << 30;
    match (asked, memory_available()) {
        (Some(asked), Some(free)) => asked.min(free / 10 * 9),
        (Some(asked), None) => asked,
        (None, Some(free)) => free / 4 * 3,
        (None, None) => CAUTIOUS,
    }
}

#[cfg(test)]
mod tests {
    use super::{group_available, memory_available, memory_budget, system_available};

    /// What is free is at most what the machine has free, and no budget is more than that.
    #[test]
    fn budgets_are_within_what_is_free() {
        let Some(free) = system_available() else { return };
        let most = free + (8 << 30);
        assert!(memory_available().is_some_and(|free| free > 1 << 20 && free < most));
        assert!(group_available().is_none_or(|left| left > 1 << 20));
        assert!(memory_budget(None) < most);
        assert!(memory_budget(Some(u64::MAX)) < most);
        assert_eq!(memory_budget(Some(1 << 20)), 1 << 20);
    }
}
