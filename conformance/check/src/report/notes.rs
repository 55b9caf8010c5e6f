//! What a person has to know of a divergence besides the rule that fails: who acknowledged, what
//! was lost, what a synchronization was decided from.

use zab_model::{Config, Phase, Role, ServerId, ServerSet, Wide, sync_window};
use zab_trace::{Event, EventKind, Message, Persisted, Zxid};

use crate::report::archive::Archive;
use crate::state::Candidate;
use crate::trace::{At, Files, Ids, Line, convert};

/// The line that diverges, and the candidate that came closest.
pub(crate) struct Case<'a> {
    pub(crate) cfg: &'a Config<Wide>,
    pub(crate) ids: &'a Ids,
    pub(crate) files: &'a Files,
    pub(crate) archive: &'a Archive,
    pub(crate) line: &'a Line,
    /// Where the message that it receives was sent.
    pub(crate) sent: Option<At>,
    pub(crate) candidate: &'a Candidate,
}

/// All notes that fit.
pub(crate) fn notes(case: &Case<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(lost(case));
    notes.extend(quorum(case));
    notes.extend(synchronization(case));
    notes
}

impl Case<'_> {
    /// The place of the last earlier line that fits.
    fn last(&self, fits: impl Fn(&Event) -> bool) -> Option<String> {
        let line = self.archive.last(&self.line.event, self.sent, fits)?;
        Some(self.files.place(line.at).to_string())
    }

    /// The place of the first earlier line that fits.
    fn first(&self, fits: impl Fn(&Event) -> bool) -> Option<String> {
        let line = self.archive.first(&self.line.event, self.sent, fits)?;
        Some(self.files.place(line.at).to_string())
    }

    fn own(&self, event: &Event) -> bool {
        event.server == self.line.event.server
    }
}

/// The first transaction that the server had and does not have any more, by what the line says.
fn lost(case: &Case<'_>) -> Option<String> {
    let event = &case.line.event;
    let server = &case.candidate.core.server;
    let starts = matches!(event.kind, EventKind::Start { .. });
    let held = if starts { server.disk.history } else { server.history };
    let claimed = convert::zxid_in(claimed(event)?);
    let zxid = convert::zxid(case.cfg.history(held).next_after(claimed)?);
    let persisted = persisted(case, zxid);
    let acknowledged = case.first(|earlier| {
        let acknowledges = if let EventKind::Sent(packet) = &earlier.kind {
            [Message::Ack { zxid }, Message::Commit { zxid }].contains(&packet.message)
        } else {
            earlier.kind == EventKind::Committed { zxid }
        };
        case.own(earlier) && acknowledges
    });
    let mut note = format!("lost: {zxid}");
    for (what, place) in [("persisted", persisted), ("acknowledged", acknowledged)] {
        if let Some(place) = place {
            note.push_str(&format!(", {what} at {place}"));
        }
    }
    Some(note)
}

/// Where the server made a transaction durable first.
fn persisted(case: &Case<'_>, zxid: Zxid) -> Option<String> {
    let covers = |at: Zxid| at.epoch == zxid.epoch && at >= zxid;
    case.first(|earlier| {
        case.own(earlier)
            && matches!(earlier.kind,
                EventKind::Persisted(Persisted::Log(at) | Persisted::Snapshot(at)) if covers(at))
    })
}

/// The last transaction that the server says it has.
fn claimed(event: &Event) -> Option<Zxid> {
    if let EventKind::Start { recovered } = &event.kind {
        return Some(recovered.last_zxid);
    }
    if let EventKind::Sent(packet) = &event.kind {
        if let Message::AckEpoch { last_zxid, .. } = packet.message {
            return Some(last_zxid);
        }
        if let Message::Notification { leader, zxid, .. } = packet.message
            && leader == event.server
        {
            return Some(zxid);
        }
    }
    event.state.and_then(|state| state.last_zxid)
}

/// Who is part of the quorum that the line claims, and who is not.
fn quorum(case: &Case<'_>) -> Option<String> {
    if case.candidate.core.server.role != Role::Leading {
        return None;
    }
    let Support { what, set, shows, txn } = support(case)?;
    let (mut by, mut not_by) = (Vec::new(), Vec::new());
    for (id, real) in (1..).map(ServerId).zip(case.ids.all()) {
        if !set.contains(id) {
            not_by.push(real.to_string());
            continue;
        }
        let place = case.last(|earlier| {
            case.own(earlier)
                && matches!(&earlier.kind, EventKind::Received(packet)
                    if packet.peer == *real && shows(&packet.message))
        });
        let place = place.or_else(|| persisted(case, txn?));
        by.push(match place {
            Some(place) => format!("{real} ({place})"),
            None => real.to_string(),
        });
    }
    let (by, not_by) = (or_nobody(&by), or_nobody(&not_by));
    let quorum = case.cfg.ensemble.quorum();
    let all = case.ids.all().len();
    Some(format!("{what} by {by}; not by {not_by}; a quorum is {quorum} of {all}"))
}

/// What must have a quorum before the line.
fn support(case: &Case<'_>) -> Option<Support> {
    let server = &case.candidate.core.server;
    let leader = &server.leader;
    let kind = &case.line.event.kind;
    if let EventKind::Committed { zxid } | EventKind::Delivered { zxid } = kind {
        return acks(case, *zxid);
    }
    let gathers = server.phase == Phase::Discovery;
    let synchronizes = server.phase == Phase::Synchronization;
    if let EventKind::Sent(packet) = kind
        && let Message::Commit { zxid } = packet.message
    {
        return acks(case, zxid);
    }
    let message = if let EventKind::Sent(packet) = kind { Some(packet.message) } else { None };
    let offers = matches!(message, Some(Message::LeaderInfo { .. }));
    let decides = matches!(kind, EventKind::Persisted(Persisted::AcceptedEpoch(_)));
    if gathers && !leader.decided && (offers || decides) {
        let shows = |message: &Message| matches!(message, Message::FollowerInfo { .. });
        let what = "an epoch is asked for".to_owned();
        return Some(Support { what, set: leader.connecting, shows: Box::new(shows), txn: None });
    }
    let established = matches!(kind, EventKind::Established { .. });
    if synchronizes && (established || message == Some(Message::UpToDate)) {
        let shows = |message: &Message| matches!(message, Message::AckLd { .. });
        let what = "NEWLEADER is acknowledged".to_owned();
        return Some(Support {
            what,
            set: leader.new_leader_acks,
            shows: Box::new(shows),
            txn: None,
        });
    }
    let begins = matches!(message, Some(Message::NewLeader { .. } | Message::Diff { .. }));
    let writes = matches!(kind, EventKind::Persisted(Persisted::CurrentEpoch(_)));
    if gathers && leader.decided && (begins || writes || established) {
        let shows = |message: &Message| matches!(message, Message::AckEpoch { .. });
        let what = "the epoch is accepted".to_owned();
        return Some(Support { what, set: leader.electing, shows: Box::new(shows), txn: None });
    }
    None
}

fn or_nobody(names: &[String]) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

/// Who is part of a quorum, and which message from a server shows that it is.
struct Support {
    what: String,
    set: ServerSet,
    shows: Box<dyn Fn(&Message) -> bool>,
    /// The leader's own part is that it has made this durable.
    txn: Option<Zxid>,
}

/// Who has acknowledged a transaction that is not committed.
fn acks(case: &Case<'_>, zxid: Zxid) -> Option<Support> {
    let (server, cfg) = (&case.candidate.core.server, case.cfg);
    let length = cfg.history(server.history).length_at(convert::zxid_in(zxid))?;
    let place = length.checked_sub(server.committed(cfg) + 1)?;
    let set = *server.leader.outstanding.get(place)?;
    let shows = move |message: &Message| *message == Message::Ack { zxid };
    let (what, txn) = (format!("{zxid} is acknowledged"), Some(zxid));
    Some(Support { what, set, shows: Box::new(shows), txn })
}

/// What the choice of DIFF, TRUNC or SNAP depends on.
fn synchronization(case: &Case<'_>) -> Option<String> {
    let EventKind::Sent(packet) = &case.line.event.kind else { return None };
    let server = &case.candidate.core.server;
    let chooses = matches!(
        packet.message,
        Message::Diff { .. } | Message::Trunc { .. } | Message::Snap { .. }
    );
    if !chooses || server.role != Role::Leading {
        return None;
    }
    let reports = |event: &Event| {
        let EventKind::Received(got) = &event.kind else { return None };
        let Message::AckEpoch { last_zxid, .. } = got.message else { return None };
        (case.own(event) && got.peer == packet.peer).then_some(last_zxid)
    };
    let event = &case.line.event;
    let report = case.archive.last(event, case.sent, |e| reports(e).is_some())?;
    let last = reports(&report.event)?;
    let (min, max) = sync_window(case.cfg, server);
    let (min, max) = (convert::zxid(min), convert::zxid(max));
    let place = case.files.place(report.at);
    Some(format!(
        "the learner's last zxid is {last} ({place}); the leader's window is [{min}, {max}]"
    ))
}
