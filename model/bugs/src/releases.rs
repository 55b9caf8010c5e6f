//! Which releases behave like one that is modelled.

use zab_model::profile::{RELEASES, Release};

/// Releases that have no profile of their own, with one that behaves the same: the classes
/// `Learner`, `Leader`, `LearnerHandler` and `FastLeaderElection` at their tags differ in nothing
/// that is modelled.
pub const ALIKE: &[(&str, &str)] = &[
    ("3.8.1", "3.8.0"),
    ("3.8.2", "3.8.0"),
    ("3.8.3", "3.8.0"),
    ("3.8.4", "3.8.0"),
    ("3.8.5", "3.8.6"),
    ("3.9.0", "3.9.1"),
];

/// The release of that number, or one that behaves the same.
#[must_use]
pub fn behaves_as(name: &str) -> Option<&'static Release> {
    let alike = ALIKE.iter().find(|(known, _)| *known == name);
    let name = alike.map_or(name, |(_, like)| like);
    RELEASES.iter().find(|release| release.name == name || release.also.contains(&name))
}
