//! What must hold in every state, each as one function with a sentence.
//!
//! A server has *delivered* the prefix of its history that it knows to be committed. (What
//! `f.2.1` gives to the state machine before the leader is established is not served to anybody,
//! and may still be lost; so it does not count.) Servers forget in a crash what is committed; the
//! longest committed history that anybody has known is remembered beside them, and counts as one
//! more process.
//!
//! The properties of the paper are those of [`zab_paper::primary_order`].

use stateright::{Expectation, Model};
use zab_paper::primary_order::{self as laws, Delivered, Transaction};

use super::abstraction;
use super::agreement;
use super::bounds::Election;
use super::ghost::{Violation, common};
use super::leading;
use super::model::Zab;
use super::observers;
use super::reached;
use super::sizes::{Flat, Log, PAIRS, SERVERS, SERVERS_MAX, TXNS_MAX};
use super::state::State;
use crate::config::Config;
use crate::server::Server;
use crate::shape::{Few, Queue};
use crate::stores::Database;
use crate::types::{Role, Txn};

/// Whether a property must hold always or be seen at least once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A safety property: must hold in every state.
    Always,
    /// A reachability property: shows that an exploration is not empty of what it claims to cover.
    Sometimes,
}

/// A property of single states.
#[derive(Clone, Copy, Debug)]
pub struct Property<const N: usize = SERVERS, const P: usize = PAIRS> {
    /// Its name, unique.
    pub name: &'static str,
    /// One sentence that says what it means.
    pub statement: &'static str,
    /// Safety or reachability.
    pub kind: Kind,
    /// For which explorations it says something.
    pub scope: Scope,
    /// Whether a state satisfies it, or shows it.
    pub check: fn(&Zab<N, P>, &State<N, P>) -> bool,
}

/// A state to be checked, and what several properties want to know of it.
#[derive(Debug)]
pub struct Case<'a, const N: usize = SERVERS, const P: usize = PAIRS> {
    /// The model.
    pub model: &'a Zab<N, P>,
    /// The state.
    pub state: &'a State<N, P>,
    /// What each voter has delivered, and what is known to have been committed; each history once.
    /// Places of servers that take no part hold the empty history, which satisfies everything.
    delivered: Few<Txns, { SERVERS_MAX + 1 }>,
    /// With the transactions of the state.
    pub config: Config<Flat<N>>,
}

impl<'a, const N: usize, const P: usize> Case<'a, N, P> {
    /// Looks at a state.
    #[must_use]
    pub fn new(model: &'a Zab<N, P>, state: &'a State<N, P>) -> Self {
        let config = state.config(model.ensemble);
        let of_server = |server: &Server<Flat<N>>| server.delivered(&config);
        let logs = state.servers.iter().map(of_server).chain([state.ghost.committed]);
        let mut seen = Few::<Log, { SERVERS_MAX + 1 }>::default();
        let mut delivered = Few::default();
        for log in logs {
            if !seen.as_slice().contains(&log) {
                // There is room for one of each server and one more.
                let _ = (seen.push(log), delivered.push(txns(state, &log)));
            }
        }
        Self { model, state, delivered, config }
    }

    fn delivered(&self) -> impl Delivered<'_, Txn<u8, u8>> {
        self.delivered.as_slice().iter().map(Txns::as_slice)
    }

    /// The longest history that is known to be committed.
    pub(super) fn committed(&self) -> impl Iterator<Item = Txn<u8, u8>> {
        let committed = txns(self.state, &self.state.ghost.committed);
        (0..committed.as_slice().len()).map(move |place| committed.as_slice()[place])
    }

    /// The voters and the observers.
    #[must_use]
    pub fn members(&self) -> &'a [Server<Flat<N>>] {
        &self.state.servers[self.model.members()]
    }

    /// The voters.
    #[must_use]
    pub fn voters(&self) -> &'a [Server<Flat<N>>] {
        &self.state.servers[self.model.indices()]
    }
}

/// The transactions of a history.
type Txns = Few<Txn<u8, u8>, TXNS_MAX>;

fn txns<const N: usize, const P: usize>(state: &State<N, P>, log: &Log) -> Txns {
    let mut txns = Txns::default();
    for number in log.numbers() {
        // There is room for as many as in a history.
        let _ = txns.push(state.transactions[usize::from(*number) - 1]);
    }
    txns
}

/// For which explorations a property says something; the others do not report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// For all.
    All,
    /// Where servers elect and do nothing else.
    Elections,
    /// Where servers replicate.
    Replication,
    /// Where elections have messages.
    Notifications,
    /// Where servers replicate, and some observe.
    Observers,
}

impl<const N: usize, const P: usize> Property<N, P> {
    /// Whether the property says something about explorations of this model.
    #[must_use]
    pub fn applies(&self, model: &Zab<N, P>) -> bool {
        self.scope.includes(model)
    }
}

impl Scope {
    fn includes<const N: usize, const P: usize>(self, model: &Zab<N, P>) -> bool {
        let alone = model.bounds.election == Election::FleOnly;
        match self {
            Self::All => true,
            Self::Elections => alone,
            Self::Replication => !alone,
            Self::Notifications => !model.has_oracle(),
            Self::Observers => !alone && model.bounds.observers > 0,
        }
    }
}

macro_rules! table {
    ($($kind:ident $scope:ident $module:ident::$name:ident: $statement:expr;)*) => {
        /// Every property, safety first.
        pub const PROPERTIES: &[Property] = table();

        /// Every property of a size, in the order of [`PROPERTIES`].
        #[must_use]
        pub const fn table<const N: usize, const P: usize>() -> &'static [Property<N, P>] {
            const { &[$(Property {
                name: stringify!($name),
                statement: $statement,
                kind: Kind::$kind,
                scope: Scope::$scope,
                check: |model, state| $module::$name(&Case::new(model, state)),
            }),*] }
        }

        /// Which of the properties that apply to the model the state satisfies, or shows: bit 0 for
        /// the first of them.
        #[must_use]
        pub fn holding<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> u64 {
            let mut bits = Bits::default();
            $(if Scope::$scope.includes(case.model) {
                bits.push($module::$name(case));
            })*
            bits.all
        }

        /// Those that apply and are not [`OF_BOUNDED_RUNS`], for what is made of the model.
        pub(super) fn unlimited<M, const N: usize, const P: usize>(model: &Zab<N, P>) -> Vec<stateright::Property<M>>
        where
            M: Model<State = State<N, P>> + AsRef<Zab<N, P>>,
        {
            let mut all = Vec::new();
            $(if Scope::$scope.includes(model) && !OF_BOUNDED_RUNS.contains(&stringify!($name)) {
                all.push(stateright::Property {
                    expectation: Kind::$kind.expectation(),
                    name: stringify!($name),
                    condition: |model: &M, state| $module::$name(&Case::new(model.as_ref(), state)),
                });
            })*
            all
        }
    };
}

/// What reads a budget of failures or the list of all established leaders. Without bounds there is
/// neither.
const OF_BOUNDED_RUNS: [&str; 14] = [
    "primary_integrity",
    "single_established_leader",
    "committed_never_lost",
    "every_step_is_one_of_primary_order_broadcast",
    "followers_have_applied_what_their_leader_began_with",
    "established_is_durable",
    "whoever_has_an_epoch_has_its_history",
    "whoever_is_served_has_an_established_leader",
    "every_fault_happened",
    "settled_again",
    "leader_established",
    "rejoined",
    "second_epoch",
    "committed_in_second_epoch",
];

impl Kind {
    fn expectation(self) -> Expectation {
        match self {
            Self::Always => Expectation::Always,
            Self::Sometimes => Expectation::Sometimes,
        }
    }
}

/// Bits in a row.
#[derive(Default)]
struct Bits {
    all: u64,
    count: u32,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        self.all |= u64::from(bit) << self.count;
        self.count += 1;
    }
}

use self as safety;

table! {
    Always Replication safety::integrity: laws::INTEGRITY.1;
    Always Replication safety::agreement: laws::AGREEMENT.1;
    Always Replication safety::total_order: laws::TOTAL_ORDER.1;
    Always Replication safety::local_primary_order: laws::LOCAL_PRIMARY_ORDER.1;
    Always Replication safety::global_primary_order: laws::GLOBAL_PRIMARY_ORDER.1;
    Always Replication safety::primary_integrity: laws::PRIMARY_INTEGRITY.1;
    Always Replication safety::single_established_leader: laws::SINGLE_ESTABLISHED_LEADER.1;
    Always Replication safety::prefix_consistency: laws::PREFIX_CONSISTENCY.1;
    Always Replication safety::committed_never_lost: laws::COMMITTED_NEVER_LOST.1;
    Always Replication safety::committed_is_durable_on_a_quorum: laws::COMMITTED_IS_DURABLE.1;
    Always Replication safety::no_truncation_of_committed: "No leader sends a TRUNC that cuts a committed transaction off a disk.";
    Always Replication safety::epochs_are_ordered: "currentEpoch <= acceptedEpoch, on disk and in memory, and no epoch goes back.";
    Always Replication safety::acknowledged_is_durable: "A server acknowledges and offers only what is on its disk.";
    Always Replication safety::delivered_is_committed_and_durable: "A server in broadcast gives its state machine only what is committed and on its disk.";
    Always Replication safety::leader_sends_what_fits: "No follower leaves its role because of what its leader sent, except an older epoch.";
    Always Replication safety::acknowledges_in_order: "A learner acknowledges NEWLEADER before it acknowledges a transaction.";
    Always Replication safety::whoever_is_down_can_start: "A server that is down can start, whatever of its unsynced log has survived.";
    Always Replication agreement::stores_agree: "Tree and window of a server are a part of what its snapshot and log hold.";
    Always Replication agreement::tree_is_what_its_label_says: "A tree, in memory or in a snapshot, is at the position that it claims to have.";
    Always Replication agreement::log_and_window_are_continuous: "Neither log nor window has a hole, a repetition, or a step back.";
    Always Replication agreement::followers_have_their_leaders_history: "Whoever follows in broadcast has, in log, tree and window, what its leader has.";
    Always Replication agreement::followers_have_applied_what_their_leader_began_with: "Whoever follows in broadcast has applied what its leader began with.";
    Always Replication safety::every_step_is_one_of_primary_order_broadcast: "Every step is one of abstract primary-order broadcast, or does not show.";
    Always Replication leading::established_is_durable: "When a leader is established, its epoch and what it begins with are on its disk and on those of a quorum, unless a disk was lost.";
    Always Replication leading::whoever_has_an_epoch_has_its_history: "Whoever has the epoch of an established leader on its disk has what that leader began with.";
    Always Replication leading::whoever_is_served_has_an_established_leader: "Whoever follows in broadcast is in the epoch of a leader that was established.";
    Always Replication leading::votes_name_the_epoch: "Whoever is in broadcast votes for the epoch that it is in.";
    Always Replication leading::handlers_end_with_their_connection: "A leader keeps what it knows of a learner as long as its end of the connection is open, and no longer.";
    Always Replication leading::snap_only_where_needed: "No SNAP goes to a learner that is at its leader's position, or on a transaction of its window.";
    Always All leading::every_election_has_a_round: "A server that begins to look for a leader takes another round.";
    Always Notifications leading::decided_with_a_quorum: "Whoever decides for a leader has heard so from a quorum, and from a leader that has decided that it leads.";
    Always Observers observers::informed_after_commit: "An observer is told of committed transactions only.";
    Always Observers observers::observers_are_in_no_quorum: "No observer is among those whose reports or acknowledgements a leader counts.";
    Always Elections safety::best_of_a_quorum_leads: "A leader's vote beats those of a quorum.";
    Always All safety::capacity_suffices: laws::CAPACITY_SUFFICES.1;
    Sometimes All reached::leader_elected: "A server leads.";
    Sometimes All reached::everybody_settled: "One server leads and all others follow it.";
    Sometimes Elections reached::settled_again: "After a server has left its role, one leads and all others follow it.";
    Sometimes Replication reached::discovery_done: "A leader and a follower have agreed on an epoch.";
    Sometimes Replication reached::synchronizing: "A follower receives a leader's history.";
    Sometimes Replication reached::leader_established: "A leader is established.";
    Sometimes Replication reached::follower_in_broadcast: "A follower is in broadcast.";
    Sometimes Replication reached::everybody_in_broadcast: "All servers are in broadcast.";
    Sometimes Replication reached::request_committed: "A request is committed.";
    Sometimes Replication reached::committed_without_third: "A request is committed while a server is not in broadcast.";
    Sometimes Replication reached::all_requests_everywhere: "Every request is committed at every server.";
    Sometimes Replication reached::all_requests_applied: "Every request is applied at every server.";
    Sometimes Replication reached::served_while_writing: "A handler takes a packet while the leader's main thread has something to write.";
    Sometimes Replication reached::diff_sent: "A DIFF is on its way.";
    Sometimes Replication reached::trunc_sent: "A TRUNC is on its way.";
    Sometimes Replication reached::snap_sent: "A SNAP is on its way.";
    Sometimes Observers observers::observer_in_broadcast: "An observer is in broadcast.";
    Sometimes Observers observers::observer_informed: "An INFORM is on its way.";
    Sometimes Replication reached::rejoined: "After a fault, all servers are in broadcast.";
    Sometimes All reached::every_fault_happened: "Every fault that the bounds allow has happened.";
    Sometimes Replication reached::tail_after_crash: "After a crash it is open how much of an unsynced log has survived.";
    Sometimes Replication reached::second_epoch: "Two leaders have been established.";
    Sometimes Replication reached::committed_in_second_epoch: "A request is committed under the second leader.";
}

impl Transaction for Txn<u8, u8> {
    fn epoch(&self) -> u8 {
        self.zxid.epoch
    }

    fn counter(&self) -> u8 {
        self.zxid.counter
    }
}

/// Every transaction that a leader broadcast.
fn broadcast<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> impl Iterator<Item = Txn<u8, u8>> + Clone {
    abstraction::broadcast(case.state).map(|(_, txn)| txn)
}

/// See [`laws::integrity`].
pub fn integrity<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    laws::integrity(case.delivered(), |txn| broadcast(case).any(|other| other == *txn))
}

/// See [`laws::agreement`].
pub fn agreement<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    laws::agreement(case.delivered())
}

/// See [`laws::total_order`].
pub fn total_order<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    laws::total_order(case.delivered())
}

/// See [`laws::local_primary_order`].
pub fn local_primary_order<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    laws::local_primary_order(case.delivered(), broadcast(case))
}

/// See [`laws::global_primary_order`].
pub fn global_primary_order<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    laws::global_primary_order(case.delivered())
}

/// See [`laws::primary_integrity`]. What a leader had in its initial history it has delivered
/// before it broadcasts; it counts once it has broadcast.
pub fn primary_integrity<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let mut leaders = case.state.ghost.established.as_slice().iter();
    leaders.all(|leader| {
        let initial = txns(case.state, &leader.initial);
        let is_primary = broadcast(case).any(|txn| txn.zxid.epoch == leader.epoch);
        let primary = is_primary.then_some((leader.epoch, initial.as_slice()));
        laws::primary_integrity(case.delivered(), primary.into_iter())
    })
}

/// No epoch is established twice.
pub fn single_established_leader<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let leaders = case.state.ghost.established.as_slice();
    leaders
        .iter()
        .enumerate()
        .all(|(at, leader)| leaders[..at].iter().all(|other| other.epoch != leader.epoch))
}

/// See [`laws::prefix_consistency`].
pub fn prefix_consistency<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    laws::prefix_consistency(case.delivered())
}

/// Whatever was committed under earlier epochs begins the initial history of every established
/// leader, also if it is committed only later.
pub fn committed_never_lost<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.state.ghost.established.as_slice().iter().all(|leader| {
        let epoch = |number: &&u8| case.state.transactions[usize::from(**number) - 1].zxid.epoch;
        let committed = case.state.ghost.committed.numbers().iter();
        let earlier = committed.take_while(|number| epoch(number) < leader.epoch);
        leader.initial.numbers().iter().zip(earlier.clone()).all(|(a, b)| a == b)
            && earlier.count() <= leader.initial.numbers().len()
    })
}

/// Whatever is committed is on the disks of a quorum.
pub fn committed_is_durable_on_a_quorum<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    let committed = &case.state.ghost.committed;
    let length = committed.numbers().len();
    let disk = |place: &usize| case.state.servers[*place].disk.recovered_tree(&case.config);
    let holds = |place: &usize| common(&disk(place), committed) == length;
    case.model.indices().filter(holds).count() >= case.model.majority()
}

/// See [`Violation::CommittedCut`].
pub fn no_truncation_of_committed<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    !case.state.ghost.has(Violation::CommittedCut)
}

/// currentEpoch never exceeds acceptedEpoch; and see [`Violation::EpochWentBack`].
pub fn epochs_are_ordered<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let ordered = case.state.servers.iter().all(|server| {
        server.current_epoch <= server.accepted_epoch
            && server.disk.current_epoch <= server.disk.accepted_epoch
    });
    ordered && !case.state.ghost.has(Violation::EpochWentBack)
}

/// See [`Violation::AckedNotDurable`].
pub fn acknowledged_is_durable<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    !case.state.ghost.has(Violation::AckedNotDurable)
}

/// See [`Violation::DeliveredEarly`].
pub fn delivered_is_committed_and_durable<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    !case.state.ghost.has(Violation::DeliveredEarly)
}

/// See [`Violation::BadPacket`].
pub fn leader_sends_what_fits<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    !case.state.ghost.has(Violation::BadPacket)
}

/// See [`Violation::AckBeforeAckLd`].
pub fn acknowledges_in_order<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    !case.state.ghost.has(Violation::AckBeforeAckLd)
}

/// See [`Violation::NoAbstractStep`].
pub fn every_step_is_one_of_primary_order_broadcast<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    !case.state.ghost.has(Violation::NoAbstractStep)
}

/// No server is down with a history that `zk.start` refuses.
pub fn whoever_is_down_can_start<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let mut down = case.members().iter().filter(|server| server.role == Role::Down);
    let epoch = |server: &Server<Flat<N>>| {
        let database = Database::recovered(&case.config, server.disk.snapshot, server.history);
        database.label.epoch
    };
    down.all(|server| epoch(server) <= server.newest_epoch_to_start(&case.config))
}

/// Where votes do not change between elections, whoever leads has a vote that is at least as good
/// as those of a quorum.
pub fn best_of_a_quorum_leads<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    let key = |place: usize| {
        let server = &case.state.servers[place];
        (server.current_epoch, server.database.label, server.id)
    };
    let leads = |place: &usize| reached::leads(&case.state.servers[*place]);
    case.model.indices().filter(leads).all(|leader| {
        let beaten = case.model.indices().filter(|other| key(*other) <= key(leader));
        beaten.count() >= case.model.majority()
    })
}

/// See [`Violation::Overflow`].
pub fn capacity_suffices<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    !case.state.ghost.has(Violation::Overflow)
}
