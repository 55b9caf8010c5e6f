//! Reads the source of the rules: finds every guard and every effect, and writes a copy in which
//! each of them can be broken while the program runs. Used by the build script; tested as a module.
//!
//! # What is found
//!
//! * **Conditions**: every comparison, every call that answers yes or no, every `&&`, `||` and `!`;
//!   conditions of `if`, of `then` and `then_some`, bodies of closures, values of `let`. A chain of
//!   `&&` or `||` counts as a whole and by its operands.
//! * **Effects**: every assignment and every call in the place of a statement, in whatever block,
//!   loop or arm; every `push` whose answer is looked at, and `mem::take`; every field of a struct
//!   that is assigned as a whole; every element of an array of places that a loop changes.
//! * A function that answers `Option` of a value, and is called with `?`, is the guard of its
//!   callers: its conditions are broken for one call at a time.
//! * Where the words of a family say so ([`words`]): **comparisons** that are made to be looked at,
//!   each where it is made; those of a function that several rules share, for one call at a time;
//!   calls that may be refused, as effects; items of programs.
//! * **Named defects**: what [`named`] has other text for.
//!
//! # What is excluded
//!
//! See [`Reason`]. What is excluded is listed as well; nothing is passed over in silence: a method
//! that this module does not know, or a form of expression, is an error.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enums of syn are open; what is not known ends in an error where it matters"
)]

mod defaults;
mod edit;
mod finder;
mod helpers;
mod known;
mod listing;
mod named;
mod parts;
mod programs;
mod questions;
mod reads;
mod regions;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use std::ops::Range;

pub(crate) use defaults::Defaults;
pub(crate) use edit::every_action;
use helpers::Helpers;
pub(crate) use listing::Listing;
use named::Named;
pub(crate) use programs::programs;
use syn::spanned::Spanned;
use words::Words;

/// A file of rules.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// How something is put in the copy so that it can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A condition on its own, or a chain as a whole.
    Whole,
    /// An operand of `&&`.
    And,
    /// An operand of `||`.
    Or,
    /// A statement, or the arm of a `match` that is one.
    Statement,
    /// A `push` whose answer is looked at.
    Push,
    /// The place that `mem::take` empties.
    Take,
    /// The value of a field in a struct that is assigned.
    Field,
    /// The same, where the field is named like the variable.
    FieldShorthand,
    /// A place in an array of places that a loop changes.
    Element,
    /// A comparison of two values.
    Compared,
    /// A condition that never holds.
    Never,
    /// A call that may be refused, in the place of a value.
    Refusable,
    /// An item of a program.
    Item,
    /// Something for which there is other text.
    Other(&'static Named),
}

impl Form {
    /// Whether it is an effect within an expression.
    fn is_hidden_effect(self) -> bool {
        matches!(self, Self::Push | Self::Take)
    }

    /// The ways to break it, in the words of `Change`.
    pub(crate) fn changes(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Whole | Self::Compared => &["Negated", "True", "False"],
            Self::Never => &["True"],
            // An operand that is dropped is the neutral one; the other constant breaks the chain,
            // which is listed as a whole.
            Self::And => &["Negated", "True"],
            Self::Or => &["Negated", "False"],
            Self::Statement
            | Self::Push
            | Self::Take
            | Self::Field
            | Self::FieldShorthand
            | Self::Element
            | Self::Refusable
            | Self::Item => &["Omitted"],
            Self::Other(Named { name, instead, .. }) => {
                return vec![format!("Replaced {{ name: {name:?}, by: {instead:?} }}")];
            }
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// Why something that was found is not broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// Notes a violation or tells the ghosts, or is looked at for that only; what follows in that
    /// step is no part of the protocol either.
    Observer,
    /// Asks for another reading of the paper, or is done only under one.
    Reading,
    /// Belongs to a function that is no rule: dispatch, normal form, ghosts.
    Plumbing,
    /// Names a condition that is listed where it is computed, and is looked at nowhere else.
    Named,
    /// Gives a value that is needed afterwards, so that it cannot be dropped; or chooses an arm by
    /// a pattern: the effects of the arms are listed.
    Needed,
}

/// Something in the rules that may be broken.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where in the text of its file.
    pub range: Range<usize>,
    /// How.
    pub form: Form,
    /// Line, from 1.
    pub line: usize,
    /// Its function.
    pub function: String,
    /// Whether it is broken for one call of its function at a time.
    pub per_call: bool,
    /// The variable, if it is nothing else.
    pub name: Option<String>,
    /// Why it is not broken, if it is not.
    pub reason: Option<Reason>,
}

/// A call of a function whose conditions are broken for one call at a time.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Where the arguments end.
    pub end: usize,
    /// Line, from 1.
    pub line: usize,
    /// The function that it is in.
    pub function: String,
    /// The function that is called.
    pub callee: String,
}

/// All that was found in a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    /// Conditions and effects, in the order of their places.
    pub found: Vec<Found>,
    /// Calls of guards.
    pub calls: Vec<Call>,
    /// Where the parameters end of functions whose conditions are broken by call.
    pub parameters: Vec<usize>,
    /// Loops that end only from within: where each is, and where its body begins.
    pub loops: Vec<(Range<usize>, usize)>,
    /// Lists of the items of programs: where each is, with the places of its items.
    pub programs: Vec<(Range<usize>, Vec<Range<usize>>)>,
    /// Names of programs that are run.
    pub run: Vec<String>,
    /// Calls of functions of the rules.
    pub uses: Vec<Use>,
}

/// A call of a function of the rules.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// What is called.
    pub callee: String,
    /// By whom.
    pub caller: String,
    /// Why it is no part of the protocol, if it is none.
    pub reason: Option<Reason>,
}

/// Finds everything in the files of the rules.
///
/// # Errors
/// When one is no Rust, or has something in it that this module does not know.
pub(crate) fn scan(
    sources: &[Source<'_>],
    defaults: &Defaults,
    words: &'static Words,
) -> Result<Vec<Scan>, String> {
    let helpers = Helpers::of(sources, defaults, words)?;
    let (mut scans, mut errors) = (Vec::new(), Vec::new());
    for source in sources {
        scan_file(*source, &helpers).map_or_else(|e| errors.push(e), |scan| scans.push(scan));
    }
    if !errors.is_empty() {
        return Err(errors.join("\n"));
    }
    while exclude_uncalled(&mut scans) {}
    Ok(scans)
}

fn scan_file(source: Source<'_>, helpers: &Helpers) -> Result<Scan, String> {
    let named = |error: String| format!("{}: {error}", source.name);
    let file = syn::parse_file(source.text).map_err(|error| named(error.to_string()))?;
    helpers::refuse_others(&file).map_err(named)?;
    let (mut scan, mut errors) = (Scan::default(), Vec::new());
    for function in helpers::functions(&file) {
        finder::find(function, helpers, &mut scan).unwrap_or_else(|error| errors.push(error));
        let (name, place) = (function.sig.ident.to_string(), function.span().byte_range());
        scan.found.extend(named::find(&name, source.text, &place).map_err(named)?);
    }
    if !errors.is_empty() {
        return Err(named(errors.join("\n")));
    }
    scan.found.sort_by_key(|found| (found.range.start, found.range.end));
    Ok(scan)
}

/// Excludes a function that is called only where another reading asks for it; whether there was one.
fn exclude_uncalled(scans: &mut [Scan]) -> bool {
    let uses = || scans.iter().flat_map(|scan| &scan.uses);
    let other = |used: &Use| match used.reason {
        Some(reason @ Reason::Reading) => Some(reason),
        Some(Reason::Observer | Reason::Plumbing | Reason::Named | Reason::Needed) | None => None,
    };
    let uncalled = uses().find_map(|used| {
        let reason = other(used)?;
        let only = uses().filter(|u| u.callee == used.callee).all(|u| other(u).is_some());
        let of = |scan: &&Scan| {
            scan.found.iter().any(|f| f.function == used.callee && f.reason.is_none())
        };
        (only && scans.iter().any(|scan| of(&scan))).then(|| (used.callee.clone(), reason))
    });
    let Some((name, reason)) = uncalled else { return false };
    for scan in scans {
        for found in scan.found.iter_mut().filter(|found| found.function == name) {
            found.reason = found.reason.or(Some(reason));
        }
        for used in scan.uses.iter_mut().filter(|used| used.caller == name) {
            used.reason = used.reason.or(Some(reason));
        }
    }
    true
}
