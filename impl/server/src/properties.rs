//! The syntax of Java's `.properties` files, in which `zoo.cfg` is written.
//!
//! Source: `java.util.Properties.load`. Comments start with `#` or `!`; the key ends at the first
//! unescaped `=`, `:` or white space; a line that ends in an odd number of backslashes continues
//! on the next; `\t \n \r \f \uXXXX` are escapes and a backslash before anything else is dropped.
//! Unlike Java, which reads ISO-8859-1, the text is UTF-8.

/// Where a property stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On this line of the file, from 1; the one on which its key starts.
    Line(usize),
    /// In an argument `-D` of the command line.
    Argument,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Argument => f.write_str("-D"),
        }
    }
}

/// One `key=value` of a properties file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    /// Where it stands.
    pub(crate) place: Place,
    /// Unescaped key.
    pub(crate) key: String,
    /// Unescaped value, without the white space that surrounds it.
    pub(crate) value: String,
}

/// A malformed `\uXXXX` escape, the only text that the syntax refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: \\u must be followed by four hexadecimal digits of a character")]
pub(crate) struct BadEscape {
    /// Where the property stands.
    pub(crate) place: Place,
}

/// Reads all properties of a file in order; a key that occurs twice is returned twice.
pub(crate) fn parse(text: &str) -> Result<Vec<Property>, BadEscape> {
    read(text, Place::Line)
}

/// The same of an argument `-D`.
pub(crate) fn parse_argument(text: &str) -> Result<Vec<Property>, BadEscape> {
    read(text, |_| Place::Argument)
}

fn read(text: &str, place: impl Fn(usize) -> Place) -> Result<Vec<Property>, BadEscape> {
    let mut properties = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let mut logical = first.trim_start_matches(is_blank).to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while continues(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(is_blank));
        }
        let place = place(index + 1);
        let (key, value) = split(&logical);
        properties.push(Property {
            place,
            key: unescape(key).ok_or(BadEscape { place })?,
            value: unescape(value).ok_or(BadEscape { place })?.trim().to_owned(),
        });
    }
    Ok(properties)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// An even number of backslashes at the end is that many escaped backslashes, not a continuation.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

/// Splits at the separator: white space, or one `=` or `:` with white space around it.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let is_end = !escaped && (is_blank(c) || matches!(c, '=' | ':'));
        escaped = c == '\\' && !escaped;
        is_end
    });
    let Some(end) = end else { return (line, "") };
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(is_blank))
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\x0c'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return None;
                }
                out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|p| (p.key, p.value)).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn every_separator_ends_a_key() {
        let text = "a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf=\ng\nh==6\n";
        let values = ["1", "2", "3", "4", "5", "", "", "=6"];
        let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let expected: Vec<_> = keys.iter().zip(values).map(|(k, v)| pair(k, v)).collect();
        assert_eq!(pairs(text), expected);
    }

    #[test]
    fn comments_and_blank_lines_are_skipped_and_lines_are_counted() {
        let parsed = parse("# c\n\n  ! c\r\n  a=1\r\n").unwrap();
        assert_eq!(
            parsed,
            [Property { place: Place::Line(4), key: "a".into(), value: "1".into() }]
        );
    }

    #[test]
    fn a_trailing_backslash_continues_the_line() {
        assert_eq!(pairs("a=1,\\\n   2\\\\\nb=3\\"), [pair("a", "1,2\\"), pair("b", "3")]);
    }

    #[test]
    fn escapes_are_decoded() {
        assert_eq!(pairs("a\\=b=\\u0041\\t\\x"), [pair("a=b", "A\tx")]);
        assert_eq!(parse("x=1\na=\\u12"), Err(BadEscape { place: Place::Line(2) }));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(\\PC|[\\\\\n=:# ]){0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn plain_pairs_are_read_back(key in "[a-zA-Z.0-9]{1,12}", value in "[a-z0-9:/=.]{0,20}") {
            prop_assert_eq!(pairs(&format!("{key} = {value}\n")), [pair(&key, &value)]);
        }
    }
}
