//! What must hold in every state, each as one function with a sentence.
//!
//! A server has *delivered* the prefix of its history that it knows to be committed. (What
//! `f.2.1` gives to the state machine before the leader is established is not served to anybody,
//! and may still be lost; so it does not count.) Servers forget in a crash what is committed; the
//! longest committed history that anybody has known is remembered beside them, and counts as one
//! more process.
//!
//! The paper's properties are quantified over *all* pairs. (In the published TLA+ the local
//! primary order asks for *some* pair, which every transaction paired with itself satisfies.)

use super::bounds::Election;
use super::ghost::{Offence, Reign, agree, common, up_to};
use super::model::Zab;
use super::reached;
use super::sizes::{Flat, Log, SERVERS_MAX};
use super::state::State;
use crate::server::Server;
use crate::shape::{Few, Queue};
use crate::types::{Txn, Zxid};

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
pub struct Property {
    /// Its name, unique.
    pub name: &'static str,
    /// One sentence that says what it means.
    pub statement: &'static str,
    /// Safety or reachability.
    pub kind: Kind,
    /// For which explorations it says something.
    pub scope: Scope,
    /// Whether a state satisfies it, or shows it.
    pub check: fn(&Zab, &State) -> bool,
}

/// A state to be judged, and what several properties want to know of it.
#[derive(Debug)]
pub struct Case<'a> {
    /// The model.
    pub model: &'a Zab,
    /// The state.
    pub state: &'a State,
    /// What each voter has delivered, and what is known to have been committed; each history once.
    /// Places of servers that take no part hold the empty history, which satisfies everything.
    delivered: Few<Log, { SERVERS_MAX + 1 }>,
}

impl<'a> Case<'a> {
    /// Looks at a state.
    #[must_use]
    pub fn new(model: &'a Zab, state: &'a State) -> Self {
        let of_server = |s: &Server<Flat>| up_to(&s.history, s.last_committed);
        let logs = state.servers.iter().map(of_server).chain([state.ghost.committed]);
        let mut delivered = Few::default();
        for log in logs {
            if !delivered.as_slice().contains(&log) {
                // There is room for one of each server and one more.
                let _ = delivered.push(log);
            }
        }
        Self { model, state, delivered }
    }

    fn delivered(&self) -> &[Log] {
        self.delivered.as_slice()
    }

    /// The voters.
    #[must_use]
    pub fn voters(&self) -> &'a [Server<Flat>] {
        &self.state.servers[self.model.indices()]
    }
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
}

impl Property {
    /// Whether the property says something about explorations of this model.
    #[must_use]
    pub fn applies(&self, model: &Zab) -> bool {
        self.scope.includes(model)
    }
}

impl Scope {
    fn includes(self, model: &Zab) -> bool {
        let alone = model.bounds.election == Election::FleOnly;
        match self {
            Self::All => true,
            Self::Elections => alone,
            Self::Replication => !alone,
        }
    }
}

macro_rules! table {
    ($($kind:ident $scope:ident $module:ident::$name:ident: $statement:literal;)*) => {
        /// Every property, safety first.
        pub const PROPERTIES: &[Property] = &[$(Property {
            name: stringify!($name),
            statement: $statement,
            kind: Kind::$kind,
            scope: Scope::$scope,
            check: |model, state| $module::$name(&Case::new(model, state)),
        }),*];

        /// Which of the properties that apply to the model the state satisfies, or shows: bit 0 for
        /// the first of them.
        #[must_use]
        pub fn holding(case: &Case<'_>) -> u64 {
            let mut bits = Bits::default();
            $(if Scope::$scope.includes(case.model) {
                bits.push($module::$name(case));
            })*
            bits.all
        }
    };
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
    Always Replication safety::integrity: "What is delivered was broadcast by a leader, and is delivered once.";
    Always Replication safety::agreement: "If one server delivers a and another b, one of them delivers both.";
    Always Replication safety::total_order: "Two servers that deliver the same transactions do so in the same order.";
    Always Replication safety::local_primary_order: "Transactions of one leader are delivered in the order in which it broadcast them, none left out.";
    Always Replication safety::global_primary_order: "Transactions of an earlier epoch are delivered before those of a later one.";
    Always Replication safety::primary_integrity: "A leader that broadcasts has in its initial history whatever anybody delivers of earlier epochs.";
    Always Replication safety::single_established_leader: "An epoch has at most one established leader.";
    Always Replication safety::prefix_consistency: "Of two committed histories one is a prefix of the other.";
    Always Replication safety::committed_never_lost: "The initial history of an established leader holds everything committed in earlier epochs.";
    Always Replication safety::committed_is_durable_on_a_quorum: "A quorum has every committed transaction on disk, from the moment of its commit on.";
    Always Replication safety::no_truncation_of_committed: "No leader sends a TRUNC that cuts a committed transaction off a disk.";
    Always Replication safety::epochs_are_ordered: "currentEpoch <= acceptedEpoch, on disk and in memory, and no epoch goes back.";
    Always Replication safety::acknowledged_is_durable: "A server acknowledges only what is on its disk.";
    Always Replication safety::delivered_is_committed_and_durable: "A server in broadcast gives its state machine only what is committed and on its disk.";
    Always Replication safety::leader_sends_what_fits: "No follower leaves its role because of what its leader sent, except an older epoch and a TRUNC into its snapshot.";
    Always Elections safety::best_of_a_quorum_leads: "A leader's vote beats those of a quorum.";
    Always All safety::capacity_suffices: "No queue of the exploration was too small (a defect of the bounds, not of the protocol).";
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
    Sometimes Replication reached::diff_sent: "A DIFF is on its way.";
    Sometimes Replication reached::trunc_sent: "A TRUNC is on its way.";
    Sometimes Replication reached::snap_sent: "A SNAP is on its way.";
    Sometimes Replication reached::rejoined: "After a fault, all servers are in broadcast.";
    Sometimes Replication reached::second_epoch: "Two leaders have been established.";
    Sometimes Replication reached::committed_in_second_epoch: "A request is committed under the second leader.";
}

fn place(log: &Log, txn: Txn<u8, u8>) -> Option<usize> {
    log.as_slice().iter().position(|other| *other == txn)
}

/// Every delivered transaction was broadcast, with that zxid, and is delivered once.
pub fn integrity(case: &Case<'_>) -> bool {
    let was_broadcast = |txn: &Txn<u8, u8>| {
        let number = usize::from(txn.payload);
        number.checked_sub(1).and_then(|at| case.state.ghost.requests.get(at)) == Some(&txn.zxid)
    };
    case.delivered().iter().all(|log| {
        let txns = log.as_slice();
        let once = |(at, txn): (usize, &Txn<u8, u8>)| place(log, *txn) == Some(at);
        txns.iter().all(was_broadcast) && txns.iter().enumerate().all(once)
    })
}

/// If one server delivers a and another b, then one of them delivers both.
pub fn agreement(case: &Case<'_>) -> bool {
    let logs = case.delivered();
    logs.iter().all(|one| {
        logs.iter().all(|other| {
            one.as_slice().iter().all(|a| {
                let agrees = |b: &Txn<u8, u8>| place(other, *a).or(place(one, *b)).is_some();
                other.as_slice().iter().all(agrees)
            })
        })
    })
}

/// If one server delivers a before b, any server that delivers b delivers a before it.
pub fn total_order(case: &Case<'_>) -> bool {
    let logs = case.delivered();
    logs.iter().all(|one| {
        logs.iter().all(|other| {
            one.as_slice().iter().enumerate().all(|(at, b)| match place(other, *b) {
                None => true,
                Some(there) => {
                    let before = |a: &Txn<u8, u8>| place(other, *a).is_some_and(|x| x < there);
                    one.as_slice()[..at].iter().all(before)
                }
            })
        })
    })
}

/// If a leader broadcasts a before b, any server that delivers b delivers a before it.
pub fn local_primary_order(case: &Case<'_>) -> bool {
    let broadcast = case.state.ghost.requests;
    case.delivered().iter().all(|log| {
        log.as_slice().iter().enumerate().all(|(at, b)| {
            let earlier = |a: &&Zxid<u8>| a.epoch == b.zxid.epoch && a.counter < b.zxid.counter;
            broadcast
                .iter()
                .filter(|a| a.counter > 0)
                .filter(earlier)
                .all(|a| log.as_slice()[..at].iter().any(|txn| txn.zxid == *a))
        })
    })
}

/// If a belongs to an earlier epoch than b, any server that delivers both delivers a first.
pub fn global_primary_order(case: &Case<'_>) -> bool {
    case.delivered().iter().all(|log| {
        let txns = log.as_slice();
        let ordered = |(at, b): (usize, &Txn<u8, u8>)| {
            txns[..at].iter().all(|a| a.zxid.epoch <= b.zxid.epoch)
        };
        txns.iter().enumerate().all(ordered)
    })
}

/// If a leader broadcasts b and any server delivers a of an earlier epoch, the leader had a in its
/// initial history, so delivered it before it broadcast.
pub fn primary_integrity(case: &Case<'_>) -> bool {
    let broadcasts = |reign: &&Reign| {
        case.state.ghost.requests.iter().any(|zxid| zxid.counter > 0 && zxid.epoch == reign.epoch)
    };
    case.state.ghost.reigns.as_slice().iter().filter(broadcasts).all(|reign| {
        case.delivered().iter().all(|log| {
            let earlier = log.as_slice().iter().filter(|a| a.zxid.epoch < reign.epoch);
            earlier.into_iter().all(|a| place(&reign.initial, *a).is_some())
        })
    })
}

/// No epoch is established twice.
pub fn single_established_leader(case: &Case<'_>) -> bool {
    let reigns = case.state.ghost.reigns.as_slice();
    reigns
        .iter()
        .enumerate()
        .all(|(at, reign)| reigns[..at].iter().all(|other| other.epoch != reign.epoch))
}

/// Any two committed histories agree as far as both go.
pub fn prefix_consistency(case: &Case<'_>) -> bool {
    let logs = case.delivered();
    logs.iter().all(|one| logs.iter().all(|other| agree(one, other)))
}

/// Whatever was committed under earlier epochs begins the initial history of every established
/// leader, also if it is committed only later.
pub fn committed_never_lost(case: &Case<'_>) -> bool {
    case.state.ghost.reigns.as_slice().iter().all(|reign| {
        let committed = case.state.ghost.committed.as_slice();
        let earlier = committed.iter().take_while(|txn| txn.zxid.epoch < reign.epoch);
        reign.initial.as_slice().iter().zip(earlier.clone()).all(|(a, b)| a == b)
            && earlier.count() <= reign.initial.as_slice().len()
    })
}

/// Whatever is committed is on the disks of a quorum.
pub fn committed_is_durable_on_a_quorum(case: &Case<'_>) -> bool {
    let committed = &case.state.ghost.committed;
    let length = committed.as_slice().len();
    let holds =
        |place: &usize| common(&case.state.servers[*place].disk.history, committed) == length;
    case.model.indices().filter(holds).count() >= case.model.majority()
}

/// See [`Offence::CommittedCut`].
pub fn no_truncation_of_committed(case: &Case<'_>) -> bool {
    !case.state.ghost.has(Offence::CommittedCut)
}

/// currentEpoch never exceeds acceptedEpoch; and see [`Offence::EpochWentBack`].
pub fn epochs_are_ordered(case: &Case<'_>) -> bool {
    let ordered = case.state.servers.iter().all(|server| {
        server.current_epoch <= server.accepted_epoch
            && server.disk.current_epoch <= server.disk.accepted_epoch
    });
    ordered && !case.state.ghost.has(Offence::EpochWentBack)
}

/// See [`Offence::AckedNotDurable`].
pub fn acknowledged_is_durable(case: &Case<'_>) -> bool {
    !case.state.ghost.has(Offence::AckedNotDurable)
}

/// See [`Offence::DeliveredEarly`].
pub fn delivered_is_committed_and_durable(case: &Case<'_>) -> bool {
    !case.state.ghost.has(Offence::DeliveredEarly)
}

/// See [`Offence::BadPacket`].
pub fn leader_sends_what_fits(case: &Case<'_>) -> bool {
    !case.state.ghost.has(Offence::BadPacket)
}

/// Where votes do not change between elections, whoever leads has a vote that is at least as good
/// as those of a quorum.
pub fn best_of_a_quorum_leads(case: &Case<'_>) -> bool {
    let key = |place: usize| {
        let server = &case.state.servers[place];
        (server.current_epoch, server.last(&case.model.config), server.id)
    };
    let leads = |place: &usize| reached::leads(&case.state.servers[*place]);
    case.model.indices().filter(leads).all(|leader| {
        let beaten = case.model.indices().filter(|other| key(*other) <= key(leader));
        beaten.count() >= case.model.majority()
    })
}

/// See [`Offence::Overflow`].
pub fn capacity_suffices(case: &Case<'_>) -> bool {
    !case.state.ghost.has(Offence::Overflow)
}
