//! What an unknown peer can send, and the ends of every field's width.

use zab_core::{
    ConnectionId, Epoch, Input, Message, Notification, Role, ServerId, Timer, Vote, Zxid,
};

use crate::support::Cluster;

/// 0, 1, and the ends of 32 bits, with and without a sign; the last is −1 on the wire.
pub(crate) const EPOCHS: [Epoch; 8] = [
    0,
    1,
    i32::MAX.cast_unsigned() - 2,
    i32::MAX.cast_unsigned() - 1,
    i32::MAX.cast_unsigned(),
    Epoch::MAX - 2,
    Epoch::MAX - 1,
    Epoch::MAX,
];

/// 0, 1, and the ends of 64 bits, with and without a sign.
const ROUNDS: [u64; 8] = [
    0,
    1,
    i64::MAX.cast_unsigned() - 2,
    i64::MAX.cast_unsigned() - 1,
    i64::MAX.cast_unsigned(),
    u64::MAX - 2,
    u64::MAX - 1,
    u64::MAX,
];

const COUNTERS: [u32; 5] = [0, 1, u32::MAX - 2, u32::MAX - 1, u32::MAX];

/// What is forged.
#[derive(Clone, Debug)]
pub(crate) enum Forged {
    /// A notification in the name of this server.
    Notification(ServerId, Notification),
    /// A learner of this name connects and says these; it stays connected, or not.
    Learner { from: ServerId, messages: Vec<Message>, stays: bool },
    /// Somebody holds the address of this leader.
    Leader { from: ServerId, messages: Vec<Message> },
}

/// What is forged, and who gets it.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    pub(crate) to: ServerId,
    pub(crate) forged: Forged,
}

impl Forged {
    /// An honest vote of server 3, but for the round.
    pub(crate) fn vote(role: Role, leader: ServerId, round: u64) -> Self {
        let vote = Vote { leader, zxid: Zxid::new(1, 1), peer_epoch: 1 };
        Self::Notification(3, Notification { role, vote, round })
    }

    /// The greatest vote there is, in the name of server 3.
    pub(crate) fn greatest_vote_for(leader: ServerId) -> Self {
        let zxid = Zxid::new(Epoch::MAX, u32::MAX);
        let vote = Vote { leader, zxid, peer_epoch: Epoch::MAX };
        Self::Notification(3, Notification { role: Role::Looking, vote, round: 2 })
    }
}

impl Attack {
    pub(crate) fn carry_out(&self, cluster: &mut Cluster) {
        let to = self.to;
        match &self.forged {
            Forged::Notification(from, notification) => cluster.forge(*from, to, *notification),
            Forged::Learner { from, messages, stays } => {
                let connection = cluster.unknown_peer(to);
                cluster.input(to, Input::Accepted { connection });
                say(cluster, (*from, to), connection, messages);
                if !stays {
                    cluster.input(to, Input::Disconnected { connection });
                }
            }
            Forged::Leader { from, messages } => {
                // Whoever is to be deceived has to follow first.
                cluster.input(to, Input::Elapsed(Timer::FinalizeWait));
                assert_eq!(cluster.nodes[&to].peer.leader(), Some(*from));
                let connection = cluster.unknown_peer(to);
                cluster.input(to, Input::Connected { leader: *from, connection });
                say(cluster, (*from, to), connection, messages);
                cluster.input(to, Input::Disconnected { connection });
            }
        }
    }
}

fn say(
    cluster: &mut Cluster,
    (from, to): (ServerId, ServerId),
    connection: ConnectionId,
    messages: &[Message],
) {
    for message in messages.iter().cloned() {
        cluster.input(to, Input::Message { from, connection, message });
    }
}

/// Every field of a vote of server 3 at every end of its width, alone and with others.
pub(crate) fn notifications() -> Vec<Forged> {
    let mut all = Vec::new();
    let mut add = |role, leader, zxid, peer_epoch, round| {
        let vote = Vote { leader, zxid, peer_epoch };
        all.push(Forged::Notification(3, Notification { role, vote, round }));
    };
    let honest = Zxid::new(1, 1);
    for role in [Role::Looking, Role::Following, Role::Leading, Role::Observing] {
        for leader in [1, 2, 3, 0, 9, u64::MAX] {
            for round in ROUNDS {
                add(role, leader, honest, 1, round);
                add(role, leader, Zxid::new(Epoch::MAX, u32::MAX), Epoch::MAX, round);
            }
            for epoch in EPOCHS {
                add(role, leader, honest, epoch, 2);
                for counter in COUNTERS {
                    add(role, leader, Zxid::new(epoch, counter), 1, 2);
                }
            }
        }
    }
    all
}

/// What a learner can say to a leader: each message with every end of its fields, at the place
/// where it is expected and at others.
pub(crate) fn to_leader(leader: ServerId) -> Vec<Forged> {
    let mut said = Vec::new();
    let info = |accepted_epoch| Message::FollowerInfo { accepted_epoch };
    let epoch = |epoch, last_zxid| Message::AckEpoch { current_epoch: epoch, last_zxid };
    for end in EPOCHS {
        said.push(vec![info(end)]);
        said.push(vec![info(1), epoch(Some(end), Zxid::new(1, 1))]);
        said.push(vec![info(1), epoch(Some(1), Zxid::new(1, 1)), Message::AckLd { epoch: end }]);
        for counter in COUNTERS {
            let zxid = Zxid::new(end, counter);
            said.push(vec![info(1), epoch(Some(1), zxid)]);
            said.push(vec![info(1), epoch(None, zxid), Message::AckLd { epoch: 2 }]);
            said.push(vec![info(1), epoch(None, Zxid::ZERO), Message::Ack { zxid }]);
            said.push(vec![info(1), Message::Diff { zxid }]);
        }
    }
    let others = (1..=3).filter(|id| *id != leader);
    let forged = others.flat_map(|from| {
        let both = move |messages: Vec<Message>| {
            [true, false].map(|stays| {
                let messages = messages.clone();
                Forged::Learner { from, messages, stays }
            })
        };
        said.clone().into_iter().flat_map(both)
    });
    forged.collect()
}

/// The offer of an epoch by somebody who holds the leader's address.
pub(crate) fn to_follower(leader: ServerId, new_epoch: Epoch) -> Forged {
    Forged::Leader { from: leader, messages: vec![Message::LeaderInfo { new_epoch }] }
}
