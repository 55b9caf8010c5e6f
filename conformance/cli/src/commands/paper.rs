//! `zabcheck check --model paper`: ZAB as published, on the project's own engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stateright::{Expectation, Model};
use zab_explorer::{Options, Report, Verdict, check};
use zab_model::paper::{Bounds, Paper, Rules};

use crate::args::Check;
use crate::exit::Exit;
use crate::report::progress::Progress;
use crate::report::{table, write_json};

/// Explores within the bounds given.
pub(crate) fn run(args: &Check) -> Exit {
    let bounds = Bounds {
        servers: args.bounds.servers.unwrap_or(2),
        txns: args.paper.txns.unwrap_or(1),
        epochs: args.paper.epochs,
        timeouts: args.bounds.timeouts.unwrap_or(0),
        restarts: args.paper.restarts.unwrap_or(0),
    };
    // A state has room for exactly so many servers and at least so many transactions.
    match (bounds.servers, bounds.txns <= 2) {
        (2, true) => explore::<2, 2>(args, bounds),
        (2, false) => explore::<2, 4>(args, bounds),
        (4, true) => explore::<4, 2>(args, bounds),
        (4, false) => explore::<4, 4>(args, bounds),
        (5, true) => explore::<5, 2>(args, bounds),
        (5, false) => explore::<5, 4>(args, bounds),
        // What the model has no room for, it refuses by itself.
        (_, true) => explore::<3, 2>(args, bounds),
        (_, false) => explore::<3, 4>(args, bounds),
    }
}

fn explore<const N: usize, const X: usize>(args: &Check, bounds: Bounds) -> Exit {
    if args.paper.ghosts {
        // Ghosts remember as many requests as a history has room for, plus those that are lost.
        explore_with::<N, X, 8>(args, bounds)
    } else {
        explore_with::<N, X, 0>(args, bounds)
    }
}

fn explore_with<const N: usize, const X: usize, const G: usize>(
    args: &Check,
    bounds: Bounds,
) -> Exit {
    let model = match Paper::<N, X, G>::new(Rules::new(bounds)) {
        Ok(model) => model,
        Err(error) => {
            eprintln!("zabcheck: {error}");
            return Exit::Usage;
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    if let Err(error) = ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)) {
        eprintln!("zabcheck: Ctrl-C will end this run without a result: {error}");
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options {
        threads: args.paper.threads.unwrap_or(cores),
        memory_max: args.paper.memory.map(|memory| memory.as_u64()),
        states_max: args.states_max.unwrap_or(u64::MAX),
        time_max: args.seconds_max.map(|seconds| Duration::from_secs(seconds.into())),
        symmetry: args.paper.symmetry,
        stop: Some(&stop),
        ..Options::default()
    };
    let progress = Progress::start("exploring");
    let report = check(&model, &options, &mut |now| {
        progress.say(format!(
            "{} states, {} waiting, depth {}, {} MiB, {:.0} s",
            now.distinct,
            now.waiting,
            now.depth,
            now.memory >> 20,
            now.seconds
        ));
    });
    drop(progress);
    match report {
        Ok(report) => {
            print(&model, &report);
            let exit = exit(&report);
            let value = to_json(&model, &report);
            args.json.as_deref().map_or(exit, |path| exit.and(write_json(path, &value)))
        }
        Err(error) => {
            eprintln!("zabcheck: {error}");
            Exit::Usage
        }
    }
}

/// How a run ends: a violation, doubt if it was cut short or reached nothing, or all is well.
fn exit<S>(report: &Report<S>) -> Exit {
    let verdicts = || report.properties.iter().map(|property| &property.verdict);
    if verdicts().any(|verdict| matches!(verdict, Verdict::Violated(_))) {
        Exit::Bad
    } else if report.complete() && verdicts().any(|v| matches!(v, Verdict::Reached(_))) {
        Exit::Good
    } else {
        Exit::Unknown
    }
}

fn word<S>(verdict: &Verdict<S>) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated(_) => "VIOLATED",
        Verdict::Reached(_) => "reached",
        Verdict::NeverReached => "not within these bounds",
        Verdict::Unknown => "unknown",
    }
}

fn kind(expectation: &Expectation) -> &'static str {
    match expectation {
        Expectation::Always => "always",
        Expectation::Sometimes => "sometimes",
        Expectation::Eventually => "eventually",
    }
}

fn print<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    report: &Report<<Paper<N, X, G> as Model>::State>,
) {
    println!("model paper\nbounds: {}", model.bounds());
    let rows = report
        .properties
        .iter()
        .map(|p| [p.name.to_owned(), kind(&p.kind).to_owned(), word(&p.verdict).to_owned()])
        .collect();
    println!("{}", table(["property", "kind", "verdict"], rows));
    println!(
        "{} distinct states, {} generated, depth {}, {:.1} s on {} threads",
        report.distinct,
        report.generated,
        report.depth(),
        report.seconds,
        report.threads
    );
    if let Some(unreduced) = report.unreduced {
        println!("with symmetry: they stand for {unreduced} states");
    }
    println!(
        "{:.1} bytes a state, the frontier apart ({} MiB at its largest); identities of {} bits, \
         {:.1e} states expected to be mistaken for others",
        report.bytes_per_state(),
        report.memory.frontier_peak >> 20,
        report.identity.bits,
        report.identity.missing_expected
    );
    match report.stopped {
        None => println!("complete: every run within these bounds"),
        Some(why) => println!("INCOMPLETE: {why}, so nothing is said to hold"),
    }
    for property in &report.properties {
        let Verdict::Violated(trace) = &property.verdict else { continue };
        println!("\n{} is violated after {} steps:", property.name, trace.steps());
        let actions = trace.path(model).map(stateright::Path::into_actions).unwrap_or_default();
        for (number, action) in (1..).zip(&actions) {
            println!("{number:>4}  {action:?}");
        }
    }
}

fn to_json<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    report: &Report<<Paper<N, X, G> as Model>::State>,
) -> Value {
    let properties: Vec<Value> = report
        .properties
        .iter()
        .map(|property| {
            json!({
                "name": property.name,
                "kind": kind(&property.kind),
                "verdict": word(&property.verdict),
                "trace_length": property.verdict.trace().map(|trace| trace.steps()),
            })
        })
        .collect();
    let actions: serde_json::Map<String, Value> =
        report.actions.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
    json!({
        "model": "paper",
        "bounds": model.bounds().to_string(),
        "distinct": report.distinct,
        "unreduced": report.unreduced,
        "generated": report.generated,
        "depth": report.depth(),
        "complete": report.complete(),
        "seconds": report.seconds,
        "bytes_per_state": report.bytes_per_state(),
        "properties": properties,
        "actions": actions,
    })
}
