//! Releases as profiles: which properties do not hold in each, and why.

use std::collections::BTreeSet;

use zab_explorer::{Options, Report};
use zab_model::Profile;
use zab_model::explore::{Bounds, PROPERTIES, State, Zab, after_first_epoch};
use zab_model::profile::{GAPS, KNOWN, Known, RELEASES, Release, SWITCHES};

use crate::{CALM, explore_within, violated, zab};

/// A few requests, one crash, two elections, from the end of a first epoch.
fn scene(profile: Profile, requests: u8) -> Zab {
    let mut model = zab(Bounds { requests, crashes: 1, rounds: 2, ..CALM });
    model.starts = vec![after_first_epoch()];
    model.ensemble.profile = profile;
    model
}

/// A transaction that is missing shows when another one follows it.
const TWO_REQUESTS: &[&str] = &["ZOOKEEPER-4925"];

fn violated_by(profile: Profile) -> BTreeSet<&'static str> {
    violated_with(profile, 1)
}

fn violated_with(profile: Profile, requests: u8) -> BTreeSet<&'static str> {
    let options = Options { threads: 2, ..Options::default() };
    let report: Report<State> = explore_within(&scene(profile, requests), &options);
    assert_eq!(report.stopped, None);
    violated(&report).into_iter().collect()
}

fn causes(release: &Release) -> impl Iterator<Item = &'static Known> {
    KNOWN.iter().filter(|known| known.releases.contains(&release.name))
}

/// Each behaviour once; several releases may have it.
fn different() -> Vec<&'static Release> {
    let mut found: Vec<&Release> = Vec::new();
    for release in RELEASES {
        if found.iter().all(|other| other.profile != release.profile) {
            found.push(release);
        }
    }
    found
}

fn cured<'a>(profile: Profile, causes: impl Iterator<Item = &'a Known>) -> Profile {
    causes.fold(profile, |profile, known| profile.with(known.cure).expect("a switch"))
}

#[test]
fn in_each_release_only_known_properties_are_violated() {
    for release in different() {
        let known: BTreeSet<_> =
            causes(release).flat_map(|known| known.properties).copied().collect();
        let found = violated_by(release.profile);
        let unknown: Vec<_> = found.difference(&known).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", release.name);
        assert_eq!(found.is_empty(), known.is_empty(), "{}", release.name);
    }
}

#[test]
fn with_all_cures_but_one_exactly_that_cause_is_left() {
    let mut wrong = Vec::new();
    for release in different() {
        for cause in causes(release) {
            let others = causes(release).filter(|other| other.issue != cause.issue);
            let left: BTreeSet<_> = cause.properties.iter().copied().collect();
            let requests = if TWO_REQUESTS.contains(&cause.issue) { 2 } else { 1 };
            let found = violated_with(cured(release.profile, others), requests);
            if found != left {
                wrong.push(format!("{} in {}: {found:?}", cause.issue, release.name));
            }
        }
        let found = violated_by(cured(release.profile, causes(release)));
        assert_eq!(found, BTreeSet::new(), "{}", release.name);
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn releases_that_behave_alike_have_the_same_causes() {
    for (one, other) in
        RELEASES.iter().flat_map(|one| RELEASES.iter().map(move |other| (one, other)))
    {
        if one.profile == other.profile {
            let [one, other] = [one, other].map(|r| causes(r).map(|k| k.issue).collect::<Vec<_>>());
            assert_eq!(one, other);
        }
    }
}

#[test]
fn names_in_the_tables_exist() {
    let is_release = |name: &&str| RELEASES.iter().any(|release| release.name == *name);
    let is_property = |name: &&str| PROPERTIES.iter().any(|property| property.name == *name);
    assert!(KNOWN.iter().flat_map(|known| known.releases).all(is_release));
    assert!(GAPS.iter().flat_map(|gap| gap.releases).all(is_release));
    assert!(KNOWN.iter().flat_map(|known| known.properties).all(is_property));
    let fixed = RELEASES.last().expect("a release");
    assert_eq!((fixed.name, fixed.profile), ("fixed", Profile::FIXED));
    assert!(GAPS.iter().all(|gap| !gap.is_of(fixed)));
}

#[test]
fn a_profile_is_named_and_shown_by_its_switches() {
    let named = Profile::named("3.9.1,acks_of_cut=withdrawn").expect("both exist");
    let queued = Profile::named("3.8.0").expect("a release");
    assert_eq!(queued.with("acks_of_cut=withdrawn"), Ok(named));
    assert_eq!(Profile::named("3.9.5"), Profile::named("3.9.4"));
    for release in RELEASES {
        let shown = release.profile.to_string();
        let again = if shown == "fixed" { Ok(Profile::FIXED) } else { Profile::FIXED.with(&shown) };
        assert_eq!(again, Ok(release.profile), "{shown}");
    }
    for (text, what) in [
        ("3.9.9", "release"),
        ("fixed,acks=kept", "switch"),
        ("fixed,acks_of_cut", "value of acks_of_cut"),
        ("fixed,acks_of_cut=lost", "value of acks_of_cut"),
    ] {
        let error = Profile::named(text).expect_err(text);
        assert_eq!(error.what, what, "{text}");
    }
}

/// A switch whose values no release and no defect has would be a switch without effect.
#[test]
fn every_switch_has_two_values_and_starts_with_that_of_fixed() {
    for switch in SWITCHES {
        assert!(switch.values.len() > 1, "{}", switch.name);
        assert_eq!(switch.of(&Profile::FIXED), switch.values[0], "{}", switch.name);
    }
}
