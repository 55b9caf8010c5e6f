//! Why a server does not send what the capture has at a place.

use std::collections::BTreeSet;

use zab_model::Message as Any;
use zab_model::Role;
use zab_model::Step;
use zab_model::Wide;
use zab_model::Zxid;

use crate::view::Message;

/// How many of each kind are told.
const TOLD_MAX: usize = 4;

/// Who is told about the guards of a step.
pub(crate) enum Witness<'a> {
    /// Nobody, which is fast.
    None,
    /// Somebody who collects reasons.
    Told(&'a mut Reasons),
}

/// Why a node has no successor by a step.
pub(crate) enum Refused {
    /// The rules do not allow it.
    Step,
    /// It sends something else than the capture has at this place.
    Other { message: Message, place: usize },
    /// It ends a connection on which the capture has more at this place.
    Ends { place: usize },
}

/// Why a server does not do what the capture has at a place.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    place: usize,
    /// What it can send there instead.
    instead: BTreeSet<String>,
    /// What it can send elsewhere, where the capture has something else.
    elsewhere: BTreeSet<String>,
    /// Guards that did not hold.
    guards: BTreeSet<String>,
}

impl Reasons {
    pub(crate) fn at(place: usize) -> Self {
        Self { place, ..Self::default() }
    }

    /// What was possible instead: the best of what is known, in words.
    pub(crate) fn instead(&self) -> Vec<String> {
        let kinds = [&self.instead, &self.elsewhere];
        let best = kinds.into_iter().find(|kind| !kind.is_empty());
        best.into_iter().flatten().take(TOLD_MAX).cloned().collect()
    }

    /// Guards that did not hold, with both values.
    pub(crate) fn guards(&self) -> Vec<String> {
        self.guards.iter().take(TOLD_MAX).cloned().collect()
    }

    /// What waits for a learner, or is about to be sent to it, is not what the capture has at a place.
    /// Without a message it is a SNAP of this position or a later one.
    pub(crate) fn queued(&mut self, place: usize, message: Option<&Message>, label: Zxid<u32>) {
        let said = match message {
            Some(message) => format!("{}: {message}", rule_of(message)),
            None => format!("zk.sync.snap: SNAP at {label} or later"),
        };
        let kind = if place == self.place { &mut self.instead } else { &mut self.elsewhere };
        kind.insert(said);
    }

    pub(crate) fn note(
        &mut self,
        role: Role,
        step: &Step<Wide>,
        record: &zab_model::Record,
        refused: Option<&Refused>,
    ) {
        let failed = record.failed().map(|check| {
            format!("{}: {}: {} against {}", check.rule, check.guard, check.offered, check.held)
        });
        match refused {
            None | Some(Refused::Step) => {
                let is_receipt = matches!(step, Step::Receive { .. });
                self.guards.extend(failed.filter(|_| is_receipt));
            }
            Some(Refused::Other { message, place }) => {
                let rule = record.fired.last().copied().unwrap_or_else(|| rule_of(message));
                let said = format!("{rule}: {message}");
                let kind =
                    if *place == self.place { &mut self.instead } else { &mut self.elsewhere };
                kind.insert(said);
            }
            Some(Refused::Ends { place }) => {
                let says = failed.unwrap_or_else(|| "zk.fle.leave_role".to_owned());
                let says = format!("{says}: it leaves its role, {role}");
                if *place == self.place && role != Role::Looking {
                    self.instead.insert(says);
                }
            }
        }
    }
}

/// The rule by which a packet is sent.
pub(crate) fn rule_of(message: &Message) -> &'static str {
    match message {
        Any::Notification(_) => "zk.fle.enter",
        Any::FollowerInfo { .. } | Any::ObserverInfo { .. } => "f.1.1",
        Any::LeaderInfo { .. } => "l.1.1",
        Any::AckEpoch { .. } => "f.1.2",
        Any::Diff { .. } => "zk.sync.diff",
        Any::Trunc { .. } => "zk.sync.trunc",
        Any::Snap { .. } => "zk.sync.snap",
        Any::Proposal(_) => "l.3.1",
        Any::Commit { .. } | Any::Inform(_) => "l.3.2",
        Any::NewLeader { .. } => "l.2.1",
        Any::AckLd { .. } => "f.2.1",
        Any::Ack { .. } => "zk.bcast.sync",
        Any::UpToDate => "l.2.3",
    }
}
