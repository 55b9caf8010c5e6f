//! What hidden steps cost: steps of the model are counted, not time.

mod outstanding;

use outstanding::outstanding;
use zab_check::{
    Closure, Options, Summary, Verdict, check, everything, no_state, project, sends_and_receives,
    silent,
};
use zab_sim::{Config, simulate};
use zab_trace::{Contract, Event, EventKind, EventName, Header, Message};

fn verdict(header: &Header, events: &[Event]) -> Verdict {
    check(&(header.clone(), events.to_vec()), &Options::default()).verdict
}

fn conforms(header: &Header, events: &[Event]) -> Summary {
    let verdict = verdict(header, events);
    let Verdict::Conforms(summary) = verdict else { panic!("expected CONFORMS: {verdict}") };
    summary
}

/// All that may be hidden.
fn most_hidden() -> Contract {
    let mut contract = sends_and_receives();
    contract.hidden.extend([EventName::Connected, EventName::Disconnected]);
    contract
}

#[test]
fn outstanding_proposals_take_one_state() {
    for acknowledged in [false, true] {
        for proposals in [10, 100, 1000] {
            let (header, events) = outstanding(proposals, acknowledged);
            let summary = conforms(&header, &events);
            assert_eq!(summary.frontier_max, 1, "{proposals}: {summary}");
            // Proposed, received, synced, acknowledged, committed: at three servers.
            assert!(summary.steps < 12 * u64::from(proposals) + 200, "{proposals}: {summary}");
        }
    }
}

#[test]
fn waiting_with_syncs_changes_no_verdict() {
    for acknowledged in [false, true] {
        let (header, events) = outstanding(6, acknowledged);
        for index in 0..events.len() {
            let mut changed = events.clone();
            let EventKind::Sent(packet) = &mut changed[index].kind else { continue };
            let zxid = match &mut packet.message {
                Message::Ack { zxid } | Message::Commit { zxid } => zxid,
                Message::Notification { .. }
                | Message::FollowerInfo { .. }
                | Message::LeaderInfo { .. }
                | Message::AckEpoch { .. }
                | Message::Diff { .. }
                | Message::Trunc { .. }
                | Message::Snap { .. }
                | Message::Proposal { .. }
                | Message::NewLeader { .. }
                | Message::AckLd { .. }
                | Message::UpToDate => continue,
            };
            zxid.counter += 1;
            let trace = (header.clone(), changed);
            let waits = check(&trace, &Options::default()).verdict;
            let full = Options { closure: Closure::Full, ..Options::default() };
            let full = check(&trace, &full).verdict;
            assert_eq!(waits.word(), full.word(), "line {index}: {waits} against {full}");
            assert!(matches!(waits, Verdict::Diverges(_)), "line {index}: {waits}");
        }
    }
}

#[test]
fn a_contract_costs_no_more_per_line_on_a_longer_run() {
    let contracts = [everything(), no_state(), sends_and_receives(), silent(1), most_hidden()];
    for contract in contracts {
        let per_line = |events| {
            let config = Config { servers: 3, events, ..Config::long(events) };
            let header = zab_sim::header(3, &config);
            let run = simulate(3, &config).events;
            let (header, events) = project(&header, &run, &contract);
            let summary = conforms(&header, &events);
            assert!(summary.frontier_mean() < 4.0, "{contract:?}: {summary}");
            // Hundredths of a step.
            100 * summary.steps / events.len() as u64
        };
        let (short, long) = (per_line(2_000), per_line(8_000));
        assert!(long <= short + short / 2 + 50, "{contract:?}: {short} then {long}");
    }
}
