//! Runs over a trace: until one of them knows the order of its lines, the pairs of its connections
//! and, if it diverges, why.

use std::rc::Rc;

use zab_trace::{Header, ReadError, ServerId};

use super::assumed::Assumed;
use super::checker::Checker;
use super::options::{Options, Outcome};
use super::stop::{Stop, inconclusive, unreadable};
use crate::report::{Reason, Refusal, Verdict};
use crate::state::Lookahead;
use crate::trace::{Files, Inputs, Orders, Shown, in_order, is_sent_elsewhere};

/// Checks a trace whose contract is known to show enough.
#[must_use]
pub fn check_under_contract<I: Inputs + ?Sized>(inputs: &I, options: &Options) -> Outcome {
    let verdict = |verdict: Verdict| Outcome::from(verdict);
    let mut lookahead = match look_ahead(inputs, &Rc::default()) {
        Ok(lookahead) => lookahead,
        Err(stop) => return verdict(stop),
    };
    let joined = match inputs.joined() {
        Ok(joined) => joined,
        Err(error) => return verdict(unreadable(&error)),
    };
    let mut assumed = Assumed { joined, ..Assumed::default() };
    let first = loop {
        match run_or_assume(inputs, options, &mut lookahead, &mut assumed) {
            Ok(Some(result)) => break result,
            Ok(None) => {}
            Err(error) => break Err(unreadable(&error).into()),
        }
    };
    // Now that the place is known, the trace is taken once more up to it, to explain it.
    let result = match first {
        Err(Stop::Stuck(at)) => Checker::run(inputs, options, &lookahead, &assumed, Some(at)),
        result => result,
    };
    match result {
        Ok(outcome) => outcome,
        Err(Stop::Verdict(_)) if assumed.is_doubtful => {
            verdict(inconclusive(None, Reason::NamesUsedAgain))
        }
        Err(Stop::Verdict(stop)) => verdict(*stop),
        Err(Stop::Stuck(_) | Stop::Unordered | Stop::Pairing(_) | Stop::Unsent { .. }) => {
            verdict(changed())
        }
    }
}

/// One run over the trace; none if another one is needed, with other assumptions.
fn run_or_assume<I: Inputs + ?Sized>(
    inputs: &I,
    options: &Options,
    lookahead: &mut Lookahead,
    assumed: &mut Assumed,
) -> Result<Option<Result<Outcome, Stop>>, ReadError> {
    let mut result = Checker::run(inputs, options, lookahead, assumed, None);
    if result.is_err() && !assumed.is_scanned {
        assumed.is_scanned = true;
        // A line that is in no order with the others, and stands behind them in its file, may be
        // what was missing: then the order of earlier lines is open as well.
        match Orders::scan(inputs) {
            Ok(found) if found.any_partial() => {
                if let Some((at, problem)) = found.problem() {
                    let place = Files::new(&inputs.open()?).place(*at);
                    let verdict = inconclusive(Some(place), problem.clone().into());
                    return Ok(Some(Err(verdict.into())));
                }
                assumed.orders = Rc::new(found);
                // What later lines say was read without their order.
                return Ok(match look_ahead(inputs, &assumed.orders) {
                    Ok(found) => {
                        *lookahead = found;
                        None
                    }
                    Err(verdict) => Some(Err(verdict.into())),
                });
            }
            Ok(_) => {}
            Err(error) if matches!(result, Err(Stop::Unordered)) => return Err(error),
            Err(_) => {}
        }
    }
    if let Err(Stop::Pairing(stop)) = result {
        if assumed.next_plan(inputs)? {
            return Ok(None);
        }
        result = Err(*stop);
    }
    match result {
        Err(Stop::Unsent { verdict, receiver, packet }) => {
            assumed.is_misdirected = is_sent_elsewhere(inputs, receiver, &packet)?;
            let stop = Err(Stop::Verdict(verdict));
            Ok((!assumed.is_misdirected).then_some(stop))
        }
        result => Ok(Some(result)),
    }
}

/// The trace was not the same when it was read again.
fn changed() -> Verdict {
    Verdict::Refused(Refusal::Read("the trace changed while it was read".to_owned()))
}

/// Checks the headers; where steps are hidden, reads what later lines say about them.
fn look_ahead<I: Inputs + ?Sized>(inputs: &I, orders: &Rc<Orders>) -> Result<Lookahead, Verdict> {
    let inputs = inputs.open().map_err(|error| unreadable(&error))?;
    let Some(first) = inputs.first() else { return Err(Verdict::Refused(Refusal::Empty)) };
    let header = first.header.clone();
    let mut lookahead = Lookahead::new(&header.contract, Rc::clone(orders));
    acceptable(&header).map_err(Verdict::Refused)?;
    let every_step = |id: &ServerId| Shown::new(&header.contract, *id).every_step();
    if header.servers.iter().all(every_step) {
        return Ok(lookahead);
    }
    for line in in_order(inputs) {
        lookahead.note(&line.map_err(|error| unreadable(&error))?);
    }
    Ok(lookahead)
}

fn acceptable(header: &Header) -> Result<(), Refusal> {
    if header.profile != "fixed" {
        return Err(Refusal::Profile(header.profile.clone()));
    }
    if !header.observers.is_empty() {
        return Err(Refusal::Observers);
    }
    if header.servers.is_empty() || header.servers.len() > crate::SERVERS_MAX {
        return Err(Refusal::Servers(header.servers.len()));
    }
    Ok(())
}
