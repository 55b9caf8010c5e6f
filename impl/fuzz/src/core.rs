//! The protocol core: any inputs in any order, with crashes in between.
//!
//! The disk is carried along. So what the core promises can be held against what is durable, and
//! after a crash it must be able to start from what it wrote itself.

use std::collections::{BTreeSet, VecDeque};

use arbitrary::{Result, Unstructured};
use zab_core::{
    Base, Close, Config, ConnectionId, Effects, Epoch, Input, Message, Notification, Peer,
    Recovered, Role, ServerId, Timer, Txn, Vote, Write, Zxid,
};

/// The server that is fuzzed.
const OWN: ServerId = 2;
/// The election connection, which matters to traces only.
const ELECTION: ConnectionId = ConnectionId(u64::MAX);
/// Numbers near the end of their width, and in the middle.
const FAR: [u32; 6] =
    [u32::MAX, u32::MAX - 1, u32::MAX - 2, i32::MAX as u32, i32::MAX as u32 + 1, 1 << 16];

/// The bytes are the inputs.
pub(crate) fn run(bytes: &[u8]) {
    let mut from = Unstructured::new(bytes);
    let Ok(mut subject) = Subject::start(&mut from) else { return };
    // The bytes have run out when one is missing.
    while !from.is_empty() && subject.act(&mut from).is_ok() {}
}

/// One server and its disk.
struct Subject {
    peer: Peer,
    voters: Vec<ServerId>,
    disk: Recovered,
    unsynced: VecDeque<Txn>,
    /// How many connections there were; each has its own number.
    connections: u64,
    open: BTreeSet<ConnectionId>,
}

impl Subject {
    fn start(from: &mut Unstructured<'_>) -> Result<Self> {
        let voters: Vec<ServerId> =
            if from.arbitrary()? { (1..=3).collect() } else { (1..=5).collect() };
        let mut disk = Recovered::EMPTY;
        if from.arbitrary()? {
            (disk.accepted_epoch, disk.current_epoch) = (1, 1);
            disk.transactions =
                [(1, 1), (1, 2)].map(|(e, c)| Txn::new(Zxid::new(e, c), [1])).into();
        }
        let (peer, effects) = recover(&voters, disk.clone());
        let (unsynced, open) = (VecDeque::new(), BTreeSet::new());
        let mut subject = Self { peer, voters, disk, unsynced, connections: 0, open };
        subject.carry_out(&effects);
        Ok(subject)
    }

    /// One input, or a crash.
    fn act(&mut self, from: &mut Unstructured<'_>) -> Result<()> {
        let input = match from.int_in_range(0..=15)? {
            0 => Input::Tick,
            1 => Input::Elapsed(*from.choose(&[Timer::FinalizeWait, Timer::Notification])?),
            2 | 3 => Input::Notification {
                from: server(from)?,
                connection: ELECTION,
                notification: notification(from)?,
            },
            4 => Input::Accepted { connection: self.connect() },
            5 => Input::Connected { leader: server(from)?, connection: self.connect() },
            6 => Input::ConnectFailed { leader: server(from)? },
            7 => Input::Request { payload: vec![7; from.int_in_range(0..=3)?].into() },
            8 => return self.sync(from),
            9 => Input::Heard { connection: self.recent(from)? },
            10 => {
                let connection = self.recent(from)?;
                self.open.remove(&connection);
                Input::Disconnected { connection }
            }
            11 => return self.crash(from),
            _ => Input::Message {
                from: server(from)?,
                connection: self.recent(from)?,
                message: message(from)?,
            },
        };
        self.step(input);
        Ok(())
    }

    fn step(&mut self, input: Input) {
        let effects = self.peer.handle(input);
        let count = effects.close.len()
            + effects.persist.len()
            + effects.append.len()
            + effects.deliver.len()
            + effects.send.len()
            + effects.notify.len()
            + effects.decisions.len();
        // At most the whole log to everybody.
        let log = self.disk.transactions.len() + self.unsynced.len() + effects.append.len();
        let bound = (log + 16) * (self.open.len() + self.voters.len() + 1);
        assert!(count <= bound, "{count} effects of one input");
        self.carry_out(&effects);
    }

    fn connect(&mut self) -> ConnectionId {
        let connection = ConnectionId(self.connections);
        self.connections += 1;
        self.open.insert(connection);
        connection
    }

    /// One of the latest connections, open or not.
    fn recent(&self, from: &mut Unstructured<'_>) -> Result<ConnectionId> {
        let back: u64 = from.int_in_range(1..=4)?;
        Ok(ConnectionId(self.connections.saturating_sub(back)))
    }

    /// Some of what was appended is durable now; or a report comes that is older.
    fn sync(&mut self, from: &mut Unstructured<'_>) -> Result<()> {
        let count = from.int_in_range(0..=3)?;
        let zxid = match self.harden(count) {
            Some(zxid) => zxid,
            None => zxid(from)?,
        };
        if self.unsynced.iter().all(|txn| txn.zxid != zxid) {
            self.step(Input::Synced { zxid });
        }
        Ok(())
    }

    /// Makes the first of what was appended durable; the last of it.
    fn harden(&mut self, count: usize) -> Option<Zxid> {
        let synced: Vec<Txn> = self.unsynced.drain(..count.min(self.unsynced.len())).collect();
        let last = synced.last().map(|txn| txn.zxid);
        self.disk.transactions.extend(synced);
        last
    }

    /// The process dies, and starts again from its disk. Some of what was appended may be there.
    fn crash(&mut self, from: &mut Unstructured<'_>) -> Result<()> {
        let count = from.int_in_range(0..=3)?;
        self.harden(count);
        self.unsynced.clear();
        self.open.clear();
        let (peer, effects) = recover(&self.voters, self.disk.clone());
        self.peer = peer;
        self.carry_out(&effects);
        Ok(())
    }

    fn carry_out(&mut self, effects: &Effects) {
        for close in &effects.close {
            match close {
                Close::One(connection) => drop(self.open.remove(connection)),
                Close::Every => self.open.clear(),
            }
        }
        effects.persist.iter().for_each(|write| self.write(write));
        self.unsynced.extend(effects.append.iter().cloned());
        for outgoing in &effects.send {
            assert!(self.open.contains(&outgoing.connection), "sent on a closed connection");
            match outgoing.message {
                Message::Ack { zxid } => assert!(self.holds(zxid), "ACK {zxid} too early"),
                Message::AckLd { epoch } | Message::NewLeader { epoch } => {
                    assert_eq!(epoch, self.disk.current_epoch, "too early");
                }
                Message::LeaderInfo { new_epoch } => {
                    assert_eq!(new_epoch, self.disk.accepted_epoch, "too early");
                }
                Message::AckEpoch { .. }
                | Message::FollowerInfo { .. }
                | Message::ObserverInfo { .. }
                | Message::Inform { .. }
                | Message::Diff { .. }
                | Message::Trunc { .. }
                | Message::Snap { .. }
                | Message::Proposal { .. }
                | Message::Commit { .. }
                | Message::UpToDate
                | Message::Stored { .. }
                | Message::Ping => {}
            }
        }
    }

    fn holds(&self, zxid: Zxid) -> bool {
        self.disk.base.zxid == zxid || self.disk.transactions.iter().any(|txn| txn.zxid == zxid)
    }

    fn write(&mut self, write: &Write) {
        let waits = !self.unsynced.is_empty();
        match write {
            Write::AcceptedEpoch(epoch) => {
                assert!(*epoch > self.disk.accepted_epoch, "acceptedEpoch goes back");
                self.disk.accepted_epoch = *epoch;
            }
            Write::CurrentEpoch(epoch) => {
                assert!(*epoch >= self.disk.current_epoch, "currentEpoch goes back");
                assert!(*epoch <= self.disk.accepted_epoch, "currentEpoch is ahead");
                self.disk.current_epoch = *epoch;
            }
            Write::SyncLog { .. } => drop(self.harden(self.unsynced.len())),
            Write::CommittedLog(txns) => {
                assert!(!txns.is_empty() && !waits);
                self.disk.transactions.extend(txns.iter().cloned());
            }
            Write::Truncate { zxid } => {
                assert!(!waits, "cut while a tail is unsynced");
                self.disk.transactions.retain(|txn| txn.zxid <= *zxid);
                if *zxid == Zxid::ZERO {
                    self.disk.base = Base::EMPTY;
                }
            }
            Write::Snapshot { zxid } => {
                assert!(!waits, "replaced while a tail is unsynced");
                self.disk.transactions.clear();
                self.disk.base =
                    if *zxid == Zxid::ZERO { Base::EMPTY } else { Base { zxid: *zxid, log: None } };
            }
        }
    }
}

/// A peer that cannot start from its own disk is lost for good.
fn recover(voters: &[ServerId], disk: Recovered) -> (Peer, Effects) {
    let mut config = Config::new(OWN, voters.iter().copied());
    config.window = 2;
    config.observers = [9].into();
    let shown = format!("{disk:?}");
    Peer::recover(config, disk).unwrap_or_else(|error| panic!("{error}: {shown}"))
}

fn server(from: &mut Unstructured<'_>) -> Result<ServerId> {
    let number = from.int_in_range(0..=15)?;
    Ok(match number {
        0..=9 => number % 5 + 1,
        10 => 9,
        _ => 3,
    })
}

fn number(from: &mut Unstructured<'_>) -> Result<u32> {
    let small: u8 = from.arbitrary()?;
    match small {
        0..=199 => Ok(u32::from(small % 5)),
        200..=239 => from.choose(&FAR).copied(),
        _ => from.arbitrary(),
    }
}

fn epoch(from: &mut Unstructured<'_>) -> Result<Epoch> {
    number(from)
}

fn zxid(from: &mut Unstructured<'_>) -> Result<Zxid> {
    Ok(Zxid::new(number(from)?, number(from)?))
}

fn notification(from: &mut Unstructured<'_>) -> Result<Notification> {
    let roles = [Role::Looking, Role::Looking, Role::Following, Role::Leading, Role::Observing];
    let round: u8 = from.arbitrary()?;
    Ok(Notification {
        role: *from.choose(&roles)?,
        vote: Vote { leader: server(from)?, zxid: zxid(from)?, peer_epoch: epoch(from)? },
        round: match round {
            0..=239 => u64::from(round % 4),
            240..=247 => u64::MAX - u64::from(round % 4),
            _ => from.arbitrary()?,
        },
    })
}

fn message(from: &mut Unstructured<'_>) -> Result<Message> {
    Ok(match from.int_in_range(0..=17)? {
        0 => Message::FollowerInfo { accepted_epoch: epoch(from)? },
        1 => Message::LeaderInfo { new_epoch: epoch(from)? },
        2 => {
            let known = from.arbitrary()?;
            let current_epoch = if known { Some(epoch(from)?) } else { None };
            Message::AckEpoch { current_epoch, last_zxid: zxid(from)? }
        }
        3 => Message::Diff { zxid: zxid(from)? },
        4 => Message::Trunc { zxid: zxid(from)? },
        5 => Message::Snap { zxid: zxid(from)? },
        6 | 7 => Message::Proposal { txn: Txn::new(zxid(from)?, [1]) },
        8 => Message::Commit { zxid: zxid(from)? },
        9 => Message::NewLeader { epoch: epoch(from)? },
        10 => Message::AckLd { epoch: epoch(from)? },
        11 | 12 => Message::Ack { zxid: zxid(from)? },
        13 => Message::UpToDate,
        14 => Message::ObserverInfo { accepted_epoch: epoch(from)? },
        15 => Message::Inform { txn: Txn::new(zxid(from)?, [1]) },
        _ => Message::Ping,
    })
}

/// The way of a follower and of a leader into BROADCAST, in the bytes that [`run`] reads.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // Three voters; two transactions on the disk.
    let start = [1, 1];
    let following: [&[u8]; 10] = [
        &start,
        &[2, 2, 1, 0, 2, 3, 3, 3],
        &[1, 0],
        &[5, 2],
        &[12, 2, 0, 1, 2],
        &[12, 2, 0, 3, 1, 2],
        &[12, 2, 0, 6, 1, 3],
        &[12, 2, 0, 9, 2],
        &[12, 2, 0, 13],
        &[12, 2, 0, 6, 2, 1],
    ];
    let leading: [&[u8]; 9] = [
        &start,
        &[2, 2, 1, 0, 1, 1, 2, 1],
        &[1, 0],
        &[4],
        &[12, 2, 0, 0, 1],
        &[12, 2, 0, 2, 1, 1, 1, 1],
        &[12, 2, 0, 10, 2],
        &[7, 1],
        &[12, 2, 0, 11, 2, 1],
    ];
    vec![following.concat(), leading.concat(), [&start[..], &[8, 0, 11, 0]].concat()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise the seeds would say little.
    #[test]
    fn the_seeds_reach_broadcast() {
        let roles = seeds().into_iter().take(2).map(|seed| {
            let mut from = Unstructured::new(&seed);
            let mut subject = Subject::start(&mut from).expect("a start");
            while !from.is_empty() {
                subject.act(&mut from).expect("enough bytes");
            }
            assert!(subject.peer.is_established(), "{:?}", subject.peer.state());
            subject.peer.role()
        });
        assert_eq!(roles.collect::<Vec<_>>(), [Role::Following, Role::Leading]);
    }
}
