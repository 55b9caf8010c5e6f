//! What a user is told about a file that is no trace.

use zab_trace::{LINE_BYTES_MAX, ReadError, Reader, Trace, TraceFile, files_not_read, lint};

use crate::common::{header, text};

/// All bad lines of the format, with a name for each: after a good header.
pub(crate) const BAD_EVENTS: &[(&str, &str)] = &[
    ("no JSON", "hello"),
    ("a list", "[1,1,0,\"Stop\"]"),
    ("an empty line", ""),
    ("cut inside", r#"{"server":1,"incarnation":1,"seq":0,"event":"St"#),
    ("two objects", r#"{"server":1,"incarnation":1,"seq":0,"event":"Stop"} {}"#),
    ("a missing field", r#"{"server":1,"incarnation":1,"event":"Stop"}"#),
    ("a field twice", r#"{"server":1,"server":2,"incarnation":1,"seq":0,"event":"Stop"}"#),
    ("an unknown event", r#"{"server":1,"incarnation":1,"seq":0,"event":"Stopped"}"#),
    ("a negative number", r#"{"server":-1,"incarnation":1,"seq":0,"event":"Stop"}"#),
    ("a fraction", r#"{"server":1,"incarnation":1,"seq":0.5,"event":"Stop"}"#),
    ("too large", r#"{"server":1,"incarnation":4294967296,"seq":0,"event":"Stop"}"#),
    ("huge", r#"{"server":1,"incarnation":1,"seq":18446744073709551616,"event":"Stop"}"#),
    ("incarnation 0", r#"{"server":1,"incarnation":0,"seq":0,"event":"Stop"}"#),
    ("null", r#"{"server":1,"incarnation":1,"seq":0,"event":"Looking","round":null}"#),
    ("round -2", r#"{"server":1,"incarnation":1,"seq":0,"event":"Looking","round":-2}"#),
    (
        "a huge round",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Looking","round":9223372036854775808}"#,
    ),
    (
        "a vote of round -2",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Sent","connection":"a>b","ordinal":0,"peer":2,"message":{"type":"NOTIFICATION","role":"LEADING","leader":3,"zxid":"0.0","round":-2,"peerEpoch":0}}"#,
    ),
    ("no argument", r#"{"server":1,"incarnation":1,"seq":0,"event":"Looking"}"#),
    ("no zxid", r#"{"server":1,"incarnation":1,"seq":0,"event":"Committed","zxid":"1"}"#),
    ("a number", r#"{"server":1,"incarnation":1,"seq":0,"event":"Committed","zxid":1}"#),
    (
        "a wide zxid",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Delivered","zxid":"1.4294967296"}"#,
    ),
    (
        "an odd digest",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Proposed","zxid":"1.1","digest":"AB"}"#,
    ),
    (
        "no connection",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Disconnected","connection":"a"}"#,
    ),
    ("nothing persisted", r#"{"server":1,"incarnation":1,"seq":0,"event":"Persisted"}"#),
    (
        "two things persisted",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Persisted","log":"1.1","currentEpoch":1}"#,
    ),
    (
        "an unknown message",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Sent","connection":"a>b","ordinal":0,"peer":2,"message":{"type":"PING"}}"#,
    ),
    (
        "half a message",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Sent","connection":"a>b","ordinal":0,"peer":2,"message":{"type":"ACKEPOCH","lastZxid":"0.0"}}"#,
    ),
    (
        "a message as a list",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Sent","connection":"a>b","ordinal":0,"peer":2,"message":["UPTODATE"]}"#,
    ),
    (
        "an unknown role",
        r#"{"server":1,"incarnation":1,"seq":0,"event":"Stop","state":{"role":"LEADER"}}"#,
    ),
    ("after is no pair", r#"{"server":1,"incarnation":1,"seq":0,"after":[["a"]],"event":"Stop"}"#),
];

/// All bad headers, with a name for each.
pub(crate) const BAD_HEADERS: &[(&str, &str)] = &[
    ("something else", "#!/bin/sh"),
    ("an event", r#"{"server":1,"incarnation":1,"seq":0,"event":"Stop"}"#),
    ("version 2", r#"{"zabTrace":2,"everything":"else"}"#),
    ("version \"1\"", r#"{"zabTrace":"1"}"#),
    ("version 1.5", r#"{"zabTrace":1.5}"#),
    ("not finished", r#"{"zabTrace":1,"source":"#),
    ("nothing else", r#"{"zabTrace":1}"#),
    (
        "an unknown source",
        r#"{"zabTrace":1,"source":"web","implementation":{"name":"a","version":"1"},"servers":[1],"observers":[],"profile":"fixed","window":5,"contract":{"hidden":[],"state":true,"silent":[]}}"#,
    ),
    (
        "an unknown hidden event",
        r#"{"zabTrace":1,"source":"hand","implementation":{"name":"a","version":"1"},"servers":[1],"observers":[],"profile":"fixed","window":5,"contract":{"hidden":["Send"],"state":true,"silent":[]}}"#,
    ),
    (
        "a list as contract",
        r#"{"zabTrace":1,"source":"hand","implementation":{"name":"a","version":"1"},"servers":[1],"observers":[],"profile":"fixed","window":5,"contract":[[],true,[]]}"#,
    ),
    (
        "no servers",
        r#"{"zabTrace":1,"source":"hand","implementation":{"name":"a","version":"1"},"servers":[],"observers":[],"profile":"fixed","window":5,"contract":{"hidden":[],"state":true,"silent":[]}}"#,
    ),
    (
        "a server twice",
        r#"{"zabTrace":1,"source":"hand","implementation":{"name":"a","version":"1"},"servers":[1,2,1],"observers":[],"profile":"fixed","window":5,"contract":{"hidden":[],"state":true,"silent":[]}}"#,
    ),
    (
        "server 0",
        r#"{"zabTrace":1,"source":"hand","implementation":{"name":"a","version":"1"},"servers":[0,1],"observers":[],"profile":"fixed","window":5,"contract":{"hidden":[],"state":true,"silent":[]}}"#,
    ),
    (
        "window 0",
        r#"{"zabTrace":1,"source":"hand","implementation":{"name":"a","version":"1"},"servers":[1],"observers":[],"profile":"fixed","window":0,"contract":{"hidden":[],"state":true,"silent":[]}}"#,
    ),
    (
        "a null seed",
        r#"{"zabTrace":1,"source":"hand","implementation":{"name":"a","version":"1"},"servers":[1],"observers":[],"profile":"fixed","window":5,"seed":null,"contract":{"hidden":[],"state":true,"silent":[]}}"#,
    ),
];

/// The first error of a file.
fn error(bytes: &[u8]) -> ReadError {
    match Reader::new("t.ndjson", bytes) {
        Ok(reader) => reader.filter_map(Result::err).next().expect("an error"),
        Err(error) => error,
    }
}

#[test]
fn a_bad_event_is_explained() {
    let mut told = String::new();
    for (name, line) in BAD_EVENTS {
        let mut bytes = text(&header(), &[]);
        bytes.extend(line.bytes());
        bytes.push(b'\n');
        told += &format!("{name}\n    {}\n", error(&bytes));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_bad_header_is_explained() {
    let mut told = String::new();
    for (name, line) in BAD_HEADERS {
        told += &format!("{name}\n    {}\n", error(format!("{line}\n").as_bytes()));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_bad_file_is_explained() {
    let good = text(&header(), &[]);
    let with = |tail: &[u8]| [good.as_slice(), tail].concat();
    let files = [
        ("empty", Vec::new()),
        ("a cut header", good[..20].to_vec()),
        ("a cut event", with(br#"{"server":1,"#)),
        (
            "an event without its line feed",
            with(br#"{"server":1,"incarnation":1,"seq":0,"event":"Stop"}"#),
        ),
        ("a header inside", with(&good)),
        ("not UTF-8", with(b"{\"server\":\xff\n")),
        ("a long line", with(&vec![b' '; LINE_BYTES_MAX + 1])),
        ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x0a\x0a".to_vec()),
        ("zstd", b"\x28\xb5\x2f\xfd\x04\x00\x0a".to_vec()),
        ("xz", b"\xfd7zXZ\x00\x00\x04".to_vec()),
        ("zip", b"PK\x03\x04\x14\x00".to_vec()),
        ("a byte order mark", [b"\xef\xbb\xbf", good.as_slice()].concat()),
        (
            "files with byte order marks, put together",
            with(&[b"\xef\xbb\xbf", good.as_slice()].concat()),
        ),
        ("UTF-16, little end first", utf_16(&good, u16::to_le_bytes)),
        ("UTF-16, big end first", utf_16(&good, u16::to_be_bytes)),
        ("UTF-16 with its mark", [b"\xff\xfe".to_vec(), utf_16(&good, u16::to_le_bytes)].concat()),
        ("a blank line first", [b"\n", good.as_slice()].concat()),
        ("a blank line last", with(b"\n")),
        ("a line of blanks", with(b" \t\r\n")),
        ("an array, opened on a line of its own", [b"[\n", good.as_slice()].concat()),
        ("an array on one line", [b"[", good.as_slice()].concat()),
        ("the end of an array", with(b"]\n")),
        ("a header with a comma", [good.trim_ascii(), b",\n"].concat()),
        (
            "an event with a comma",
            with(b"{\"server\":1,\"incarnation\":1,\"seq\":0,\"event\":\"Stop\"},\n"),
        ),
        ("carriage returns only", [good.trim_ascii(), b"\r", good.trim_ascii(), b"\r\n"].concat()),
        ("zeros after a power cut", with(b"\0\0\0\0\0\0\n")),
        ("zeros behind a line's beginning", with(b"{\"server\":1,\0\0\0\0\n")),
        ("printed on many lines", b"{\n  \"zabTrace\": 1\n}\n".to_vec()),
    ];
    let mut told = String::new();
    for (name, bytes) in files {
        told += &format!("{name}\n    {}\n", error(&bytes));
    }
    insta::assert_snapshot!(told);
}

fn utf_16(text: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    String::from_utf8_lossy(text).encode_utf16().flat_map(bytes).collect()
}

/// Carriage returns are blanks of JSON: lines may end with one before the line feed.
#[test]
fn lines_may_end_with_carriage_return_and_line_feed() {
    let mut file = text(&header(), &[]);
    file.extend(b"{\"server\":1,\"incarnation\":1,\"seq\":0,\"event\":\"Stop\"}\n");
    let file = String::from_utf8(file).expect("text").replace('\n', "\r\n");
    let reader = Reader::new("t", file.as_bytes()).expect("a header");
    assert_eq!(reader.collect::<Result<Vec<_>, _>>().expect("events").len(), 1);
}

#[test]
fn the_longest_line_is_read_and_one_byte_more_is_not() {
    let mut line = br#"{"server":1,"incarnation":1,"seq":0,"event":"Stop"}"#.to_vec();
    line.resize(LINE_BYTES_MAX - 1, b' ');
    let file = |line: &[u8]| [text(&header(), &[]).as_slice(), line, b"\n"].concat();
    let longest = file(&line);
    assert_eq!(Reader::new("t", longest.as_slice()).expect("a header").count(), 1);
    line.push(b' ');
    assert!(error(&file(&line)).to_string().contains("longer than 65536 bytes"));
}

#[test]
fn a_line_too_long_is_not_written() {
    let mut header = header();
    header.note = Some("x".repeat(LINE_BYTES_MAX));
    assert!(zab_trace::Writer::new(Vec::new(), &header).is_err());
}

#[test]
fn paths_are_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().display().to_string();
    let told = |paths: &[String]| {
        let error = Trace::load(paths).expect_err("no trace").to_string();
        error.replace(&root, "DIR")
    };
    std::fs::create_dir(folder.path().join("none")).expect("a folder");
    let mut other = header();
    other.window = 7;
    for (name, header) in [("a.ndjson", &header()), ("b.ndjson", &other)] {
        std::fs::write(folder.path().join(name), text(header, &[])).expect("a file");
    }
    std::fs::write(folder.path().join("notes.txt"), "no trace").expect("a file");
    insta::assert_snapshot!(told(&[]), @"trace:1:1: cannot be read: no files given");
    insta::assert_snapshot!(
        told(&[format!("{root}/c.ndjson")]),
        @"DIR/c.ndjson:1:1: cannot be read: No such file or directory (os error 2)"
    );
    insta::assert_snapshot!(
        told(&[format!("{root}/none")]),
        @"DIR/none:1:1: no *.ndjson file in this folder"
    );
    insta::assert_snapshot!(
        told(std::slice::from_ref(&root)),
        @"DIR/b.ndjson:1:1: window differs from that of DIR/a.ndjson"
    );
    insta::assert_snapshot!(
        told(&[format!("{root}/a.ndjson"), "/dev/null".to_owned()]),
        @"/dev/null:1:1: a pipe, a socket or a device, expected a regular file, since a trace is read more than once"
    );
    let odd = folder.path().join("odd");
    std::fs::create_dir_all(odd.join("server-1.ndjson")).expect("a folder");
    insta::assert_snapshot!(
        told(&[odd.display().to_string()]),
        @"DIR/odd/server-1.ndjson:1:1: a folder, expected a regular file, since a trace is read more than once"
    );
    let one = Trace::load(&[format!("{root}/a.ndjson")]).expect("a trace");
    assert!(matches!(one.files.as_slice(), [TraceFile { events, .. }] if events.is_empty()));
}

/// What is in a folder and is not read is told.
#[test]
fn files_that_are_not_read_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str| std::fs::write(folder.path().join(name), "").expect("a file");
    for name in ["a.json", "a.jsonl", "a.log", "a.ndjson.gz", "a.NDJSON", "a.ndjson~", ".hidden"] {
        write(name);
    }
    std::fs::create_dir_all(folder.path().join("deeper")).expect("a folder");
    std::fs::create_dir_all(folder.path().join("data")).expect("a folder");
    write("deeper/b.ndjson");
    let names = |paths: &[std::path::PathBuf]| -> Vec<String> {
        let names = paths.iter().map(|path| path.file_name().unwrap_or_default());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    };
    let all = ["a.NDJSON", "a.json", "a.jsonl", "a.log", "a.ndjson.gz", "a.ndjson~", "deeper"];
    assert_eq!(names(&files_not_read(&[folder.path()])), all);
    let error = lint(&[folder.path()]).expect_err("no file").to_string();
    assert!(
        error.ends_with(
            "no *.ndjson file in this folder; a.NDJSON, a.json, a.jsonl and 4 more are not read"
        ),
        "{error}"
    );
    std::fs::write(folder.path().join("a.ndjson"), text(&header(), &[])).expect("a file");
    let report = lint(&[folder.path()]).expect("files");
    let told: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    for name in all {
        let path = folder.path().join(name);
        let line =
            format!("{}: warning: not read: only *.ndjson files of a folder are", path.display());
        assert!(told.contains(&line), "{told:?}");
    }
    assert_eq!(report.files, 1);
}

/// Whoever writes a trace chooses its names; they do not reach a terminal as they are.
#[test]
fn names_are_escaped() {
    let bad = "x\u{1b}]0;owned\u{7}\u{202e}\n";
    let event = format!(
        r#"{{"server":1,"incarnation":1,"seq":0,"event":{}}}"#,
        serde_json::Value::from(bad)
    );
    let connection = format!(
        r#"{{"server":1,"incarnation":1,"seq":0,"event":"Disconnected","connection":{}}}"#,
        serde_json::Value::from(bad)
    );
    for line in [event, connection, bad.replace('\n', "")] {
        let mut file = text(&header(), &[]);
        file.extend(line.bytes());
        file.push(b'\n');
        let reader = Reader::new(bad, file.as_slice()).expect("a header");
        let error = reader.filter_map(Result::err).next().expect("an error").to_string();
        assert!(!error.contains(char::is_control), "{error:?}");
        assert!(!error.contains('\u{202e}'), "{error:?}");
        assert!(error.starts_with("x\\u{1b}]0;owned\\u{7}\\u{202e}\\n:2:"), "{error:?}");
    }
}
