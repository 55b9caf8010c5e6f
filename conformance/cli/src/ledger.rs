//! The ledger of rules, as it was when this program was built.

const LEDGER: &str = include_str!("../../../docs/src/rules.md");

/// A row of the ledger.
pub(crate) struct Rule<'a> {
    pub(crate) id: &'a str,
    /// The heading above it.
    pub(crate) section: &'a str,
    /// The other columns, each with its heading.
    pub(crate) columns: Vec<(&'a str, &'a str)>,
}

impl Rule<'_> {
    /// What it says, in a sentence or several.
    pub(crate) fn says(&self) -> String {
        plain(self.columns.first().map_or("", |(_, text)| text))
    }
}

/// The rows of all tables of the ledger whose first column is an id.
pub(crate) fn rules() -> Vec<Rule<'static>> {
    let (mut rules, mut section, mut headings) = (Vec::new(), "", Vec::new());
    for line in LEDGER.lines() {
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

/// Without the marks of Markdown.
pub(crate) fn plain(text: &str) -> String {
    text.replace(['`', '*'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_ledger_is_read_whole() {
        let rules = rules();
        let is_row =
            |line: &&str| ["| `", "| D-", "| W-"].iter().any(|start| line.starts_with(start));
        assert_eq!(rules.len(), LEDGER.lines().filter(is_row).count());
        for rule in &rules {
            assert_eq!(rule.columns.len(), 2, "{}", rule.id);
        }
    }
}
