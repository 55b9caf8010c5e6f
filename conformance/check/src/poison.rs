//! Contracts under which a check would be worth nothing.
//!
//! A fixed good trace is poisoned in a few fixed ways; under a contract that lets one of them pass,
//! or does not let the good trace pass, no trace is checked.

use zab_trace::{Contract, EventName};

use crate::verdict::Refusal;

/// What must be shown, and what would pass if it were not.
const NEEDED: [(EventName, &str); 5] = [
    (EventName::Start, "a restart that lost what it had promised"),
    (EventName::Stop, "a trace whose tail is cut"),
    (EventName::Killed, "a trace whose tail is cut"),
    (EventName::Sent, "a message that nobody sent"),
    (EventName::Received, "a message that nobody acted upon"),
];

/// Refuses a contract that hides too much.
///
/// # Errors
/// When a poison would pass.
pub(crate) fn contract_bites(contract: &Contract) -> Result<(), Refusal> {
    match NEEDED.iter().find(|(name, _)| contract.hidden.contains(name)) {
        Some((_, poison)) => Err(Refusal::Contract { poison }),
        None => Ok(()),
    }
}
