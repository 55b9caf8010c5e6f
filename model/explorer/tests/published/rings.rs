//! Rings: Dijkstra's that stabilizes by itself (EWD 426), and the election of Chang and Roberts.

use zab_explorer::{Claim, Fairness};
use zerocopy::{Immutable, IntoBytes, TryFromBytes};

use crate::spec::{Of, Spec, assert_counts, assert_needs_fairness};

/// Six nodes, each with a counter below six; they begin in any state whatever.
struct TokenRing;

const NODES: usize = 6;
const VALUES: u8 = 6;

/// As many counters as there are nodes.
type Counters = [u8; NODES];

impl Spec for TokenRing {
    type State = Counters;

    fn init(&self) -> Vec<Counters> {
        let mut all = vec![[0; NODES]];
        for node in 0..NODES {
            let with = |counters: &Counters, value| {
                let mut counters = *counters;
                counters[node] = value;
                counters
            };
            all = all.iter().flat_map(|c| (0..VALUES).map(|value| with(c, value))).collect();
        }
        all
    }

    fn next(&self, counters: &Counters, steps: &mut Vec<(u16, Counters)>) {
        let last = counters[NODES - 1];
        if counters[0] == last {
            let mut next = *counters;
            next[0] = (last + 1) % VALUES;
            steps.push((0, next));
        }
        for node in (1..NODES).filter(|node| counters[*node] != counters[node - 1]) {
            let mut next = *counters;
            next[node] = counters[node - 1];
            steps.push((0, next));
        }
    }
}

/// Whether there is one token: all counters up to some node are that of the first, and all after it
/// are one less.
fn has_one_token(counters: &Counters) -> bool {
    let less = (counters[0] + VALUES - 1) % VALUES;
    let same = counters.iter().take_while(|counter| **counter == counters[0]).count();
    counters[same..].iter().all(|counter| *counter == less)
}

#[test]
fn token_ring() {
    let model = Of(TokenRing);
    assert_counts(&model, [46_656, 248_832, 1]);
    let stabilizes = || Claim::EventuallyAlways(|_: &Of<TokenRing>, c: &Counters| has_one_token(c));
    assert_needs_fairness(&model, stabilizes, &Fairness::weak(&TokenRing.classes(), 0..1));
}

/// Three nodes with numbers 1 to 3; each may begin an election or not.
struct ChangRoberts;

const MEMBERS: usize = 3;

const LOST: u8 = 0;
const CANDIDATE: u8 = 1;
const WON: u8 = 2;

#[derive(Clone, Copy, PartialEq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
struct Election {
    /// By node, and by the number that is on its way to it.
    messages: [[bool; MEMBERS]; MEMBERS],
    began: [bool; MEMBERS],
    initiator: [bool; MEMBERS],
    is: [u8; MEMBERS],
}

impl Spec for ChangRoberts {
    type State = Election;

    fn classes(&self) -> Vec<String> {
        (0..MEMBERS).map(|node| format!("node {node}")).collect()
    }

    fn init(&self) -> Vec<Election> {
        let of = |bits: u8| {
            let initiator = [0, 1, 2].map(|node| bits >> node & 1 == 1);
            let is = initiator.map(|initiator| if initiator { CANDIDATE } else { LOST });
            let messages = [[false; MEMBERS]; MEMBERS];
            Election { messages, began: [false; MEMBERS], initiator, is }
        };
        (0..8).map(of).collect()
    }

    fn next(&self, election: &Election, steps: &mut Vec<(u16, Election)>) {
        for (class, node) in (0..).zip(0..MEMBERS) {
            let successor = (node + 1) % MEMBERS;
            if !election.began[node] {
                let mut next = *election;
                next.began[node] = true;
                next.messages[successor][node] |= election.initiator[node];
                steps.push((class, next));
                continue;
            }
            for number in (0..MEMBERS).filter(|number| election.messages[node][*number]) {
                let mut next = *election;
                next.messages[node][number] = false;
                if election.is[node] == LOST || number < node {
                    next.is[node] = LOST;
                    next.messages[successor][number] = true;
                } else if number == node {
                    next.is[node] = WON;
                }
                steps.push((class, next));
            }
        }
    }

    /// Who has won began the election, all others have lost, and those that began have greater
    /// numbers.
    fn invariant(&self, election: &Election) -> bool {
        let lost = |node, other: usize| {
            election.is[other] == LOST && (!election.initiator[other] || other > node)
        };
        (0..MEMBERS).filter(|node| election.is[*node] == WON).all(|node| {
            election.initiator[node] && (0..MEMBERS).all(|other| other == node || lost(node, other))
        })
    }
}

#[test]
fn chang_roberts() {
    let model = Of(ChangRoberts);
    assert_counts(&model, [137, 227, 10]);
    // Somebody begins, so somebody wins.
    let wins = || {
        Claim::LeadsTo(
            |_: &Of<ChangRoberts>, election: &Election| election.initiator.contains(&true),
            |_, election| election.is.contains(&WON),
        )
    };
    assert_needs_fairness(&model, wins, &Fairness::weak(&ChangRoberts.classes(), 0..3));
}
