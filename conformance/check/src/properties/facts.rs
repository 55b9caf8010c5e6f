//! What the servers' steps did to their common history, given to the properties in an order in
//! which it can have happened.

use zab_model::{Shape, Wide};
use zab_trace::{LogDigest, ServerId, TxnDigest, Zxid};

use crate::properties::{Broken, Global, History};
use crate::state::Fact;
use crate::trace::{At, convert};

/// Where histories are stored.
type Logs = <Wide as Shape>::Logs;

/// The ensemble's common history.
///
/// If every step is shown, facts come in causal order and are checked at once, in constant memory.
/// Otherwise a server's facts may be known late; they are kept, and checked in the end in the order
/// of their epochs, which is the order in which they bind each other.
#[derive(Debug)]
pub(crate) struct Facts {
    global: Global,
    /// Facts kept for the end, if not every step is shown.
    kept: Option<Vec<(At, ServerId, Fact)>>,
}

impl Facts {
    /// No facts. `in_order`: they will come in causal order.
    pub(crate) fn new(in_order: bool) -> Self {
        Self { global: Global::default(), kept: (!in_order).then(Vec::new) }
    }

    /// Whether facts come in causal order.
    pub(crate) const fn in_order(&self) -> bool {
        self.kept.is_none()
    }

    /// Notes a fact. `holders`: how many servers hold a committed transaction durably now, and how
    /// many are a quorum.
    pub(crate) fn note(
        &mut self,
        logs: &Logs,
        (at, server, fact): (At, ServerId, Fact),
        holders: Option<(usize, usize)>,
    ) -> Result<(), Broken> {
        if let Some(kept) = &mut self.kept {
            kept.push((at, server, fact));
            return Ok(());
        }
        state(&mut self.global, logs, server, fact, holders)
    }

    /// Checks what was kept.
    pub(crate) fn finish(&mut self, logs: &Logs) -> Result<(), (At, Broken)> {
        let mut kept = self.kept.take().unwrap_or_default();
        // Stable: facts of one epoch are one leader's, in its order.
        kept.sort_by_key(|(_, _, fact)| rank(*fact));
        for (at, server, fact) in kept {
            state(&mut self.global, logs, server, fact, None).map_err(|broken| (at, broken))?;
        }
        Ok(())
    }

    /// How many transactions are committed.
    pub(crate) fn committed_count(&self) -> u64 {
        self.global.committed_count()
    }
}

/// Proposals bind all else; then each epoch is established, and commits; then comes what is held.
const fn rank(fact: Fact) -> (u8, u32, u8) {
    match fact {
        Fact::Proposed { .. } => (0, 0, 0),
        Fact::Established { epoch, .. } => (1, epoch, 0),
        Fact::Committed { zxid, .. } => (1, zxid.epoch, 1),
        Fact::Held { .. } => (2, 0, 0),
    }
}

fn state(
    global: &mut Global,
    logs: &Logs,
    server: ServerId,
    fact: Fact,
    holders: Option<(usize, usize)>,
) -> Result<(), Broken> {
    match fact {
        Fact::Proposed { zxid, payload } => {
            global.proposed(convert::zxid(zxid), TxnDigest(payload))
        }
        Fact::Established { epoch, history } => {
            let view = View { logs, history: zab_model::History::new(logs, history) };
            global.established(server, epoch, &view, view.length())
        }
        Fact::Committed { zxid, history } => {
            let view = View { logs, history: zab_model::History::new(logs, history) };
            global.committed(server, convert::zxid(zxid), &view, holders)
        }
        Fact::Held { history } => {
            let view = View { logs, history: zab_model::History::new(logs, history) };
            global.held(server, view.length(), &view)
        }
    }
}

/// A history of the model, as the properties read it.
struct View<'a> {
    logs: &'a Logs,
    history: zab_model::History<'a, Wide>,
}

impl History for View<'_> {
    fn position(&self, zxid: Zxid) -> Option<u64> {
        self.history.length_at(convert::zxid_in(zxid)).map(|length| length as u64)
    }

    fn digest(&self, length: u64) -> LogDigest {
        let prefix = self.history.prefix(usize::try_from(length).unwrap_or(usize::MAX));
        LogDigest(Wide::digest(self.logs, &prefix))
    }

    fn zxid(&self, length: u64) -> Zxid {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        convert::zxid(self.history.zxid_at(length))
    }

    fn length(&self) -> u64 {
        self.history.length() as u64
    }
}
