//! Answers to votes that are sent later than they are made.
//!
//! The thread that receives votes answers them: it reads the role, the vote and the round, each by
//! itself, and then puts the answer into a queue (`FastLeaderElection.Messenger.WorkerReceiver.run`).
//! Meanwhile another thread may leave the role and tell everybody of the next election. So an answer of
//! before may come after votes of the next election, and it may have the role LOOKING beside the vote and
//! round of before.
//!
//! The model makes and sends an answer in one step. Here one answer at a time may be held: there is one such
//! thread. It is held on demand of the capture, which has it later than something newer for the same peer;
//! without that nobody can tell. What is held was a right answer to a vote that had arrived, so no server
//! can say in this way what it never could.

use zab_model::Effect;
use zab_model::Message as Any;
use zab_model::NoProbe;
use zab_model::Notification;
use zab_model::Outbox;
use zab_model::Role;
use zab_model::ServerId;
use zab_model::Step;
use zab_model::apply;

use super::Moves;
use crate::node::Moved;
use crate::node::Node;
use crate::view::Message;

impl Moves<'_, '_, '_> {
    /// The answer that is held is sent as soon as the capture has it next: it changes nothing but what was
    /// sent to this peer.
    pub(super) fn send_late(&self) -> Option<Moved> {
        let (peer, message) = self.node.late?;
        let mut node = self.node.clone();
        node.late = None;
        node.vote(self.track, peer, &message).then_some(Moved { node, matched: 1, packets: 0 })
    }

    /// This node with each answer that it may hold: to the first vote of a peer that it has to answer.
    pub(super) fn held_answers(&self) -> Vec<Node> {
        let mut held = Vec::new();
        for peer in self.peers().filter(|_| self.node.late.is_none()) {
            let mut arrived = self.node.arrived_votes(self.track, peer, self.place);
            let answered =
                arrived.find_map(|(number, vote)| Some((number, self.answer_to(peer, vote)?)));
            let Some((number, answer)) = answered else { continue };
            let made = [answer, Notification { role: Role::Looking, ..answer }];
            let made = if answer.role == Role::Looking { &made[..1] } else { &made };
            for answer in made.iter().map(|answer| Any::Notification(*answer)) {
                if self.node.sends_later(self.track, peer, &answer) {
                    let mut node = self.node.clone();
                    node.hear(peer, number);
                    node.late = Some((peer, answer));
                    held.push(node);
                }
            }
        }
        held
    }

    /// What this server answers to a vote and does nothing else: `zk.fle.settled_reply`, or to a vote of an
    /// older round in `zk.fle.looking`.
    fn answer_to(&self, peer: ServerId, vote: &Message) -> Option<Notification<u32>> {
        let mut server = self.node.server.clone();
        let (mut out, mut probe) = (Outbox::default(), NoProbe);
        let step = Step::Receive { from: peer, message: *vote };
        let _ = apply(self.track.cfg, &mut server, step, &mut out, &mut probe);
        let mut sent = out.effects().iter().filter_map(|effect| {
            let Effect::Sent { to, message: Any::Notification(answer) } = effect else {
                return None;
            };
            (*to == peer).then_some(*answer)
        });
        sent.next().filter(|_| server == self.node.server)
    }
}
