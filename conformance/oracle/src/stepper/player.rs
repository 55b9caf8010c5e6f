//! One server of a witness: the model's server, and the effects of its steps that no line has shown.

use zab_check::Shown;
use zab_model::{
    Config, Decision, Effect, Enabled, Message, NoProbe, Notification, Outbox, Role, Server,
    ServerId, Step, Wide, Write, Zxid,
};

/// One server, and how far its part of the witness is replayed.
pub(super) struct Player<'a, E> {
    pub(super) server: Server<Wide>,
    pub(super) entries: Vec<&'a E>,
    pub(super) next: usize,
    /// The step since the last line, if there was one; hidden steps come before it.
    pub(super) last: Option<Step<Wide>>,
    /// By row: the open quorum connection.
    pub(super) wires: Vec<Option<usize>>,
    /// Connections accepted on which no FOLLOWERINFO has come.
    pub(super) accepted: Vec<usize>,
    /// Connections that this end has ended, until their `Disconnected` line.
    pub(super) ended: Vec<usize>,
    /// Effects that are to be shown, in the order of the steps; of a message on the quorum port
    /// also its connection.
    pub(super) pending: Vec<(Option<usize>, Effect<Wide>)>,
    /// By row: the last notification sent.
    pub(super) notified: Vec<Option<Notification<u32>>>,
    pub(super) written: Option<Write<u32>>,
    pub(super) proposed: Option<Zxid<u32>>,
    /// The line of a `Looking` that is still to be decided has come already.
    pub(super) looking_shown: bool,
}

impl<'a, E> Player<'a, E> {
    pub(super) fn new(row: usize, servers: usize, entries: Vec<&'a E>) -> Self {
        Self {
            server: Server::new(ServerId(u8::try_from(row + 1).unwrap_or(0))),
            entries,
            next: 0,
            last: None,
            wires: vec![None; servers],
            accepted: Vec::new(),
            ended: Vec::new(),
            pending: Vec::new(),
            notified: vec![None; servers],
            written: None,
            proposed: None,
            looking_shown: false,
        }
    }

    /// Takes a step of the model, and keeps its effects that lines are to show.
    pub(super) fn step(
        &mut self,
        cfg: &Config<Wide>,
        shown: Shown,
        step: Step<Wide>,
    ) -> Result<(), &'static str> {
        let mut outbox = Outbox::default();
        if zab_model::apply(cfg, &mut self.server, step, &mut outbox, &mut NoProbe) == Enabled::No {
            return Err("the step is not enabled");
        }
        (self.written, self.proposed) = (None, None);
        for effect in outbox.effects() {
            self.effect(*effect)?;
        }
        self.pending.retain(|(_, effect)| is_shown(shown, effect));
        self.last = Some(step);
        Ok(())
    }

    fn effect(&mut self, effect: Effect<Wide>) -> Result<(), &'static str> {
        match effect {
            Effect::Persisted(write) => self.written = Some(write),
            Effect::Sent { to, message } => {
                let election = matches!(message, Message::Notification(_));
                let link = to.row().and_then(|row| self.wires[row]).filter(|_| !election);
                if election || link.is_some() {
                    self.pending.push((link, effect));
                }
            }
            Effect::Delivered(_) => self.pending.push((None, effect)),
            Effect::Decided(Decision::Proposed { zxid }) => self.proposed = Some(zxid),
            Effect::Decided(Decision::Resent)
            | Effect::Replaced(_)
            // At grain `threads` only.
            | Effect::Queued { .. }
            | Effect::Started(_) => {}
            Effect::Decided(Decision::Looking { .. })
                if std::mem::take(&mut self.looking_shown) => {}
            Effect::Decided(decision) => {
                if matches!(decision, Decision::Elected { .. }) {
                    self.nothing_decided()?;
                }
                self.pending.push((None, effect));
            }
            Effect::Closed(peer) => {
                let wire = peer.row().and_then(|row| self.wires[row].take());
                self.ended.extend(wire);
            }
            Effect::ClosedAll => {
                self.ended.extend(self.wires.iter_mut().filter_map(Option::take));
                // The log is taken over as it is.
                self.pending.retain(|(_, effect)| !matches!(effect, Effect::Delivered(_)));
                self.nothing_decided()?;
            }
        }
        Ok(())
    }

    /// A role ends after the lines of its decisions.
    fn nothing_decided(&self) -> Result<(), &'static str> {
        let decided = self.pending.iter().any(|(_, e)| matches!(e, Effect::Decided(_)));
        if decided { Err("a role ends before its decisions are shown") } else { Ok(()) }
    }

    /// Whether a line of its own is due.
    pub(super) fn owes(&self) -> bool {
        self.pending.iter().any(|(_, effect)| !matches!(effect, Effect::Sent { .. }))
    }

    /// Takes the first of these effects away.
    pub(super) fn first(&mut self, of: impl Fn(&Effect<Wide>) -> bool) -> Option<Effect<Wide>> {
        let place = self.pending.iter().position(|(_, effect)| of(effect))?;
        Some(self.pending.remove(place).1)
    }

    /// This end shows that it has a connection.
    pub(super) fn connected(&mut self, link: usize) {
        if !self.wires.contains(&Some(link)) {
            let leads = self.server.role == Role::Leading;
            if leads { &mut self.accepted } else { &mut self.ended }.push(link);
        }
    }

    /// This end shows that a connection has ended.
    pub(super) fn close(&mut self, link: usize) -> bool {
        let known = self.ended.contains(&link) || self.accepted.contains(&link);
        self.ended.retain(|ended| *ended != link);
        self.accepted.retain(|accepted| *accepted != link);
        self.pending.retain(|(other, _)| *other != Some(link));
        known
    }

    /// The process ends: all is forgotten but what is on disk.
    pub(super) fn forget(&mut self) {
        self.wires.fill(None);
        self.accepted.clear();
        self.ended.clear();
        self.pending.clear();
        self.notified.fill(None);
        self.looking_shown = false;
    }
}

fn is_shown(shown: Shown, effect: &Effect<Wide>) -> bool {
    match effect {
        Effect::Delivered(_) => shown.delivered,
        Effect::Decided(Decision::Looking { .. }) => shown.looking,
        Effect::Decided(Decision::Elected { .. }) => shown.elected,
        Effect::Decided(Decision::Established { .. }) => shown.established,
        Effect::Decided(Decision::Committed { .. }) => shown.committed,
        Effect::Decided(Decision::Resent | Decision::Proposed { .. })
        | Effect::Persisted(_)
        | Effect::Sent { .. }
        | Effect::Closed(_)
        | Effect::Replaced(_)
        | Effect::Queued { .. }
        | Effect::Started(_)
        | Effect::ClosedAll => true,
    }
}
