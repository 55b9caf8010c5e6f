//! One server, and how far the record is accounted for on each of its links.

use std::collections::{BTreeMap, BTreeSet};

use zab_model::{
    Check, Effect, Enabled, Item, Message as Any, Outbox, Record, Role, Server, ServerId, Shape,
    Step, Wide, apply,
};

use super::Message;
use super::packets::{Kind, Link, Packets, What};

/// A server in the middle of a record.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Node {
    server: Server<Wide>,
    /// By link: how many of its items are accounted for, as sent or as received.
    done: BTreeMap<Link, usize>,
    /// What waits in the queues of handlers, and the rule that put it there.
    queued: Vec<(ServerId, Message, &'static str)>,
}

impl Node {
    /// A server that has just started.
    pub(super) fn new(packets: &Packets, id: ServerId) -> Self {
        let disk = packets.disks[id.row().expect("a server")];
        let server = Server::recovered(id, disk);
        let node = Self { server, done: BTreeMap::new(), queued: Vec::new() };
        let start = Step::Start { survived: 0 };
        node.step(packets, start, &mut Reasons::default()).expect("a server starts")
    }

    fn done(&self, link: Link) -> usize {
        self.done.get(&link).copied().unwrap_or(0)
    }

    /// The next item of a link, and its place.
    fn next(&self, packets: &Packets, link: Link) -> Option<(usize, What)> {
        let place = packets.place(link, self.done(link))?;
        Some((place, packets.items[place].what))
    }

    fn advance(&mut self, link: Link) {
        *self.done.entry(link).or_default() += 1;
    }

    /// Whether the packet at a place is sent. A notification may be sent twice (`zk.fle.resend`).
    pub(super) fn has_sent(&self, packets: &Packets, place: usize) -> bool {
        let link = packets.items[place].link();
        let sent = self.done(link);
        let is_sent = |number: usize| packets.place(link, number).is_none_or(|at| at > place);
        is_sent(sent) || (is_sent(sent + 1) && is_repeated(packets, link, sent))
    }

    /// Everything that the server can do next, if it agrees with the record.
    pub(super) fn successors(
        &self,
        packets: &Packets,
        place: usize,
        reasons: &mut Reasons,
    ) -> Vec<Self> {
        let me = &self.server;
        let mut steps = vec![Step::ProgramNext, Step::Apply, Step::Settle];
        let durable = Wide::length(&me.disk.history);
        let log = packets.cfg.history(me.history);
        steps.extend(log.zxid(durable).map(|up_to| Step::SyncLog { up_to }));
        steps.push(Step::Connected { peer: me.vote.leader });
        if let What::Sent(Any::Proposal(txn)) = packets.items[place].what
            && log.length_at(txn.zxid).is_none()
        {
            steps.push(Step::Request { payload: txn.payload });
        }
        let mut found: Vec<Self> = Vec::new();
        for peer in packets.cfg.ensemble.voters().filter(|peer| *peer != me.id) {
            steps.push(Step::Handler { learner: peer });
            found.extend(self.receipts(packets, peer, place, reasons));
        }
        found.extend(steps.into_iter().filter_map(|step| self.step(packets, step, reasons)));
        found
    }

    /// What can be received from a peer: the next packet of each link, if it has passed the recorder;
    /// and what comes after the end of a connection, with or without what came before.
    fn receipts(
        &self,
        packets: &Packets,
        peer: ServerId,
        place: usize,
        reasons: &mut Reasons,
    ) -> Vec<Self> {
        let mut found = Vec::new();
        for kind in [Kind::Election, Kind::Quorum, Kind::Older] {
            let link = (peer, self.server.id, kind);
            let Some((at, what)) = self.next(packets, link).filter(|(at, _)| *at < place) else {
                continue;
            };
            let mut after = self.clone();
            after.advance(link);
            let step = match what {
                What::Sent(message) => Step::Receive { from: peer, message },
                What::Late(message) => Step::ReceiveOlder { from: peer, message },
                What::End => Step::Disconnected { peer },
            };
            found.extend(after.step(packets, step, reasons));
            // Lost: a notification at any time, a packet at the end of its connection.
            let is_end = |other: usize| packets.items[other].what == What::End;
            let is_over = packets.places(link).any(|i| (at..place).contains(&i) && is_end(i));
            if kind != Kind::Quorum || is_over {
                found.push(after);
            }
        }
        found
    }

    /// The node after a step, if the step is possible and the record has what it sends.
    fn step(&self, packets: &Packets, step: Step<Wide>, reasons: &mut Reasons) -> Option<Self> {
        let (mut out, mut record) = (Outbox::default(), Record::default());
        let mut after = self.clone();
        match apply(&packets.cfg, &mut after.server, step, &mut out, &mut record) {
            Enabled::No => return None,
            Enabled::Yes => {}
        }
        let of_handler = matches!(step, Step::Handler { .. });
        let unnamed = if of_handler { "l.2.1" } else { rule_of(self.server.program.next()) };
        let rule = record.fired.last().copied().unwrap_or(unnamed);
        if let Step::Receive { from, message: Any::FollowerInfo { .. } } = step {
            after.pass_end(packets, from);
        }
        let receives = matches!(step, Step::Receive { .. } | Step::ReceiveOlder { .. });
        if let Some(check) = record.failed().filter(|_| receives) {
            reasons.hints.insert(told(check));
        }
        for effect in out.effects() {
            if let Err(said) = after.effect(packets, effect, rule) {
                reasons.differences.insert(said);
                return None;
            }
            after.note_other(packets, effect, rule, reasons);
        }
        if self.server.role != Role::Looking && after.server.role == Role::Looking {
            let check = record.failed().map(told).unwrap_or_default();
            reasons.differences.insert(format!("{check}: it leaves its role"));
        }
        Some(after)
    }

    /// A notification on the link of the place, after which the place is still not sent.
    fn note_other(
        &self,
        packets: &Packets,
        effect: &Effect<Wide>,
        rule: &'static str,
        reasons: &mut Reasons,
    ) {
        let item = &packets.items[reasons.place];
        let Effect::Sent { to, message: message @ Any::Notification(_) } = effect else { return };
        let is_its_link = item.link() == (self.server.id, *to, Kind::Election);
        if is_its_link && !self.has_sent(packets, reasons.place) {
            let other = format!("{rule}: it sends {message} in place of `{}`", item.text);
            reasons.others.insert(other);
        }
    }

    fn effect(
        &mut self,
        packets: &Packets,
        effect: &Effect<Wide>,
        rule: &'static str,
    ) -> Result<(), String> {
        match effect {
            Effect::Sent { to, message } => self.send(packets, *to, message, rule)?,
            Effect::Queued { to, message } => self.queued.push((*to, *message, rule)),
            Effect::Started(to) => {
                let is_its = |(learner, ..): &(ServerId, Message, &str)| learner == to;
                let its: Vec<_> = self.queued.extract_if(.., |one| is_its(one)).collect();
                for (_, message, rule) in its {
                    self.send(packets, *to, &message, rule)?;
                }
            }
            Effect::Closed(peer) | Effect::Replaced(peer) => {
                self.queued.retain(|(learner, ..)| learner != peer);
            }
            Effect::ClosedAll => self.queued.clear(),
            Effect::Persisted(_) | Effect::Delivered(_) | Effect::Decided(_) => {}
        }
        Ok(())
    }

    /// What is sent to a peer from here on belongs to a newer connection, if the last one has ended.
    fn pass_end(&mut self, packets: &Packets, peer: ServerId) {
        let link = (self.server.id, peer, Kind::Quorum);
        if let Some((_, What::End)) = self.next(packets, link) {
            self.advance(link);
        }
    }

    /// The record has a packet next on its link, or nothing more. Behind the end of a connection, and
    /// on election links at any time, what is sent may be lost.
    fn send(
        &mut self,
        packets: &Packets,
        to: ServerId,
        message: &Message,
        rule: &'static str,
    ) -> Result<(), String> {
        let election = matches!(message, Any::Notification(_));
        let kind = if election { Kind::Election } else { Kind::Quorum };
        let link = (self.server.id, to, kind);
        if let Any::FollowerInfo { .. } = message {
            self.pass_end(packets, to);
        }
        let mut number = self.done(link);
        let is_it = |number: usize| {
            packets.place(link, number).map(|at| packets.items[at].what == What::Sent(*message))
        };
        while election && is_it(number) == Some(false) && is_repeated(packets, link, number) {
            number += 1;
        }
        if is_it(number) == Some(true) {
            self.done.insert(link, number + 1);
            return Ok(());
        }
        match self.next(packets, link) {
            Some((at, What::Sent(_))) if !election => {
                let recorded = &packets.items[at].text;
                Err(format!("{rule}: it sends {message} in place of `{recorded}`"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Why a server does not do what the record has.
#[derive(Default)]
pub(super) struct Reasons {
    /// The place in the record.
    place: usize,
    /// What it does in its place.
    differences: BTreeSet<String>,
    /// Notifications that it sends in place of the one that the record has.
    others: BTreeSet<String>,
    /// Guards that did not hold for what it received.
    hints: BTreeSet<String>,
}

impl Reasons {
    /// None so far, for a place in the record.
    pub(super) fn at(place: usize) -> Self {
        Self { place, ..Self::default() }
    }

    /// A few of them, the best ones.
    pub(super) fn text(self) -> String {
        let Self { differences, others, hints, .. } = self;
        let best = [differences, others, hints].into_iter().find(|reasons| !reasons.is_empty());
        best.into_iter().flatten().take(3).collect::<Vec<_>>().join("; ")
    }
}

fn told(check: &Check) -> String {
    format!("{}: {}: {} vs {}", check.rule, check.guard, check.offered, check.held)
}

/// The rule that an item of a program sends for.
fn rule_of(item: Item) -> &'static str {
    let senders =
        [(Item::AckLd, "f.2.1"), (Item::AckEpoch, "f.1.2"), (Item::Notify, "zk.fle.enter")];
    let rule = senders.into_iter().find(|(sender, _)| *sender == item);
    rule.map_or("no rule", |(_, rule)| rule)
}

/// Whether a link's item is the same as the one before it.
fn is_repeated(packets: &Packets, link: Link, number: usize) -> bool {
    let what = |number: usize| packets.place(link, number).map(|at| packets.items[at].what);
    number > 0
        && link.2 == Kind::Election
        && what(number).is_some()
        && what(number) == what(number - 1)
}
