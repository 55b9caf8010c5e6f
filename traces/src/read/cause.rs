//! What a file is that is no trace, where its bytes tell: better than what a JSON parser says of them.

use crate::ReadErrorKind;

/// How the files of common compressors begin.
const MAGIC: [(&[u8], &str); 6] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
];

/// What the first bytes of a file say it is, if it is no text in UTF-8.
pub(super) fn of_file(bytes: &[u8]) -> Option<ReadErrorKind> {
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(ReadErrorKind::Compressed(name));
    }
    let utf_16: [&[u8]; 4] = [b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{"];
    utf_16.iter().any(|mark| bytes.starts_with(mark)).then_some(ReadErrorKind::Utf16)
}

/// Why a line is not what is `expected`, where it shows.
pub(super) fn of_line(line: &str, expected: &'static str) -> Option<ReadErrorKind> {
    let text = line.trim();
    if text.is_empty() {
        Some(ReadErrorKind::EmptyLine { expected })
    } else if text.starts_with('\u{feff}') {
        Some(ReadErrorKind::ByteOrderMark)
    } else if text.contains('\0') {
        Some(ReadErrorKind::Zeros)
    } else if text.starts_with('[') || text == "]" {
        Some(ReadErrorKind::Array)
    } else if text.ends_with("},") {
        Some(ReadErrorKind::Comma)
    } else if text.contains("}\r{") {
        Some(ReadErrorKind::CarriageReturn)
    } else {
        None
    }
}
