//! Two-phase commit on our engine and on stateright's, in one run:
//! `cargo run --release -p zab-explorer --example yardstick -- [RESOURCE_MANAGERS] [REPEATS]`
//!
//! Every measurement is a process of its own, so that the memory of one is not counted to another.
//! Bytes a state are the peak of the whole process over the distinct states; beside it what our
//! engine reports without the frontier. The best of the repeats is shown.

use std::process::Command;
use std::time::Instant;

use stateright::{Checker, Model};
use zab_explorer::{
    Claim, Fairness, FlatModel, LiveProperty, LiveVerdict, Options, StateGraph, TwoPhase, check,
};

const ENGINES: [(&str, usize); 8] = [
    ("ours", 1),
    ("ours", 2),
    ("ours+liveness", 1),
    ("ours+liveness", 2),
    ("stateright-bfs", 1),
    ("stateright-bfs", 2),
    ("stateright-dfs", 1),
    ("stateright-dfs", 2),
];

/// Distinct states, generated states, seconds, and bytes a state without the frontier (0: unknown).
type Measured = (u64, u64, f64, f64);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [engine, threads, count] => {
            let (distinct, generated, seconds, bytes) =
                measure(engine, number(threads), number(count));
            let peak = peak_bytes() as f64 / distinct as f64;
            println!("{distinct} {generated} {seconds} {peak} {bytes}");
        }
        [] => compare(9, 1),
        [count] => compare(number(count), 1),
        [count, repeats] => compare(number(count), number(repeats)),
        _ => panic!("usage: yardstick [RESOURCE_MANAGERS] [REPEATS]"),
    }
}

fn number<N: std::str::FromStr>(text: &str) -> N {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a small number"))
}

fn measure(engine: &str, threads: usize, count: u8) -> Measured {
    let model = TwoPhase::new(count).expect("1 to 12 resource managers");
    let started = Instant::now();
    let of = |distinct: usize, generated: usize| {
        (distinct as u64, generated as u64, started.elapsed().as_secs_f64(), 0.0)
    };
    match engine {
        "ours" => {
            let options = Options { threads, ..Options::default() };
            let report = check(&model, &options, &mut |_| {}).expect("memory enough");
            assert!(report.complete());
            (report.distinct, report.generated, report.seconds, report.bytes_per_state())
        }
        "ours+liveness" => {
            let options = Options { threads, ..Options::default() };
            let claim = Claim::Eventually(TwoPhase::is_done);
            let properties = vec![LiveProperty { name: "done", claim }];
            let graph = StateGraph::explore(&model, &options, properties, &mut |_| {});
            let graph = graph.expect("memory enough");
            let names = model.class_names();
            let fairness = Fairness::weak(&names, 0..7);
            let report = graph.judge(0, &fairness).expect("classes of the model");
            assert!(matches!(report.verdict, LiveVerdict::Holds));
            let bytes = (graph.memory.table + graph.memory.log) as f64 / graph.distinct as f64;
            (graph.distinct, graph.generated, started.elapsed().as_secs_f64(), bytes)
        }
        "stateright-bfs" => {
            let checker = model.checker().threads(threads).spawn_bfs().join();
            of(checker.unique_state_count(), checker.state_count())
        }
        "stateright-dfs" => {
            let checker = model.checker().threads(threads).spawn_dfs().join();
            of(checker.unique_state_count(), checker.state_count())
        }
        other => panic!("no engine {other}"),
    }
}

/// The most memory that this process had.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0) * 1024
}

fn compare(count: u8, repeats: usize) {
    let exe = std::env::current_exe().expect("the path of this program");
    let state = size_of::<<TwoPhase as Model>::State>();
    let classes = TwoPhase::new(count).expect("1 to 12 resource managers").class_names().len();
    println!(
        "two-phase commit, {count} resource managers; {state} bytes a state, {classes} classes"
    );
    println!(
        "engine          threads   distinct  generated  seconds  distinct/s  bytes/state  (without frontier)"
    );
    let mut rates = Vec::new();
    for (engine, threads) in ENGINES {
        let mut best: Option<Vec<f64>> = None;
        for _ in 0..repeats.max(1) {
            let output = Command::new(&exe)
                .args([engine, &threads.to_string(), &count.to_string()])
                .output()
                .expect("this program runs again");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let row: Vec<f64> = text.split_whitespace().map(number).collect();
            if best.as_ref().is_none_or(|best| row[2] < best[2]) {
                best = Some(row);
            }
        }
        let row = best.expect("at least one repeat");
        let rate = row[0] / row[2];
        rates.push(rate);
        println!(
            "{engine:<15} {threads:>7} {:>10} {:>10} {:>8.2} {rate:>11.0} {:>12.1} {:>10.1}",
            row[0], row[1], row[2], row[3], row[4]
        );
    }
    println!("ours on 2 threads / stateright's BFS on 2 threads:  {:.1}", rates[1] / rates[5]);
    println!("ours on 2 threads / ours on 1 thread:               {:.2}", rates[1] / rates[0]);
    println!(
        "time with liveness / without, 1 thread, 2 threads:  {:.2}, {:.2}",
        rates[0] / rates[2],
        rates[1] / rates[3]
    );
}
