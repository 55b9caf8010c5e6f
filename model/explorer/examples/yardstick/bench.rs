//! What yardsticks have in common: engines measured side by side, each in a process of its own, so
//! that the memory of one is not counted to another.

use std::fmt::Debug;
use std::hash::Hash;
use std::process::Command;
use std::str::FromStr;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries};
use zab_explorer::{ExplorerModel, Options, check};

/// What one engine has found, and what it took.
pub(crate) struct Measured {
    pub(crate) distinct: u64,
    pub(crate) generated: u64,
    /// With the initial states at 1; 0 where the engine does not say.
    pub(crate) depth: u64,
    pub(crate) seconds: f64,
    /// Bytes a state without the frontier; 0 where the engine does not say.
    pub(crate) bytes: f64,
    /// Bytes a state at the peak of the whole process.
    pub(crate) peak: f64,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.distinct as f64 / self.seconds
    }
}

/// Explores everything with the engine of that name.
pub(crate) fn measure<M>(model: M, engine: &str, threads: usize) -> Measured
where
    M: ExplorerModel + Send + 'static,
    M::State: Hash + Debug + 'static,
    M::Action: Clone + Debug + PartialEq + Send,
{
    let symmetry = match engine {
        "ours" => false,
        "ours+symmetry" => true,
        _ => return with_stateright(model, engine, threads),
    };
    let options = Options { threads, symmetry, ..Options::default() };
    let report = check(&model, &options, &mut |_| {}).expect("memory enough");
    assert!(report.complete());
    Measured {
        distinct: report.distinct,
        generated: report.generated,
        depth: report.depth(),
        seconds: report.seconds,
        bytes: report.bytes_per_state(),
        peak: 0.0,
    }
}

fn with_stateright<M>(model: M, engine: &str, threads: usize) -> Measured
where
    M: ExplorerModel + Send + 'static,
    M::State: Hash + Debug + 'static,
    M::Action: Clone + Debug + PartialEq + Send,
{
    let started = Instant::now();
    let checker = model.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures);
    let (distinct, generated) = match engine {
        "stateright-bfs" => {
            let checker = checker.spawn_bfs().join();
            (checker.unique_state_count(), checker.state_count())
        }
        "stateright-dfs" => {
            let checker = checker.spawn_dfs().join();
            (checker.unique_state_count(), checker.state_count())
        }
        other => panic!("no engine {other}"),
    };
    let seconds = started.elapsed().as_secs_f64();
    let (distinct, generated) = (distinct as u64, generated as u64);
    Measured { distinct, generated, depth: 0, seconds, bytes: 0.0, peak: 0.0 }
}

/// Whether this process was started to measure one engine; if so it has.
pub(crate) fn measured_one(
    args: &[String],
    measure: impl Fn(&str, usize, &[String]) -> Measured,
) -> bool {
    let [first, engine, threads, rest @ ..] = args else { return false };
    if first != "--one" {
        return false;
    }
    let found = measure(engine, number(threads), rest);
    let Measured { distinct, generated, depth, seconds, bytes, .. } = found;
    let peak = peak_bytes() as f64 / distinct as f64;
    println!("{distinct} {generated} {depth} {seconds} {bytes} {peak}");
    true
}

/// Measures each of these engines so many times, and prints the best of each as a row. `expected`
/// are the distinct and the generated states, where they are known.
///
/// # Panics
/// When an engine fails, or counts otherwise than expected.
pub(crate) fn compare(
    engines: &[(&'static str, usize)],
    bounds: &[String],
    repeats: usize,
    expected: impl Fn(&str) -> Option<(u64, u64)>,
) -> Vec<Measured> {
    println!(
        "engine          threads   distinct  generated  depth  seconds  distinct/s  bytes/state  \
         (without frontier)"
    );
    let row = |(engine, threads): &(&'static str, usize)| {
        let once = || {
            let row = in_a_process(engine, *threads, bounds);
            if let Some(known) = expected(engine) {
                assert_eq!((row.distinct, row.generated), known, "{engine}, {threads} threads");
            }
            row
        };
        let others = (1..repeats).map(|_| once());
        let row =
            others.fold(once(), |best, row| if row.seconds < best.seconds { row } else { best });
        println!(
            "{engine:<15} {threads:>7} {:>10} {:>10} {:>6} {:>8.2} {:>11.0} {:>12.1} {:>10.1}",
            row.distinct,
            row.generated,
            row.depth,
            row.seconds,
            row.rate(),
            row.peak,
            row.bytes
        );
        row
    };
    engines.iter().map(row).collect()
}

fn in_a_process(engine: &str, threads: usize, bounds: &[String]) -> Measured {
    let exe = std::env::current_exe().expect("the path of this program");
    let output = Command::new(exe)
        .args(["--one", engine, &threads.to_string()])
        .args(bounds)
        .output()
        .expect("this program runs again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = text.split_whitespace().collect();
    let [distinct, generated, depth, seconds, bytes, peak] = words.as_slice() else {
        panic!("not a measurement: {text}");
    };
    Measured {
        distinct: number(distinct),
        generated: number(generated),
        depth: number(depth),
        seconds: number(seconds),
        bytes: number(bytes),
        peak: number(peak),
    }
}

/// The most memory that this process had.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0) * 1024
}

/// The number that was written.
pub(crate) fn number<N: FromStr>(text: &str) -> N {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a number that fits here"))
}
