//! Which switches a capture needs: what a release does otherwise than `fixed`, and what the capture
//! shows of it.

use zab_capture::Item;
use zab_capture::properties::Members;
use zab_model::Profile;
use zab_model::profile::KNOWN;
use zab_model::profile::Known;
use zab_model::profile::SWITCHES;
use zab_model::profile::Switch;

use crate::answer::Answer;
use crate::answer::Divergence;
use crate::verdict::follow;

/// What a server of a capture needs as its release has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reliance {
    /// The server.
    pub server: i64,
    /// The switches with their values in the release: `newleader_program=queued`. Mostly it is one; more,
    /// if the capture can be explained without each of them.
    pub settings: String,
    /// The rule that reads the first one.
    pub rule: &'static str,
    /// What a server does with these values.
    pub says: String,
    /// Known issues that they are a cause of.
    pub issues: String,
    /// Where the capture leaves the release, if these switches are set as in `fixed`.
    pub divergence: Divergence,
}

/// The switches that a server needs: set as in `fixed`, each by itself, the capture diverges. If there is
/// none, those of known issues are set together. A switch that is not among them makes no difference to this
/// capture, or is not the only way to explain it. A server that is no run of its release needs none.
#[must_use]
pub fn reliances(
    items: &[Item],
    members: &Members,
    server: i64,
    profile: Profile,
) -> Vec<Reliance> {
    if follow(items, members, server, profile).answer != Answer::Conforms {
        return Vec::new();
    }
    let needs = |switches: &[&'static Switch]| {
        let mut strict = profile;
        for switch in switches {
            strict = switch.set(&strict, switch.of(&Profile::FIXED).name).ok()?;
        }
        let differs = strict != profile;
        let answer = differs.then(|| follow(items, members, server, strict).answer)?;
        let Answer::Diverges(divergence) = answer else { return None };
        let values: Vec<_> = switches.iter().map(|switch| (switch, switch.of(&profile))).collect();
        let settings =
            values.iter().map(|(switch, value)| format!("{}={}", switch.name, value.name));
        let says = values.iter().map(|(_, value)| value.says.trim());
        Some(Reliance {
            server,
            settings: settings.collect::<Vec<_>>().join(","),
            rule: switches.first()?.rule,
            says: says.collect::<Vec<_>>().join(" "),
            issues: issues(switches, &profile),
            divergence,
        })
    };
    let singles: Vec<_> = SWITCHES.iter().filter_map(|switch| needs(&[switch])).collect();
    if !singles.is_empty() {
        return singles;
    }
    KNOWN.iter().filter_map(|known| needs(&switches_of(known))).collect()
}

/// The switches that cure a known issue.
fn switches_of(known: &Known) -> Vec<&'static Switch> {
    let named = |setting: &str| {
        let (name, _) = setting.split_once('=')?;
        SWITCHES.iter().find(|switch| switch.name == name)
    };
    known.cure.split(',').filter_map(named).collect()
}

/// Known issues of these values: those that explorations find (`zab_model::profile::KNOWN`), and the one
/// that is known by its packets.
fn issues(switches: &[&'static Switch], profile: &Profile) -> String {
    let mut issues = Vec::new();
    let is_queued = |switch: &&Switch| {
        switch.name == "newleader_program" && switch.of(profile).name == "queued"
    };
    if switches.iter().any(is_queued) {
        issues.push("ZOOKEEPER-4785");
    }
    for known in KNOWN {
        let cures = switches_of(known);
        let is_cured =
            switches.iter().all(|switch| cures.iter().any(|one| one.name == switch.name));
        if is_cured && !issues.contains(&known.issue) {
            issues.push(known.issue);
        }
    }
    issues.join("; ")
}
