//! Explores with a line of progress.

use std::time::Duration;

use zab_explorer::{Options, Progress as Far};
use zab_presets::{Exploration, Impossible, Now, Outcome};

use crate::args::Limits;
use crate::interrupt;
use crate::report::progress::Progress;

/// Explores, with a line of progress.
///
/// # Errors
/// When it cannot begin; the text says why, and what would do.
pub(crate) fn explore(exploration: &Exploration, limits: &Limits) -> Result<Outcome, Impossible> {
    let name = exploration.name;
    let exploring = Progress::start(&format!("exploring {name}"));
    let mut live = None;
    exploration.run(&options(limits), &mut |now| match now {
        Now::Exploring(now) => exploring.say(far(now)),
        Now::Fewer(now) => exploring.say(format!("with fewer failures: {}", far(now))),
        Now::Graph(Far { distinct, depth, .. }) => {
            liveness(&mut live, name).say(format!("{distinct} states, depth {depth}"))
        }
        Now::Judging(claim) => liveness(&mut live, name).say(claim),
    })
}

fn liveness<'p>(progress: &'p mut Option<Progress>, name: &str) -> &'p Progress {
    progress.get_or_insert_with(|| Progress::start(&format!("liveness of {name}")))
}

fn far(now: &Far) -> String {
    let rate = now.distinct as f64 / now.seconds.max(0.001) / 1e6;
    format!(
        "{} states, {rate:.2} M/s, {} waiting, depth {}, {} MiB",
        now.distinct,
        now.waiting,
        now.depth,
        now.memory >> 20,
    )
}

fn options(limits: &Limits) -> Options<'static> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Options {
        threads: limits.threads.unwrap_or(cores),
        memory_max: limits.memory.map(|memory| memory.as_u64()),
        states_max: limits.states_max.unwrap_or(u64::MAX),
        depth_max: limits.depth_max.unwrap_or(u64::MAX),
        time_max: limits.seconds_max.map(|seconds| Duration::from_secs(seconds.into())),
        stop_when_violated: limits.stop_when_violated,
        stop: Some(interrupt::flag()),
        ..Options::default()
    }
}

#[cfg(test)]
mod tests;
