//! Whatever a peer sends, this server neither panics nor breaks a promise of its own.
//!
//! One peer and its disk, fed with arbitrary well-typed inputs after a prefix that brings it into
//! an interesting role. The disk is carried along, so that every acknowledgement can be held
//! against what is durable at that moment.

use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;
use zab_core::{
    Close, Config, ConnectionId, Effects, Epoch, Input, Message, Notification, Observer, Peer,
    ROUND_MAX, Recovered, Role, ServerId, Timer, Txn, Vote, Write, Zxid,
};
use zab_trace::{ConnectionName, Event, EventKind};

/// What a test does next. Connections are chosen among those that were opened, old ones too.
#[derive(Clone, Debug)]
enum Act {
    Input(Input),
    Notification(ServerId, Notification),
    Accept,
    Connect(ServerId),
    Message {
        from: ServerId,
        nth: usize,
        message: Message,
    },
    Heard {
        nth: usize,
    },
    Flowing {
        nth: usize,
    },
    Disconnect {
        nth: usize,
    },
    Sync {
        count: usize,
    },
    /// A report that is older than a later write.
    StaleSync(Zxid),
}

/// One server: what it promised is checked against what its disk holds.
struct Subject {
    peer: Peer,
    observer: Observer,
    accepted_epoch: Epoch,
    current_epoch: Epoch,
    durable: BTreeSet<Zxid>,
    unsynced: VecDeque<Zxid>,
    connections: Vec<ConnectionId>,
    open: BTreeSet<ConnectionId>,
    events: Vec<Event>,
}

const ELECTION: ConnectionId = ConnectionId(u64::MAX);

impl Subject {
    fn start(recovered: Recovered) -> Self {
        let durable = recovered.transactions.iter().map(|txn| txn.zxid).collect();
        let (accepted_epoch, current_epoch) = (recovered.accepted_epoch, recovered.current_epoch);
        let mut config = Config::new(2, [1, 2, 3]);
        config.window = 2;
        let (peer, effects) = Peer::recover(config, recovered).expect("a good disk");
        let mut observer = Observer::new(2, 1);
        let events = observer.start(&effects, peer.state());
        observer.opened(ELECTION, ConnectionName::new("a", "b"));
        let mut subject = Self {
            peer,
            observer,
            accepted_epoch,
            current_epoch,
            durable,
            unsynced: VecDeque::new(),
            connections: Vec::new(),
            open: BTreeSet::new(),
            events,
        };
        subject.carry_out(&effects);
        subject
    }

    fn open(&mut self) -> ConnectionId {
        let connection = ConnectionId(self.connections.len() as u64);
        self.connections.push(connection);
        self.open.insert(connection);
        self.observer.opened(connection, ConnectionName::new(connection.0, "q"));
        connection
    }

    /// One of the latest connections.
    fn nth(&self, nth: usize) -> ConnectionId {
        let latest = self.connections.iter().rev();
        latest.copied().nth(nth).unwrap_or(ConnectionId(u64::MAX - 1))
    }

    fn act(&mut self, act: Act) {
        let input = match act {
            Act::Input(input) => input,
            Act::Notification(from, notification) => {
                Input::Notification { from, connection: ELECTION, notification }
            }
            Act::Accept => Input::Accepted { connection: self.open() },
            Act::Connect(leader) => Input::Connected { leader, connection: self.open() },
            Act::Message { from, nth, message } => {
                Input::Message { from, connection: self.nth(nth), message }
            }
            Act::Heard { nth } => Input::Heard { connection: self.nth(nth) },
            Act::Flowing { nth } => Input::Flowing { connection: self.nth(nth) },
            Act::Disconnect { nth } => {
                let connection = self.nth(nth);
                self.open.remove(&connection);
                Input::Disconnected { connection }
            }
            Act::Sync { count } => {
                let count = count.min(self.unsynced.len());
                let synced: Vec<Zxid> = self.unsynced.drain(..count).collect();
                let Some(zxid) = synced.last().copied() else { return };
                self.durable.extend(synced);
                Input::Synced { zxid }
            }
            Act::StaleSync(zxid) => {
                if self.unsynced.contains(&zxid) {
                    return;
                }
                Input::Synced { zxid }
            }
        };
        let effects = self.peer.handle(input.clone());
        self.events.extend(self.observer.step(&input, &effects, self.peer.state()));
        self.carry_out(&effects);
    }

    fn carry_out(&mut self, effects: &Effects) {
        for close in &effects.close {
            match close {
                Close::One(connection) => drop(self.open.remove(connection)),
                Close::Every => self.open.clear(),
            }
        }
        for write in &effects.persist {
            self.write(write);
            self.events.extend(self.observer.persisted(write));
        }
        self.unsynced.extend(effects.append.iter().map(|txn| txn.zxid));
        for deliver in &effects.deliver {
            self.events.extend(self.observer.delivered(deliver));
        }
        for outgoing in &effects.send {
            assert!(self.open.contains(&outgoing.connection), "sent on a closed connection");
            self.check_promise(&outgoing.message);
            self.events.extend(self.observer.sending(outgoing));
        }
        for (to, notification) in &effects.notify {
            self.events.push(self.observer.notifying(ELECTION, *to, notification));
        }
        self.events.extend(self.observer.finish());
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::AcceptedEpoch(epoch) => {
                assert!(*epoch > self.accepted_epoch, "acceptedEpoch goes back");
                self.accepted_epoch = *epoch;
            }
            Write::CurrentEpoch(epoch) => {
                assert!(*epoch >= self.current_epoch, "currentEpoch goes back");
                assert!(*epoch <= self.accepted_epoch, "currentEpoch is ahead");
                self.current_epoch = *epoch;
            }
            Write::SyncLog { zxid } => {
                self.durable.extend(self.unsynced.drain(..));
                assert_eq!(self.durable.last(), Some(zxid), "the log ends elsewhere");
            }
            Write::CommittedLog(txns) => {
                assert!(!txns.is_empty() && self.unsynced.is_empty());
                self.durable.extend(txns.iter().map(|txn| txn.zxid));
            }
            Write::Truncate { zxid } => {
                assert!(self.unsynced.is_empty(), "cut while a tail is unsynced");
                self.durable.retain(|durable| durable <= zxid);
            }
            Write::Snapshot { zxid } => {
                assert!(self.unsynced.is_empty(), "replaced while a tail is unsynced");
                self.durable.clear();
                self.durable.insert(*zxid);
            }
        }
    }

    /// Every promise of a server is about its own disk.
    fn check_promise(&self, message: &Message) {
        match message {
            Message::Ack { zxid } => assert!(self.durable.contains(zxid), "ACK {zxid} too early"),
            Message::AckLd { epoch } => assert_eq!(*epoch, self.current_epoch, "ACK-LD too early"),
            Message::AckEpoch { last_zxid, .. } => {
                let last = self.durable.last().copied().unwrap_or(Zxid::ZERO);
                assert_eq!(*last_zxid, last, "ACKEPOCH of what is not durable");
            }
            Message::LeaderInfo { new_epoch } => {
                assert_eq!(*new_epoch, self.accepted_epoch, "LEADERINFO too early");
            }
            Message::NewLeader { epoch } => {
                assert_eq!(*epoch, self.current_epoch, "NEWLEADER too early");
            }
            Message::FollowerInfo { .. }
            | Message::ObserverInfo { .. }
            | Message::Inform { .. }
            | Message::Diff { .. }
            | Message::Trunc { .. }
            | Message::Snap { .. }
            | Message::Proposal { .. }
            | Message::Stored { .. }
            | Message::Commit { .. }
            | Message::UpToDate
            | Message::Ping => {}
        }
    }
}

fn epoch() -> impl Strategy<Value = Epoch> {
    prop_oneof![8 => 0..4_u32, 1 => Just(1 << 16), 1 => Just(1 << 24), 1 => Just(Epoch::MAX - 2), 1 => Just(Epoch::MAX - 1), 1 => Just(Epoch::MAX)]
}

fn zxid() -> impl Strategy<Value = Zxid> {
    let counter = prop_oneof![8 => 0..4_u32, 1 => Just(u32::MAX)];
    (epoch(), counter).prop_map(|(epoch, counter)| Zxid::new(epoch, counter))
}

fn server() -> impl Strategy<Value = ServerId> {
    prop_oneof![8 => 1..4_u64, 1 => Just(9)]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        epoch().prop_map(|accepted_epoch| Message::FollowerInfo { accepted_epoch }),
        epoch().prop_map(|accepted_epoch| Message::ObserverInfo { accepted_epoch }),
        zxid().prop_map(|zxid| Message::Inform { txn: Txn::new(zxid, []) }),
        epoch().prop_map(|new_epoch| Message::LeaderInfo { new_epoch }),
        (proptest::option::of(epoch()), zxid()).prop_map(|(current_epoch, last_zxid)| {
            Message::AckEpoch { current_epoch, last_zxid }
        }),
        zxid().prop_map(|zxid| Message::Diff { zxid }),
        zxid().prop_map(|zxid| Message::Trunc { zxid }),
        zxid().prop_map(|zxid| Message::Snap { zxid }),
        zxid().prop_map(|zxid| Message::Proposal { txn: Txn::new(zxid, [1]) }),
        zxid().prop_map(|zxid| Message::Commit { zxid }),
        epoch().prop_map(|epoch| Message::NewLeader { epoch }),
        epoch().prop_map(|epoch| Message::AckLd { epoch }),
        zxid().prop_map(|zxid| Message::Ack { zxid }),
        Just(Message::UpToDate),
        Just(Message::Ping),
    ]
}

fn notification() -> impl Strategy<Value = Notification> {
    let role = prop_oneof![
        Just(Role::Looking),
        Just(Role::Following),
        Just(Role::Leading),
        Just(Role::Observing)
    ];
    let round = prop_oneof![
        8 => 0..4_u64,
        1 => ROUND_MAX - 1..=ROUND_MAX + 1,
        1 => Just(u64::MAX),
    ];
    (role, server(), zxid(), epoch(), round).prop_map(|(role, leader, zxid, peer_epoch, round)| {
        Notification { role, vote: Vote { leader, zxid, peer_epoch }, round }
    })
}

fn act() -> impl Strategy<Value = Act> {
    let timer = prop_oneof![Just(Timer::FinalizeWait), Just(Timer::Notification)];
    prop_oneof![
        2 => Just(Act::Input(Input::Tick)),
        3 => timer.prop_map(|timer| Act::Input(Input::Elapsed(timer))),
        1 => server().prop_map(|leader| Act::Input(Input::ConnectFailed { leader })),
        1 => zxid().prop_map(Act::StaleSync),
        3 => Just(Act::Input(Input::Request { payload: [7].into() })),
        4 => (server(), notification()).prop_map(|(from, n)| Act::Notification(from, n)),
        3 => Just(Act::Accept),
        3 => server().prop_map(Act::Connect),
        20 => (server(), 0..3_usize, message())
            .prop_map(|(from, nth, message)| Act::Message { from, nth, message }),
        1 => (0..3_usize).prop_map(|nth| Act::Heard { nth }),
        1 => (0..3_usize).prop_map(|nth| Act::Flowing { nth }),
        1 => (0..3_usize).prop_map(|nth| Act::Disconnect { nth }),
        4 => (1..3_usize).prop_map(|count| Act::Sync { count }),
    ]
}

fn vote(leader: ServerId, zxid: Zxid, peer_epoch: Epoch) -> Act {
    let vote = Vote { leader, zxid, peer_epoch };
    Act::Notification(3, Notification { role: Role::Looking, vote, round: 1 })
}

fn from_3(message: Message) -> Act {
    Act::Message { from: 3, nth: 0, message }
}

/// The way of a follower into BROADCAST, with one transaction that is not durable yet.
fn following() -> Vec<Act> {
    vec![
        vote(3, Zxid::new(3, 3), 3),
        Act::Input(Input::Elapsed(Timer::FinalizeWait)),
        Act::Connect(3),
        from_3(Message::LeaderInfo { new_epoch: 2 }),
        from_3(Message::Diff { zxid: Zxid::new(1, 2) }),
        from_3(Message::Proposal { txn: Txn::new(Zxid::new(1, 3), [1]) }),
        from_3(Message::Proposal { txn: Txn::new(Zxid::new(2, 1), [1]) }),
        from_3(Message::Commit { zxid: Zxid::new(1, 3) }),
        from_3(Message::NewLeader { epoch: 2 }),
        from_3(Message::UpToDate),
        from_3(Message::Proposal { txn: Txn::new(Zxid::new(2, 2), [1]) }),
    ]
}

/// The way of a leader to its first transaction.
fn leading() -> Vec<Act> {
    vec![
        vote(2, Zxid::new(1, 2), 1),
        Act::Input(Input::Elapsed(Timer::FinalizeWait)),
        Act::Accept,
        from_3(Message::FollowerInfo { accepted_epoch: 1 }),
        from_3(Message::AckEpoch { current_epoch: Some(1), last_zxid: Zxid::new(1, 1) }),
        from_3(Message::AckLd { epoch: 2 }),
        Act::Input(Input::Request { payload: [7].into() }),
        from_3(Message::Ack { zxid: Zxid::new(2, 1) }),
    ]
}

/// How far a run gets before anything may happen.
fn prefix() -> impl Strategy<Value = Vec<Act>> {
    let (following, leading) = (following(), leading());
    let (follows, leads) = (following.len(), leading.len());
    prop_oneof![
        Just(Vec::new()),
        (2..=follows).prop_map(move |n| following[..n].to_vec()),
        (2..=leads).prop_map(move |n| leading[..n].to_vec()),
    ]
}

fn subject() -> Subject {
    let transactions = [Zxid::new(1, 1), Zxid::new(1, 2)].map(|zxid| Txn::new(zxid, [1]));
    Subject::start(Recovered {
        accepted_epoch: 1,
        current_epoch: 1,
        transactions: transactions.into(),
        ..Recovered::EMPTY
    })
}

/// Otherwise the property below would say little.
#[test]
fn the_prefixes_reach_broadcast() {
    for (prefix, role) in [(following(), Role::Following), (leading(), Role::Leading)] {
        let mut subject = subject();
        prefix.into_iter().for_each(|act| subject.act(act));
        assert_eq!(subject.peer.role(), role);
        assert!(subject.peer.is_established(), "{role}");
        assert!(!subject.unsynced.is_empty(), "{role}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_breaks_a_promise(prefix in prefix(), acts in prop::collection::vec(act(), 0..60)) {
        let mut subject = subject();
        for act in prefix.into_iter().chain(acts) {
            subject.act(act);
        }
        let numbers = subject.events.iter().map(|event| event.seq);
        prop_assert!(numbers.eq(0..subject.events.len() as u64), "the lines are numbered in order");
        let looks = subject.events.iter().filter(|e| matches!(e.kind, EventKind::Looking { .. }));
        prop_assert!(looks.count() > 0);
    }
}
