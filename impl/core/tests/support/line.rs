//! Trace lines as short text.

use zab_trace::{Event, EventKind, Persisted};

/// A line without numbers and state, such as `Sent 2>3 #0 ACKEPOCH`.
pub(crate) fn line(event: &Event) -> String {
    match &event.kind {
        EventKind::Start { recovered } => format!("Start {}", recovered.last_zxid),
        EventKind::Connected { peer, .. } => format!("Connected peer={peer:?}"),
        EventKind::Disconnected { .. } => "Disconnected".to_owned(),
        EventKind::Received(packet) => {
            format!("Received #{} {}", packet.ordinal, packet.message.kind())
        }
        EventKind::Sent(packet) => format!("Sent #{} {}", packet.ordinal, packet.message.kind()),
        EventKind::Persisted(persisted) => match persisted {
            Persisted::AcceptedEpoch(epoch) => format!("Persisted acceptedEpoch={epoch}"),
            Persisted::CurrentEpoch(epoch) => format!("Persisted currentEpoch={epoch}"),
            Persisted::Log(zxid) => format!("Persisted log={zxid}"),
            Persisted::Truncated(zxid) => format!("Persisted truncated={zxid}"),
            Persisted::Snapshot(zxid) => format!("Persisted snapshot={zxid}"),
        },
        EventKind::Delivered { zxid } => format!("Delivered {zxid}"),
        EventKind::Looking { round } => format!("Looking round={round}"),
        EventKind::Elected { leader, round } => format!("Elected leader={leader} round={round}"),
        EventKind::Proposed { zxid, .. } => format!("Proposed {zxid}"),
        EventKind::Established { epoch } => format!("Established epoch={epoch}"),
        EventKind::Committed { zxid } => format!("Committed {zxid}"),
        EventKind::Resent => "Resent".to_owned(),
        EventKind::Stop | EventKind::Killed | EventKind::Joined { .. } => {
            panic!("no peer does {event:?}")
        }
    }
}
