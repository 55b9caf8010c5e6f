//! A lock for some clients, from the protocol to its verdicts:
//! `cargo run --release -p zab-explorer --example lock`
//!
//! A client that wants the lock looks whether it is free, and takes it in a second step. That is a
//! race: two clients may see it free before one of them takes it. The repaired lock is looked at and
//! taken in a single step. `model/explorer/README.md` goes through this file.

use std::error::Error;
use std::fmt::{self, Write};

use stateright::{Model, Property};
use zab_explorer::{
    Claim, ExplorerModel, Fairness, LiveProperty, LiveVerdict, Options, PropertyReport, StateGraph,
    StoredState, Trace, Verdict, WalkOptions, check, walk,
};

/// The protocol, racy or repaired, for so many clients.
struct Lock {
    clients: usize,
    repaired: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Client {
    Idle,
    Wants,
    SawFree,
    Holds,
}

use Client::{Holds, Idle, SawFree, Wants};

/// What is explored: any type that can be cloned and compared.
#[derive(Clone, Debug, PartialEq)]
struct State {
    free: bool,
    clients: Vec<Client>,
}

impl State {
    fn holders(&self) -> usize {
        self.clients.iter().filter(|client| **client == Holds).count()
    }
}

/// A step of the client with that number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Want(usize),
    Look(usize),
    Take(usize),
    Release(usize),
}

impl StoredState for State {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self.free));
        bytes.extend(self.clients.iter().map(|client| *client as u8));
    }

    fn decode(bytes: &[u8]) -> Self {
        let client = |byte: &u8| [Idle, Wants, SawFree, Holds][usize::from(*byte)];
        Self { free: bytes[0] == 1, clients: bytes[1..].iter().map(client).collect() }
    }
}

impl Model for Lock {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State { free: true, clients: vec![Idle; self.clients] }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        steps.extend(state.clients.iter().enumerate().filter_map(|(i, client)| match client {
            Idle => Some(Step::Want(i)),
            Wants if !state.free => None,
            Wants if self.repaired => Some(Step::Take(i)),
            Wants => Some(Step::Look(i)),
            SawFree => Some(Step::Take(i)),
            Holds => Some(Step::Release(i)),
        }));
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        match step {
            Step::Want(i) => next.clients[i] = Wants,
            Step::Look(i) => next.clients[i] = SawFree,
            Step::Take(i) => (next.clients[i], next.free) = (Holds, false),
            Step::Release(i) => (next.clients[i], next.free) = (Idle, true),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("at most one holds the lock", |_, state: &State| state.holders() <= 1),
            Property::sometimes("one holds the lock", |_, state: &State| state.holders() == 1),
        ]
    }
}

const KINDS: [&str; 4] = ["wants the lock", "sees that it is free", "takes it", "releases it"];

impl ExplorerModel for Lock {
    /// Fairness speaks of classes, so each step of each client is one.
    fn class_names(&self) -> Vec<String> {
        let of = |kind| (0..self.clients).map(move |i| format!("client {i} {kind}"));
        KINDS.into_iter().flat_map(of).collect()
    }

    fn class(&self, step: &Step) -> u16 {
        let (kind, i) = match *step {
            Step::Want(i) => (0, i),
            Step::Look(i) => (1, i),
            Step::Take(i) => (2, i),
            Step::Release(i) => (3, i),
        };
        u16::try_from(kind * self.clients + i).expect("few clients")
    }

    /// Clients are alike: of states that differ in their order only, one is enough.
    fn representative(&self, state: &State) -> State {
        let mut sorted = state.clone();
        sorted.clients.sort_unstable();
        sorted
    }
}

impl Lock {
    /// Under which fairness a client that wants the lock gets it, whatever the others do.
    fn fairness(&self) -> [(&'static str, Fairness); 2] {
        let names = self.class_names();
        let first = |kind: usize| u16::try_from(kind * self.clients).expect("few clients");
        let releases = Fairness::weak(&names, first(3)..first(4));
        let takes = first(2)..first(3);
        [
            ("weak fairness", releases.clone().and(Fairness::weak(&names, takes.clone()))),
            ("strong fairness", releases.and(Fairness::strong(&names, takes))),
        ]
    }
}

/// Writes a run, and what it is called at its first state.
fn show(told: &mut String, model: &Lock, first: &str, run: &Trace<State>) -> fmt::Result {
    writeln!(told, "    {first:30} {:?}", run.states[0].clients)?;
    let names = model.class_names();
    for (class, state) in run.classes.iter().zip(&run.states[1..]) {
        writeln!(told, "    {:30} {:?}", names[usize::from(*class)], state.clients)?;
    }
    Ok(())
}

fn safety(told: &mut String, model: &Lock) -> Result<(), Box<dyn Error>> {
    let report = check(model, &Options::default(), &mut |_| {})?;
    writeln!(told, "  {} states, {} deadlocks", report.distinct, report.deadlocks)?;
    for PropertyReport { name, verdict, .. } in &report.properties {
        match verdict {
            Verdict::Holds => writeln!(told, "  {name}: always")?,
            Verdict::Violated(run) => {
                writeln!(told, "  {name}: not after these {} steps", run.steps())?;
                show(told, model, "at first", run)?;
            }
            Verdict::Reached(run) => writeln!(told, "  {name}: after {} steps", run.steps())?,
            Verdict::NeverReached => writeln!(told, "  {name}: never")?,
            Verdict::Unknown => writeln!(told, "  {name}: {:?}", report.stopped)?,
        }
    }
    let options = Options { symmetry: true, ..Options::default() };
    let reduced = check(model, &options, &mut |_| {})?;
    writeln!(told, "  with symmetry: {} states stand for all", reduced.distinct)?;
    Ok(())
}

fn liveness(told: &mut String, model: &Lock) -> Result<(), Box<dyn Error>> {
    let claim = Claim::LeadsTo(
        |_: &Lock, state: &State| state.clients[0] == Wants,
        |_, state| state.clients[0] == Holds,
    );
    let claims = vec![LiveProperty { name: "client 0 gets the lock", claim }];
    let graph = StateGraph::explore(model, &Options::default(), claims, &mut |_| {})?;
    for (name, fairness) in model.fairness() {
        match graph.judge(0, &fairness)?.verdict {
            LiveVerdict::Holds => writeln!(told, "  under {name}: yes")?,
            LiveVerdict::Violated(lasso) => {
                writeln!(told, "  under {name}: no, this may go on for ever")?;
                show(told, model, "again and again", &lasso.cycle)?;
            }
            LiveVerdict::Vacuous => writeln!(told, "  under {name}: it never wants it")?,
            LiveVerdict::Unknown => writeln!(told, "  under {name}: {:?}", graph.stopped)?,
        }
    }
    Ok(())
}

fn walks(told: &mut String, model: &Lock) -> Result<(), Box<dyn Error>> {
    let options = WalkOptions { seed: 1, stop_when_violated: true, ..WalkOptions::default() };
    let report = walk(model, &options, &mut |_| {})?;
    match report.found("at most one holds the lock") {
        Some(run) => {
            writeln!(told, "  walk {}: violated after {} steps", report.walks, run.steps())?
        }
        None => writeln!(told, "  not violated by {} walks, which proves nothing", report.walks)?,
    }
    Ok(())
}

/// All that the example prints.
fn tell() -> Result<String, Box<dyn Error>> {
    let mut told = String::new();
    writeln!(told, "Racy lock, three clients")?;
    safety(&mut told, &Lock { clients: 3, repaired: false })?;
    writeln!(told, "\nRepaired lock, three clients")?;
    safety(&mut told, &Lock { clients: 3, repaired: true })?;
    writeln!(told, "\nRepaired lock, two clients: does client 0 get what it wants?")?;
    liveness(&mut told, &Lock { clients: 2, repaired: true })?;
    writeln!(told, "\nRacy lock, 40 clients: too many states, so random walks")?;
    walks(&mut told, &Lock { clients: 40, repaired: false })?;
    Ok(told)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", tell()?);
    Ok(())
}

#[cfg(test)]
mod tests;
