//! Text from a trace, on its way to a person.

use std::fmt::{self, Display, Write};

/// Shows a text so that it does no harm in a terminal: control characters, ESC sequences, marks
/// that turn the direction of text, and everything else that is not seen, are written as `\u{1b}`.
///
/// Whoever writes a trace chooses its names. What is read by machines stays exact: it never goes
/// through this type. To escape twice is the same as to escape once.
///
/// ```
/// use zab_trace::Printable;
/// assert_eq!(Printable("a\u{1b}[31m\n").to_string(), "a\\u{1b}[31m\\n");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<T>(pub T);

impl<T: Display> Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut written = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| is_unseen(*c)) {
            self.0.write_str(&text[written..at])?;
            write!(self.0, "{}", c.escape_debug())?;
            written = at + c.len_utf8();
        }
        self.0.write_str(&text[written..])
    }
}

/// Whether the character is no visible sign of its own. The standard library's tables know: what it
/// escapes for debugging, except quotes and backslashes.
fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.escape_debug().len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_escaped() {
        for (text, shown) in [
            ("127.0.0.1:1>[::1]:2", "127.0.0.1:1>[::1]:2"),
            ("Grüße, 世界 \\ \"'", "Grüße, 世界 \\ \"'"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("one\nCONFORMS\r", "one\\nCONFORMS\\r"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
            ("a\u{200b}b\u{feff}c\u{2028}d", "a\\u{200b}b\\u{feff}c\\u{2028}d"),
            ("\u{e0041}", "\\u{e0041}"),
            ("\0\u{7f}", "\\0\\u{7f}"),
        ] {
            assert_eq!(Printable(text).to_string(), shown);
            assert_eq!(Printable(shown).to_string(), shown, "twice is once");
        }
    }
}
