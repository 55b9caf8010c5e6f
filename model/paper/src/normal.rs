//! The normal form: what no later step can depend on is zero.
//!
//! Most of it needs no work, since a state has no place for what is left out (see the module's
//! documentation). What is left is the memory of leaders, which dies at three moments.

use super::state::{Heard, Leading, Report, Role, State};
use super::variant::Rules;
use crate::types::Phase;

/// Zeroes what is dead.
pub(super) fn normalize<const N: usize, const X: usize, const G: usize>(
    rules: &Rules,
    state: &mut State<N, X, G>,
) {
    for server in &mut state.servers {
        if server.role != Role::Leading {
            server.leading = Leading::default();
            continue;
        }
        let leading = &mut server.leading;
        // The epoch is decided; ACKEPOCHs, the next to be reported, are answers to it.
        if rules.is_quorum(leading.cepoch.senders) {
            leading.cepoch = Heard::default();
            leading.reports = [Report::default(); N];
        }
        // The initial history is chosen.
        if server.phase != Phase::Discovery {
            leading.reports = [Report::default(); N];
        }
    }
}
