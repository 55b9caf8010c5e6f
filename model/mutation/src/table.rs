//! All outcomes for readers.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crate::explained::explained;
use crate::list::{Change, Family, Mutant, Reason, excluded};
use crate::verdict::{Outcome, Verdict};

/// How many mutants came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All of them.
    pub listed: usize,
    /// An `always` property is violated.
    pub by_safety: usize,
    /// A `sometimes` property is not reached.
    pub by_reachability: usize,
    /// A claim of liveness is violated.
    pub by_liveness: usize,
    /// The system stops where it should go on.
    pub by_deadlock: usize,
    /// A state is not in normal form.
    pub by_form: usize,
    /// A step panics.
    pub by_panic: usize,
    /// The graph is that of the protocol.
    pub equal: usize,
    /// Not noticed, for a reason that is stated.
    pub explained: usize,
    /// Not noticed, and nobody has said why.
    pub unexplained: usize,
    /// By reason: what was found in the rules and is not broken.
    pub excluded: BTreeMap<Reason, usize>,
}

impl Summary {
    /// That of all outcomes of a family.
    #[must_use]
    pub fn of(family: Family, outcomes: &[Outcome]) -> Self {
        let mut all = Self { listed: outcomes.len(), ..Self::default() };
        for Outcome { mutant, verdict } in outcomes {
            *match verdict {
                Verdict::Violated { .. } => &mut all.by_safety,
                Verdict::Unreached { .. } => &mut all.by_reachability,
                Verdict::NotLive { .. } => &mut all.by_liveness,
                Verdict::Stops { .. } => &mut all.by_deadlock,
                Verdict::Malformed { .. } => &mut all.by_form,
                Verdict::Panicked { .. } => &mut all.by_panic,
                Verdict::Equal => &mut all.equal,
                Verdict::Survived if explained(family, mutant).is_some() => &mut all.explained,
                Verdict::Survived => &mut all.unexplained,
            } += 1;
        }
        for excluded in excluded(family) {
            *all.excluded.entry(excluded.reason).or_default() += 1;
        }
        all
    }

    /// Mutants that a property, or the program itself, notices.
    #[must_use]
    pub fn killed(&self) -> usize {
        let noticed = self.by_safety + self.by_reachability + self.by_liveness;
        noticed + self.by_deadlock + self.by_form + self.by_panic
    }

    /// Killed in a hundred of those that differ from the protocol, rounded down.
    #[must_use]
    pub fn percent_of_differing(&self) -> usize {
        100 * self.killed() / (self.listed - self.equal).max(1)
    }

    /// Killed in a hundred of all, rounded down.
    #[must_use]
    pub fn percent_of_listed(&self) -> usize {
        100 * self.killed() / self.listed.max(1)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} mutants: {} killed, {} equal to the protocol, {} survive with a reason, {} without",
            self.listed,
            self.killed(),
            self.equal,
            self.explained,
            self.unexplained
        )?;
        writeln!(
            f,
            "killed by a violated invariant {}, by something not reached {}, by liveness {}, \
             by a panic {}{}",
            self.by_safety,
            self.by_reachability,
            self.by_liveness,
            self.by_panic,
            Some(self.by_deadlock).filter(|count| *count > 0).map_or(String::new(), |count| {
                format!(", by a deadlock {count}, by the normal form {}", self.by_form)
            })
        )?;
        writeln!(
            f,
            "killed: {} % of those that differ from the protocol, {} % of all",
            self.percent_of_differing(),
            self.percent_of_listed()
        )?;
        let excluded: Vec<String> =
            self.excluded.iter().map(|(reason, count)| format!("{reason:?} {count}")).collect();
        writeln!(f, "not broken: {}", excluded.join(", "))
    }
}

/// What the line of a mutant begins with.
#[must_use]
pub fn label(mutant: &Mutant) -> String {
    let via = mutant.via.map(|via| format!(" in {via}")).unwrap_or_default();
    let by = match mutant.change {
        Change::Replaced { by, .. } => format!(" is `{by}`"),
        Change::Negated | Change::True | Change::False | Change::Omitted => String::new(),
    };
    format!("- {} `{}`{by}{via}:", mutant.change, mutant.code)
}

/// The line of a mutant of a family.
#[must_use]
pub fn row(family: Family, outcome: &Outcome) -> String {
    let label = label(outcome.mutant);
    match &outcome.verdict {
        Verdict::Violated { property, steps, place } => {
            format!("{label} violates \"{property}\" in {steps} steps at {place}")
        }
        Verdict::Unreached { property, place } => {
            format!("{label} never \"{property}\" at {place}")
        }
        Verdict::NotLive { claim, place } => {
            format!("{label} not live, \"{claim}\" at {place}")
        }
        Verdict::Stops { steps, place } => format!("{label} stops after {steps} steps at {place}"),
        Verdict::Malformed { place } => format!("{label} breaks the normal form at {place}"),
        Verdict::Panicked { message, place } => {
            format!("{label} panics, \"{message}\" at {place}")
        }
        Verdict::Equal => format!("{label} equal state graph"),
        Verdict::Survived => {
            let reason =
                explained(family, outcome.mutant).map_or("no reason is known", |e| e.reason);
            format!("{label} survives: {reason}")
        }
    }
}

/// The table of a family: how many came to what, and a line for each mutant under its function.
#[must_use]
pub fn table(family: Family, outcomes: &[Outcome]) -> String {
    let mut text = Summary::of(family, outcomes).to_string();
    let mut function = "";
    for outcome in outcomes {
        if outcome.mutant.function != function {
            function = outcome.mutant.function;
            let _ = write!(text, "\n{function}, {}\n", outcome.mutant.file);
        }
        text.push_str(&row(family, outcome));
        text.push('\n');
    }
    text
}
