//! `zabcheck explain`: a rule of the protocol, or a deviation, as the ledger has it.

use std::fmt::Write as _;

use textwrap::{Options, fill};

use crate::args::Explain;
use crate::exit::Exit;
use crate::ledger::{self, Rule, plain};
use crate::out;
use crate::report::table;

/// Columns of a line of text.
const WIDTH: usize = 100;

/// Characters of a rule's text in the list of all rules.
const BEGINNING: usize = 60;

/// Prints one rule, or the list of all.
pub(crate) fn run(args: &Explain) -> Exit {
    let rules = ledger::rules();
    let Some(id) = &args.id else {
        let row = |rule: &Rule<'_>| {
            let text = rule.says();
            let beginning: String = text.chars().take(BEGINNING).collect();
            let more = if text.chars().count() > BEGINNING { "…" } else { "" };
            [rule.id.to_owned(), rule.section.to_owned(), format!("{beginning}{more}")]
        };
        out::line(table(["id", "section", "begins"], rules.iter().map(row).collect()));
        return Exit::Good;
    };
    if let Some(rule) = rules.iter().find(|rule| rule.id.eq_ignore_ascii_case(id)) {
        out::text(text(rule));
        return Exit::Good;
    }
    let near: Vec<_> =
        rules.iter().map(|rule| rule.id).filter(|other| is_near(id, other)).collect();
    let hint = match near.as_slice() {
        [] => "zabcheck explain lists all rules".to_owned(),
        near => format!("there are {}", near.join(", ")),
    };
    out::error(format_args!("there is no rule {id}: {hint}"));
    Exit::Usage
}

/// A rule as text.
fn text(rule: &Rule<'_>) -> String {
    let mut text = format!("{}  {}\n", rule.id, rule.section);
    for (heading, column) in &rule.columns {
        let first = format!("  {heading:<10}");
        let options = Options::new(WIDTH).initial_indent(&first).subsequent_indent("            ");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", fill(&plain(column), options));
    }
    let folders = match rule.id.starts_with("W-") {
        true => "conformance/capture",
        false => "model/zab/src impl/core",
    };
    let _ = writeln!(text, "  code      grep -rnF '{}' {folders}", rule.id);
    text
}

/// Whether someone who typed the one may have meant the other.
fn is_near(typed: &str, id: &str) -> bool {
    let letters = |text: &str| text.to_lowercase().replace(['.', '_', '-'], "");
    let (typed, id) = (letters(typed), letters(id));
    !typed.is_empty() && (id.contains(&typed) || strsim::damerau_levenshtein(&typed, &id) <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_offered() {
        assert!(is_near("l31", "l.3.1") && is_near("leave", "zk.fle.leave_role"));
        assert!(is_near("zk.fle.entre", "zk.fle.enter"));
        assert!(!is_near("nothing", "l.3.1") && !is_near("", "l.3.1"));
    }
}
