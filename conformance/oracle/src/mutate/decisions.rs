//! Lines that a server had no reason to write: decisions, deliveries and writes in the wrong role,
//! again, or of another transaction.

use zab_trace::{EventKind, LogDigest, Persisted, Role, Round, ServerId, State, TxnDigest, Zxid};

use super::Kind;
use super::draft::Draft;

const GROUP: &str = "extra line";

/// What a server's lines before a place say about it.
struct Known {
    server: ServerId,
    role: Option<Role>,
    epoch: u32,
    round: Round,
    last: Zxid,
    delivered: Option<Zxid>,
}

impl Known {
    fn new(draft: &Draft, server: ServerId, at: usize) -> Self {
        let mut known =
            Self { server, role: None, epoch: 0, round: 0, last: Zxid::ZERO, delivered: None };
        for line in &draft.lines[..at] {
            if line.event.server == server {
                known.line(&line.event.kind, line.event.state);
            }
        }
        known
    }

    fn line(&mut self, kind: &EventKind, state: Option<State>) {
        match kind {
            EventKind::Start { recovered } => {
                self.role = Some(Role::Looking);
                self.epoch = recovered.accepted_epoch;
                self.last = recovered.last_zxid;
                self.delivered = None;
            }
            EventKind::Looking { round } => {
                self.role = Some(Role::Looking);
                self.round = *round;
            }
            EventKind::Elected { leader, round } => {
                let leads = *leader == self.server;
                self.role = Some(if leads { Role::Leading } else { Role::Following });
                self.round = *round;
            }
            EventKind::Persisted(Persisted::AcceptedEpoch(epoch)) => self.epoch = *epoch,
            EventKind::Persisted(Persisted::Log(zxid)) | EventKind::Proposed { zxid, .. } => {
                self.last = *zxid;
            }
            EventKind::Delivered { zxid } => self.delivered = Some(*zxid),
            EventKind::Persisted(
                Persisted::CurrentEpoch(_) | Persisted::Truncated(_) | Persisted::Snapshot(_),
            )
            | EventKind::Stop
            | EventKind::Killed
            | EventKind::Connected { .. }
            | EventKind::Disconnected { .. }
            | EventKind::Received(_)
            | EventKind::Sent(_)
            | EventKind::Resent
            | EventKind::Established { .. }
            | EventKind::Committed { .. }
            | EventKind::Joined { .. } => {}
        }
        let Some(state) = state else { return };
        self.role = state.role.or(self.role);
        self.last = state.last_zxid.unwrap_or(self.last);
    }
}

fn next(zxid: Zxid) -> Zxid {
    Zxid::new(zxid.epoch, zxid.counter.saturating_add(1))
}

/// An extra line: its name, and what it says, given what is known of the server.
type Extra = (&'static str, fn(&Known) -> Option<EventKind>);

const EXTRA: [Extra; 17] = [
    ("Looking in the next round", |known| Some(EventKind::Looking { round: known.round + 1 })),
    ("Looking in the same round", |known| Some(EventKind::Looking { round: known.round })),
    ("Elected itself", |known| {
        Some(EventKind::Elected { leader: known.server, round: known.round })
    }),
    ("Elected another", |known| {
        let leader = if known.server == 1 { 2 } else { known.server - 1 };
        Some(EventKind::Elected { leader, round: known.round })
    }),
    ("Resent", |_| Some(EventKind::Resent)),
    ("Established", |known| Some(EventKind::Established { epoch: known.epoch })),
    ("Proposed the next", |known| {
        let zxid = if known.last.epoch == known.epoch {
            next(known.last)
        } else {
            Zxid::new(known.epoch, 1)
        };
        Some(EventKind::Proposed { zxid, digest: TxnDigest(7) })
    }),
    ("Committed the last", |known| Some(EventKind::Committed { zxid: known.last })),
    ("Committed the next", |known| Some(EventKind::Committed { zxid: next(known.last) })),
    ("Delivered the last again", |known| Some(EventKind::Delivered { zxid: known.delivered? })),
    ("Delivered the next", |known| Some(EventKind::Delivered { zxid: next(known.delivered?) })),
    ("Delivered the end of its log", |known| Some(EventKind::Delivered { zxid: known.last })),
    ("Persisted acceptedEpoch", |known| {
        Some(EventKind::Persisted(Persisted::AcceptedEpoch(known.epoch)))
    }),
    ("Persisted currentEpoch", |known| {
        Some(EventKind::Persisted(Persisted::CurrentEpoch(known.epoch)))
    }),
    ("Persisted log", |known| Some(EventKind::Persisted(Persisted::Log(known.last)))),
    ("Persisted truncated", |known| Some(EventKind::Persisted(Persisted::Truncated(known.last)))),
    ("Persisted snapshot", |known| Some(EventKind::Persisted(Persisted::Snapshot(known.last)))),
];

const ROLES: [Role; 3] = [Role::Looking, Role::Following, Role::Leading];

/// A delivery after the line that made it void.
fn delivered_behind(
    draft: &mut Draft,
    rng: &mut crate::rng::Rng,
    void: fn(&EventKind) -> bool,
) -> Option<()> {
    let at = draft.any(rng, |draft, at| {
        let server = draft.server(at);
        void(draft.kind(at)) && Known::new(draft, server, at).last != Zxid::ZERO
    })?;
    let server = draft.server(at);
    let mut to = at;
    for _ in 0..rng.below(4) {
        to = draft.after(to).unwrap_or(to);
    }
    let zxid = Known::new(draft, server, at).last;
    draft.insert(to + 1, server, EventKind::Delivered { zxid })
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (name, what) in EXTRA {
        for role in ROLES {
            kinds.push(Kind::new(GROUP, format!("{name}, while {role}"), move |draft, rng| {
                let place = draft.any(rng, |draft, at| {
                    let server = draft.server(at);
                    draft.running(server, at + 1).is_some()
                        && Known::new(draft, server, at + 1).role == Some(role)
                })?;
                let server = draft.server(place);
                let kind = what(&Known::new(draft, server, place + 1))?;
                draft.insert(place + 1, server, kind)
            }));
        }
    }
    kinds.push(Kind::new(GROUP, "Delivered behind a snapshot that holds it", |draft, rng| {
        delivered_behind(draft, rng, |kind| {
            matches!(kind, EventKind::Persisted(Persisted::Snapshot(_)))
        })
    }));
    kinds.push(Kind::new(GROUP, "Delivered behind a truncation", |draft, rng| {
        delivered_behind(draft, rng, |kind| {
            matches!(kind, EventKind::Persisted(Persisted::Truncated(_)))
        })
    }));
    kinds.push(Kind::new(GROUP, "Delivered behind Looking", |draft, rng| {
        delivered_behind(draft, rng, |kind| matches!(kind, EventKind::Looking { .. }))
    }));
    kinds.push(Kind::new(GROUP, "state of an empty log", |draft, rng| {
        let at = draft.any(rng, |draft, at| {
            draft.lines[at].event.state.is_some_and(|state| state.log_length != Some(0))
        })?;
        let state = draft.lines[at].event.state.as_mut()?;
        state.log_length = Some(0);
        state.last_zxid = Some(Zxid::ZERO);
        state.log_digest = Some(LogDigest::EMPTY);
        Some(())
    }));
    kinds
}
