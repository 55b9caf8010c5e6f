//! Counts that others have published for well-known models: each model is written here from the
//! algorithm, and must have as many states and steps as TLC has found.
//!
//! The numbers are those of `manifest.json` in <https://github.com/tlaplus/Examples>, commit 32a32c7b
//! of 2026-05-14: distinct states, states generated, and the depth of the state graph. Each test
//! names the configuration whose counts it repeats. Claims of liveness are those that the
//! configuration checks, and that its manifest says to hold; with a constraint, which leaves steps out,
//! they are not repeated.
//!
//! Published depths were taken with as many workers as there were processors
//! (`.github/scripts/tla_utils.py`), when TLC does not go strictly from level to level, so that a depth
//! may come out too large. Of one that differs the test says so.
//!
//! | model | configuration | distinct | generated | depth |
//! |---|---|---|---|---|
//! | Peterson's lock | `locks_auxiliary_vars/Peterson.cfg` | 42 | 77 | 11 |
//! | dining philosophers of Chandy and Misra | `DiningPhilosophers/DiningPhilosophers.cfg` | 67 | 336 | 29 |
//! | Dijkstra's termination detection (EWD 840) | `ewd840/EWD840.cfg` | 302 | 2001 | 10, here 9 |
//! | termination detection, abstract (for EWD 998) | `ewd998/AsyncTerminationDetection.cfg` | 4097 | 53271 | 14 |
//! | Dijkstra's stabilizing ring (EWD 426) | `ewd426/TokenRing.cfg` | 46656 | 248832 | 1 |
//! | leader election of Chang and Roberts | `chang_roberts/MCChangRoberts.cfg` | 137 | 227 | 10 |
//! | alternating bit | `SpecifyingSystems/TLC/MCAlternatingBit.cfg` | 240 | 1392 | 10 |
//! | Lamport's mutual exclusion | `lamport_mutex/MCLamportMutex.cfg` | 724274 | 2729079 | 61 |
//! | readers and writers | `ReadersWriters/MC.cfg` | 21527 | 59674 | 13 |
//! | simple allocator | `allocator/SimpleAllocator.cfg` | 400 | 1633 | 6 |
//! | scheduling allocator | `allocator/SchedulingAllocator.cfg` | 1690 | 5854 | 7 |
//! | write-through cache | `SpecifyingSystems/CachingMemory/MCWriteThroughCache.cfg` | 5196 | 28170 | 18 |
//! | transaction commit | `transaction_commit/TCommit.cfg` | 34 | 94 | 7 |
//! | two-phase commit | `transaction_commit/TwoPhase.cfg` | 288 | 1146 | 11 |

mod allocators;
mod alternating_bit;
mod commit;
mod lamport;
mod philosophers;
mod readers_writers;
mod rings;
mod spec;
mod termination;
mod write_through;
