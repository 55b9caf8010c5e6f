//! A write-through cache before a memory, with a queue between them.

use zerocopy::{Immutable, IntoBytes, TryFromBytes};

use crate::spec::{Of, Spec, assert_counts};

/// Two processors, one address, two values, a queue of one.
struct WriteThrough;

/// What is asked or answered: nothing, a value, to read, or to write a value.
const NOTHING: u8 = 0;
const VALUES: [u8; 2] = [1, 2];
const READ: u8 = 3;
const WRITE: [u8; 2] = [4, 5];

/// The value that such a request writes.
fn written(request: u8) -> Option<u8> {
    WRITE.iter().position(|write| *write == request).map(|at| VALUES[at])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoBytes, TryFromBytes, Immutable)]
#[repr(u8)]
enum Control {
    Ready,
    Busy,
    Waiting,
    Done,
}

#[derive(Clone, Copy, PartialEq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
struct Cache {
    /// Who has asked or been answered last, and what.
    interface: [u8; 2],
    memory: u8,
    control: [Control; 2],
    buffer: [u8; 2],
    cache: [u8; 2],
    /// Whose request is in the queue, and which; nothing is none.
    queue: [u8; 2],
}

impl Cache {
    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = *self;
        change(&mut next);
        next
    }

    /// What a processor and its cache do.
    fn processor(&self, me: usize, who: u8, mut step: impl FnMut(Self)) {
        let (control, buffer, cached) = (self.control[me], self.buffer[me], self.cache[me]);
        let has_room = self.queue[1] == NOTHING;
        if control == Control::Ready {
            for request in [READ, WRITE[0], WRITE[1]] {
                step(self.changed(|next| {
                    next.interface = [who, request];
                    (next.buffer[me], next.control[me]) = (request, Control::Busy);
                }));
            }
        }
        if control == Control::Done {
            step(self.changed(|next| {
                next.interface = [who, buffer];
                next.control[me] = Control::Ready;
            }));
        }
        if control == Control::Busy && buffer == READ && cached == NOTHING && has_room {
            step(self.changed(|next| {
                next.queue = [who, READ];
                next.control[me] = Control::Waiting;
            }));
        }
        let reads = [Control::Busy, Control::Waiting].contains(&control) && buffer == READ;
        if reads && cached != NOTHING {
            step(self.changed(|next| {
                (next.buffer[me], next.control[me]) = (cached, Control::Done);
            }));
        }
        if let (Control::Busy, Some(value), true) = (control, written(buffer), has_room) {
            step(self.changed(|next| {
                // Others have the new value as well, if they have one.
                for (other, cache) in next.cache.iter_mut().enumerate() {
                    if other == me || *cache != NOTHING {
                        *cache = value;
                    }
                }
                next.queue = [who, buffer];
                (next.buffer[me], next.control[me]) = (NOTHING, Control::Done);
            }));
        }
        // What it waits for is not thrown away; there is one address.
        if control != Control::Waiting {
            step(self.changed(|next| next.cache[me] = NOTHING));
        }
    }
}

impl Spec for WriteThrough {
    type State = Cache;

    fn init(&self) -> Vec<Cache> {
        let of = |memory| Cache {
            interface: [0, NOTHING],
            memory,
            control: [Control::Ready; 2],
            buffer: [NOTHING; 2],
            cache: [NOTHING; 2],
            queue: [0, NOTHING],
        };
        VALUES.map(of).to_vec()
    }

    fn next(&self, state: &Cache, steps: &mut Vec<(u16, Cache)>) {
        for (who, me) in (0..).zip(0..2) {
            state.processor(me, who, |next| steps.push((0, next)));
        }
        let [who, request] = state.queue;
        let mut next = state.changed(|next| next.queue = [0, NOTHING]);
        if let Some(value) = written(request) {
            next.memory = value;
            steps.push((0, next));
        } else if request == READ {
            next.cache[usize::from(who)] = state.memory;
            steps.push((0, next));
        }
    }

    /// What two caches have is the same.
    fn invariant(&self, state: &Cache) -> bool {
        state.cache.contains(&NOTHING) || state.cache[0] == state.cache[1]
    }
}

#[test]
fn write_through_cache() {
    assert_counts(&Of(WriteThrough), [5196, 28_170, 18]);
}
