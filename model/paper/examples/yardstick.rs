//! The `paper` family on our engine and on stateright's, in one run:
//! `cargo run --release -p zab-paper --example yardstick-paper -- [TIMEOUTS RESTARTS] [REPEATS]`
//!
//! Three servers, two transactions; two timeouts and a restart unless told otherwise. Counts that
//! are known are asserted. stateright has symmetry only in its depth-first search, and for this
//! model it is not asked for: its checkers see every state. Bytes a state are the peak of the whole
//! process over the distinct states; beside it what our engine reports without the frontier. The
//! best of the repeats, three unless told otherwise, is shown.

#[path = "../../explorer/examples/yardstick/bench.rs"]
mod bench;

use bench::{Measured, number};
use zab_paper::{Bounds, Paper, Rules, State};

const ENGINES: [(&str, usize); 8] = [
    ("ours", 1),
    ("ours", 2),
    ("ours+symmetry", 1),
    ("ours+symmetry", 2),
    ("stateright-bfs", 1),
    ("stateright-bfs", 2),
    ("stateright-dfs", 1),
    ("stateright-dfs", 2),
];

/// What is known of some bounds.
struct Known {
    timeouts: u8,
    restarts: u8,
    distinct: u64,
    orbits: u64,
    /// With the initial state at 1.
    depth: u64,
}

const KNOWN: [Known; 1] =
    [Known { timeouts: 2, restarts: 1, distinct: 7_365_383, orbits: 1_233_722, depth: 64 }];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let of = |engine: &str, threads, bounds: &[String]| match bounds {
        [timeouts, restarts] => {
            bench::measure(model(number(timeouts), number(restarts)), engine, threads)
        }
        _ => panic!("timeouts and restarts"),
    };
    if bench::measured_one(&args, of) {
        return;
    }
    match args.as_slice() {
        [] => compare(2, 1, 3),
        [repeats] => compare(2, 1, number(repeats)),
        [timeouts, restarts] => compare(number(timeouts), number(restarts), 3),
        [timeouts, restarts, repeats] => {
            compare(number(timeouts), number(restarts), number(repeats));
        }
        _ => panic!("usage: yardstick [TIMEOUTS RESTARTS] [REPEATS]"),
    }
}

fn model(timeouts: u8, restarts: u8) -> Paper<3, 2, 0> {
    let bounds = Bounds { servers: 3, txns: 2, epochs: None, timeouts, restarts };
    Paper::new(Rules::new(bounds)).expect("bounds that fit")
}

fn compare(timeouts: u8, restarts: u8, repeats: usize) {
    println!(
        "paper, 3 servers, 2 transactions, {timeouts} timeouts, {restarts} restarts; {} bytes a state",
        size_of::<State<3, 2, 0>>()
    );
    let bounds = [timeouts.to_string(), restarts.to_string()];
    let rows = bench::compare(&ENGINES, &bounds, repeats, |_| None);
    let (plain, reduced) = (&rows[0], &rows[2]);
    // Whoever sees every state sees as many, and generates as many.
    for row in [&rows[1], &rows[4], &rows[5], &rows[6], &rows[7]] {
        assert_eq!((row.distinct, row.generated), (plain.distinct, plain.generated));
    }
    assert_eq!(rows[3].distinct, reduced.distinct);
    let known = KNOWN.iter().find(|known| (known.timeouts, known.restarts) == (timeouts, restarts));
    if let Some(known) = known {
        assert_eq!((plain.distinct, reduced.distinct), (known.distinct, known.orbits));
        assert!(rows[..4].iter().all(|row| row.depth == known.depth));
    }
    let rates: Vec<f64> = rows.iter().map(Measured::rate).collect();
    println!(
        "ours on 2 threads / ours on 1 thread:                     {:.2}",
        rates[1] / rates[0]
    );
    println!(
        "time without symmetry / with, 2 threads:                  {:.2}",
        rows[1].seconds / rows[3].seconds
    );
    println!(
        "ours on 2 threads / stateright's BFS on 2 threads:        {:.1}",
        rates[1] / rates[5]
    );
    println!(
        "ours on 2 threads / stateright's DFS on 2 threads:        {:.1}",
        rates[1] / rates[7]
    );
    println!(
        "ours on 2 threads / the best of stateright's four:        {:.1}",
        rates[1] / rates[4..].iter().copied().fold(0.0, f64::max)
    );
}
