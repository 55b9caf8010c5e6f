//! Why a run over a trace ends early.

use zab_trace::{Packet, ReadError, ReadErrorKind, ServerId};

use crate::report::{Inconclusive, Reason, Refusal, Verdict};
use crate::trace::{At, Place};

pub(super) fn unreadable(error: &ReadError) -> Verdict {
    if matches!(error.kind, ReadErrorKind::Cut) {
        let place = Place { file: error.file.clone(), line: error.line };
        return inconclusive(Some(place), Reason::CutLine);
    }
    Verdict::Refused(Refusal::Read(error.to_string()))
}

pub(super) fn inconclusive(place: Option<Place>, reason: Reason) -> Verdict {
    Verdict::Inconclusive(Box::new(Inconclusive { place, reason }))
}

/// Why a run over the trace ends early.
pub(super) enum Stop {
    /// With this verdict.
    Verdict(Box<Verdict>),
    /// The line here cannot be explained; what could have been is not known any more.
    Stuck(At),
    /// The lines of a server are only partially ordered, which was not known.
    Unordered,
    /// A message is received that was not sent to this server.
    Unsent {
        verdict: Box<Verdict>,
        /// The server and its incarnation.
        receiver: (ServerId, u32),
        packet: Box<Packet>,
    },
    /// The links contradict a line; but names were used again, and their uses may belong together
    /// in another way.
    Pairing(Box<Self>),
}

impl From<Verdict> for Stop {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(Box::new(verdict))
    }
}
