//! Observers, groups and weights.

use super::*;

const OBSERVED: &str = "\
server.4=127.0.0.1:2884:3884:observer
server.5=127.0.0.1:2885:3885:observer;2185
";

fn notes(lines: &str) -> Vec<String> {
    with("none", lines).unwrap().notes
}

#[test]
fn observers_are_members_without_a_vote() {
    let config = with("none", OBSERVED).unwrap();
    assert_eq!((config.ids(), config.voters()), (vec![1, 2, 3, 4, 5], vec![1, 2, 3]));
    assert_eq!(config.observers(), [4, 5].into());
    assert_eq!(config.untraceable(), Some("an ensemble with observers"));
    let text = config.quorum_text();
    let lines: Vec<&str> = text.lines().skip(3).collect();
    let expected = [
        "server.4=127.0.0.1:2884:3884:observer",
        "server.5=127.0.0.1:2885:3885:observer;0.0.0.0:2185",
        "version=0",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_server_line_says_whether_this_is_an_observer() {
    assert_eq!(notes(OBSERVED), Vec::<String>::new());
    let noted = notes(&format!("{OBSERVED}peerType=observer"));
    assert_eq!(
        noted,
        ["peerType is observer, but line server.2 says that this is a participant: it is"]
    );
    let observer = load(&format!("{GOOD}{OBSERVED}peerType=observer\n"), Some("4"));
    assert_eq!(observer.unwrap().notes, Vec::<String>::new());
    let silent = load(&format!("{GOOD}{OBSERVED}"), Some("4")).unwrap().notes;
    let expected = "peerType is participant, as it is not given, but line server.4 says that this \
                    is an observer: it is";
    assert_eq!(silent, [expected]);
}

#[test]
fn one_server_that_votes_is_no_ensemble() {
    let text = GOOD.replace(":participant", ":observer").replace(":3883", ":3883:observer");
    let reason = refusal(load(&text, Some("1")));
    assert!(reason.contains("there are 1 servers that vote, and observers"), "{reason}");
}

const GROUPS: &str = "\
server.4=127.0.0.1:2884:3884
server.5=127.0.0.1:2885:3885
group.1=1:2:3
group.2=4:5
weight.4=2
weight.5=0
";

#[test]
fn groups_and_weights_make_quorums() {
    let config = with("none", GROUPS).unwrap();
    let Quorums::Hierarchical { groups, weights } = &config.quorums else { panic!("{config:?}") };
    assert_eq!(*groups, [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)].into());
    assert_eq!(*weights, [(4, 2), (5, 0)].into());
    assert_eq!(config.untraceable(), Some("an ensemble with groups and weights"));
    let text = config.quorum_text();
    let lines: Vec<&str> = text.lines().skip(5).collect();
    let expected = [
        "group.1=1:2:3",
        "group.2=4:5",
        "weight.1=1",
        "weight.2=1",
        "weight.3=1",
        "weight.4=2",
        "weight.5=0",
        "version=0",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn groups_that_do_not_fit_are_refused() {
    for (lines, expected) in [
        ("group.1=1:2", "server 3 is in no group"),
        ("group.1=1:2\ngroup.2=2:3", "server 2 is in a group already"),
        ("group.1=1:2:3:4", "there is no server 4 that votes"),
        ("group.x=1:2:3", "x is no number of a group"),
        ("group.1=1:2:a", "is not a server id"),
        ("weight.1=2", "means nothing without group.N"),
        ("group.1=1:2:3\nweight.1=-1", "is not a number"),
        ("group.1=1:2:3\nweight.9=1", "there is no server 9"),
        ("group.1=1:2:3\nweight.1=0\nweight.2=0\nweight.3=0", "none can lead"),
    ] {
        let reason = refusal(with("none", lines));
        assert!(reason.contains(expected), "{lines:?}: {reason}");
    }
}
