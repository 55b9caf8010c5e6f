//! Contracts under which a check would be worth nothing.
//!
//! A fixed good run is corrupted in a few fixed ways; under a contract that lets one of them pass,
//! or does not let the good run pass, no trace is checked.

use zab_trace::{Contract, Event, EventName, Header};

use crate::{
    check::{Options, check_under_contract},
    contract::project,
    corrupt,
    verdict::{Refusal, Verdict},
    walk::{Walk, walk},
};

/// What must be shown, and what would pass if it were not: no run is needed to see it.
const NEEDED: [(EventName, &str); 5] = [
    (EventName::Start, "a restart that lost what it had promised"),
    (EventName::Stop, "a trace whose tail is cut"),
    (EventName::Killed, "a trace whose tail is cut"),
    (EventName::Sent, "a message that nobody sent"),
    (EventName::Received, "a message that nobody acted upon"),
];

/// The corruptions that a check must find, whatever the contract hides.
const CORRUPTIONS: [&str; 6] = [
    "leaderinfo_of_a_later_epoch",
    "newleader_of_the_older_epoch",
    "ackld_of_another_epoch",
    "proposal_with_wrong_zxid",
    "ack_of_a_transaction_never_received",
    "commit_of_wrong_zxid",
];

/// The seed of the good run: two servers, of which 2 leads, commit transactions.
const SEED: u64 = 4;

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
    let (header, good) = good_run();
    // The ids of the good run are 1 and 2; its leader is silent if any server is.
    let silent = if contract.silent.is_empty() { Vec::new() } else { vec![2] };
    let contract = Contract { silent, ..contract.clone() };
    let passes = |events: &[Event]| {
        let trace = project(&header, events, &contract);
        let verdict = check_under_contract(&trace, &Options::default()).verdict;
        matches!(verdict, Verdict::Conforms(_))
    };
    if !passes(&good) {
        return Err(Refusal::Contract { corruption: "nothing, not even a good run" });
    }
    for corruption in corrupt::corruptions()
        .into_iter()
        .filter(|corruption| CORRUPTIONS.contains(&corruption.name))
    {
        let corrupted = corruption.apply(&good);
        if corrupted.is_none_or(|corrupted| passes(&corrupted.events)) {
            return Err(Refusal::Contract { corruption: corruption.name });
        }
    }
    Ok(())
}

/// The run that is corrupted.
fn good_run() -> (Header, Vec<Event>) {
    walk(SEED, &Walk { servers: 2, events: 120, faults: 0, ..Walk::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{everything, sends_and_receives, silent};

    #[test]
    fn every_corruption_is_found_where_everything_is_shown() {
        let (header, good) = good_run();
        let verdict = |events: Vec<Event>| {
            check_under_contract(&(header.clone(), events), &Options::default()).verdict
        };
        assert!(matches!(verdict(good.clone()), Verdict::Conforms(_)));
        let mut tried = 0;
        for corruption in corrupt::corruptions()
            .into_iter()
            .filter(|corruption| CORRUPTIONS.contains(&corruption.name))
        {
            let corrupted = corruption.apply(&good).map(|corrupted| verdict(corrupted.events));
            assert!(
                matches!(corrupted, Some(Verdict::Diverges(_))),
                "{}: {corrupted:?}",
                corruption.name
            );
            tried += 1;
        }
        assert_eq!(tried, CORRUPTIONS.len());
    }

    #[test]
    fn contracts_in_use_are_accepted() {
        for contract in [everything(), sends_and_receives(), silent(3)] {
            assert_eq!(check_contract(&contract), Ok(()), "{contract:?}");
        }
    }
}
