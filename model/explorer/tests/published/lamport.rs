//! Lamport's mutual exclusion by logical clocks and messages in order.

use zerocopy::{Immutable, IntoBytes, TryFromBytes};

use crate::spec::{Of, Spec, assert_counts};

/// Three processes, with clocks up to six.
struct Lamport;

const N: usize = 3;
const CLOCK_MAX: u8 = 6;

/// Messages: a request is its clock.
const ACK: u8 = 100;
const RELEASE: u8 = 101;

/// Messages on their way from one process to another are never more than three, with zeros behind
/// them; the published configuration checks it.
type Channel = [u8; 3];

#[derive(Clone, Copy, PartialEq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
struct Processes {
    clock: [u8; N],
    /// By process, what it knows of the requests of each; 0 is none.
    requests: [[u8; N]; N],
    /// Who has acknowledged its request.
    acks: [[bool; N]; N],
    /// By sender and receiver.
    network: [[Channel; N]; N],
    critical: [bool; N],
}

fn send(channel: &mut Channel, message: u8) {
    let free = channel.iter_mut().find(|place| **place == 0);
    *free.expect("at most three messages") = message;
}

impl Processes {
    fn broadcast(&mut self, from: usize, message: u8) {
        for to in (0..N).filter(|to| *to != from) {
            send(&mut self.network[from][to], message);
        }
    }

    /// Whether the request of one is before that of another, as far as it knows.
    fn beats(&self, one: usize, other: usize) -> bool {
        let [own, others] = [one, other].map(|of| self.requests[one][of]);
        others == 0 || (own, one) < (others, other)
    }

    /// Process `to` receives the first message from another.
    fn received(&self, to: usize, from: usize) -> Option<Self> {
        let mut next = *self;
        let [message, second, third] = self.network[from][to];
        next.network[from][to] = [second, third, 0];
        match message {
            0 => return None,
            ACK => next.acks[to][from] = true,
            RELEASE => next.requests[to][from] = 0,
            clock => {
                next.requests[to][from] = clock;
                next.clock[to] = clock.max(self.clock[to]) + 1;
                send(&mut next.network[to][from], ACK);
            }
        }
        Some(next)
    }
}

impl Spec for Lamport {
    type State = Processes;

    fn init(&self) -> Vec<Processes> {
        vec![Processes {
            clock: [1; N],
            requests: [[0; N]; N],
            acks: [[false; N]; N],
            network: [[[0; 3]; N]; N],
            critical: [false; N],
        }]
    }

    fn next(&self, state: &Processes, steps: &mut Vec<(u16, Processes)>) {
        for me in 0..N {
            if state.requests[me][me] == 0 {
                let mut next = *state;
                next.requests[me][me] = state.clock[me];
                next.broadcast(me, state.clock[me]);
                next.acks[me] = [false; N];
                next.acks[me][me] = true;
                steps.push((0, next));
            }
            let others = (0..N).filter(|other| *other != me);
            if state.acks[me] == [true; N] && others.clone().all(|other| state.beats(me, other)) {
                let mut next = *state;
                next.critical[me] = true;
                steps.push((0, next));
            }
            if state.critical[me] {
                let mut next = *state;
                next.critical[me] = false;
                next.broadcast(me, RELEASE);
                next.requests[me][me] = 0;
                next.acks[me] = [false; N];
                steps.push((0, next));
            }
            steps.extend(others.filter_map(|from| Some((0, state.received(me, from)?))));
        }
    }

    fn invariant(&self, state: &Processes) -> bool {
        state.critical.iter().filter(|critical| **critical).count() <= 1
    }

    fn constraint(&self, state: &Processes) -> bool {
        state.clock.iter().all(|clock| *clock <= CLOCK_MAX)
    }
}

#[test]
fn lamport_mutex() {
    assert_counts(&Of(Lamport), [724_274, 2_729_079, 61]);
}
