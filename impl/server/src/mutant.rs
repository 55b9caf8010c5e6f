//! Defects that can be put into a server, one at a time, for tests of the checks. In a build without
//! the feature `mutants` there are none.

/// A seeded defect: a check must find it. Each is read in exactly one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// A client is told of no event.
    EventLost,
    /// A client is told of an event after the answer that shows the change.
    EventAfterAnswer,
    /// A watch that fires once fires every time.
    WatchFiresAgain,
    /// A session expires after a fifth of its timeout.
    ExpiresEarly,
    /// No session expires.
    NeverExpires,
    /// The ephemeral nodes of a session stay when it is closed.
    EphemeralLeft,
    /// What the log holds after the newest snapshot is not applied at the start.
    LogNotReplayed,
    /// The digest of a transaction is that of the tree before it.
    DigestOfBefore,
    /// Purging removes every log file but the last.
    PurgesTooMuch,
    /// Everybody may do everything.
    AclIgnored,
    /// The parts of a `multi` before the one that fails are applied.
    MultiInPart,
    /// The answer to a write has the zxid of the tree.
    AnswerOfLater,
}

#[cfg(any(test, feature = "mutants"))]
impl Mutant {
    /// All of them, by their names.
    pub(crate) const ALL: [(&'static str, Self); 12] = [
        ("event-lost", Self::EventLost),
        ("event-after-answer", Self::EventAfterAnswer),
        ("watch-fires-again", Self::WatchFiresAgain),
        ("expires-early", Self::ExpiresEarly),
        ("never-expires", Self::NeverExpires),
        ("ephemeral-left", Self::EphemeralLeft),
        ("log-not-replayed", Self::LogNotReplayed),
        ("digest-of-before", Self::DigestOfBefore),
        ("purges-too-much", Self::PurgesTooMuch),
        ("acl-ignored", Self::AclIgnored),
        ("multi-in-part", Self::MultiInPart),
        ("answer-of-later", Self::AnswerOfLater),
    ];
}

impl Mutant {
    /// Whether this process has this defect.
    #[cfg(not(feature = "mutants"))]
    pub(crate) const fn is_on(self) -> bool {
        false
    }

    /// Whether this process has this defect.
    #[cfg(feature = "mutants")]
    pub(crate) fn is_on(self) -> bool {
        *CHOSEN == Some(self)
    }
}

/// The variable of the environment that names the defect of this process.
#[cfg(feature = "mutants")]
const VARIABLE: &str = "ZAB_SERVER_MUTANT";

#[cfg(feature = "mutants")]
static CHOSEN: std::sync::LazyLock<Option<Mutant>> = std::sync::LazyLock::new(|| {
    let name = std::env::var(VARIABLE).ok()?;
    let found = Mutant::ALL.into_iter().find(|(known, _)| *known == name);
    found.map(|(_, mutant)| mutant)
});

/// Says which defect this process has; whether the one that is asked for exists.
#[cfg(feature = "mutants")]
pub fn announce_mutant() -> bool {
    if let Some(mutant) = *CHOSEN {
        tracing::warn!("this server has the defect {mutant:?}");
    }
    CHOSEN.is_some() || std::env::var_os(VARIABLE).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_defects_lists_them() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/defects.md");
        let page = std::fs::read_to_string(page).unwrap();
        let (_, section) = page.split_once("## The server\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let names: Vec<_> = Mutant::ALL.into_iter().map(|(name, _)| name).collect();
        assert_eq!(rows.collect::<Vec<_>>(), names);
    }
}
