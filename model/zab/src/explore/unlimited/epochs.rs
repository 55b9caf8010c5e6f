//! Other epochs: every place of a state in which there is one.
//!
//! What a state is made of is taken apart field by field, without `..`: whoever adds a field has to say
//! here whether there is an epoch in it. What is not renamed is named and ignored.

use crate::explore::ghost::Established;
use crate::explore::links::{Down, Links, Up};
use crate::explore::packet::{Note, Packet};
use crate::explore::sizes::{Flat, id_at};
use crate::explore::state::State;
use crate::message::{Message, Notification};
use crate::server::{Election, Former, Heard, Leader, Server};
use crate::shape::{Queue, Table};
use crate::stores::{Database, Disk, Snapshot};
use crate::types::{Txn, Vote, Zxid};

/// The epochs that occur somewhere, each a bit; they are below 32.
#[derive(Clone, Copy)]
pub(super) struct Used(u32);

impl Used {
    /// How many of them are less than this one.
    fn rank(self, epoch: u8) -> u8 {
        let below = self.0 & ((1 << (epoch & 31)) - 1);
        below.count_ones().to_le_bytes()[0]
    }

    /// How many there are; 0 is always one.
    pub(super) fn count(self) -> u32 {
        self.0.count_ones()
    }
}

impl<const N: usize, const P: usize> State<N, P> {
    /// The epochs that occur in servers, transactions and messages, and in what properties remember;
    /// 0 in any case.
    pub(super) fn used_epochs(&self) -> Used {
        let (mut used, mut same) = (Used(1), *self);
        same.change_epochs(&mut |epoch| {
            used.0 |= 1 << (epoch & 31);
            epoch
        });
        used
    }

    /// The same state with other epochs. It means the same if the map is strictly monotone and keeps
    /// 0, which stands for no epoch. `None` if one of them does not fit a packet.
    #[must_use]
    pub fn with_epochs(&self, mut map: impl FnMut(u8) -> u8) -> Option<Self> {
        let mut other = *self;
        other.change_epochs(&mut map).then_some(other)
    }

    /// The same state with the ranks of its epochs among those that occur.
    pub(super) fn with_ranks(&self, used: Used) -> Self {
        self.with_epochs(|epoch| used.rank(epoch)).unwrap_or(*self)
    }

    /// `false` if an epoch does not fit a packet; the state must not be used then.
    fn change_epochs(&mut self, map: &mut impl FnMut(u8) -> u8) -> bool {
        let Self { servers, transactions, links, ghost, budget: _ } = self;
        servers.iter_mut().for_each(|one| server(one, map));
        for Txn { zxid: of, payload: _ } in transactions {
            zxid(of, map);
        }
        for Established { epoch, leader: _, initial: _ } in ghost.established.as_mut_slice() {
            *epoch = map(*epoch);
        }
        in_flight(links, map)
    }
}

fn zxid(Zxid { epoch, counter: _ }: &mut Zxid<u8>, map: &mut impl FnMut(u8) -> u8) {
    *epoch = map(*epoch);
}

fn vote(Vote { leader: _, zxid: of, peer_epoch }: &mut Vote<u8>, map: &mut impl FnMut(u8) -> u8) {
    zxid(of, map);
    *peer_epoch = map(*peer_epoch);
}

fn server<const N: usize>(server: &mut Server<Flat<N>>, map: &mut impl FnMut(u8) -> u8) {
    let Server {
        id: _,
        role: _,
        phase: _,
        accepted_epoch,
        current_epoch,
        history: _,
        database: Database { tree: _, label, committed_log: _ },
        last_committed,
        disk:
            Disk {
                accepted_epoch: accepted_on_disk,
                current_epoch: current_on_disk,
                history: _,
                snapshot: Snapshot { label: label_on_disk, tree: _ },
                cut: _,
            },
        round: _,
        vote: own,
        former: Former { vote: of_before, round: _ },
        program: _,
        zombie: _,
        election: Election { recvset, outofelection },
        synchronization: _,
        leader:
            Leader {
                decided: _,
                new_epoch,
                connecting: _,
                electing: _,
                new_leader_acks: _,
                learners,
                outstanding: _,
            },
    } = server;
    for epoch in [accepted_epoch, current_epoch, accepted_on_disk, current_on_disk, new_epoch] {
        *epoch = map(*epoch);
    }
    for of in [label, last_committed, label_on_disk] {
        zxid(of, map);
    }
    vote(own, map);
    vote(of_before, map);
    for id in (0..N).map(id_at) {
        for table in [&mut *recvset, &mut *outofelection] {
            let Heard { vote: mut of, leading } = table.row(id);
            vote(&mut of, map);
            table.set(id, Heard { vote: of, leading });
        }
        let mut learner = learners.row(id);
        zxid(&mut learner.last, map);
        learners.set(id, learner);
    }
}

/// `false` if a message does not fit any more.
fn in_flight<const N: usize, const P: usize>(
    links: &mut Links<N, P>,
    map: &mut impl FnMut(u8) -> u8,
) -> bool {
    let Links { down, up, notes } = links;
    let mut fits = true;
    for Down { end: _, leader: _, queue, held: _ } in down {
        queue.as_mut_slice().iter_mut().for_each(|one| fits &= packet(one, map));
    }
    for from in 0..N {
        for to in (0..N).filter(|to| *to != from) {
            let Up { end: _, queue, newer: _, hello, older: _ } = &mut up[(from, to)];
            queue.as_mut_slice().iter_mut().for_each(|one| fits &= packet(one, map));
            fits &= packet(hello, map);
            notes[(from, to)].as_mut_slice().iter_mut().for_each(|one| fits &= note(one, map));
        }
    }
    fits
}

/// `false` if it does not fit any more.
fn packet(packet: &mut Packet, map: &mut impl FnMut(u8) -> u8) -> bool {
    let Some(mut message) = packet.decode() else { return true };
    match &mut message {
        Message::FollowerInfo { accepted_epoch: epoch }
        | Message::ObserverInfo { accepted_epoch: epoch }
        | Message::LeaderInfo { epoch }
        | Message::NewLeader { epoch }
        | Message::AckLd { epoch } => *epoch = map(*epoch),
        Message::AckEpoch { current_epoch, last_zxid } => {
            *current_epoch = current_epoch.map(&mut *map);
            zxid(last_zxid, map);
        }
        Message::Diff { zxid: of }
        | Message::Trunc { zxid: of }
        | Message::Snap { zxid: of, history: _ }
        | Message::Proposal(Txn { zxid: of, payload: _ })
        | Message::Inform(Txn { zxid: of, payload: _ })
        | Message::Commit { zxid: of }
        | Message::Ack { zxid: of } => zxid(of, map),
        Message::UpToDate | Message::Notification(_) => {}
    }
    let changed = Packet::encode(&message);
    *packet = changed.unwrap_or(*packet);
    changed.is_some()
}

/// `false` if it does not fit any more.
fn note(note: &mut Note, map: &mut impl FnMut(u8) -> u8) -> bool {
    let Notification { role, vote: mut of, round } = note.decode();
    vote(&mut of, map);
    let changed = Note::encode(Notification { role, vote: of, round });
    *note = changed.unwrap_or(*note);
    changed.is_some()
}
