//! Readers and writers who wait in one queue.

use zab_explorer::{Claim, Fairness, StoredState};

use crate::spec::{Holds, Of, Spec, assert_counts, assert_needs_fairness};

/// Three actors, each of which reads and writes.
struct ReadersWriters;

const ACTORS: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Read,
    Write,
}

#[derive(Clone, Debug, PartialEq)]
struct Room {
    reading: [bool; ACTORS as usize],
    writing: [bool; ACTORS as usize],
    waiting: Vec<(Wants, u8)>,
}

impl StoredState for Room {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.reading.iter().chain(&self.writing).map(|is| u8::from(*is)));
        bytes.extend(self.waiting.iter().map(|(wants, actor)| *wants as u8 * ACTORS + actor));
    }

    fn decode(bytes: &[u8]) -> Self {
        let is = |at: usize| [0, 1, 2].map(|actor| bytes[at + actor] == 1);
        let waits = |byte: &u8| {
            let wants = if *byte < ACTORS { Wants::Read } else { Wants::Write };
            (wants, byte % ACTORS)
        };
        Self { reading: is(0), writing: is(3), waiting: bytes[6..].iter().map(waits).collect() }
    }
}

/// Classes: that an actor wants to read, that it wants to write, that the first in the queue begins,
/// and that somebody stops.
const BEGIN: u16 = 6;
const STOP: u16 = 7;

impl Spec for ReadersWriters {
    type State = Room;

    fn classes(&self) -> Vec<String> {
        (0..8).map(|class| format!("class {class}")).collect()
    }

    fn init(&self) -> Vec<Room> {
        vec![Room { reading: [false; 3], writing: [false; 3], waiting: Vec::new() }]
    }

    fn next(&self, room: &Room, steps: &mut Vec<(u16, Room)>) {
        let mut step = |class: u16, change: &dyn Fn(&mut Room)| {
            let mut next = room.clone();
            change(&mut next);
            steps.push((class, next));
        };
        for (wants, first) in [(Wants::Read, 0), (Wants::Write, 3)] {
            for (class, actor) in (first..).zip(0..ACTORS) {
                if !room.waiting.contains(&(wants, actor)) {
                    step(class, &|next| next.waiting.push((wants, actor)));
                }
            }
        }
        if let Some((wants, actor)) = room.waiting.first()
            && room.writing == [false; 3]
        {
            let actor = usize::from(*actor);
            match wants {
                Wants::Read => step(BEGIN, &|next| {
                    next.waiting.remove(0);
                    next.reading[actor] = true;
                }),
                Wants::Write if room.reading == [false; 3] => step(BEGIN, &|next| {
                    next.waiting.remove(0);
                    next.writing[actor] = true;
                }),
                Wants::Write => {}
            }
        }
        for actor in 0..usize::from(ACTORS) {
            if room.reading[actor] {
                step(STOP, &|next| next.reading[actor] = false);
            } else if room.writing[actor] {
                step(STOP, &|next| next.writing[actor] = false);
            }
        }
    }

    fn invariant(&self, room: &Room) -> bool {
        let writers = room.writing.iter().filter(|writes| **writes).count();
        writers == 0 || (writers == 1 && room.reading == [false; 3])
    }
}

#[test]
fn readers_writers() {
    let model = Of(ReadersWriters);
    assert_eq!(assert_counts(&model, [21_527, 59_674, 13]).deadlocks, 0);
    let fairness = Fairness::weak(&ReadersWriters.classes(), 0..8);
    let claims: [Holds<ReadersWriters>; 4] = [
        |_, room| room.reading[1],
        |_, room| room.writing[1],
        |_, room| !room.reading[1],
        |_, room| !room.writing[1],
    ];
    for claim in &claims[..2] {
        assert_needs_fairness(&model, || Claim::AlwaysEventually(*claim), &fairness);
    }
    for claim in &claims[2..] {
        assert_needs_fairness(&model, || Claim::AlwaysEventually(*claim), &fairness);
    }
}
