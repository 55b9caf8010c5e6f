//! The `zookeeper` family without a bound on failures, with coarse elections (`docs/src/unlimited.md`,
//! "The zookeeper family"):
//!
//! ```text
//! cargo run --release -p zab-model --example closed -- SERVERS REQUESTS oracle|anybody [STATES]
//! ```
//!
//! Crashes, ended processes, broken connections, servers that give up, and elections are possible in
//! every state. It ends when all states were visited, or so many.

use zab_explorer::{Options, Report, Verdict, check};
use zab_model::WINDOW_DEFAULT;
use zab_model::explore::{Bounds, Election, State, Unlimited, Zab};

fn asked(args: &[String]) -> Option<(Zab, u64)> {
    let number = |place: usize| args.get(place)?.parse().ok();
    let election = match args.get(2).map(String::as_str) {
        Some("oracle") => Election::Oracle,
        Some("anybody") => Election::Anybody,
        _ => return None,
    };
    let bounds = Bounds {
        servers: number(0)?,
        observers: 0,
        requests: number(1)?,
        crashes: 1,
        kills: 1,
        lost_disks: 0,
        failed_appends: 1,
        timeouts: 1,
        disconnects: 1,
        rounds: 1,
        resends: 0,
        election,
    };
    let states = args.get(3).map_or(Some(u64::MAX), |states| states.parse().ok())?;
    (args.len() <= 4).then_some(())?;
    Some((Zab::new(bounds, WINDOW_DEFAULT)?, states))
}

fn tell(report: &Report<State>) {
    println!(
        "{} states, {} generated, depth {}, {:.1} s, {:.1} bytes a state",
        report.distinct,
        report.generated,
        report.depth(),
        report.seconds,
        report.bytes_per_state()
    );
    for property in &report.properties {
        let verdict = match &property.verdict {
            Verdict::Holds => "holds",
            Verdict::Violated(_) => "VIOLATED",
            Verdict::Reached(_) => "reached",
            Verdict::NeverReached => "never reached",
            Verdict::Unknown => "unknown",
        };
        println!("  {} {verdict}", property.name);
    }
    match report.stopped {
        None => println!("closed"),
        Some(stop) => println!("INCOMPLETE: {stop}; {} states wait", report.waiting),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((zab, states_max)) = asked(&args) else {
        eprintln!(
            "usage: closed SERVERS REQUESTS oracle|anybody [STATES]; 3 servers, 3 requests at most"
        );
        std::process::exit(3);
    };
    let Some(model) = Unlimited::new(&zab) else { return };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options { threads, states_max, ..Options::default() };
    let mut levels = 0;
    let told = check(&model, &options, &mut |now| {
        if now.depth >= levels + 5 {
            levels = now.depth;
            eprintln!("depth {}: {} states, {} wait", now.depth, now.distinct, now.waiting);
        }
    });
    match told {
        Ok(report) => tell(&report),
        Err(why) => eprintln!("{why}"),
    }
}
