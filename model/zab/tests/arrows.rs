//! Arrows against the states: random runs of both families, with and without defects.

use proptest::prelude::*;
use stateright::Model;

use zab_model::explore::{self, Election, NetworkMutant, Zab};
use zab_model::{Grain, Profile, ServerId, ServerSet};
use zab_paper::{self as paper, NewLeaderWrites, Paper, Rules};
use zab_view::{Arrow, Channel, End, Fact, Lane, Pictured, Sequence, Step, Way, sequence, svg};

/// A run: states, with the action that led to each but the first.
type Run<M> = (Vec<<M as Model>::State>, Vec<<M as Model>::Action>);

/// Goes on by the choices, each among the actions that are possible, until there is none.
fn run<M: Model<State: Clone, Action: Clone>>(model: &M, choices: &[usize]) -> Run<M> {
    let mut states = vec![model.init_states().remove(0)];
    let mut actions = Vec::new();
    for choice in choices {
        let mut steps = model.next_steps(&states[states.len() - 1]);
        if steps.is_empty() {
            break;
        }
        let (action, next) = steps.swap_remove(choice % steps.len());
        states.push(next);
        actions.push(action);
    }
    (states, actions)
}

fn waiting(ways: &[Way]) -> impl Iterator<Item = (usize, usize, &str)> {
    ways.iter().flat_map(|way| way.messages.iter().map(|text| (way.from, way.to, text.as_str())))
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items
}

/// Holds the arrows of a run against its states: `received` says, by the name of an action alone,
/// whether it takes a message in.
fn judge<M: Pictured<Action: Clone>>(
    model: &M,
    choices: &[usize],
    received: impl Fn(&str) -> bool,
) -> Sequence {
    let (states, actions) = run(model, choices);
    let drawn = sequence(model, &states[0], actions.iter().cloned());
    assert_eq!(drawn.rows.len(), states.len());
    let alive_after = |row: usize| {
        let alive = drawn.arrows.iter().filter(move |arrow| match arrow.end {
            End::Received(end) | End::Lost(end) => arrow.sent <= row && row < end,
            End::UnderWay => arrow.sent <= row,
        });
        sorted(alive.map(|arrow| (arrow.from, arrow.to, arrow.text.as_str())))
    };
    let mut sends = 0;
    for (row, state) in states.iter().enumerate() {
        // What is on its way is what the arrows say, no less and no more.
        assert_eq!(alive_after(row), sorted(waiting(&model.ways(state))), "row {row}");
        if row > 0 {
            let ends = |arrow: &&Arrow| arrow.end == End::Received(row);
            let taken: Vec<_> = drawn.arrows.iter().filter(ends).collect();
            let action = actions[row - 1].to_string();
            assert_eq!(taken.len(), usize::from(received(&action)), "{action}");
            assert!(taken.iter().all(|arrow| drawn.rows[row].servers.contains(&arrow.to)));
            assert!(taken.iter().all(|arrow| arrow.sent < row));
            sends += model.tell(&states[row - 1], &actions[row - 1]).map_or(0, |s| s.sent.len());
        }
    }
    // Every send has its arrow, and no arrow is without a send.
    assert_eq!(drawn.arrows.len(), waiting(&model.ways(&states[0])).count() + sends);
    drawn
}

/// The order of receipt is the order of sending, from each server to each other on each channel.
fn is_fifo(drawn: &Sequence) -> bool {
    let mut received: Vec<&Arrow> =
        drawn.arrows.iter().filter(|arrow| matches!(arrow.end, End::Received(_))).collect();
    // Of all messages only notifications end with a vote.
    let is_election = |arrow: &Arrow| arrow.text.ends_with(')');
    received.sort_by_key(|arrow| match arrow.end {
        End::Received(row) | End::Lost(row) => row,
        End::UnderWay => usize::MAX,
    });
    received.iter().enumerate().all(|(place, later)| {
        received[..place].iter().all(|sooner| {
            let same = (sooner.from, sooner.to, is_election(sooner))
                == (later.from, later.to, is_election(later));
            !same || sooner.sent <= later.sent
        })
    })
}

/// What takes a message in, in the `zookeeper` family.
fn takes(action: &str) -> bool {
    ["Notification", "Accept", "ToLeader", "ToLearner"].iter().any(|name| action.starts_with(name))
}

/// And in the `paper` family: handlers of messages.
fn handles(action: &str) -> bool {
    action.contains("Process") && !action.contains("ProcessRequest")
}

fn zab(election: Election, network: Option<NetworkMutant>) -> Zab {
    let bounds = explore::Bounds {
        servers: 3,
        observers: 0,
        requests: 2,
        crashes: 2,
        kills: 0,
        lost_disks: 0,
        failed_appends: 0,
        timeouts: 2,
        disconnects: 2,
        rounds: 4,
        resends: 2,
        election,
    };
    Zab { network, ..Zab::new(bounds, 500).unwrap() }
}

fn paper(change: impl FnOnce(&mut Rules)) -> Paper<3, 2, 0> {
    let bounds = paper::Bounds { servers: 3, txns: 2, epochs: None, timeouts: 3, restarts: 2 };
    let mut rules = Rules::new(bounds);
    change(&mut rules);
    Paper::new(rules).unwrap()
}

fn choices() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 0..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arrows_of_the_zookeeper_family_are_its_messages(choices in choices(), fle: bool) {
        let election = if fle { Election::Fle } else { Election::Oracle };
        let drawn = judge(&zab(election, None), &choices, takes);
        prop_assert!(is_fifo(&drawn));
    }

    /// At grain `threads` packets wait in queues before they are sent, and SNAP overtakes some.
    #[test]
    fn arrows_begin_where_a_packet_is_sent_and_not_where_it_is_queued(
        choices in choices(),
        first: bool,
    ) {
        let mut model = zab(Election::Oracle, None);
        model.ensemble.grain = Grain::Threads;
        let queued = if first { "newleader_queued=before_snap" } else { "" };
        let profile = format!("snap_label=when_sent,{queued}");
        model.ensemble.profile =
            Profile::FIXED.with(profile.trim_end_matches(',')).expect("switches");
        let drawn = judge(&model, &choices, takes);
        prop_assert!(is_fifo(&drawn));
    }

    #[test]
    fn arrows_show_what_a_bad_network_does(choices in choices(), drops: bool) {
        let defect = if drops { NetworkMutant::Drops } else { NetworkMutant::Reorders };
        judge(&zab(Election::Oracle, Some(defect)), &choices, takes);
    }

    #[test]
    fn arrows_of_the_paper_family_are_its_messages(choices in choices()) {
        let drawn = judge(&paper(|_| {}), &choices, handles);
        prop_assert!(is_fifo(&drawn));
    }

    #[test]
    fn pictures_are_well_formed_and_have_every_message(choices in choices()) {
        let model = zab(Election::Fle, None);
        let (states, actions) = run(&model, &choices);
        let drawn = sequence(&model, &states[0], actions);
        let picture = svg(&drawn);
        let count = |class: &str| picture.matches(&format!("class=\"{class}\"")).count();
        let messages = count("received") + count("lost") + count("under-way");
        prop_assert_eq!(messages, drawn.arrows.len());
        prop_assert_eq!(count("head"), count("received"));
        prop_assert_eq!(count("end"), count("lost"));
        prop_assert!(!picture.contains("->"), "text is escaped");
    }
}

/// NEWLEADER is received when the second of its two writes is done.
#[test]
fn a_message_that_takes_two_steps_has_one_arrow() {
    use paper::Action;
    let model = paper(|rules| rules.variant.new_leader = NewLeaderWrites::EpochFirst);
    let run = [
        Action::UpdateLeader(0),
        Action::FollowLeader(1),
        Action::ConnectAndFollowerSendCepoch(0, 1),
        Action::LeaderProcessCepoch(0, 1),
        Action::FollowerProcessNewEpoch(1, 0),
        Action::LeaderProcessAckEpoch(0, 1),
        Action::FollowerProcessNewLeader(1, 0),
        Action::FollowerProcessNewLeader(1, 0),
    ];
    let drawn = sequence(&model, &model.init_states()[0], run);
    let arrow =
        |text: &str| drawn.arrows.iter().find(|arrow| arrow.text.starts_with(text)).unwrap();
    assert_eq!((arrow("NEWLEADER").sent, arrow("NEWLEADER").end), (6, End::Received(8)));
    assert_eq!((arrow("ACK-LD").sent, arrow("ACK-LD").end), (8, End::UnderWay));
}

/// One channel with room for two, and what each step does to it: what it sends, whether the
/// channel is emptied before, and what is in it afterwards.
struct Script(Vec<(&'static [&'static str], bool, &'static [&'static str])>);

const CHANNEL: Channel = (0, 0, 1);

impl Model for Script {
    type State = usize;
    type Action = usize;

    fn init_states(&self) -> Vec<usize> {
        vec![0]
    }

    fn actions(&self, state: &usize, actions: &mut Vec<usize>) {
        actions.push(*state);
    }

    fn next_state(&self, state: &usize, _: usize) -> Option<usize> {
        (state + 1 < self.0.len()).then_some(state + 1)
    }
}

impl Pictured for Script {
    fn lanes(&self) -> usize {
        2
    }

    fn facts(&self, _: &usize) -> Vec<Fact> {
        Vec::new()
    }

    fn columns(&self) -> &'static [&'static str] {
        &[]
    }

    fn noted(&self) -> &'static [&'static str] {
        &[]
    }

    fn phase(&self, _: &usize, _: usize) -> Option<Lane> {
        None
    }

    fn ways(&self, state: &usize) -> Vec<Way> {
        let messages = self.0[*state].2.iter().map(|text| (*text).to_owned()).collect();
        vec![Way { channel: CHANNEL, from: 0, to: 1, room: Some(2), messages }]
    }

    fn tell(&self, state: &usize, action: &usize) -> Option<Step<usize>> {
        let next = self.next_state(state, *action)?;
        let (sent, emptied, _) = self.0[next];
        let mut step = Step::local(next, vec![0]);
        step.sent = sent.iter().map(|text| (CHANNEL, (*text).to_owned())).collect();
        step.cleared = if emptied { vec![CHANNEL] } else { Vec::new() };
        Some(step)
    }
}

/// The rows in which the messages of a script were sent, and how they ended.
fn ends(
    script: Vec<(&'static [&'static str], bool, &'static [&'static str])>,
) -> Vec<(usize, End)> {
    let steps = 0..script.len();
    let drawn = sequence(&Script(script), &0, steps);
    drawn.arrows.iter().map(|arrow| (arrow.sent, arrow.end)).collect()
}

/// States cannot tell these runs apart; what the steps do can.
#[test]
fn messages_that_read_alike_are_told_apart() {
    // A newer one takes the place of the last one.
    let replaced = ends(vec![(&[], false, &["a", "b"]), (&["b"], false, &["a", "b"])]);
    assert_eq!(replaced, [(0, End::UnderWay), (0, End::Lost(1)), (1, End::UnderWay)]);
    // The channel is emptied, and the same is sent again.
    let again = ends(vec![(&[], false, &["a"]), (&["a"], true, &["a"])]);
    assert_eq!(again, [(0, End::Lost(1)), (1, End::UnderWay)]);
    // What is sent into a channel that carries nothing is lost at once.
    let stopped = ends(vec![(&[], false, &["a"]), (&["b"], false, &["a"])]);
    assert_eq!(stopped, [(0, End::UnderWay), (1, End::Lost(1))]);
    // Only the first of two is carried.
    let cut = ends(vec![(&[], false, &[]), (&["a", "b"], false, &["a"])]);
    assert_eq!(cut, [(1, End::UnderWay), (1, End::Lost(1))]);
    let gone = ends(vec![(&[], false, &["a", "b"]), (&[], false, &[])]);
    assert_eq!(gone, [(0, End::Lost(1)), (0, End::Lost(1))]);
}

/// A server that starts again sends what it sent before it crashed; only the newer can be received.
#[test]
fn what_was_sent_before_a_crash_is_not_what_is_received_after_the_start() {
    use explore::Action;
    let (one, two) = (ServerId(1), ServerId(2));
    let run = [Action::Crash(one), Action::Start(one, 0), Action::Notification(one, two)];
    let model = zab(Election::Fle, None);
    let drawn = sequence(&model, &model.init_states()[0], run);
    let to_two: Vec<_> =
        drawn.arrows.iter().filter(|arrow| (arrow.from, arrow.to) == (0, 1)).collect();
    assert_eq!(to_two[0].text, to_two[1].text);
    assert_eq!(to_two[0].end, End::Lost(2));
    assert_eq!((to_two[1].sent, to_two[1].end), (2, End::Received(3)));
}

/// The same for a learner that connects again before its leader has accepted the first connection.
#[test]
fn only_the_newer_of_two_connections_is_accepted() {
    use explore::Action;
    let (one, two, three) = (ServerId(1), ServerId(2), ServerId(3));
    let mut followers = ServerSet::of(one);
    followers.insert(two);
    let run = [
        Action::Elect(three, followers),
        Action::Connect(two),
        Action::Cut(two),
        Action::LearnerNotices(two),
        Action::Join(two, three),
        Action::Connect(two),
        Action::Accept(two, three),
    ];
    let model = zab(Election::Oracle, None);
    let drawn = sequence(&model, &model.init_states()[0], run);
    let ends: Vec<_> = drawn.arrows.iter().map(|arrow| (arrow.sent, arrow.end)).collect();
    assert_eq!(ends, [(2, End::Lost(6)), (6, End::Received(7))]);
}
