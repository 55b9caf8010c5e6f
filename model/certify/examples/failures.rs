//! How many states need so many failures: `cargo run --release -p zab-certify --example failures -- 3 1`
//! for three servers and one transaction, without a bound on failures.
//!
//! A search of its own, in the order of failures: all that is reached with none, then all that needs
//! one, and so on until nothing is new. A step that is a failure is put aside until nothing else is
//! left. States wait in files; those that were visited are in memory, 64 bits of each.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::time::Instant;

use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use stateright::{Expectation, Model};
use zab_explorer::{ExplorerModel, Reduced};
use zab_paper::{Action, Bounds, Epochs, Paper, Rules, State, Unlimited, WithModel, with_model};
use zerocopy::{IntoBytes, TryFromBytes};

/// States that were met lately, and are not looked up again.
const RECENT: usize = 1 << 21;

fn main() {
    let args: Vec<u8> =
        std::env::args().skip(1).map(|arg| arg.parse().expect("a number")).collect();
    let [servers, txns] = args[..] else { panic!("usage: failures SERVERS TRANSACTIONS") };
    let bounds = Bounds { servers, txns, epochs: None, timeouts: 1, restarts: 1 };
    with_model::<0, _>(Rules::new(bounds), Count).expect("bounds that fit");
}

/// States that wait, in a file without a name.
struct Pile {
    count: u64,
    file: FrameEncoder<BufWriter<File>>,
}

impl Pile {
    fn new() -> Self {
        let file = BufWriter::new(tempfile::tempfile().expect("a temporary file"));
        Self { count: 0, file: FrameEncoder::new(file) }
    }

    fn push(&mut self, state: &[u8]) {
        self.count += 1;
        self.file.write_all(state).expect("room on the disk");
    }

    fn for_each<const N: usize, const X: usize>(self, mut visit: impl FnMut(State<N, X, 0>)) {
        let file = self.file.finish().expect("room on the disk");
        let mut file = file.into_inner().expect("room on the disk");
        file.rewind().expect("a file");
        let mut file = FrameDecoder::new(BufReader::new(file));
        let mut bytes = vec![0; size_of::<State<N, X, 0>>()];
        for _ in 0..self.count {
            file.read_exact(&mut bytes).expect("as many as were written");
            visit(State::try_read_from_bytes(&bytes).expect("a state"));
        }
    }
}

struct Count;

impl WithModel<0> for Count {
    type Output = ();

    fn run<const N: usize, const X: usize>(self, paper: &Paper<N, X, 0>) {
        let mut search = Search::new(Unlimited::new(paper, Epochs::Next));
        let (started, mut failures, mut aside) = (Instant::now(), 0, Pile::new());
        search.model.init_states().iter().for_each(|state| aside.push(state.as_bytes()));
        while aside.count > 0 {
            let before = search.visited.len();
            aside = search.go_on(aside);
            let (all, seconds) = (search.visited.len(), started.elapsed().as_secs());
            let new = all - before;
            println!("{failures:>2} failures: {new:>10} new, {all:>10} so far, {seconds} s");
            failures += 1;
        }
        println!("closed: nothing is new after {} failures, nothing is violated", failures - 1);
    }
}

struct Search<const N: usize, const X: usize> {
    model: Reduced<Unlimited<N, X>>,
    hash: RandomState,
    visited: HashSet<u64>,
    recent: Vec<u64>,
    put_aside: Vec<u64>,
}

impl<const N: usize, const X: usize> Search<N, X> {
    fn new(model: Reduced<Unlimited<N, X>>) -> Self {
        let (recent, put_aside) = (vec![0; RECENT], vec![0; RECENT]);
        Self { model, hash: RandomState::new(), visited: HashSet::new(), recent, put_aside }
    }

    fn print(&self, state: &State<N, X, 0>) -> u64 {
        self.hash.hash_one(self.model.representative(state).as_bytes())
    }

    /// Adds the state to `pile` if it is new; and confirms then that all that is to hold, holds.
    fn admit(&mut self, state: &State<N, X, 0>, pile: &mut Pile) {
        if !self.visited.insert(self.print(state)) {
            return;
        }
        for property in self.model.properties() {
            let holds = (property.condition)(&self.model, state);
            let must = property.expectation == Expectation::Always;
            assert!(holds || !must, "{} is violated in {state:?}", property.name);
        }
        pile.push(state.as_bytes());
    }

    /// All that these lead to without a failure. Gives back what a failure leads to.
    fn go_on(&mut self, states: Pile) -> Pile {
        let (mut level, mut aside) = (Pile::new(), Pile::new());
        states.for_each(|state| self.admit(&state, &mut level));
        while level.count > 0 {
            let mut next = Pile::new();
            level.for_each(|state| self.expand(&state, &mut next, &mut aside));
            level = next;
        }
        aside
    }

    fn expand(&mut self, state: &State<N, X, 0>, next: &mut Pile, aside: &mut Pile) {
        let mut steps = Vec::new();
        self.model.for_each_step(state, |step, after| steps.push((step.action, after)));
        for (action, after) in steps {
            // 0 is none.
            let own = self.hash.hash_one(after.as_bytes()) | 1;
            let at = usize::try_from(own >> 40).unwrap_or(0) % RECENT;
            if self.recent[at] == own {
                continue;
            }
            if !matches!(action, Action::Timeout(..) | Action::Restart(_)) {
                self.recent[at] = own;
                self.admit(&after, next);
            } else if self.put_aside[at] != own {
                self.put_aside[at] = own;
                if !self.visited.contains(&self.print(&after)) {
                    aside.push(after.as_bytes());
                }
            }
        }
    }
}
