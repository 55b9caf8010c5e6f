//! Which switches a capture needs: what a release does otherwise than `fixed`, and what the capture
//! shows of it.

use zab_capture::Item;
use zab_capture::properties::Members;
use zab_model::Profile;
use zab_model::profile::KNOWN;
use zab_model::profile::SWITCHES;

use crate::verdict::Answer;
use crate::verdict::Divergence;
use crate::verdict::follow;

/// A switch that a server of a capture needs as its release has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reliance {
    /// The server.
    pub server: i64,
    /// The switch, and the value of the release.
    pub switch: &'static str,
    /// Its value in the release.
    pub value: &'static str,
    /// The rule that reads it.
    pub rule: &'static str,
    /// What a server does with that value.
    pub says: &'static str,
    /// Known issues that the value is a cause of.
    pub issues: String,
    /// Where the capture leaves the release, if this switch alone is set as in `fixed`.
    pub divergence: Divergence,
}

/// The switches that a server needs: set as in `fixed`, each by itself, the capture diverges. A switch that
/// is not among them makes no difference to this capture, or is not the only way to explain it.
#[must_use]
pub fn reliances(
    items: &[Item],
    members: &Members,
    server: i64,
    profile: Profile,
) -> Vec<Reliance> {
    let needs = |switch: &'static zab_model::profile::Switch| {
        let (value, fixed) = (switch.of(&profile), switch.of(&Profile::FIXED));
        let strict = switch.set(&profile, fixed.name).ok().filter(|_| value != fixed)?;
        match follow(items, members, server, strict).answer {
            Answer::Conforms | Answer::Inconclusive(_) => None,
            Answer::Diverges(divergence) => Some(Reliance {
                server,
                switch: switch.name,
                value: value.name,
                rule: switch.rule,
                says: value.says,
                issues: issues(switch.name, value.name),
                divergence,
            }),
        }
    };
    SWITCHES.iter().filter_map(needs).collect()
}

/// Known issues of a value: those that explorations find (`zab_model::profile::KNOWN`), and the one that is
/// known by its packets.
fn issues(switch: &str, value: &str) -> String {
    let mut issues = Vec::new();
    if (switch, value) == ("newleader_program", "queued") {
        issues.push("ZOOKEEPER-4785");
    }
    let cures =
        |cure: &str| cure.split(',').any(|setting| setting.starts_with(&format!("{switch}=")));
    for known in KNOWN.iter().filter(|known| cures(known.cure)) {
        if !issues.contains(&known.issue) {
            issues.push(known.issue);
        }
    }
    issues.join("; ")
}
