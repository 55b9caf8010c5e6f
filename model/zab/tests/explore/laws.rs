//! Each safety property is false in a state made for it, and in no other way than that.

use stateright::Model;
use zab_model::explore::{
    End, Established, Flat, Kind, Log, PROPERTIES, Packet, State, Violation, Zab,
};
use zab_model::{CommittedLog, Database, Message, Phase, Queue, Role, ServerId, Txn, Zxid};

use crate::observers::OBSERVED;
use crate::{CALM, ELECTION, zab};

fn txn(epoch: u8, counter: u8, payload: u8) -> Txn<u8, u8> {
    Txn { zxid: Zxid::new(epoch, counter), payload }
}

/// Requests 1, 2, 3 as 1.1, 1.2, 2.1.
const A: u8 = 1;
const B: u8 = 2;
const C: u8 = 3;

fn log(numbers: &[u8]) -> Log {
    Log::of(numbers).expect("the history fits")
}

/// A server that has this history, durable and known to be committed.
fn deliver(state: &mut State, server: usize, numbers: &[u8]) {
    let zxids = numbers.iter().map(|number| state.transactions[usize::from(*number) - 1].zxid);
    let last = zxids.max().unwrap_or_default();
    let server = &mut state.servers[server - 1];
    server.history = log(numbers);
    server.disk.history = log(numbers);
    server.last_committed = last;
    server.phase = Phase::Broadcast;
    server.database = Database {
        tree: log(numbers),
        label: last,
        committed_log: CommittedLog { log: log(numbers), start: 0 },
    };
}

fn establish(state: &mut State, epoch: u8, leader: u8, initial: &[u8]) {
    state.ghost.establish(Established { epoch, leader: ServerId(leader), initial: log(initial) });
}

/// The requests, and nothing else.
fn calm(model: &Zab) -> State {
    let mut state = model.init_states().remove(0);
    state.transactions = [txn(1, 1, A), txn(1, 2, B), txn(2, 1, C)];
    state
}

/// A property, and what makes it false.
type Law = (&'static str, fn(&mut State));

const LAWS: &[Law] = &[
    ("integrity", |state| {
        // With the payload of another request: no leader broadcast this.
        state.transactions[2] = txn(1, 1, B);
        deliver(state, 1, &[C]);
    }),
    ("agreement", |state| {
        deliver(state, 1, &[A]);
        deliver(state, 2, &[C]);
    }),
    ("total_order", |state| {
        // 2 never delivers A.
        deliver(state, 1, &[A, C]);
        deliver(state, 2, &[C]);
    }),
    ("local_primary_order", |state| deliver(state, 1, &[B])),
    ("global_primary_order", |state| state.ghost.committed = log(&[C, A])),
    ("primary_integrity", |state| {
        deliver(state, 1, &[A]);
        establish(state, 2, 2, &[]);
    }),
    ("single_established_leader", |state| {
        establish(state, 1, 1, &[]);
        establish(state, 1, 2, &[]);
    }),
    ("prefix_consistency", |state| {
        deliver(state, 1, &[A, B]);
        deliver(state, 2, &[A, C]);
    }),
    ("committed_never_lost", |state| {
        state.ghost.committed = log(&[A]);
        establish(state, 2, 2, &[]);
    }),
    ("committed_is_durable_on_a_quorum", |state| {
        state.ghost.committed = log(&[A]);
        state.servers[0].disk.history = log(&[A]);
    }),
    ("no_truncation_of_committed", |state| state.ghost.mark(Violation::CommittedCut)),
    ("epochs_are_ordered", |state| state.servers[2].current_epoch = 1),
    ("acknowledged_is_durable", |state| state.ghost.mark(Violation::AckedNotDurable)),
    ("delivered_is_committed_and_durable", |state| state.ghost.mark(Violation::DeliveredEarly)),
    ("leader_sends_what_fits", |state| state.ghost.mark(Violation::BadPacket)),
    ("acknowledges_in_order", |state| state.ghost.mark(Violation::AckBeforeAckLd)),
    ("whoever_is_down_can_start", |state| {
        deliver(state, 1, &[A]);
        state.servers[0].role = Role::Down;
    }),
    ("stores_agree", |state| {
        deliver(state, 1, &[A, B]);
        state.servers[0].history = log(&[A]);
    }),
    ("tree_is_what_its_label_says", |state| state.servers[1].database.label = Zxid::new(1, 1)),
    ("log_and_window_are_continuous", |state| state.servers[1].history = log(&[B, A])),
    ("followers_have_their_leaders_history", |state| {
        deliver(state, 1, &[A, B]);
        deliver(state, 2, &[A, C]);
        state.servers[0].role = Role::Leading;
        state.servers[1].role = Role::Following;
        state.servers[1].vote.leader = ServerId(1);
    }),
    ("followers_have_applied_what_their_leader_began_with", |state| {
        establish(state, 1, 1, &[A]);
        deliver(state, 2, &[]);
        state.servers[1].role = Role::Following;
        (state.servers[1].accepted_epoch, state.servers[1].current_epoch) = (1, 1);
    }),
    ("every_step_is_one_of_primary_order_broadcast", |state| {
        state.ghost.mark(Violation::NoAbstractStep);
    }),
    ("established_is_durable", |state| state.ghost.mark(Violation::EstablishedEarly)),
    ("whoever_has_an_epoch_has_its_history", |state| {
        establish(state, 1, 1, &[A]);
        state.servers[1].disk.current_epoch = 1;
    }),
    ("whoever_is_served_has_an_established_leader", |state| {
        deliver(state, 2, &[]);
        state.servers[1].role = Role::Following;
    }),
    ("votes_name_the_epoch", |state| {
        deliver(state, 2, &[]);
        state.servers[1].role = Role::Leading;
        state.servers[1].vote.peer_epoch = 1;
    }),
    ("handlers_end_with_their_connection", |state| {
        state.servers[0].role = Role::Leading;
        state.links.up[(1, 0)].end = End::Severed;
    }),
    ("snap_only_where_needed", |state| state.ghost.mark(Violation::SnapInVain)),
    ("every_election_has_a_round", |state| state.ghost.mark(Violation::RoundStood)),
    ("decided_with_a_quorum", |state| state.ghost.mark(Violation::DecidedEarly)),
    ("informed_after_commit", |state| {
        let inform = Packet::encode(&Message::<Flat>::Inform(txn(1, 1, A))).expect("it fits");
        assert!(state.links.down[2].queue.push(inform));
    }),
    ("observers_are_in_no_quorum", |state| {
        state.servers[0].leader.connecting.insert(ServerId(3));
    }),
    ("best_of_a_quorum_leads", |state| state.servers[0].role = Role::Leading),
    ("capacity_suffices", |state| state.ghost.mark(Violation::Overflow)),
];

#[test]
fn every_safety_property_can_fail() {
    let safety = PROPERTIES.iter().filter(|property| property.kind == Kind::Always);
    let names: Vec<&str> = safety.map(|property| property.name).collect();
    let listed: Vec<&str> = LAWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, names);
    for (name, break_it) in LAWS {
        let property = PROPERTIES.iter().find(|property| property.name == *name);
        let property = property.expect("the property is listed");
        let model =
            [zab(CALM), zab(ELECTION), zab(OBSERVED)].into_iter().find(|m| property.applies(m));
        let model = model.expect("the property says something about some bounds");
        let mut state = calm(&model);
        assert!((property.check)(&model, &state), "{name} holds at first");
        break_it(&mut state);
        assert!(!(property.check)(&model, &state), "{name} fails");
    }
}

/// Where both families have a property, it says the same in the same words.
#[test]
fn a_name_means_the_same_in_both_families() {
    let mut shared = 0;
    for (name, says) in zab_paper::properties::STATEMENTS {
        if let Some(twin) = PROPERTIES.iter().find(|property| property.name == name) {
            assert_eq!(twin.statement, says, "{name}");
            shared += 1;
        }
    }
    assert_eq!(shared, 11);
}
