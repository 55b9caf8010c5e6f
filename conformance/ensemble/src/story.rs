//! Stories: what happens to some servers, and what is seen then, one line each.
//!
//! The same lines are played by the model (`model/zab/tests/seeds.rs`), by the simulator
//! (`impl/sim/tests/stories.rs`) and, as scenarios, on real servers of any kind. Each of them reads
//! the text by itself: they share the story, and no code.

use std::str::SplitWhitespace;

use zab_trace::ServerId;

/// A story.
pub(crate) struct Story {
    /// Its name, which is that of the scenario.
    pub(crate) name: &'static str,
    /// Its lines; those that begin with `#` say what happens.
    pub(crate) text: &'static str,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// There are so many servers, none of which runs yet.
    Servers(u8),
    /// A server starts.
    Start(ServerId),
    /// Two servers cannot reach each other.
    Cut(ServerId, ServerId),
    /// They can again.
    Heal(ServerId, ServerId),
    /// Clients write at a server, and are told that it is done.
    Write(ServerId),
    /// A client that asks this server for a write is not told that it is done.
    Refused(ServerId),
    /// These servers have all that was acknowledged, and nothing that was refused.
    Read(Vec<ServerId>),
    /// These servers do not serve.
    Looking(Vec<ServerId>),
    /// The first server votes for the second.
    Votes(ServerId, ServerId),
    /// Since the last cut a follower has told the first server that the second leads.
    Told(ServerId, ServerId),
    /// A server leads and serves.
    Leads(ServerId),
    /// These servers follow and serve.
    Follows(Vec<ServerId>),
    /// So many epochs were begun in all.
    Epochs(usize),
}

/// Three servers, one after the other.
pub(crate) const THREE_IN_ORDER: Story = Story {
    name: "three-in-order",
    text: include_str!("../../../traces/stories/three-in-order.txt"),
};

/// Five servers, one after the other.
pub(crate) const FIVE_IN_ORDER: Story = Story {
    name: "five-in-order",
    text: include_str!("../../../traces/stories/five-in-order.txt"),
};

/// A follower that its leader cannot reach.
pub(crate) const ISOLATED_FOLLOWER: Story = Story {
    name: "isolated-follower",
    text: include_str!("../../../traces/stories/isolated-follower.txt"),
};

/// A leader without its followers.
pub(crate) const DEPOSED_LEADER: Story = Story {
    name: "deposed-leader",
    text: include_str!("../../../traces/stories/deposed-leader.txt"),
};

impl Story {
    /// Its lines, each with its text.
    pub(crate) fn lines(&self) -> Result<Vec<(&'static str, Line)>, String> {
        let told = self.text.lines().filter(|text| !text.starts_with('#') && !text.is_empty());
        let read = |text| match line(text) {
            Some(line) => Ok((text, line)),
            None => Err(format!("the story {} has no line {text:?}", self.name)),
        };
        told.map(read).collect()
    }

    /// How many epochs its end tells of.
    pub(crate) fn epochs(&self) -> Result<usize, String> {
        let lines = self.lines()?;
        let mut epochs = lines.into_iter().filter_map(|(_, line)| {
            let Line::Epochs(epochs) = line else { return None };
            Some(epochs)
        });
        epochs.next_back().ok_or_else(|| format!("the story {} tells of no epochs", self.name))
    }
}

fn line(text: &str) -> Option<Line> {
    let mut words = text.split_whitespace();
    let line = match words.next()? {
        "servers" => Line::Servers(number(&mut words)?),
        "start" => Line::Start(number(&mut words)?),
        "cut" => Line::Cut(number(&mut words)?, number(&mut words)?),
        "heal" => Line::Heal(number(&mut words)?, number(&mut words)?),
        "write" => Line::Write(number(&mut words)?),
        "refused" => Line::Refused(number(&mut words)?),
        "read" => Line::Read(numbers(&mut words)?),
        "looking" => Line::Looking(numbers(&mut words)?),
        "votes" => Line::Votes(number(&mut words)?, number(&mut words)?),
        "told" => Line::Told(number(&mut words)?, number(&mut words)?),
        "leads" => Line::Leads(number(&mut words)?),
        "follows" => Line::Follows(numbers(&mut words)?),
        "epochs" => Line::Epochs(number(&mut words)?),
        _ => return None,
    };
    words.next().is_none().then_some(line)
}

fn number<T: std::str::FromStr>(words: &mut SplitWhitespace<'_>) -> Option<T> {
    words.next()?.parse().ok()
}

fn numbers(words: &mut SplitWhitespace<'_>) -> Option<Vec<ServerId>> {
    words.map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Story; 4] = [THREE_IN_ORDER, FIVE_IN_ORDER, ISOLATED_FOLLOWER, DEPOSED_LEADER];

    #[test]
    fn every_line_of_every_story_can_be_read() {
        for story in ALL {
            let lines = story.lines().expect("lines");
            assert!(matches!(lines.first(), Some((_, Line::Servers(_)))), "{}", story.name);
            assert!(matches!(lines.last(), Some((_, Line::Epochs(_)))), "{}", story.name);
            assert!(story.text.starts_with("# "), "{}", story.name);
        }
    }

    #[test]
    fn every_file_is_a_story() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../traces/stories");
        let files = std::fs::read_dir(folder).expect("the folder");
        let mut names: Vec<String> = files
            .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let mut known: Vec<String> =
            ALL.iter().map(|story| format!("{}.txt", story.name)).collect();
        known.sort();
        assert_eq!(names, known);
    }

    #[test]
    fn what_is_no_line_is_told() {
        for wrong in ["dance 1", "start", "start x", "start 1 2", "follows 1 x", "cut 1"] {
            let story = Story { name: "wrong", text: wrong };
            let told = story.lines().expect_err(wrong);
            assert_eq!(told, format!("the story wrong has no line {wrong:?}"));
        }
    }
}
