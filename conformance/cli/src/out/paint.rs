//! Verdicts in colour: where a line or a cell of a table begins with one.

use anstyle::{AnsiColor, Style};

/// The words that say how something ended, with their colours.
const WORDS: [(&str, AnsiColor); 14] = [
    ("holds", AnsiColor::Green),
    ("reached", AnsiColor::Green),
    ("CONFORMS", AnsiColor::Green),
    ("verified", AnsiColor::Green),
    ("VIOLATED", AnsiColor::Red),
    ("VIOLATES", AnsiColor::Red),
    ("DIVERGES", AnsiColor::Red),
    ("FAILED", AnsiColor::Red),
    ("REFUSED", AnsiColor::Red),
    ("INCOMPLETE", AnsiColor::Yellow),
    ("INCONCLUSIVE", AnsiColor::Yellow),
    ("vacuous", AnsiColor::Yellow),
    ("unknown", AnsiColor::Yellow),
    ("not within these bounds", AnsiColor::Yellow),
];

/// What begins a cell of a table.
const CELL: &str = "│ ";

/// The text, with verdicts in colour if that is asked for.
pub(super) fn verdicts(text: &str, colors: bool) -> String {
    if !colors {
        return text.to_owned();
    }
    let lines = text.split('\n').map(|line| {
        let cells: Vec<String> = line.split(CELL).map(painted).collect();
        cells.join(CELL)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text with the word that it begins with in its colour.
fn painted(text: &str) -> String {
    let begins = |(word, _): &&(&str, AnsiColor)| {
        let rest = text.strip_prefix(word);
        rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let Some((word, color)) = WORDS.iter().find(begins) else { return text.to_owned() };
    let style = Style::new().bold().fg_color(Some((*color).into()));
    format!("{style}{word}{style:#}{}", &text[word.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_have_colours_where_a_line_or_a_cell_begins_with_them() {
        assert_eq!(verdicts("CONFORMS  a\n", false), "CONFORMS  a\n");
        assert_eq!(verdicts("CONFORMS  a\n", true), "\x1b[1m\x1b[32mCONFORMS\x1b[0m  a\n");
        let row = verdicts("│ agreement │ VIOLATED │ 37 │", true);
        assert_eq!(row, "│ agreement │ \x1b[1m\x1b[31mVIOLATED\x1b[0m │ 37 │");
        for plain in ["agreement is VIOLATED", "holdsomething", "a history holds"] {
            assert_eq!(verdicts(plain, true), plain);
        }
    }
}
