//! Kinds about which the checker is known to be wrong. There are none at present.

/// Titles, and why.
const KNOWN: &[(&str, &str)] = &[];

/// Why the checker is known to be wrong about this kind, if it is.
pub(super) fn reason(title: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == title).map(|(_, reason)| *reason)
}
