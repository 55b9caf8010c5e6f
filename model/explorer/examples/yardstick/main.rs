//! Two-phase commit on our engine and on stateright's, in one run:
//! `cargo run --release -p zab-explorer --example yardstick -- [RESOURCE_MANAGERS] [REPEATS] [ours]`
//!
//! Counts that are known are asserted. Bytes a state are the peak of the whole process over the
//! distinct states; beside it what our engine reports without the frontier. The best of the repeats,
//! three unless told otherwise, is shown. With `ours`, stateright's engines are left out.

mod bench;

use std::time::Instant;

use bench::{Measured, number};
use stateright::Model;
use zab_explorer::{
    Claim, ExplorerModel, Fairness, LiveProperty, LiveVerdict, Options, StateGraph, TwoPhase,
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

/// Ours among them come first.
const OURS: usize = 4;

/// Resource managers, distinct states, generated states: TLC gives the same for 7 to 9, Spin for 7
/// and 8.
const KNOWN: [(u8, u64, u64); 4] = [
    (7, 296_448, 2_744_706),
    (8, 1_745_408, 18_507_778),
    (9, 10_340_352, 123_558_402),
    (10, 61_515_776, 817_760_258),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let of = |engine: &str, threads, bounds: &[String]| match bounds {
        [count] if engine == "ours+liveness" => with_liveness(&model(number(count)), threads),
        [count] => bench::measure(model(number(count)), engine, threads),
        _ => panic!("one number of resource managers"),
    };
    if bench::measured_one(&args, of) {
        return;
    }
    let (args, ours) = match args.split_last() {
        Some((last, others)) if last == "ours" => (others, true),
        _ => (args.as_slice(), false),
    };
    let (count, repeats) = match args {
        [] => (9, 3),
        [count] => (number(count), 3),
        [count, repeats] => (number(count), number(repeats)),
        _ => panic!("usage: yardstick [RESOURCE_MANAGERS] [REPEATS] [ours]"),
    };
    compare(count, repeats, if ours { &ENGINES[..OURS] } else { &ENGINES });
}

fn model(count: u8) -> TwoPhase {
    TwoPhase::new(count).expect("1 to 12 resource managers")
}

fn with_liveness(model: &TwoPhase, threads: usize) -> Measured {
    let started = Instant::now();
    let options = Options { threads, ..Options::default() };
    let claim = Claim::Eventually(TwoPhase::is_done);
    let properties = vec![LiveProperty { name: "done", claim }];
    let graph = StateGraph::explore(model, &options, properties, &mut |_| {});
    let graph = graph.expect("memory enough");
    let names = model.class_names();
    let fairness = Fairness::weak(&names, 0..7);
    let report = graph.judge(0, &fairness).expect("classes of the model");
    assert!(matches!(report.verdict, LiveVerdict::Holds));
    Measured {
        distinct: graph.distinct,
        generated: graph.generated,
        depth: 0,
        seconds: started.elapsed().as_secs_f64(),
        bytes: (graph.memory.table + graph.memory.log) as f64 / graph.distinct as f64,
        peak: 0.0,
    }
}

fn compare(count: u8, repeats: usize, engines: &[(&'static str, usize)]) {
    let state = size_of::<<TwoPhase as Model>::State>();
    let classes = model(count).class_names().len();
    println!(
        "two-phase commit, {count} resource managers; {state} bytes a state, {classes} classes"
    );
    let known = KNOWN.iter().find(|(managers, ..)| *managers == count);
    let known = known.map(|(_, distinct, generated)| (*distinct, *generated));
    let rows = bench::compare(engines, &[count.to_string()], repeats, |_| known);
    let rates: Vec<f64> = rows.iter().map(Measured::rate).collect();
    println!("ours on 2 threads / ours on 1 thread:               {:.2}", rates[1] / rates[0]);
    println!(
        "time with liveness / without, 1 thread, 2 threads:  {:.2}, {:.2}",
        rates[0] / rates[2],
        rates[1] / rates[3]
    );
    if let Some(bfs) = rates.get(5) {
        println!("ours on 2 threads / stateright's BFS on 2 threads:  {:.1}", rates[1] / bfs);
    }
}
