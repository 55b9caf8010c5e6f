//! One server of the cluster: a peer with a disk and a state machine.

use std::collections::VecDeque;

use zab_core::{Base, Deliver, Observer, Peer, Recovered, Timer, Txn, Write, Zxid};
use zab_trace::Event;

/// One server: the peer, its disk, its state machine, its lines.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) peer: Peer,
    pub(super) observer: Observer,
    pub(crate) disk: Recovered,
    /// Handed over in `append`, not durable yet.
    pub(crate) unsynced: VecDeque<Txn>,
    /// What the state machine was given, in order: the committed and the caught up.
    pub(crate) applied: Vec<Zxid>,
    /// What was delivered as committed, in all incarnations.
    pub(crate) delivered: Vec<Txn>,
    /// The state that came with SNAP.
    pub(super) aside: Option<Vec<Txn>>,
    pub(crate) timer: Option<Timer>,
    pub(crate) events: Vec<Event>,
    pub(super) incarnation: u32,
}

impl Node {
    pub(super) fn write(&mut self, write: &Write) {
        match write {
            Write::AcceptedEpoch(epoch) => self.disk.accepted_epoch = *epoch,
            Write::CurrentEpoch(epoch) => self.disk.current_epoch = *epoch,
            Write::SyncLog { zxid } => {
                self.disk.transactions.extend(self.unsynced.drain(..));
                assert_eq!(self.disk_last(), *zxid, "the log ends elsewhere");
            }
            Write::CommittedLog(txns) => {
                self.disk.transactions.extend(txns.iter().cloned());
                for txn in txns {
                    self.applied.push(txn.zxid);
                    self.delivered.push(txn.clone());
                }
            }
            Write::Truncate { zxid } => {
                self.disk.transactions.retain(|txn| txn.zxid <= *zxid);
                if *zxid < self.disk.base.zxid {
                    self.disk.base = Base::EMPTY;
                }
            }
            Write::Snapshot { zxid } => {
                let state = self.aside.take().expect("SNAP came with a state");
                self.disk.base = Base { zxid: *zxid, log: None };
                self.disk.transactions.clear();
                self.applied = state.iter().map(|txn| txn.zxid).collect();
            }
        }
    }

    fn disk_last(&self) -> Zxid {
        self.disk.transactions.last().map_or(self.disk.base.zxid, |txn| txn.zxid)
    }

    pub(super) fn deliver(&mut self, deliver: &Deliver) {
        match deliver {
            Deliver::Commit(txn) => {
                self.applied.push(txn.zxid);
                self.delivered.push(txn.clone());
            }
            Deliver::CatchUp(txn) => self.applied.push(txn.zxid),
            Deliver::Rebuild { zxid } => self.applied.retain(|applied| applied <= zxid),
        }
    }

    /// The state machine's content at this position: here, a list of zxids is enough.
    pub(super) fn state_at(&self, zxid: Zxid) -> Vec<Txn> {
        let mut state: Vec<Txn> =
            self.applied.iter().map(|applied| Txn::new(*applied, Vec::new())).collect();
        state.extend(self.peer.not_applied(zxid));
        state.retain(|txn| txn.zxid <= zxid);
        state
    }
}
