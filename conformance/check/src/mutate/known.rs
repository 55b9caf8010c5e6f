//! Kinds about which the checker is known to be wrong. The list is to become empty.

/// Titles, and why.
const KNOWN: &[(&str, &str)] = &[
    (
        "connection: message of elections on the quorum port",
        "a connection of the one port is not told from one of the other",
    ),
    (
        "connection: Connected: another peer where accepted",
        "a peer that Connected names is compared only where FOLLOWERINFO comes",
    ),
    (
        "connection: Connected: another peer where dialled",
        "a peer that Connected names is compared only where FOLLOWERINFO comes",
    ),
];

/// Why the checker is known to be wrong about this kind, if it is.
pub(super) fn reason(title: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == title).map(|(_, reason)| *reason)
}
