//! What readers are shown of runs: steps as changes and states, runs as sequence diagrams.
//!
//! `REWRITE=1 cargo test -p zab-model --test pictures` writes `pictures/` and the picture of the
//! documentation again. Look at the difference before you commit it.

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use stateright::Model;
use zab_model::explore::{self, Action, Election, Zab};
use zab_model::{ServerId, ServerSet, Zxid};
use zab_paper::{self as paper, Action as Step, Paper, Rules};

/// Compares with what is committed, or writes that again.
#[track_caller]
fn expect(file: &str, shown: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("REWRITE").is_some() {
        fs::write(&path, shown).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(shown == committed, "{file} is not what is shown now; REWRITE=1, and look at it");
}

/// Takes a model through a run that must be possible, and tells every step as the Explorer does.
fn told<M>(model: &M, actions: &[M::Action]) -> String
where
    M: Model<State: Copy + Debug, Action: Copy + Debug>,
{
    let mut state = model.init_states()[0];
    let mut said = format!("{state:#?}");
    for action in actions {
        let name = model.format_action(action);
        let step = model.format_step(&state, *action);
        said += &format!("\n== {name}\n{}", step.unwrap_or_else(|| panic!("{name}\n{said}")));
        state = model.next_state(&state, *action).unwrap_or_else(|| panic!("{name}\n{said}"));
    }
    said
}

fn paper() -> Paper<3, 1, 0> {
    let bounds = paper::Bounds { servers: 3, txns: 1, epochs: None, timeouts: 1, restarts: 1 };
    Paper::new(Rules::new(bounds)).expect("the bounds fit")
}

/// Server 1 leads server 2 through all phases, commits a request, and crashes with the COMMIT and
/// the CEPOCH of server 3 on their way.
const PUBLISHED: [Step; 18] = [
    Step::UpdateLeader(0),
    Step::FollowLeader(1),
    Step::ConnectAndFollowerSendCepoch(0, 1),
    Step::LeaderProcessCepoch(0, 1),
    Step::FollowerProcessNewEpoch(1, 0),
    Step::LeaderProcessAckEpoch(0, 1),
    Step::FollowerProcessNewLeader(1, 0),
    Step::LeaderProcessAckLd(0, 1),
    Step::FollowerProcessCommitLd(1, 0),
    Step::LeaderProcessRequest(0),
    Step::LeaderBroadcastPropose(0),
    Step::FollowerProcessPropose(1, 0),
    Step::FollowLeader(2),
    Step::LeaderProcessAck(0, 1),
    Step::ConnectAndFollowerSendCepoch(0, 2),
    Step::Restart(0),
    Step::UpdateLeader(1),
    Step::FollowLeader(2),
];

#[test]
fn a_run_of_the_paper_family() {
    let model = paper();
    let start = model.init_states()[0];
    expect("tests/pictures/paper.txt", &told(&model, &PUBLISHED));
    expect("../../docs/src/paper-run.svg", &paper::run_svg(&model, &start, &PUBLISHED));
}

fn id(id: u8) -> ServerId {
    ServerId(id)
}

/// Server 3 leads server 2, whose link is cut while a PROPOSAL is on its way; the leader crashes
/// with an unsynced log, and the two ends notice in their own time.
fn implemented() -> Vec<Action> {
    let (two, three) = (id(2), id(3));
    let mut talk = vec![
        Action::Elect(three, ServerSet::of(two)),
        Action::Connect(two),
        Action::Accept(two, three),
    ];
    let (write, to_leader) = (Action::Write, Action::ToLeader(two, three));
    let to_learner = Action::ToLearner(two);
    talk.extend([write(three), to_learner, write(two), to_leader, write(three)]);
    talk.extend([to_learner, to_learner, write(two), to_leader, to_learner]);
    talk.extend([to_leader, Action::Request(three), Action::Cut(two), to_learner]);
    talk.extend([Action::Sync(two, Zxid::new(1, 1)), Action::LearnerNotices(two)]);
    talk.extend([Action::Crash(three), Action::Start(three, 0)]);
    talk
}

#[test]
fn a_run_of_the_zookeeper_family() {
    let bounds = explore::Bounds {
        servers: 3,
        observers: 0,
        requests: 1,
        crashes: 1,
        kills: 0,
        lost_disks: 0,
        failed_appends: 0,
        timeouts: 0,
        disconnects: 1,
        rounds: 1,
        resends: 0,
        election: Election::Oracle,
    };
    let model = Zab::new(bounds, 500).expect("the bounds fit");
    let (start, actions) = (model.init_states()[0], implemented());
    expect("tests/pictures/zookeeper.txt", &told(&model, &actions));
    let picture = explore::run_svg(&model, &start, &actions);
    expect("tests/pictures/zookeeper.svg", &picture);
}

#[test]
fn what_is_not_possible_is_not_drawn() {
    let model = paper();
    let start = model.init_states()[0];
    let impossible = [Step::FollowLeader(0), Step::UpdateLeader(1), Step::FollowLeader(1)];
    let drawn = paper::run_svg(&model, &start, &impossible);
    assert_eq!(drawn, paper::run_svg(&model, &start, &[Step::UpdateLeader(1)]));
}
