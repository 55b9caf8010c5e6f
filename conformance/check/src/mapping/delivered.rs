//! `Delivered`.

use zab_trace::Zxid;

use super::Miss;
use crate::state::Candidate;
use crate::trace::convert;

/// A transaction is given to the state machine: no step, but one that a step produced.
///
/// | trace | model |
/// |---|---|
/// | `zxid` | the next delivery (`zk.bcast.apply`, `f.2.1`) |
pub(super) fn delivered(candidate: &mut Candidate, zxid: Zxid) -> Result<(), Miss> {
    let queue = &mut candidate.core.delivered;
    match queue.front().copied().map(convert::zxid) {
        Some(due) if due == zxid => {
            queue.pop_front();
            Ok(())
        }
        due => Err(Miss::Delivery(due)),
    }
}
