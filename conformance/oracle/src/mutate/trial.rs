//! Kinds of corruption tried on honest runs, under four contracts.

use zab_check::{
    Options, Verdict, check, check_under_contract, everything, no_state, project,
    sends_and_receives, shows, silent,
};
use zab_trace::{Contract, Event, EventName, Header, fnv1a};

use super::judge::{Judgement, judge};
use super::{Expected, Kind};
use crate::rng::Rng;
use crate::walk::{Walk, walk};

/// A run without a fault of the implementation, as a trace that shows everything.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where it comes from, with everything needed to make it again.
    pub name: String,
    /// Its header.
    pub header: Header,
    /// Its lines.
    pub events: Vec<Event>,
}

/// Random runs of the model: with and without faults, short and long, with small windows.
#[must_use]
pub fn walks(count: u64) -> Vec<Run> {
    let runs = (0..count).map(|seed| {
        let choice = |of: [u32; 3], by: u64| of[usize::try_from(seed / by % 3).unwrap_or(0)];
        let shape = Walk {
            servers: if seed % 3 == 2 { 2 } else { 3 },
            events: usize::try_from(choice([60, 120, 200], 1)).unwrap_or(60),
            faults: choice([0, 8, 25], 3),
            window: choice([1, 3, 3], 1),
            ..Walk::default()
        };
        let (header, events) = walk(seed, &shape);
        Run { name: format!("walk {seed}"), header, events }
    });
    runs.collect()
}

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How often each kind is tried under each contract.
    pub times: usize,
    /// Decides on runs and places.
    pub seed: u64,
    /// How many states the search may take for one trace that passes.
    pub states_max: usize,
}

/// A trace about which the checker is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The kind of corruption.
    pub kind: String,
    /// The contract, by name.
    pub contract: &'static str,
    /// The honest run that was corrupted.
    pub run: String,
    /// What the checker says.
    pub verdict: String,
    /// The header of the trace.
    pub header: Header,
    /// Its lines; of a pass that the search refutes, the fewest that were found.
    pub events: Vec<Event>,
}

/// What became of the corrupted traces of one kind.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Corrupted traces that were checked.
    pub tried: usize,
    /// The checker says that they are illegal.
    pub rejected: usize,
    /// The checker says that something is missing, or that this is no trace.
    pub inconclusive: usize,
    /// The checker accepts them, and the search shows a run of the model.
    pub legal: usize,
    /// The checker accepts them; the search shows a run up to behind the corruption, and gave up
    /// on the rest.
    pub legal_slice: usize,
    /// The checker accepts them, and the search gave up.
    pub open: usize,
    /// The checker accepts them, and no run shows them.
    pub false_passes: Vec<Wrong>,
    /// The checker does not accept them, although they are runs.
    pub false_alarms: Vec<Wrong>,
}

impl Tally {
    /// Corrupted traces that the checker accepts.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.legal + self.legal_slice + self.open + self.false_passes.len()
    }

    /// Adds what another tally counted.
    pub fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.rejected += other.rejected;
        self.inconclusive += other.inconclusive;
        self.legal += other.legal;
        self.legal_slice += other.legal_slice;
        self.open += other.open;
        self.false_passes.extend(other.false_passes);
        self.false_alarms.extend(other.false_alarms);
    }
}

/// The contracts under which everything is tried, by name. `of` decides which server is silent.
#[must_use]
pub fn contracts(header: &Header, of: u64) -> [(&'static str, Contract); 4] {
    let count = header.servers.len().max(1);
    let index = usize::try_from(of).unwrap_or(0) % count;
    let server = header.servers.get(index).copied().unwrap_or(1);
    [
        ("full", everything()),
        ("no state", no_state()),
        ("sends and receives", sends_and_receives()),
        ("silent server", silent(server)),
    ]
}

/// An honest run under one contract.
struct Shown {
    run: usize,
    contract: &'static str,
    header: Header,
    events: Vec<Event>,
}

/// Honest runs, each under four contracts.
pub struct Trial<'a> {
    runs: &'a [Run],
    shown: [Vec<Shown>; 4],
    share: Share,
}

impl std::fmt::Debug for Trial<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trial({} runs, {:?})", self.runs.len(), self.share)
    }
}

impl<'a> Trial<'a> {
    /// Checks that every honest run is accepted under every contract; returns what is refused, with
    /// the run, the contract and the verdict.
    pub fn new(runs: &'a [Run], share: Share) -> (Self, Vec<String>) {
        let mut shown: [Vec<Shown>; 4] = Default::default();
        let mut alarms = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            let contracts = contracts(&run.header, index as u64);
            for (row, (contract, which)) in shown.iter_mut().zip(contracts) {
                let trace = project(&run.header, &run.events, &which);
                let verdict = check(&trace, &Options::default()).verdict;
                if !matches!(verdict, Verdict::Conforms(_)) {
                    alarms.push(format!("{}, contract {contract}: {verdict}", run.name));
                    continue;
                }
                let (header, events) = trace;
                row.push(Shown { run: index, contract, header, events });
            }
        }
        (Self { runs, shown, share }, alarms)
    }

    /// Tries one kind under all contracts.
    #[must_use]
    pub fn kind(&self, kind: &Kind) -> Tally {
        let mut tally = Tally::default();
        for contract in 0..self.shown.len() {
            tally.add(self.under(kind, contract));
        }
        tally
    }

    /// Tries one kind under one contract: the first from this one on that offers an opportunity.
    #[must_use]
    pub fn kind_once(&self, kind: &Kind, contract: usize) -> Tally {
        let contracts = (contract..).map(|index| index % self.shown.len()).take(self.shown.len());
        let mut tallies = contracts.map(|contract| self.under(kind, contract));
        tallies.find(|tally| tally.tried > 0).unwrap_or_default()
    }

    /// Tries one kind under one of the four contracts, on one run after the other.
    fn under(&self, kind: &Kind, contract: usize) -> Tally {
        let mut tally = Tally::default();
        let shown = &self.shown[contract];
        let name = fnv1a(format!("{}/{}/{contract}", kind.group, kind.name).as_bytes());
        let mut rng = Rng::new(self.share.seed ^ name);
        let begin = rng.below(shown.len());
        // A run offers as many places as there are rounds.
        let rounds = self.share.times.div_ceil(shown.len().max(1));
        for (index, _) in (begin..).zip(0..rounds * shown.len()) {
            if tally.tried == self.share.times {
                break;
            }
            let run = &shown[index % shown.len()];
            let Some(corrupted) = kind.apply(&run.events, &mut rng) else { continue };
            if keeps_contract(&run.header, &corrupted) {
                self.one(kind, run, &corrupted, &mut tally);
            }
        }
        tally
    }

    fn one(&self, kind: &Kind, run: &Shown, corrupted: &[Event], tally: &mut Tally) {
        tally.tried += 1;
        let trace = (run.header.clone(), corrupted.to_vec());
        let verdict = check_under_contract(&trace, &Options::default()).verdict;
        let wrong = |events: Vec<Event>| Wrong {
            kind: kind.title(),
            contract: run.contract,
            run: self.runs[run.run].name.clone(),
            verdict: verdict.to_string(),
            header: run.header.clone(),
            events,
        };
        match (&verdict, kind.expected) {
            (Verdict::Conforms(_), Expected::Legal) => tally.legal += 1,
            (_, Expected::Legal) => tally.false_alarms.push(wrong(corrupted.to_vec())),
            (Verdict::Diverges(_) | Verdict::Violates(_), _) => tally.rejected += 1,
            (Verdict::Inconclusive(_) | Verdict::Refused(_), _) => tally.inconclusive += 1,
            (Verdict::Conforms(_), Expected::Illegal) => {
                tally.false_passes.push(wrong(corrupted.to_vec()));
            }
            (Verdict::Conforms(_), Expected::Either) => {
                let same = run.events.iter().zip(corrupted).take_while(|(a, b)| a == b);
                let first = same.count();
                match judge(&run.header, corrupted, first, self.share.states_max) {
                    Judgement::Legal => tally.legal += 1,
                    Judgement::LegalSlice(_) => tally.legal_slice += 1,
                    Judgement::Open => tally.open += 1,
                    Judgement::Illegal(events) => tally.false_passes.push(wrong(events)),
                }
            }
        }
    }
}

/// Whether the contract allows all lines; a line that it hides would only be called a wrong
/// contract.
fn keeps_contract(header: &Header, events: &[Event]) -> bool {
    let shown = |server, name: EventName| shows(&header.contract, server, name);
    events.iter().all(|event| shown(event.server, event.kind.name()))
}
