//! The check of a trace: lines in causal order, each given to its server; what they have in common
//! is compared with ZAB's properties.

mod checker;
mod end;
mod postponed;
mod refused;

use std::rc::Rc;

use zab_trace::{
    Finding, Header, Lint, Packet, Pair, ReadError, ReadErrorKind, ServerId, Severity, State,
};

pub(crate) use checker::Checker;

use crate::{
    candidate::Candidate,
    contract::Shown,
    hidden::Closure,
    input::{At, Inputs, Place, in_order},
    links::{Plan, Shows, is_sent_elsewhere, pairing},
    lookahead::Lookahead,
    order::Orders,
    verdict::{Inconclusive, Reason, Refusal, Verdict},
    witness::Witness,
};

/// How a check is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to keep the run of the model that explains the trace; it grows with the trace.
    pub witness: bool,
    /// Whether hidden steps that can be delayed are delayed.
    pub closure: Closure,
    /// How many bytes the states may take that explain one server at a time.
    pub memory_max: usize,
    /// How much memory lines may take that are read before their turn.
    pub early_bytes_max: usize,
    /// A defect of the model, to show that properties notice it; none for a real check.
    pub mutant: Option<zab_model::Mutant>,
}

impl Options {
    /// How many states may explain a server: as many as fit into the memory, by the size of one.
    fn states_max(&self, frontier: &[Candidate]) -> usize {
        let size = frontier.first().map_or(1, Candidate::size);
        (self.memory_max / size).max(1)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            witness: false,
            closure: Closure::Reduced,
            memory_max: 256 << 20,
            early_bytes_max: 256 << 20,
            mutant: None,
        }
    }
}

/// The outcome of a check.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the check says.
    pub verdict: Verdict,
    /// The run of the model, if it was asked for and the trace conforms.
    pub witness: Option<Witness>,
    /// What a lint warns of, and files that were not read.
    pub notes: Vec<Finding>,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, witness: None, notes: Vec::new() }
    }
}

/// Checks a trace against the model's profile `fixed`.
#[must_use]
pub fn check<I: Inputs + ?Sized>(inputs: &I, options: &Options) -> Outcome {
    let contract = match inputs.open() {
        Ok(inputs) => inputs.first().map(|input| input.header.contract.clone()),
        Err(error) => return note_not_read(inputs, unreadable(&error).into()),
    };
    let outcome = match contract.map(|contract| crate::adequacy::check_contract(&contract)) {
        None => Verdict::Refused(Refusal::Empty).into(),
        Some(Err(refusal)) => Verdict::Refused(refusal).into(),
        Some(Ok(())) => with_cause(inputs, check_under_contract(inputs, options)),
    };
    note_not_read(inputs, outcome)
}

/// Notes files that lie beside those of the trace.
fn note_not_read<I: Inputs + ?Sized>(inputs: &I, mut outcome: Outcome) -> Outcome {
    let mut lint = Lint::default();
    lint.not_read(&inputs.not_read());
    outcome.notes.extend(lint.finish().findings);
    outcome
}

/// Where the trace may lack lines, a lint of all of it says what is the cause.
fn with_cause<I: Inputs + ?Sized>(inputs: &I, mut outcome: Outcome) -> Outcome {
    match &outcome.verdict {
        Verdict::Inconclusive(inconclusive) if inconclusive.reason.is_of_form() => {
            let report = inputs.lint();
            if let Some(verdict) = end::form(&report) {
                outcome.verdict = verdict;
            }
            let warnings = report.findings.into_iter();
            outcome.notes.extend(
                warnings.filter(|note| note.severity == Severity::Warning && note.line > 0),
            );
        }
        // An emitter that forgot a kind of line shows no run that could be judged.
        Verdict::Diverges(divergence) => {
            if let Some(never) = &divergence.unseen
                && !comes(inputs, never.name)
            {
                let reason = Reason::NeverSeen(never.clone());
                outcome.verdict = inconclusive(None, reason);
            }
        }
        Verdict::Conforms(_)
        | Verdict::Violates(_)
        | Verdict::Inconclusive(_)
        | Verdict::Refused(_) => {}
    }
    outcome
}

/// Whether any line of the trace shows what has this name: an event, `state` or a field of it.
fn comes<I: Inputs + ?Sized>(inputs: &I, name: &str) -> bool {
    let lines = inputs.open().into_iter().flatten().flat_map(|input| input.events).flatten();
    lines.map(|located| located.event).any(|event| {
        let known = event.state.map(|state| state.known());
        let field = State::FIELDS.iter().position(|field| *field == name);
        event.kind.name().as_str() == name
            || known.is_some_and(|known| name == "state" || field.is_some_and(|at| known[at]))
    })
}

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

/// What a run over a trace takes for granted.
#[derive(Debug, Default)]
struct Assumed {
    /// Names that a relay joined.
    joined: Vec<Pair>,
    /// The order of lines that are only partially ordered, once it has been looked for.
    orders: Rc<Orders>,
    is_scanned: bool,
    /// Which uses of a name belong together, where it is not the n-th to the n-th.
    plan: Option<Plan>,
    /// Plans that were not tried yet, the next one last; none if they are not known.
    plans: Option<Vec<Plan>>,
    /// There may be plans besides those.
    has_several: bool,
    /// No plan that was tried explains the trace, and there may be others.
    is_doubtful: bool,
    /// A message that a line waits for was sent, but between two other servers.
    is_misdirected: bool,
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
                if let Some((at, reason)) = found.problem() {
                    let verdict = inconclusive(place_in(inputs, at), reason.clone());
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

impl Assumed {
    /// Takes another pairing of the uses of names that are used again; false if none is left.
    fn next_plan<I: Inputs + ?Sized>(&mut self, inputs: &I) -> Result<bool, ReadError> {
        let mut plans = match self.plans.take() {
            Some(plans) => plans,
            None => self.find_plans(inputs)?,
        };
        let next = plans.pop();
        // Whether one of the pairings between the first and the last would do, is not known.
        self.is_doubtful = next.is_none() && self.has_several;
        self.plans = Some(plans);
        if next.is_some() {
            self.plan = next;
            return Ok(true);
        }
        Ok(false)
    }

    fn find_plans<I: Inputs + ?Sized>(&mut self, inputs: &I) -> Result<Vec<Plan>, ReadError> {
        let header = inputs.open()?.first().map(|input| input.header.clone());
        let Some(header) = header else { return Ok(Vec::new()) };
        let shows = |server| Shows {
            partial: self.orders.is_partial(server),
            ..Shows::new(&header.contract)
        };
        let Some([early, late]) = pairing(inputs, shows)? else { return Ok(Vec::new()) };
        self.has_several = early != late;
        let mut plans = vec![late, early];
        plans.dedup();
        // The first use to the first, the second to the second: this one has been tried.
        plans.retain(|plan| plan.iter().any(|((_, _, _, number), partner)| number != partner));
        Ok(plans)
    }
}

/// The trace was not the same when it was read again.
fn changed() -> Verdict {
    Verdict::Refused(Refusal::Read("the trace changed while it was read".to_owned()))
}

/// A place as a person reads it.
fn place_in<I: Inputs + ?Sized>(inputs: &I, at: At) -> Option<Place> {
    let inputs = inputs.open().ok()?;
    let file = inputs.get(usize::try_from(at.file).ok()?)?.name.clone();
    Some(Place { file, line: at.line })
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
    for item in in_order(inputs) {
        lookahead.note(&item.map_err(|error| unreadable(&error))?);
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

fn unreadable(error: &ReadError) -> Verdict {
    if matches!(error.kind, ReadErrorKind::Cut) {
        let place = Place { file: error.file.clone(), line: error.line };
        return inconclusive(Some(place), Reason::CutLine);
    }
    Verdict::Refused(Refusal::Read(error.to_string()))
}

fn inconclusive(place: Option<Place>, reason: Reason) -> Verdict {
    Verdict::Inconclusive(Box::new(Inconclusive { place, reason }))
}

/// Why a run over the trace ends early.
enum Stop {
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
