//! A state as named facts, and as a page of text.

/// Stands for a fact that is not worth a word: what it is about holds its default.
pub const NOTHING: &str = "-";

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The server at an index (id - 1).
    Server(usize),
    /// Something between servers, or around them; the name of the fact says what.
    System,
}

/// One thing that a reader may want to know of a state. Every state of a model has the same facts
/// in the same order, those about servers first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub about: About,
    /// What it says of that.
    pub name: String,
    /// The value, [`NOTHING`] if it is not worth a word.
    pub value: String,
}

impl Fact {
    /// A fact about the server at an index.
    pub fn of_server(index: usize, name: &str, value: impl Into<String>) -> Self {
        Self { about: About::Server(index), name: name.to_owned(), value: value.into() }
    }

    /// A fact about anything else.
    pub fn of_system(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { about: About::System, name: name.into(), value: value.into() }
    }
}

/// What differs between the facts of two states, one fact a line.
pub fn changes(before: &[Fact], after: &[Fact]) -> Vec<String> {
    let differs = before.iter().zip(after).filter(|(old, new)| old != new);
    let line = |(old, new): (&Fact, &Fact)| match &new.about {
        About::Server(index) => {
            format!("server {} {}: {} -> {}", index + 1, new.name, old.value, new.value)
        }
        About::System => format!("{}: {} -> {}", new.name, old.value, new.value),
    };
    differs.map(line).collect()
}

/// Items side by side, [`NOTHING`] if there are none.
pub fn list<T: ToString>(items: impl IntoIterator<Item = T>, between: &str) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { NOTHING.to_owned() } else { items.join(between) }
}

/// All facts as text: a table with a line for each server and these columns, beneath each server
/// what else is worth a word, then the rest, one fact a line.
pub fn page(facts: &[Fact], columns: &[&str]) -> String {
    let servers = facts.iter().filter_map(|fact| match fact.about {
        About::Server(index) => Some(index + 1),
        About::System => None,
    });
    let servers = servers.max().unwrap_or(0);
    let row = |index: usize| {
        let cells = columns.iter().map(|column| {
            let cell = |fact: &&Fact| fact.about == About::Server(index) && fact.name == *column;
            facts.iter().find(cell).map_or(NOTHING, |fact| fact.value.as_str())
        });
        let id = (index + 1).to_string();
        std::iter::once(id).chain(cells.map(str::to_owned)).collect::<Vec<String>>()
    };
    let header = std::iter::once("server").chain(columns.iter().copied()).map(str::to_owned);
    let rows: Vec<Vec<String>> =
        std::iter::once(header.collect()).chain((0..servers).map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..=columns.len()).map(|column| width(column).unwrap_or(0)).collect();

    let mut text = line(&rows[0], &widths);
    for (index, row) in rows[1..].iter().enumerate() {
        text += &line(row, &widths);
        let is_more =
            |fact: &&Fact| fact.about == About::Server(index) && !columns.contains(&&*fact.name);
        for fact in facts.iter().filter(is_more).filter(|fact| fact.value != NOTHING) {
            text += &format!("{:8}{}: {}\n", "", fact.name, fact.value);
        }
    }
    let system = facts.iter().filter(|fact| fact.about == About::System && fact.value != NOTHING);
    for fact in system {
        text += &format!("{}: {}\n", fact.name, fact.value);
    }
    text
}

/// Cells under each other, two spaces apart.
fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    let line = padded.collect::<Vec<String>>().join("  ");
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(phase: &str, waits: &str, channel: &str) -> Vec<Fact> {
        vec![
            Fact::of_server(0, "phase", phase),
            Fact::of_server(0, "waits for", waits),
            Fact::of_server(1, "phase", "BROADCAST"),
            Fact::of_server(1, "waits for", NOTHING),
            Fact::of_system("1>2", channel),
        ]
    }

    #[test]
    fn servers_are_a_table_and_what_is_not_worth_a_word_is_left_out() {
        let text = page(&facts("DOWN", "2", NOTHING), &["phase"]);
        assert_eq!(text, "server  phase\n1       DOWN\n        waits for: 2\n2       BROADCAST\n");
        let text = page(&facts("DOWN", NOTHING, "ACK 1.1"), &["phase", "waits for"]);
        assert_eq!(
            text,
            "server  phase      waits for\n1       DOWN       -\n2       BROADCAST  -\n1>2: ACK 1.1\n"
        );
    }

    #[test]
    fn changes_name_what_differs() {
        let (before, after) = (facts("DOWN", "2", NOTHING), facts("ELECTION", "2", "ACK 1.1"));
        let said = changes(&before, &after);
        assert_eq!(said, ["server 1 phase: DOWN -> ELECTION", "1>2: - -> ACK 1.1"]);
        assert!(changes(&before, &before).is_empty());
    }
}
