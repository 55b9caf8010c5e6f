//! Both shapes run the same rules: any run gives the same effects and the same projections.

mod cluster;
mod seeds;

use std::collections::{BTreeMap, BTreeSet};

use cluster::Cluster;
use proptest::prelude::*;
use zab_model::profile::RELEASES;
use zab_model::{Config, Phase, Profile, Record, Small, Wide};

type Bytes = Small<5, 12>;

/// `fixed`, releases, and every defect.
fn profiles() -> impl Strategy<Value = Profile> {
    let releases = RELEASES.iter().map(|release| release.profile);
    prop_oneof![
        Just(Profile::FIXED),
        prop::sample::select(releases.chain(Profile::defects()).collect::<Vec<_>>())
    ]
}

/// Choices for a run, and how many of the first ones are free of faults.
fn runs() -> impl Strategy<Value = (u8, usize, usize, Vec<usize>)> {
    let choices = prop::collection::vec(any::<usize>(), 0..600);
    (2u8..=5, 1usize..5, 0usize..300, choices)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn small_and_wide_agree(profile in profiles(), (voters, window, calm, choices) in runs()) {
        let mut small = Cluster::new(Config::<Bytes>::new(voters).unwrap(), window);
        let mut wide = Cluster::new(Config::<Wide>::new(voters).unwrap(), window);
        small.cfg.ensemble.profile = profile;
        wide.cfg.ensemble.profile = profile;
        let (mut left, mut right) = (Record::default(), Record::default());
        for (turn, choice) in choices.into_iter().enumerate() {
            // Faults every time would keep anything from being established.
            let faults = turn > calm && choice % 7 == 0;
            let a = small.step(choice, faults, &mut left);
            let b = wide.step(choice, faults, &mut right);
            prop_assert_eq!(a, b);
            prop_assert_eq!(&left, &right);
            if profile == Profile::FIXED {
                small.assert_sound();
            }
            left = Record::default();
            right = Record::default();
        }
    }
}

/// The runs above would prove little if they never came far.
#[test]
fn random_runs_reach_every_phase_and_rule() {
    let mut fired: BTreeMap<&str, usize> = BTreeMap::new();
    let mut phases = BTreeSet::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for run in 0..400u64 {
        let mut cluster = Cluster::new(Config::<Bytes>::new(3).unwrap(), 2);
        let mut record = Record::default();
        for turn in 0..600 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(run | 1);
            let choice = usize::try_from(random >> 33).unwrap();
            cluster.step(choice, turn > 150 && choice % 11 == 0, &mut record);
            cluster.assert_sound();
            phases.extend(cluster.servers.iter().map(|server| server.phase));
        }
        for rule in record.fired {
            *fired.entry(rule).or_default() += 1;
        }
    }
    let rare = ["zk.sync.trunc", "zk.sync.snap", "zk.bcast.apply", "f.3.3"];
    for rule in rare {
        assert!(fired.contains_key(rule), "{rule} is never reached: {fired:#?}");
    }
    assert!(phases.contains(&Phase::Broadcast));
}
