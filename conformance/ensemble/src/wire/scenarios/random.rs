//! Faults by chance, one server at a time, so that a quorum is always up.

use std::time::{Duration, Instant};

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};
use zab_trace::ServerId;

use crate::error::RecordError;
use crate::relay::tap::Flow;
use crate::wire::run::Run;

/// How late a slow server is.
const LATE: Duration = Duration::from_millis(40);

/// What keeps a server away.
#[derive(Clone, Copy)]
enum Away {
    Killed,
    Cut,
    Silent,
    /// What it sends and is sent comes late.
    Slow,
}

pub(super) fn random(run: &mut Run<'_>) -> Result<(), RecordError> {
    let mut random = SplitMix64::seed_from_u64(run.recording.seed);
    let begin = Instant::now();
    run.start_all()?;
    while begin.elapsed() < run.recording.duration {
        let servers = run.servers();
        let victim = servers[below(&mut random, servers.len())];
        match below(&mut random, 5) {
            0 => away(run, victim, Away::Killed, &mut random)?,
            1 => away(run, victim, Away::Cut, &mut random)?,
            2 => away(run, victim, Away::Silent, &mut random)?,
            3 => away(run, victim, Away::Slow, &mut random)?,
            _ => {
                let leader = run.await_leader()?;
                run.write(victim, 1 + below(&mut random, 3))?;
                if victim != leader {
                    run.reset(victim, leader);
                }
            }
        }
        run.write(victim, 1 + below(&mut random, 5))?;
        run.servers().into_iter().try_for_each(|server| run.await_serving(server))?;
    }
    run.read_back(&run.servers())
}

fn away(
    run: &mut Run<'_>,
    victim: ServerId,
    how: Away,
    random: &mut SplitMix64,
) -> Result<(), RecordError> {
    match how {
        Away::Killed => run.kill(victim)?,
        Away::Cut => run.cut(victim),
        Away::Silent => run.set_flows(victim, Flow::Hold),
        Away::Slow => run.set_flows(victim, Flow::Delay(LATE)),
    }
    let others = run.others(victim);
    // A server that is only slow may go on leading.
    let leads = if matches!(how, Away::Slow) { run.servers() } else { others.clone() };
    run.await_leader_among(&leads)?;
    run.write(others[0], 1 + below(random, 5))?;
    match how {
        Away::Killed => run.start(victim)?,
        Away::Cut => run.heal(victim),
        Away::Silent | Away::Slow => run.set_flows(victim, Flow::Pass),
    }
    run.await_serving(victim)
}

/// A number below this one, which is small.
fn below(random: &mut SplitMix64, end: usize) -> usize {
    usize::try_from(random.next_u64() % end.max(1) as u64).unwrap_or_default()
}
