//! No input makes the reader panic, hang or take unbounded memory.

use std::fs;

use crate::common::{event, hand_written, header, text};
use proptest::collection::vec;
use proptest::prelude::*;
use zab_trace::{LINE_BYTES_MAX, Lint, ReadErrorKind, Reader};

/// Reads to the end, lints what was read, and says how many lines there were.
fn read(bytes: &[u8]) -> usize {
    let Ok(reader) = Reader::new("test", bytes) else { return 0 };
    let mut lint = Lint::default();
    lint.file("test", reader.header());
    let mut events = 0;
    for located in reader {
        match located {
            Ok(located) => {
                events += 1;
                lint.event(&located);
            }
            Err(error) => {
                assert!(error.line >= 1);
                assert!(error.column >= 1);
                lint.unreadable(&error);
            }
        }
    }
    let report = lint.finish();
    assert_eq!(report.events, events as u64);
    events
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(read(&bytes), 0);
    }

    #[test]
    fn random_bytes_after_a_header_are_refused(bytes in vec(any::<u8>(), 1..400)) {
        let mut file = text(&header(), &[]);
        file.extend(bytes);
        prop_assert_eq!(read(&file), 0);
    }

    /// Every event is sensible JSON; the lint sees numbers at the ends of their ranges.
    #[test]
    fn senseless_events_are_linted(events in vec(event(), 1..30)) {
        prop_assert_eq!(read(&text(&header(), &events)), events.len());
    }

    #[test]
    fn mutated_lines_do_no_harm(
        events in vec(event(), 1..4),
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6),
    ) {
        let mut bytes = text(&header(), &events);
        for (at, byte, change) in changes {
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        read(&bytes);
    }

    #[test]
    fn a_cut_file_is_noticed(cut in any::<prop::sample::Index>()) {
        let bytes = fs::read(hand_written()).expect("a readable file");
        let cut = &bytes[..cut.index(bytes.len())];
        let whole_lines = cut.iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(read(cut), whole_lines.saturating_sub(1));
        let error = match Reader::new("test", cut) {
            Ok(reader) => reader.filter_map(Result::err).next(),
            Err(error) => Some(error),
        };
        match error.map(|error| error.kind) {
            None => prop_assert!(cut.ends_with(b"\n")),
            Some(ReadErrorKind::Empty) => prop_assert!(cut.is_empty()),
            Some(ReadErrorKind::Cut) => prop_assert!(!cut.ends_with(b"\n")),
            Some(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }
}

/// A source that never ends: reading it must stop at the limit.
#[test]
fn an_endless_line_is_given_up() {
    let mut file = text(&header(), &[]);
    file.extend(std::iter::repeat_n(b' ', LINE_BYTES_MAX - 1));
    let endless = std::io::Read::chain(file.as_slice(), std::io::repeat(b' '));
    let mut reader = Reader::new("test", std::io::BufReader::new(endless)).expect("a header");
    let error = reader.next().expect("an error").expect_err("an error");
    assert!(matches!(error.kind, ReadErrorKind::TooLong));
    assert!(reader.next().is_none());
}

#[test]
fn deep_nesting_is_refused() {
    let mut file = text(&header(), &[]);
    file.extend(b"{\"a\":".repeat(10_000));
    file.push(b'\n');
    let mut reader = Reader::new("test", file.as_slice()).expect("a header");
    assert!(reader.next().expect("an error").is_err());
}
