//! `zabcheck diff`: what servers of one profile can show on the wire that those of another cannot.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use zab_bugs::{Budget, Compared, Difference, Impossible, Seen, difference};

use crate::args::conflict;
use crate::args::{Diff, Named};
use crate::exit::Exit;
use crate::interrupt;
use crate::out;
use crate::report::progress::Progress;
use crate::report::{can_write, write_json};

/// What is tried without `--budget`, in this order.
const BUDGETS: [&str; 5] = [
    "servers=2 rounds=1 requests=1",
    "rounds=1 requests=1",
    "servers=2 rounds=2 requests=2 crashes=1",
    "servers=2 rounds=2 requests=2 disconnects=1",
    "rounds=2 requests=1 disconnects=1",
];

/// One direction within one budget.
struct Row<'a> {
    one: &'a Named,
    other: &'a Named,
    budget: Budget,
    compared: Compared,
}

/// Looks for differences, and tells the shortest one in each direction.
pub(crate) fn run(args: &Diff) -> Exit {
    let (one, other) = (&args.one, &args.other);
    if one.profile == other.profile {
        let why = format!(
            "{} and {} do the same in everything that is modelled, so there is nothing to compare",
            one.name, other.name
        );
        return out::usage(&conflict("diff", &why));
    }
    if let Err(why) = args.json.as_deref().map_or(Ok(()), can_write) {
        out::error(why);
        return Exit::Usage;
    }
    match search(args) {
        Ok(rows) => tell(args, &rows),
        Err(why) => {
            out::error(why);
            Exit::Usage
        }
    }
}

fn search(args: &Diff) -> Result<Vec<Row<'_>>, Impossible> {
    let budgets = match args.budget {
        Some(budget) => vec![budget],
        None => BUDGETS.iter().filter_map(|text| Budget::parse(text).ok()).collect(),
    };
    let mut rows: Vec<Row<'_>> = Vec::new();
    for budget in budgets {
        for (one, other) in [(&args.one, &args.other), (&args.other, &args.one)] {
            if interrupt::asked() {
                return Ok(rows);
            }
            let progress =
                Progress::start(&format!("what {} does and {} does not", one.name, other.name));
            let mut tell = |pairs| {
                progress.say(format!("{budget}: {pairs} of at most {} pairs", args.pairs_max));
                if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let compared =
                difference(one.profile, other.profile, budget, args.pairs_max, &mut tell)?;
            rows.push(Row { one, other, budget, compared });
        }
        if rows.iter().any(|row| row.compared.difference.is_some()) {
            break;
        }
    }
    Ok(rows)
}

fn tell(args: &Diff, rows: &[Row<'_>]) -> Exit {
    for row in rows {
        let Row { one, other, budget, compared } = row;
        match &compared.difference {
            Some(found) => story(row, found),
            None => {
                let far = if compared.truncated {
                    "so far, and there was more to see"
                } else {
                    "within these bounds"
                };
                out::line(format_args!(
                    "{} shows nothing that {} does not, {far}: {budget} ({} pairs)",
                    one.name, other.name, compared.pairs
                ));
            }
        }
    }
    let is_found = rows.iter().any(|row| row.compared.difference.is_some());
    if !is_found {
        out::line("no difference was found, which does not say that there is none");
        if rows.iter().any(|row| row.compared.truncated) && !interrupt::asked() {
            let most = args.pairs_max;
            out::line(format_args!("(at most {most} pairs a line: --pairs-max looks at more)"));
        }
    }
    let exit = if is_found && !interrupt::asked() { Exit::Good } else { Exit::Unknown };
    let value = json!({
        "one": named(&args.one),
        "other": named(&args.other),
        "compared": rows.iter().map(value).collect::<Vec<_>>(),
    });
    exit.and(write_json(args.json.as_deref(), "diff", value))
}

fn story(row: &Row<'_>, found: &Difference) {
    let (one, other) = (&row.one.name, &row.other.name);
    out::line(format_args!(
        "{one} can show this, and {other} cannot: {} packets, {} ({} pairs)",
        found.packets(),
        row.budget,
        row.compared.pairs
    ));
    for (number, seen) in (1..).zip(&found.seen) {
        let is_last = number == found.seen.len();
        let mark = if is_last { format!("   <- {other} cannot") } else { String::new() };
        out::line(format_args!("{number:>4}  {seen}{mark}"));
    }
    if found.instead.is_empty() {
        out::line(format_args!("with {other} no packet comes there"));
    }
    for instead in &found.instead {
        out::line(format_args!("with {other} the next packet can be: {instead}"));
    }
}

fn named(named: &Named) -> Value {
    json!({"name": named.name, "profile": named.profile.to_string()})
}

fn value(row: &Row<'_>) -> Value {
    let texts = |seen: &[Seen]| seen.iter().map(ToString::to_string).collect::<Vec<_>>();
    let difference = row.compared.difference.as_ref().map(|found| {
        json!({
            "packets": found.packets(),
            "seen": texts(&found.seen),
            "instead": texts(&found.instead),
            "steps": found.actions.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    });
    json!({
        "shows": row.one.name,
        "does_not": row.other.name,
        "bounds": row.budget.to_string(),
        "pairs": row.compared.pairs,
        "complete": !row.compared.truncated,
        "difference": difference,
    })
}
