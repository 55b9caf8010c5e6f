//! The recorder's `Joined` lines, wherever they stand, without reading the other lines.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use memchr::memmem::Finder;

use super::stream::not_a_file;
use super::{LINE_BYTES_MAX, trace_files, unreadable};
use crate::names::Interner;
use crate::{ConnectionName, EventKind, ReadError, parse};

/// How much is read at once.
const BLOCK_BYTES: usize = 4 * LINE_BYTES_MAX;

/// Two names of one connection, as a relay between them tells: left and right.
pub type Pair = (ConnectionName, ConnectionName);

/// All pairs of names that a relay joined, in the order of files and lines.
///
/// Which names mean the same connection must be known before anything is ordered, and the lines
/// that say it may stand anywhere. So the bytes are searched for them; what else the files say, and
/// whether it can be read, is not asked.
///
/// # Errors
/// When there is no file, or one cannot be read.
pub fn joined_names(paths: &[impl AsRef<Path>]) -> Result<Vec<Pair>, ReadError> {
    let mut pairs = Vec::new();
    for path in trace_files(paths)? {
        if not_a_file(&path).is_none() {
            let file = File::open(&path).map_err(|error| unreadable(&path, error))?;
            search(file, &mut pairs).map_err(|error| unreadable(&path, error))?;
        }
    }
    Ok(pairs)
}

fn search(mut file: impl Read, pairs: &mut Vec<Pair>) -> std::io::Result<()> {
    // JSON may spell a letter as `\u00..`.
    let needles = [Finder::new("Joined"), Finder::new("\\u00")];
    let named = |bytes: &[u8]| needles.iter().any(|needle| needle.find(bytes).is_some());
    let mut names = Interner::default();
    let mut bytes = vec![0; BLOCK_BYTES];
    let mut filled = 0;
    loop {
        let read = file.read(&mut bytes[filled..])?;
        filled += read;
        let whole = memchr::memrchr(b'\n', &bytes[..filled]).map_or(0, |end| end + 1);
        if named(&bytes[..whole]) {
            for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| named(line)) {
                let Ok(line) = std::str::from_utf8(line) else { continue };
                if let Ok(parsed) = parse::event(line, &mut names)
                    && let EventKind::Joined { left, right } = parsed.event.kind
                {
                    pairs.push((left, right));
                }
            }
        }
        // A line longer than any may be ends the file for its reader, too.
        if read == 0 || (whole == 0 && filled == BLOCK_BYTES) {
            return Ok(());
        }
        bytes.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut pairs = Vec::new();
        search(text.as_bytes(), &mut pairs).unwrap();
        pairs.iter().map(|(left, right)| format!("{left} {right}")).collect()
    }

    fn joined(name: &str, event: &str) -> String {
        let who = r#""server":0,"incarnation":1,"seq":0,"chain":"harness""#;
        format!("{{{who},\"event\":\"{event}\",\"left\":\"{name}>b\",\"right\":\"c>d\"}}\n")
    }

    #[test]
    fn they_are_found_among_everything() {
        let noise = format!("{}\n", "x".repeat(700));
        let mut text = String::from("a header\n");
        for number in 0..900 {
            text += &joined(&format!("a{number}"), "Joined");
            text += &noise;
        }
        text += &joined("spelled", "\\u004aoined");
        text += &joined("not", "Stop");
        text += "Joined but no event\n";
        let found = found(&text);
        assert_eq!(found.len(), 901);
        assert_eq!((found[0].as_str(), found[899].as_str()), ("a0>b c>d", "a899>b c>d"));
        assert_eq!(found[900], "spelled>b c>d");
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        assert!(found(&"Joined ".repeat(BLOCK_BYTES)).is_empty());
        assert!(found(joined("a", "Joined").trim_end()).is_empty());
    }
}
