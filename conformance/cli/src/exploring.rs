//! Explores with a line of progress.

use zab_explorer::{Checkpoint, Options, Progress as Far, Visited};
use zab_presets::{Exploration, Impossible, Now, Outcome};

use crate::args::{Files, Limits};
use crate::interrupt;
use crate::report::VERSION;
use crate::report::certificate::Certificate;
use crate::report::progress::Progress;

/// Explores, with a line of progress. Every state goes into the certificate.
///
/// # Errors
/// When it cannot begin; the text says why, and what would do.
pub(crate) fn explore(
    exploration: &Exploration,
    limits: &Limits,
    files: &Files,
    certificate: Option<&Certificate>,
) -> Result<Outcome, Impossible> {
    let identity = [
        ("model", exploration.family.name().to_owned()),
        ("bounds", exploration.family.to_string()),
        ("build", VERSION.to_owned()),
    ];
    let (folder, resume) = (files.checkpoint.as_deref(), files.resume);
    let add = certificate.map(|certificate| move |states: &[u8]| certificate.add(states));
    let options = Options {
        spill: files.spill.as_deref(),
        checkpoint: folder.map(|folder| Checkpoint { folder, resume, identity: &identity }),
        visited: add.as_ref().map(|add| Visited(add)),
        ..options(limits)
    };
    let name = exploration.name;
    let exploring = Progress::start(&format!("exploring {name}"));
    let mut live = None;
    exploration.run(&options, &mut |now| match now {
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
        time_max: limits.time_max(),
        stop_when_violated: limits.stop_when_violated,
        stop: Some(interrupt::flag()),
        ..Options::default()
    }
}

#[cfg(test)]
mod tests;
