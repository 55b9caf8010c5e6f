//! `zabcheck explain`: a rule of the protocol, or a deviation, as the ledger has it.

use std::fmt::Write as _;

use textwrap::{Options, fill};

use crate::args::Explain;
use crate::exit::Exit;
use crate::out;
use crate::report::table;

/// The ledger of rules, as it was when this program was built.
const LEDGER: &str = include_str!("../../../../docs/src/rules.md");

/// Columns of a line of text.
const WIDTH: usize = 100;

/// Characters of a rule's text in the list of all rules.
const BEGINNING: usize = 60;

/// A row of the ledger.
struct Rule<'a> {
    id: &'a str,
    /// The heading above it.
    section: &'a str,
    /// The other columns, each with its heading.
    columns: Vec<(&'a str, &'a str)>,
}

/// Prints one rule, or the list of all.
pub(crate) fn run(args: &Explain) -> Exit {
    let rules = rules(LEDGER);
    let Some(id) = &args.id else {
        let row = |rule: &Rule<'_>| {
            let text = plain(rule.columns.first().map_or("", |(_, text)| text));
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

/// The rows of all tables of the ledger whose first column is an id.
fn rules(ledger: &str) -> Vec<Rule<'_>> {
    let (mut rules, mut section, mut headings) = (Vec::new(), "", Vec::new());
    for line in ledger.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            (section, headings) = (heading, Vec::new());
        }
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) else {
            continue;
        };
        let cells: Vec<_> = row.split(" | ").map(str::trim).collect();
        let Some((first, others)) = cells.split_first() else { continue };
        if *first == "id" {
            headings = others.to_vec();
        } else if !headings.is_empty() {
            let columns = headings.iter().copied().zip(others.iter().copied()).collect();
            rules.push(Rule { id: first.trim_matches('`'), section, columns });
        }
    }
    rules
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
    let _ = writeln!(text, "  code      grep -rnF '{}' model/zab/src impl/core", rule.id);
    text
}

/// Without the marks of Markdown.
fn plain(text: &str) -> String {
    text.replace(['`', '*'], "")
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
    fn every_row_of_the_ledger_is_read_whole() {
        let rules = rules(LEDGER);
        let is_row = |line: &&str| line.starts_with("| `") || line.starts_with("| D-");
        assert_eq!(rules.len(), LEDGER.lines().filter(is_row).count());
        for rule in &rules {
            assert_eq!(rule.columns.len(), 2, "{}", rule.id);
        }
    }

    #[test]
    fn what_was_meant_is_offered() {
        assert!(is_near("l31", "l.3.1") && is_near("leave", "zk.fle.leave_role"));
        assert!(is_near("zk.fle.entre", "zk.fle.enter"));
        assert!(!is_near("nothing", "l.3.1") && !is_near("", "l.3.1"));
    }
}
