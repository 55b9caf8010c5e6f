//! Detection of termination: Dijkstra's by a token on a ring (EWD 840), and what every such algorithm
//! does (the abstract specification of EWD 998).

use zab_explorer::{Claim, Fairness};
use zerocopy::{Immutable, IntoBytes, TryFromBytes};

use crate::spec::{Of, Spec, assert_counts, assert_needs_fairness};

/// Three nodes; they begin in any state, with the token anywhere.
struct Ewd840;

const RING: usize = 3;

#[derive(Clone, Copy, PartialEq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
struct Probe {
    active: [bool; RING],
    black: [bool; RING],
    token: u8,
    token_is_black: bool,
}

/// Three truth values for each number of three bits.
fn three(bits: u8) -> [bool; RING] {
    [0, 1, 2].map(|bit| bits >> bit & 1 == 1)
}

impl Probe {
    fn is_terminated(&self) -> bool {
        self.active == [false; RING]
    }

    fn is_detected(&self) -> bool {
        self.token == 0 && !self.token_is_black && !self.black[0] && !self.active[0]
    }

    /// Node 0 begins a round, or another passes the token on: where that leads, and for how many
    /// reasons it may be done. TLC generates a state for each.
    fn passed(&self) -> (Self, usize) {
        let at = usize::from(self.token);
        let mut next = *self;
        next.black[at] = false;
        if at == 0 {
            (next.token, next.token_is_black) = (2, false);
        } else {
            next.token -= 1;
            next.token_is_black |= self.black[at];
        }
        let reasons = [self.token_is_black, self.black[at], at != 0 && !self.active[at]];
        (next, reasons.into_iter().filter(|reason| *reason).count())
    }
}

impl Spec for Ewd840 {
    type State = Probe;

    fn classes(&self) -> Vec<String> {
        ["token", "nodes"].map(str::to_owned).to_vec()
    }

    fn init(&self) -> Vec<Probe> {
        let of = |number: u8| {
            let (active, black) = (three(number), three(number >> 3));
            Probe { active, black, token: number >> 6, token_is_black: true }
        };
        (0..3 << 6).map(of).collect()
    }

    fn next(&self, probe: &Probe, steps: &mut Vec<(u16, Probe)>) {
        let (next, reasons) = probe.passed();
        steps.extend(std::iter::repeat_n((0, next), reasons));
        for node in (0..RING).filter(|node| probe.active[*node]) {
            let mut next = *probe;
            next.active[node] = false;
            steps.push((1, next));
            for to in (0..RING).filter(|to| *to != node) {
                let mut next = *probe;
                next.active[to] = true;
                next.black[node] |= to > node;
                steps.push((1, next));
            }
        }
    }

    fn invariant(&self, probe: &Probe) -> bool {
        let token = usize::from(probe.token);
        let passive_behind = !probe.active[token + 1..].contains(&true);
        (!probe.is_detected() || probe.is_terminated())
            && (passive_behind || probe.black[..=token].contains(&true) || probe.token_is_black)
    }
}

#[test]
fn ewd_840() {
    let model = Of(Ewd840);
    // Published is a depth of 10, but no state is further than 9: see `main.rs`.
    assert_counts(&model, [302, 2001, 9]);
    let detects = || {
        Claim::LeadsTo(
            |_: &Of<Ewd840>, probe: &Probe| probe.is_terminated(),
            |_, probe| probe.is_detected(),
        )
    };
    assert_needs_fairness(&model, detects, &Fairness::weak(&Ewd840.classes(), 0..1));
}

/// Four nodes that send one another messages, of which each node keeps at most three.
struct Asynchronous;

const NODES: usize = 4;

#[derive(Clone, Copy, PartialEq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
struct Nodes {
    active: [bool; NODES],
    pending: [u8; NODES],
    detected: bool,
}

impl Nodes {
    fn is_terminated(&self) -> bool {
        self.active == [false; NODES] && self.pending == [0; NODES]
    }
}

impl Spec for Asynchronous {
    type State = Nodes;

    fn init(&self) -> Vec<Nodes> {
        let of = |bits: u8| {
            let active = [0, 1, 2, 3].map(|bit| bits >> bit & 1 == 1);
            Nodes { active, pending: [0; NODES], detected: false }
        };
        let mut all: Vec<Nodes> = (0..16).map(of).collect();
        // It may be known from the beginning.
        all.push(Nodes { detected: true, ..of(0) });
        all
    }

    fn next(&self, nodes: &Nodes, steps: &mut Vec<(u16, Nodes)>) {
        for node in 0..NODES {
            if nodes.pending[node] > 0 {
                let mut next = *nodes;
                next.active[node] = true;
                next.pending[node] -= 1;
                steps.push((0, next));
            }
            if nodes.active[node] {
                let mut next = *nodes;
                next.active[node] = false;
                steps.push((0, next));
                // It may be noticed at once, or if it was wrongly said before, no longer be said.
                if next.is_terminated() != next.detected {
                    steps.push((0, Nodes { detected: next.is_terminated(), ..next }));
                }
                for to in 0..NODES {
                    let mut next = *nodes;
                    next.pending[to] += 1;
                    steps.push((0, next));
                }
            }
        }
        if nodes.is_terminated() {
            steps.push((0, Nodes { detected: true, ..*nodes }));
        }
    }

    fn invariant(&self, nodes: &Nodes) -> bool {
        !nodes.detected || nodes.is_terminated()
    }

    fn constraint(&self, nodes: &Nodes) -> bool {
        nodes.pending.iter().all(|pending| *pending <= 3)
    }
}

#[test]
fn asynchronous_termination() {
    assert_counts(&Of(Asynchronous), [4097, 53_271, 14]);
}
