//! One server in the middle of a capture, and how far the capture is accounted for.

use std::collections::BTreeMap;

use zab_model::Decision;
use zab_model::Effect;
use zab_model::Enabled;
use zab_model::Message as Any;
use zab_model::Outbox;
use zab_model::Probe;
use zab_model::Progress as Reached;
use zab_model::Server;
use zab_model::ServerId;
use zab_model::Step;
use zab_model::Table as _;
use zab_model::TxnOf;
use zab_model::Wide;
use zab_model::Zxid;
use zab_model::apply;

use crate::reasons::Refused;
use crate::reasons::Witness;
use crate::view::Life;
use crate::view::Message;
use crate::view::Sent;
use crate::view::View;

/// What is followed, and under which rules.
#[derive(Clone, Copy)]
pub(crate) struct Track<'a> {
    pub(crate) cfg: &'a zab_model::Config<Wide>,
    pub(crate) view: &'a View,
    pub(crate) known: &'a crate::translate::Known,
    /// Whether steps that commute with all others are taken at once. Off, every order is tried.
    pub(crate) is_eager: bool,
}

/// How far a link of the quorum port is accounted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Progress {
    pub(crate) stage: Stage,
    /// How many of its packets this server has sent.
    pub(crate) sent: usize,
    /// How many it has received.
    pub(crate) received: usize,
}

/// Whether a link is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    #[default]
    NotYet,
    Open,
    /// The peer, a learner, has a newer one, and this one is still served (`zk.sync.fence`).
    Older,
    Over,
}

/// A server in the middle of a capture.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) server: Server<Wide>,
    /// Which of its processes it is.
    pub(crate) life: usize,
    /// By link.
    pub(crate) links: Vec<Progress>,
    /// By peer: how many votes were sent, and how many received or lost.
    pub(crate) votes: BTreeMap<ServerId, (usize, usize)>,
    /// What waits in the queues of handlers.
    pub(crate) queued: Vec<(ServerId, Message)>,
    /// An answer to a vote that is made and not sent yet, and to whom it goes (`moves::late`).
    pub(crate) late: Option<(ServerId, Message)>,
}

/// A node after a step, and how much of the capture the step accounts for.
pub(crate) struct Moved {
    pub(crate) node: Node,
    /// How many packets it sent that the capture has.
    pub(crate) matched: usize,
    /// How many packets of the quorum port it sent or queued.
    pub(crate) packets: usize,
}

/// What became of a packet that is sent.
enum Match {
    /// The capture has it.
    Recorded,
    /// The capture has nothing more of its link.
    Unrecorded,
}

impl Node {
    /// A server that has just started, with an empty disk.
    pub(crate) fn new(track: Track<'_>) -> Option<Self> {
        let server = Server::new(track.view.id);
        let node = Self {
            server,
            life: 0,
            links: vec![Progress::default(); track.view.lives.first()?.links.len()],
            votes: BTreeMap::new(),
            queued: Vec::new(),
            late: None,
        };
        Some(node.step(track, Step::Start { survived: 0 }, &mut Witness::None)?.node)
    }

    /// The present process in the capture.
    pub(crate) fn record<'a>(&self, track: Track<'a>) -> &'a Life {
        &track.view.lives[self.life]
    }

    /// The place of the first packet that this process has still to send; none, if it has sent all.
    pub(crate) fn owes(&self, track: Track<'_>) -> Option<usize> {
        let life = self.record(track);
        let links = life.links.iter().zip(&self.links);
        let packets = links.filter_map(|(link, at)| link.out.get(at.sent));
        let votes = life.votes.iter().filter_map(|(peer, votes)| votes.owed(self.voted(*peer)));
        packets.copied().chain(votes).map(|(place, _)| place).min()
    }

    /// The place up to which packets have arrived at the most.
    pub(crate) fn place(&self, track: Track<'_>) -> usize {
        self.owes(track).unwrap_or(self.record(track).end)
    }

    /// Whether everything is accounted for that the capture has of this server.
    pub(crate) fn is_done(&self, track: Track<'_>) -> bool {
        self.life + 1 == track.view.lives.len() && self.owes(track).is_none()
    }

    fn voted(&self, peer: ServerId) -> usize {
        self.votes.get(&peer).map_or(0, |(sent, _)| *sent)
    }

    fn heard(&self, peer: ServerId) -> usize {
        self.votes.get(&peer).map_or(0, |(_, heard)| *heard)
    }

    /// The next vote that this process has to send to a peer.
    pub(crate) fn owed_vote(&self, track: Track<'_>, peer: ServerId) -> Option<Sent> {
        self.record(track).votes.get(&peer)?.owed(self.voted(peer))
    }

    /// The next votes for a peer (`Votes::next`).
    pub(crate) fn next_votes<'a>(
        &self,
        track: Track<'a>,
        peer: ServerId,
    ) -> impl Iterator<Item = (usize, Sent)> + use<'a> {
        let votes = self.record(track).votes.get(&peer);
        let sent = self.voted(peer);
        votes.into_iter().flat_map(move |votes| votes.next(sent))
    }

    /// Whether the capture has a vote for a peer, but something else before it.
    pub(crate) fn sends_later(&self, track: Track<'_>, peer: ServerId, vote: &Message) -> bool {
        let is_it = |(_, recorded): &Sent| recorded == vote;
        let out = self.record(track).votes.get(&peer).map_or(&[][..], |votes| &votes.out);
        let mut next = self.next_votes(track, peer);
        !next.any(|(_, recorded)| is_it(&recorded)) && out.iter().skip(self.voted(peer)).any(is_it)
    }

    /// The votes of a peer that have arrived and are neither received nor lost, each with its number.
    pub(crate) fn arrived_votes<'a>(
        &self,
        track: Track<'a>,
        peer: ServerId,
        place: usize,
    ) -> impl Iterator<Item = (usize, &'a Message)> + use<'a> {
        let into = self.record(track).votes.get(&peer).map_or(&[][..], |votes| &votes.into);
        let arrived = into.iter().enumerate().skip(self.heard(peer));
        arrived
            .take_while(move |(_, (at, _))| *at < place)
            .map(|(number, (_, vote))| (number, vote))
    }

    /// Votes up to and with this one are received or lost.
    pub(crate) fn hear(&mut self, peer: ServerId, number: usize) {
        self.votes.entry(peer).or_default().1 = number + 1;
    }

    /// The open link to a peer.
    pub(crate) fn link(&self, track: Track<'_>, peer: ServerId) -> Option<usize> {
        let links = self.record(track).links.iter().zip(&self.links);
        let is_it = |(link, at): (&crate::view::Link, &Progress)| {
            link.peer == peer && at.stage == Stage::Open
        };
        links.enumerate().find(|(_, pair)| is_it(*pair)).map(|(index, _)| index)
    }

    /// The next packet that this server sends on a link.
    pub(crate) fn next_out(&self, track: Track<'_>, link: usize) -> Option<Sent> {
        self.record(track).links.get(link)?.out.get(self.links.get(link)?.sent).copied()
    }

    /// The next packet that this server receives on a link, if it has arrived.
    pub(crate) fn next_into(&self, track: Track<'_>, link: usize, place: usize) -> Option<Message> {
        let next = self.record(track).links.get(link)?.into.get(self.links.get(link)?.received)?;
        (next.0 < place).then_some(next.1)
    }

    /// The node after the next packet of a link is received.
    pub(crate) fn receive(
        &self,
        track: Track<'_>,
        link: usize,
        message: Message,
        witness: &mut Witness<'_>,
    ) -> Option<Moved> {
        let from = self.record(track).links.get(link)?.peer;
        let mut after = self.clone();
        let at = after.links.get_mut(link)?;
        at.received += 1;
        let step = match at.stage {
            Stage::Older => Step::ReceiveOlder { from, message },
            Stage::NotYet | Stage::Open | Stage::Over => Step::Receive { from, message },
        };
        let mut moved = after.step(track, step, witness)?;
        if let Any::FollowerInfo { .. } | Any::ObserverInfo { .. } = message {
            moved.node.begin(track, link)?;
        }
        Some(moved)
    }

    /// A link comes into use. An older one to the same peer is over, unless it is still served.
    pub(crate) fn begin(&mut self, track: Track<'_>, link: usize) -> Option<()> {
        let peer = self.record(track).links.get(link)?.peer;
        if let Some(open) = self.link(track, peer)
            && self.server.leader.learners.row(peer).older != Reached::None
        {
            self.end_older(track, peer)?;
            self.queued.retain(|(learner, _)| *learner != peer);
            self.links.get_mut(open)?.stage = Stage::Older;
        }
        self.end(track, peer)?;
        self.links.get_mut(link)?.stage = Stage::Open;
        Some(())
    }

    /// The older link to a peer that is still served.
    pub(crate) fn older(&self, track: Track<'_>, peer: ServerId) -> Option<usize> {
        let links = self.record(track).links.iter().zip(&self.links);
        links
            .enumerate()
            .find(|(_, (link, at))| link.peer == peer && at.stage == Stage::Older)
            .map(|(index, _)| index)
    }

    /// The older link to a peer is over; impossible, if the capture has more that was sent on it.
    fn end_older(&mut self, track: Track<'_>, peer: ServerId) -> Option<()> {
        let Some(older) = self.older(track, peer) else { return Some(()) };
        if self.next_out(track, older).is_some() {
            return None;
        }
        self.links.get_mut(older)?.stage = Stage::Over;
        Some(())
    }

    /// The handler of an older connection sends on: what the leader proposes and commits, as on every
    /// other link. The model leaves it out, because it reaches nobody.
    fn send_on_older(
        &mut self,
        track: Track<'_>,
        learners: impl Iterator<Item = ServerId>,
        message: &Message,
    ) -> Result<(), Refused> {
        for learner in learners {
            let Some(link) = self.older(track, learner) else { continue };
            if !self.server.leader.learners.row(learner).older.is_forwarding() {
                continue;
            }
            match self.next_out(track, link) {
                None => {}
                Some((_, recorded)) if recorded == *message => self.links[link].sent += 1,
                Some((place, _)) => return Err(Refused::Other { message: *message, place }),
            }
        }
        Ok(())
    }

    /// The open link to a peer is over; impossible, if the capture has more that was sent on it.
    fn end(&mut self, track: Track<'_>, peer: ServerId) -> Option<()> {
        self.queued.retain(|(learner, _)| *learner != peer);
        let Some(link) = self.link(track, peer) else { return Some(()) };
        if self.next_out(track, link).is_some() {
            return None;
        }
        self.links.get_mut(link)?.stage = Stage::Over;
        Some(())
    }

    /// The process ends, and the next one starts with what is left of the unsynced tail. Whatever was
    /// not received is lost.
    pub(crate) fn restart(&self, track: Track<'_>, survived: u32) -> Option<Self> {
        let mut crashed = self.clone();
        let (mut out, mut probe) = (Outbox::default(), zab_model::NoProbe);
        let crash = apply(track.cfg, &mut crashed.server, Step::Crash, &mut out, &mut probe);
        if crash == Enabled::No || usize::try_from(survived).ok()? > crashed.server.unsynced() {
            return None;
        }
        crashed.life += 1;
        crashed.links = vec![Progress::default(); track.view.lives.get(crashed.life)?.links.len()];
        crashed.votes.clear();
        crashed.queued.clear();
        crashed.late = None;
        Some(crashed.step(track, Step::Start { survived }, &mut Witness::None)?.node)
    }

    /// The node after a step, if the step is possible and the capture has what it sends.
    pub(crate) fn step(
        &self,
        track: Track<'_>,
        step: Step<Wide>,
        witness: &mut Witness<'_>,
    ) -> Option<Moved> {
        match witness {
            Witness::None => self.step_with(track, step, &mut zab_model::NoProbe).ok(),
            Witness::Told(reasons) => {
                let mut record = zab_model::Record::default();
                let done = self.step_with(track, step, &mut record);
                reasons.note(self.server.role, &step, &record, done.as_ref().err());
                done.ok()
            }
        }
    }

    fn step_with(
        &self,
        track: Track<'_>,
        step: Step<Wide>,
        probe: &mut impl Probe,
    ) -> Result<Moved, Refused> {
        let mut out = Outbox::default();
        let mut moved = Moved { node: self.clone(), matched: 0, packets: 0 };
        match apply(track.cfg, &mut moved.node.server, step, &mut out, probe) {
            Enabled::No => return Err(Refused::Step),
            Enabled::Yes => {}
        }
        for effect in out.effects() {
            moved.effect(track, effect)?;
        }
        Ok(moved)
    }

    /// The capture has a packet next on its link, or nothing more: some of the last packets of a
    /// connection may never have reached the recorder.
    fn send(
        &mut self,
        track: Track<'_>,
        to: ServerId,
        message: &Message,
    ) -> Result<Match, Refused> {
        if let Any::Notification(_) = message {
            let is_recorded = self.vote(track, to, message);
            return Ok(if is_recorded { Match::Recorded } else { Match::Unrecorded });
        }
        let Some(link) = self.link(track, to) else { return Ok(Match::Unrecorded) };
        match self.next_out(track, link) {
            None => Ok(Match::Unrecorded),
            Some((_, recorded)) if is_same(&recorded, message) => {
                self.links[link].sent += 1;
                Ok(Match::Recorded)
            }
            Some((place, _)) => Err(Refused::Other { message: *message, place }),
        }
    }

    /// A vote that the capture does not have next is lost: one that was not sent yet is replaced by a
    /// newer one, and what is in flight is lost with its connection (`zk.link.slot`, `zk.link.recv`).
    pub(crate) fn vote(&mut self, track: Track<'_>, to: ServerId, message: &Message) -> bool {
        let mut next = self.next_votes(track, to);
        let Some((number, _)) = next.find(|(_, (_, recorded))| recorded == message) else {
            return false;
        };
        self.votes.entry(to).or_default().0 = number + 1;
        true
    }
}

impl Moved {
    fn effect(&mut self, track: Track<'_>, effect: &Effect<Wide>) -> Result<(), Refused> {
        match effect {
            Effect::Sent { to, message } => self.send(track, *to, message),
            Effect::Queued { to, message } => {
                self.packets += 1;
                self.node.queued.push((*to, *message));
                Ok(())
            }
            Effect::Started(to) => {
                let is_its = |(learner, _): &mut (ServerId, Message)| learner == to;
                let its: Vec<_> = self.node.queued.extract_if(.., is_its).collect();
                its.iter().try_for_each(|(_, message)| self.send(track, *to, message))
            }
            Effect::Closed(peer) => self.end(track, *peer),
            // The new link begins after the step (`Node::receive`).
            Effect::Replaced(_) => Ok(()),
            Effect::Decided(Decision::Proposed { zxid }) => {
                let message = self.logged(track, *zxid).map(Any::Proposal);
                let voters = track.cfg.ensemble.voters();
                message.map_or(Ok(()), |message| self.node.send_on_older(track, voters, &message))
            }
            Effect::Decided(Decision::Committed { zxid }) => {
                let (voters, observers) =
                    (track.cfg.ensemble.voters(), track.cfg.ensemble.observers());
                self.node.send_on_older(track, voters, &Any::Commit { zxid: *zxid })?;
                let message = self.logged(track, *zxid).map(Any::Inform);
                message
                    .map_or(Ok(()), |message| self.node.send_on_older(track, observers, &message))
            }
            Effect::ClosedAll => {
                let peers: Vec<_> = track.cfg.ensemble.members().collect();
                peers.into_iter().try_for_each(|peer| self.end(track, peer))
            }
            Effect::Persisted(_) | Effect::Delivered(_) | Effect::Decided(_) => Ok(()),
        }
    }

    /// A transaction of the log.
    fn logged(&self, track: Track<'_>, zxid: Zxid<u32>) -> Option<TxnOf<Wide>> {
        let log = track.cfg.history(self.node.server.history);
        log.length_at(zxid).and_then(|length| log.get(length.checked_sub(1)?))
    }

    fn send(&mut self, track: Track<'_>, to: ServerId, message: &Message) -> Result<(), Refused> {
        self.packets += usize::from(!matches!(message, Any::Notification(_)));
        match self.node.send(track, to, message)? {
            Match::Recorded => self.matched += 1,
            Match::Unrecorded => {}
        }
        Ok(())
    }

    fn end(&mut self, track: Track<'_>, peer: ServerId) -> Result<(), Refused> {
        let links = [self.node.link(track, peer), self.node.older(track, peer)];
        let next = links.into_iter().flatten().find_map(|link| self.node.next_out(track, link));
        let ended = self.node.end(track, peer).and_then(|()| self.node.end_older(track, peer));
        ended.ok_or(Refused::Ends { place: next.map_or(0, |next| next.0) })
    }
}

/// Whether the capture's packet is the one that is sent. The history that a SNAP stands for is not on
/// the wire.
pub(crate) fn is_same(recorded: &Message, sent: &Message) -> bool {
    match (recorded, sent) {
        (Any::Snap { zxid: recorded, .. }, Any::Snap { zxid: sent, .. }) => recorded == sent,
        _ => recorded == sent,
    }
}
