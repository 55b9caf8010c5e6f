//! Contracts under which a check would be worth nothing.
//!
//! A fixed good run was corrupted in a few fixed ways; under a contract that lets one of them pass,
//! or does not let the good run pass, no trace is checked. The run is one of the model: two servers,
//! of which 2 leads, commit transactions.

use zab_trace::{Contract, Event, EventName, Header, Reader};

use super::options::Options;
use super::run::check_under_contract;
use crate::report::{Refusal, Verdict};
use crate::trace::project;

/// What must be shown, and what would pass if it were not: no run is needed to see it.
const NEEDED: [(EventName, &str); 5] = [
    (EventName::Start, "a restart that lost what it had promised"),
    (EventName::Stop, "a trace whose tail is cut"),
    (EventName::Killed, "a trace whose tail is cut"),
    (EventName::Sent, "a message that nobody sent"),
    (EventName::Received, "a message that nobody acted upon"),
];

/// The good run.
const GOOD: &str = include_str!("adequacy/good.ndjson");

/// The corruptions that a check must find, whatever the contract hides.
const CORRUPTED: [(&str, &str); 6] = [
    ("leaderinfo_of_a_later_epoch", include_str!("adequacy/leaderinfo_of_a_later_epoch.ndjson")),
    ("newleader_of_the_older_epoch", include_str!("adequacy/newleader_of_the_older_epoch.ndjson")),
    ("ackld_of_another_epoch", include_str!("adequacy/ackld_of_another_epoch.ndjson")),
    ("proposal_with_wrong_zxid", include_str!("adequacy/proposal_with_wrong_zxid.ndjson")),
    (
        "ack_of_a_transaction_never_received",
        include_str!("adequacy/ack_of_a_transaction_never_received.ndjson"),
    ),
    ("commit_of_wrong_zxid", include_str!("adequacy/commit_of_wrong_zxid.ndjson")),
];

/// Refuses a contract that hides too much.
///
/// # Errors
/// When a corruption would pass, or the good run would not.
pub(crate) fn check_contract(contract: &Contract) -> Result<(), Refusal> {
    if let Some((_, corruption)) = NEEDED.iter().find(|(name, _)| contract.hidden.contains(name)) {
        return Err(Refusal::Contract { corruption });
    }
    if contract.hidden.is_empty() && contract.silent.is_empty() {
        // Every corruption is found where everything is shown: a test asserts it.
        return Ok(());
    }
    // The leader of the good run is silent if any server is.
    let silent = if contract.silent.is_empty() { Vec::new() } else { vec![2] };
    let contract = Contract { silent, ..contract.clone() };
    if !passes(GOOD, &contract) {
        return Err(Refusal::Contract { corruption: "nothing, not even a good run" });
    }
    match CORRUPTED.iter().find(|(_, text)| passes(text, &contract)) {
        Some((corruption, _)) => Err(Refusal::Contract { corruption }),
        None => Ok(()),
    }
}

/// Whether a run passes under this contract.
fn passes(text: &str, contract: &Contract) -> bool {
    let (header, events) = run(text);
    matches!(verdict(&project(&header, &events, contract)), Verdict::Conforms(_))
}

fn verdict(trace: &(Header, Vec<Event>)) -> Verdict {
    check_under_contract(trace, &Options::default()).verdict
}

/// One of the runs above.
fn run(text: &str) -> (Header, Vec<Event>) {
    let reader = Reader::new("adequacy", text.as_bytes()).expect("the text is part of the program");
    let header = reader.header().clone();
    (header, reader.flatten().map(|located| located.event).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{everything, sends_and_receives, silent};

    #[test]
    fn every_corruption_is_found_where_everything_is_shown() {
        assert!(matches!(verdict(&run(GOOD)), Verdict::Conforms(_)));
        for (name, text) in CORRUPTED {
            let verdict = verdict(&run(text));
            assert!(matches!(verdict, Verdict::Diverges(_)), "{name}: {verdict:?}");
        }
    }

    #[test]
    fn contracts_in_use_are_accepted() {
        for contract in [everything(), sends_and_receives(), silent(3)] {
            assert_eq!(check_contract(&contract), Ok(()), "{contract:?}");
        }
    }
}
