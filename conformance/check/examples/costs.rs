//! What a check costs: `cargo run --release -p zab-check --example costs`.
//!
//! Steps of the model and time, for a single chain and an ordered second one, for outstanding
//! proposals whose syncs are hidden, and for contracts that hide more and more.

#[path = "../tests/outstanding/mod.rs"]
mod outstanding;

use std::io::{self, Write};
use std::time::Instant;

use zab_check::{Options, Verdict, check, project};
use zab_oracle::weaken;
use zab_sim::{Config, simulate};
use zab_trace::{
    Chain, ConnectionName, Contract, Event, EventKind, EventName, Header, Recovered, Zxid,
};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let title = ("trace", "lines", "steps", "frontier", "seconds", "lines/s");
    let (trace, lines, steps, frontier, seconds, rate) = title;
    writeln!(out, "{trace:36} {lines:>8} {steps:>9} {frontier:>8} {seconds:>8} {rate:>9}")?;
    let sizes = [25_000, 100_000];
    for events in sizes {
        let (header, run) = run(events);
        measure(&mut out, "single chain", &header, &run)?;
        let mut all = run.clone();
        for server in header.servers.clone() {
            let persisted = |kind: &EventKind| matches!(kind, EventKind::Persisted(_));
            all = weaken::second_chain(&all, server, persisted);
        }
        measure(&mut out, "ordered second chain, all servers", &header, &all)?;
    }
    for proposals in [10, 100, 1_000, 4_000] {
        for (name, acknowledged) in [("outstanding", false), ("then committed", true)] {
            let (header, events) = outstanding::outstanding(proposals, acknowledged);
            let name = format!("{proposals} hidden syncs {name}");
            measure(&mut out, &name, &header, &events)?;
        }
    }
    for count in [25_000, 100_000] {
        let (header, events) = short(count, lives);
        measure(&mut out, "short lives", &header, &events)?;
        let (header, events) = short(count, |index| connections(index, count));
        measure(&mut out, "short connections", &header, &events)?;
    }
    let mut most = zab_check::sends_and_receives();
    most.hidden.extend([EventName::Connected, EventName::Disconnected]);
    let contracts: [(&str, Contract); 5] = [
        ("everything", zab_check::everything()),
        ("no state", zab_check::no_state()),
        ("silent(1)", zab_check::silent(1)),
        ("sends and receives only", zab_check::sends_and_receives()),
        ("most hidden", most),
    ];
    for (name, contract) in contracts {
        for events in sizes {
            let (header, run) = run(events);
            let (header, run) = project(&header, &run, &contract);
            measure(&mut out, name, &header, &run)?;
        }
    }
    Ok(())
}

/// Two servers, of which one does the same short thing again and again.
fn short(count: u32, lines: impl Fn(u32) -> Vec<Event>) -> (Header, Vec<Event>) {
    let mut header = zab_sim::header(1, &Config::calm());
    header.servers = vec![1, 2];
    header.contract = zab_check::no_state();
    let other = [start(), EventKind::Looking { round: 1 }, EventKind::Stop];
    let mut events = numbered(2, 1, 0, other);
    events.extend((0..=count).flat_map(lines));
    (header, events)
}

fn start() -> EventKind {
    let last_zxid = Zxid::ZERO;
    let (accepted_epoch, current_epoch, log_length, log_digest) = (0, 0, Some(0), None);
    let recovered = Recovered { accepted_epoch, current_epoch, last_zxid, log_length, log_digest };
    EventKind::Start { recovered }
}

fn numbered<const N: usize>(
    server: u64,
    incarnation: u32,
    first: u64,
    kinds: [EventKind; N],
) -> Vec<Event> {
    let line = |(seq, kind)| {
        let (chain, after) = (Chain::MAIN, Vec::new());
        Event { server, incarnation, seq, chain, after, kind, state: None }
    };
    (first..).zip(kinds).map(line).collect()
}

/// A life in which nothing happens.
fn lives(index: u32) -> Vec<Event> {
    let kinds = [start(), EventKind::Looking { round: 1 }, EventKind::Stop];
    numbered(1, index + 1, 0, kinds)
}

/// A connection that is up and down again; the first and the last lines are those of the life.
fn connections(index: u32, count: u32) -> Vec<Event> {
    if index == 0 {
        return numbered(1, 1, 0, [start(), EventKind::Looking { round: 1 }]);
    }
    let name = format!("10.0.0.2:{}>10.0.0.1:2888", index % 60_000);
    let connection = ConnectionName::parse(&name).expect("a name");
    let first = u64::from(index) * 2;
    let up = EventKind::Connected { connection: connection.clone(), peer: None };
    let mut events = numbered(1, 1, first, [up, EventKind::Disconnected { connection }]);
    if index == count {
        events.extend(numbered(1, 1, first + 2, [EventKind::Stop]));
    }
    events
}

/// A long simulated run of five servers.
fn run(events: u64) -> (Header, Vec<Event>) {
    let config = Config::long(events);
    (zab_sim::header(1, &config), simulate(1, &config).events)
}

#[expect(clippy::cast_precision_loss, reason = "figures for a person, shown with few digits")]
fn measure(out: &mut impl Write, name: &str, header: &Header, events: &[Event]) -> io::Result<()> {
    let lines = events.len();
    let trace = (header.clone(), events.to_vec());
    let start = Instant::now();
    let verdict = check(&trace, &Options::default()).verdict;
    let seconds = start.elapsed().as_secs_f64();
    let Verdict::Conforms(summary) = verdict else {
        return writeln!(out, "{name:36} {lines:>8}  {verdict}");
    };
    let (steps, frontier, rate) = (summary.steps, summary.frontier_max, lines as f64 / seconds);
    writeln!(out, "{name:36} {lines:>8} {steps:>9} {frontier:>8} {seconds:>8.3} {rate:>9.0}")
}
