//! The rules, told as stories: `rules/*.txt`.
//!
//! `REWRITE=1 cargo test -p zab-model --test stories` fills in what follows `----`. Read the
//! difference, and commit it only if you understand it.

mod follow;
mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use story::Story;
use zab_model::{
    Message, Notification, Profile, Record, Role, ServerId, Small, Step, Vote, Wide, Zxid,
};

type Bytes = Small<5, 8>;

/// Tells every story to both shapes; returns what the probes saw.
fn tell_all() -> Record {
    let mut seen = Record::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    datadriven::walk(folder.to_str().unwrap(), |file| {
        let mut pair: Option<(Story<Bytes>, Story<Wide>)> = None;
        file.run(|case| {
            if case.directive == "server" {
                let words = case.input.trim();
                keep(&mut seen, pair.take());
                let (small, wide) = pair.insert((Story::new(words), Story::new(words)));
                return agree(small.state(), wide.state());
            }
            let (small, wide) = pair.as_mut().expect("a story begins with a server");
            match case.directive.as_str() {
                "tell" => agree(small.tell(&case.input), wide.tell(&case.input)),
                "skip" => agree(small.skip(&case.input), wide.skip(&case.input)),
                "plan" => agree(small.plan(&case.input), wide.plan(&case.input)),
                other => panic!("{other} is no directive"),
            }
        });
        keep(&mut seen, pair);
    });
    seen
}

fn keep(seen: &mut Record, pair: Option<(Story<Bytes>, Story<Wide>)>) {
    if let Some((small, _)) = pair {
        seen.checks.extend(small.seen.checks);
        seen.fired.extend(small.seen.fired);
    }
}

fn agree(small: String, wide: String) -> String {
    assert_eq!(small, wide, "the shapes disagree");
    small
}

/// Packets of real servers, and of stories: which profiles have a run that sends them.
#[test]
fn records_of_packets_are_runs_of_the_profiles_that_they_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packets");
    datadriven::walk(folder.to_str().unwrap(), |file| {
        file.run(|case| {
            let profiles = case.args["profiles"].iter();
            profiles.map(|profile| follow::follow(&case.input, profile)).collect::<String>()
        });
    });
}

/// The ids of the rules in the ledger; deviations and the pure helpers' parents included.
fn ledger() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/rules.md");
    let text = fs::read_to_string(path).unwrap();
    let ids = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    ids.map(|(id, _)| id.to_owned()).collect()
}

#[test]
fn every_rule_of_the_ledger_has_a_story() {
    let seen = tell_all();
    let fired: BTreeSet<String> = seen.fired.iter().map(|rule| (*rule).to_owned()).collect();
    let untold: Vec<_> = ledger().difference(&fired).cloned().collect();
    assert_eq!(untold, Vec::<String>::new(), "rules without a story");
    let unknown: Vec<_> = fired.difference(&ledger()).cloned().collect();
    assert_eq!(unknown, Vec::<String>::new(), "rules that the ledger does not have");
    let mut sides: BTreeMap<(&str, &str), BTreeSet<bool>> = BTreeMap::new();
    for check in &seen.checks {
        sides.entry((check.rule, check.guard)).or_default().insert(check.holds);
    }
    let one_sided: Vec<_> = sides.iter().filter(|(_, seen)| !seen.contains(&false)).collect();
    assert!(one_sided.is_empty(), "guards that no story sees fail: {one_sided:?}");
}

/// Server 2 of three, whose leader is server 3 or itself, in numbers that a byte does not hold.
fn wide(leader: &str, vote_epoch: u32) -> Story<Wide> {
    let mut story = Story::<Wide>::new("2 of 3 accepted=1 current=1");
    story.skip("start");
    let vote = Vote {
        leader: if leader == "self" { ServerId(2) } else { ServerId(3) },
        zxid: Zxid::default(),
        peer_epoch: vote_epoch,
    };
    let notification = Notification { role: Role::Looking, vote, round: 1 };
    let message = Message::Notification(notification);
    story.take(Step::Receive { from: ServerId(3), message });
    story.skip("settle");
    story
}

/// `f.1.2`, D-EPOCH: what can be reached from the epochs that are known is accepted, and not one
/// epoch more.
#[test]
fn a_follower_refuses_an_epoch_out_of_reach() {
    for (vote_epoch, epoch, expected) in [
        (1, 1 + (1 << 24), "acceptedEpoch=16777217"),
        (1, 2 + (1 << 24), "rules zk.fle.leave_role zk.fle.enter"),
        (7, 7 + (1 << 24), "acceptedEpoch=16777223"),
        (7, 8 + (1 << 24), "rules zk.fle.leave_role zk.fle.enter"),
        (1, u32::MAX, "rules zk.fle.leave_role zk.fle.enter"),
    ] {
        let mut story = wide("3", vote_epoch);
        story.skip("connected 3");
        let message = Message::LeaderInfo { epoch };
        let said = story.take(Step::Receive { from: ServerId(3), message });
        assert!(said.contains(expected), "{epoch}: {said}");
    }
}

/// `l.1.1`, D-EPOCH: one learner raises the new epoch by 2^16 at most.
#[test]
fn a_learner_raises_the_epoch_by_one_step() {
    for (accepted_epoch, decided) in
        [(5, 6), (65_536, 65_537), (65_537, 65_537), (u32::MAX, 65_537)]
    {
        let mut story = wide("self", 1);
        let message = Message::FollowerInfo { accepted_epoch };
        let said = story.take(Step::Receive { from: ServerId(3), message });
        assert!(said.contains(&format!("acceptedEpoch={decided} ")), "{accepted_epoch}: {said}");
    }
}

/// `zk.fle.enter`, D-ROUND: after the last round comes the first.
#[test]
fn the_first_round_comes_after_the_last() {
    let mut story = wide("3", 1);
    story.skip("connected 3\nleave");
    let vote = Vote { leader: ServerId(3), zxid: Zxid::default(), peer_epoch: 9 };
    let notification = Notification { role: Role::Looking, vote, round: i64::MAX };
    let message = Message::Notification(notification);
    let said = story.take(Step::Receive { from: ServerId(3), message });
    assert!(said.contains(&i64::MAX.to_string()), "{said}");
    let said = story.tell("settle\nconnected 3\nleave");
    assert!(said.contains("Looking round=1\n"), "{said}");
}

/// The words of a server whose profile has these settings as well.
fn with_settings(words: &str, settings: &str) -> String {
    let has_profile = |word: &str| word.starts_with("profile=") || word.starts_with("release=");
    let changed = words.split_whitespace().map(|word| match word {
        word if has_profile(word) => format!("{word},{settings}"),
        word => word.to_owned(),
    });
    let more = (!words.split_whitespace().any(has_profile)).then(|| format!("profile={settings}"));
    changed.chain(more).collect::<Vec<_>>().join(" ")
}

/// What the stories say when servers follow another profile: the directives and inputs of every file, told
/// to one shape, without looking at what is expected.
fn transcript(profile: Profile) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut said = String::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let mut story: Option<Story<Bytes>> = None;
        for block in text.split("\n\n") {
            let Some((input, _)) = block.split_once("\n----") else { continue };
            let lines: Vec<&str> = input.lines().filter(|line| !line.starts_with('#')).collect();
            let rest = lines[1..].join("\n");
            match (lines[0], &mut story) {
                ("server", story) => {
                    let settings = profile.to_string();
                    let set = match settings.as_str() {
                        "fixed" => rest,
                        settings => with_settings(&rest, settings),
                    };
                    *story = Some(Story::new(&set));
                }
                ("tell" | "skip", Some(story)) => said += &(story.tell(&rest) + &story.whole()),
                ("plan", Some(story)) => said += &story.plan(&rest),
                (other, _) => panic!("{other} is no directive"),
            }
        }
    }
    said
}

#[test]
fn every_value_of_every_switch_changes_a_story() {
    let right = transcript(Profile::FIXED);
    assert!(right.len() > 10_000, "the stories were not told");
    let unseen = Profile::defects().filter(|profile| transcript(*profile) == right);
    assert_eq!(unseen.map(|profile| profile.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
}
