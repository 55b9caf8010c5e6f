//! The traces of lives: which life is the newest, what it shows so far, and its end.
//!
//! The trace of a life is the file `server-ID-LIFE.ndjson` in the folder of the run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zab_trace::{Event, ReadError, ReadErrorKind, Reader, ServerId};

/// The file of a life.
pub(crate) fn trace(folder: &Path, server: ServerId, life: u32) -> PathBuf {
    folder.join(format!("server-{server}-{life}.ndjson"))
}

/// The newest life of a server that has a trace file; 0 if there is none.
pub(crate) fn newest(folder: &Path, server: ServerId) -> u32 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let prefix = format!("server-{server}-");
    let lives = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.strip_prefix(&prefix)?.strip_suffix(".ndjson")?.parse().ok()
    });
    lives.max().unwrap_or(0)
}

/// Whether any life has left a trace.
pub(crate) fn any(folder: &Path) -> bool {
    let name = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
    let is_trace = |name: String| name.starts_with("server-") && name.ends_with(".ndjson");
    fs::read_dir(folder).is_ok_and(|entries| entries.filter_map(name).any(is_trace))
}

/// The events of a life that may still go on: up to the first line that is not whole yet.
///
/// # Errors
/// When what is there is no trace of this life.
pub(crate) fn events(folder: &Path, server: ServerId, life: u32) -> Result<Vec<Event>, ReadError> {
    let file = trace(folder, server, life);
    let reader = match Reader::open(&file) {
        Ok(reader) => reader,
        Err(error) if is_not_yet(&error.kind) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut events = Vec::new();
    for located in reader {
        let located = match located {
            Ok(located) => located,
            Err(error) if is_not_yet(&error.kind) => break,
            Err(error) => return Err(error),
        };
        let Event { server: found, incarnation, .. } = located.event;
        if (found, incarnation) != (server, life) {
            let sentence = format!(
                "an event of server {found}, incarnation {incarnation}; in this file there may \
                 only be those of server {server}, incarnation {life}"
            );
            let (file, kind) = (file.display().to_string(), ReadErrorKind::Malformed(sentence));
            return Err(ReadError { file, line: located.line, column: 1, kind });
        }
        events.push(located.event);
    }
    Ok(events)
}

/// Whether more may come: the file is not there yet, or its last line is half written.
fn is_not_yet(kind: &ReadErrorKind) -> bool {
    if let ReadErrorKind::Io(error) = kind {
        return error.kind() == io::ErrorKind::NotFound;
    }
    matches!(kind, ReadErrorKind::Empty | ReadErrorKind::Cut)
}

/// Makes the trace of a life whole, whose process has ended.
///
/// # Errors
/// When its file cannot be read or written.
pub(crate) fn mend(folder: &Path, server: ServerId, life: u32) -> io::Result<()> {
    drop_half_line(&trace(folder, server, life))
}

/// Drops a last line without its end: a kill can fall into a write(2), and what it left half done
/// is as if it had come a moment earlier. Removes the file if then no line follows the header: a
/// server that was killed so early has done nothing, and a file without events is no trace.
fn drop_half_line(file: &Path) -> io::Result<()> {
    let content = fs::read(file)?;
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if !content[..whole].windows(2).any(|pair| pair[0] == b'\n') {
        return fs::remove_file(file);
    }
    if whole == content.len() {
        return Ok(());
    }
    let file = fs::OpenOptions::new().write(true).open(file)?;
    file.set_len(u64::try_from(whole).map_err(io::Error::other)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_half_of_a_line_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = trace(folder.path(), 1, 2);
        for (content, expected) in
            [("a\nb\nc", "a\nb\n"), ("a\nb\n", "a\nb\n"), ("a\nb\nc\n", "a\nb\nc\n")]
        {
            fs::write(&file, content).expect("written");
            drop_half_line(&file).expect("mended");
            assert_eq!(fs::read_to_string(&file).expect("read"), expected);
        }
    }

    #[test]
    fn a_file_without_a_whole_event_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = trace(folder.path(), 1, 2);
        for content in ["", "head", "head\n", "head\nhalf an event"] {
            fs::write(&file, content).expect("written");
            drop_half_line(&file).expect("mended");
            assert!(!file.exists(), "{content:?}");
        }
    }

    #[test]
    fn the_newest_life_is_that_of_the_greatest_number() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(newest(folder.path(), 1), 0);
        for name in ["server-1-9", "server-1-10", "server-11-12", "server-1-x", "server-1-3"] {
            fs::write(folder.path().join(format!("{name}.ndjson")), "").expect("written");
        }
        fs::write(folder.path().join("server-1-99"), "").expect("written");
        assert_eq!(newest(folder.path(), 1), 10);
        assert_eq!(newest(folder.path(), 11), 12);
    }

    #[test]
    fn what_is_half_written_is_not_yet_there_and_what_is_wrong_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let header = r#"{"zabTrace":1,"source":"hand","implementation":{"name":"n","version":"1"},"servers":[1,2],"observers":[],"profile":"fixed","window":500,"contract":{"hidden":[],"state":false,"silent":[]}}"#;
        let looking = r#"{"server":1,"incarnation":2,"seq":1,"event":"Looking","round":1}"#;
        let read = |content: &str| {
            fs::write(trace(folder.path(), 1, 2), content).expect("written");
            events(folder.path(), 1, 2).map(|events| events.len()).map_err(|e| e.to_string())
        };
        assert_eq!(events(folder.path(), 1, 2).expect("no file yet").len(), 0);
        for (content, expected) in [
            (String::new(), 0),
            (header[..50].to_owned(), 0),
            (format!("{header}\n"), 0),
            (format!("{header}\n{looking}"), 0),
            (format!("{header}\n{looking}\n"), 1),
            (format!("{header}\n{looking}\n{}", &looking[..9]), 1),
        ] {
            assert_eq!(read(&content), Ok(expected), "{content}");
        }
        let of_another = looking.replace("\"server\":1", "\"server\":2");
        for (content, expected) in [
            ("hello\n".to_owned(), ":1:1: expected a header line"),
            (format!("{header}\n{looking}\nhello\n"), ":3:1: "),
            (format!("{header}\n{of_another}\n"), ":2:1: an event of server 2, incarnation 2"),
        ] {
            let error = read(&content).expect_err(&content);
            assert!(error.contains(expected), "{error}");
        }
    }
}
