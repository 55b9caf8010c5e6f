//! One thread's part of a level.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use stateright::Expectation;

use super::failures::{Asked, Ended};
use super::fired::Fired;
use super::list::List;
use super::pack::Reader;
use super::shared::Shared;
use super::suspects::Suspects;
use crate::disk::DiskError;
use crate::hash::hash;
use crate::model::ExplorerModel;
use crate::stored::{BadCode, StoredState, confirm};
use crate::table::{BRIEF_BITS, Inserted, Key, Table};

/// Generated states that are looked up together, so that the waits for memory overlap.
const BATCH: usize = 64;

/// A generated state that is to be looked up.
pub(crate) struct Edge<S> {
    pub(crate) state: S,
    key: Key,
    /// The number, within the level, of the state it comes from.
    pub(crate) source: u32,
    /// Its number among the steps of that state.
    pub(crate) ordinal: u16,
    /// Where the recorder keeps the step, if it keeps every one.
    place: usize,
}

/// The place of a step that is not kept.
pub(crate) const NOWHERE: usize = usize::MAX;

/// What an engine keeps of every step; one for each thread.
pub(crate) trait Recorder<S>: Send {
    /// Whether it wants to see every step, not only those that may lead to new states. States then
    /// have tags.
    const EVERY_STEP: bool;

    /// The state with that number within the level is about to be expanded.
    fn source(&mut self, _number: u32) {}

    /// It has a step that changes nothing. Called, as are the next two, only for who wants to see
    /// every step.
    fn stay(&mut self) {}

    /// It has a step to the state with that tag; 0 if that is not known yet. Gives back where the
    /// step is kept.
    fn step(&mut self, _class: u16, _tag: u32) -> usize {
        NOWHERE
    }

    /// The step that is kept there leads to the state with that tag. Nothing is kept at
    /// [`NOWHERE`].
    fn leads_to(&mut self, _place: usize, _tag: u32) {}

    /// It has a step that the boundary leaves out.
    fn leave(&mut self, _class: u16) {}

    /// The state in that slot gets no tag from [`new_state`](Self::new_state), because the model
    /// panicked when it was asked about it. Nobody must wait for the tag.
    fn abandon(&mut self, _table: &Table, _slot: usize) {}

    /// A step leads to a state that was not known, and is now in that slot. Gives back the tag that
    /// the recorder has given it.
    fn new_state(&mut self, table: &Table, edge: &Edge<S>, slot: usize) -> u32;

    /// Bytes in use.
    fn bytes(&self) -> u64;

    /// Why it cannot write what it keeps. It keeps that in memory then.
    fn failed(&self) -> Option<&DiskError> {
        None
    }
}

/// A property decided by a state of this thread's part of the next level.
pub(crate) struct Finding<S> {
    pub(crate) property: usize,
    /// The number of the state in the thread's list.
    pub(crate) at: usize,
    pub(crate) state: S,
}

/// A state without a step in which no run may end, by its number within the level.
pub(crate) struct Deadlock<S> {
    pub(crate) position: usize,
    pub(crate) state: S,
}

/// States that a thread adds before it tells the others how many.
const TELL_EVERY: u64 = 256;

/// Counts since the others were told.
#[derive(Default)]
struct Untold {
    new: u64,
    generated: u64,
}

/// One thread's lists. Aligned so that no two threads write to one line of the processor's cache,
/// or to two that it fetches together.
#[repr(align(128))]
pub(crate) struct Worker<S, R> {
    /// Its number.
    thread: usize,
    batch: Vec<Edge<S>>,
    /// Identities that this thread has met lately, by the index of [`Key::brief`]; they are not
    /// looked up again. Most steps lead to states that were reached a moment ago.
    recent: Box<[u64]>,
    /// Their tags, where states have tags.
    recent_tags: Box<[u32]>,
    /// What the others have not been told yet.
    untold: Untold,
    /// Bytes of which the others know: all, and those of states that wait.
    bytes_told: (u64, u64),
    /// Its part of the next level.
    pub(crate) next: List<S>,
    /// Those of them that may have been visited before, if there are visited states on disk.
    pub(super) suspects: Option<Suspects>,
    pub(crate) recorder: R,
    pub(crate) fired: Fired,
    /// Steps and initial states outside of the boundary.
    pub(crate) left_out: u64,
    pub(crate) terminal: u64,
    pub(crate) deadlocks: u64,
    /// The first of this level.
    pub(crate) deadlock: Option<Deadlock<S>>,
    pub(crate) unreduced: u64,
    /// Properties that are still to be decided, as bits.
    pub(crate) undecided: u64,
    pub(crate) findings: Vec<Finding<S>>,
    /// What it is asking the model.
    pub(super) asked: Asked,
    /// Why it has ended, if something panicked or an encoding failed.
    pub(super) ended: Option<Ended>,
    /// Where states are encoded.
    scratch: Vec<u8>,
    /// States to be given to whoever wants to see them.
    handed: Vec<u8>,
}

impl<S: StoredState, R: Recorder<S>> Worker<S, R> {
    /// What waits may go into files in `folder`.
    pub(crate) fn new(
        thread: usize,
        recorder: R,
        classes: usize,
        undecided: u64,
        folder: Option<Arc<Path>>,
    ) -> Self {
        Self {
            thread,
            batch: Vec::new(),
            recent: vec![0; 1 << BRIEF_BITS].into(),
            recent_tags: vec![0; if R::EVERY_STEP { 1 << BRIEF_BITS } else { 0 }].into(),
            untold: Untold::default(),
            bytes_told: (0, 0),
            next: List::new(folder),
            suspects: None,
            recorder,
            fired: Fired::new(classes),
            left_out: 0,
            terminal: 0,
            deadlocks: 0,
            deadlock: None,
            unreduced: 0,
            undecided,
            findings: Vec::new(),
            asked: Asked::Nothing,
            ended: None,
            scratch: Vec::new(),
            handed: Vec::new(),
        }
    }

    /// Claims and expands ranges of the level until there is none left or all are to pause.
    /// `between` is called after each.
    pub(crate) fn work<M>(&mut self, shared: &Shared<'_, M>, mut between: impl FnMut())
    where
        M: ExplorerModel<State = S>,
    {
        self.bytes_told = (self.bytes(), self.next.bytes());
        // What is left from before the pause comes first.
        self.look_up(shared);
        self.tell(shared);
        let mut reader = Reader::default();
        while !shared.pause.is_set() {
            let Some(claimed) = shared.claims.claim(self.thread) else { break };
            for piece in shared.level.pieces(claimed) {
                let read = piece.for_each(&mut reader, |position, state| {
                    if shared.visited.is_some() {
                        self.handed.extend_from_slice(state.bytes(&mut self.scratch));
                    }
                    self.expand(shared, position, state);
                    if self.batch.len() >= BATCH {
                        self.look_up(shared);
                    }
                });
                if let Err(error) = read {
                    self.ended.get_or_insert(Ended::Disk(error));
                    shared.pause.any.store(true, Ordering::Relaxed);
                    return;
                }
                if let Some(visited) = shared.visited {
                    visited.0(&self.handed);
                    self.handed.clear();
                }
                if let Some(block) = piece.done() {
                    shared.usage.give_back(block.bytes());
                    self.next.reuse(block);
                }
            }
            self.look_up(shared);
            self.tell(shared);
            if self.disk_error().is_some() {
                shared.pause.any.store(true, Ordering::Relaxed);
            }
            let asked = shared.asked.is_some_and(|asked| asked.load(Ordering::Relaxed));
            if asked || shared.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                shared.pause.any.store(true, Ordering::Relaxed);
            }
            between();
        }
    }

    /// Whether everything that was generated has been looked up.
    pub(crate) fn is_idle(&self) -> bool {
        self.batch.is_empty()
    }

    /// Appends the steps of a state to the batch.
    #[inline]
    fn expand<M>(&mut self, shared: &Shared<'_, M>, position: usize, state: &S)
    where
        M: ExplorerModel<State = S>,
    {
        // Levels are no longer than that; the driver sees to it.
        let source = u32::try_from(position).unwrap_or(u32::MAX);
        let (batch, recent, fired) = (&mut self.batch, &mut self.recent, &mut self.fired);
        let (recorder, tags) = (&mut self.recorder, &self.recent_tags);
        let (scratch, mut bad_code) = (&mut self.scratch, None);
        recorder.source(source);
        let mut steps = 0_u32;
        let (mut skipped, mut left_out, mut too_many) = (0, 0, false);
        self.asked = Asked::Steps(source);
        shared.model.for_each_successor(state, |class, next| {
            // The number of a step has 16 bits.
            let Ok(ordinal) = u16::try_from(steps) else {
                too_many = true;
                return;
            };
            steps += 1;
            if next.is_same(state) {
                fired.count(class);
                skipped += 1;
                recorder.stay();
                return;
            }
            if !shared.model.within_boundary(&next) {
                fired.check(class);
                left_out += 1;
                recorder.leave(class);
                return;
            }
            fired.count(class);
            // What was met is the state itself; its orbit is looked for only if it was not.
            let own = own_key(shared, &next, scratch);
            if let Err(bad) = confirm(&next, scratch) {
                bad_code.get_or_insert((ordinal, bad));
                return;
            }
            let (index, brief) = own.brief();
            if recent[index] == brief {
                skipped += 1;
                if R::EVERY_STEP {
                    recorder.step(class, tags[index]);
                }
                return;
            }
            let key = if shared.symmetry { orbit_key(shared, &next, scratch) } else { Ok(own) };
            let key = match key {
                Ok(key) => key,
                Err(bad) => {
                    bad_code.get_or_insert((ordinal, bad));
                    return;
                }
            };
            if !R::EVERY_STEP {
                recent[index] = brief;
            }
            let place = recorder.step(class, 0);
            batch.push(Edge { state: next, key, source, ordinal, place });
        });
        if too_many {
            shared.pause.set(&shared.pause.too_many_steps);
        }
        self.untold.generated += skipped;
        self.left_out += left_out;
        if let Some((ordinal, bad)) = bad_code {
            self.ended.get_or_insert(Ended::BadCode { source, ordinal, bad });
            shared.pause.any.store(true, Ordering::Relaxed);
        }
        if steps == 0 {
            self.end(shared, position, state);
        }
        self.asked = Asked::Nothing;
    }

    /// Counts a state without a step.
    #[cold]
    fn end<M>(&mut self, shared: &Shared<'_, M>, position: usize, state: &S)
    where
        M: ExplorerModel<State = S>,
    {
        self.terminal += 1;
        if !shared.model.may_end(state) {
            self.deadlocks += 1;
            self.deadlock.get_or_insert(Deadlock { position, state: state.clone() });
        }
    }

    /// Looks up what is in the batch; keeps what finds no room in the table.
    fn look_up<M>(&mut self, shared: &Shared<'_, M>)
    where
        M: ExplorerModel<State = S>,
    {
        black_box(self.batch.iter().fold(0, |all, edge| all ^ shared.table.touch(edge.key)));
        let known_before = self.next.len();
        let batch = std::mem::take(&mut self.batch);
        let done = batch.iter().take_while(|edge| self.settle(shared, edge)).count();
        if done < batch.len() {
            shared.pause.set(&shared.pause.table_full);
        }
        self.batch = batch;
        self.batch.drain(..done);
        self.untold.new += (self.next.len() - known_before) as u64;
        self.untold.generated += done as u64;
        if self.untold.new >= TELL_EVERY {
            self.tell(shared);
        }
    }

    /// Looks up one state, and passes it on if it is new. `false` when the table has no room.
    #[inline]
    fn settle<M>(&mut self, shared: &Shared<'_, M>, edge: &Edge<S>) -> bool
    where
        M: ExplorerModel<State = S>,
    {
        let tag = match shared.table.insert(edge.key) {
            Inserted::Full => return false,
            Inserted::Known(_) if !R::EVERY_STEP => return true,
            Inserted::Known(slot) => shared.table.tag(slot),
            Inserted::New(slot) => {
                let Edge { source, ordinal, .. } = *edge;
                self.asked = Asked::State { source, ordinal, slot };
                let orbit = self.judge(shared, &edge.state);
                if let Some(suspects) = &mut self.suspects {
                    suspects.push(shared.table.number(edge.key), orbit);
                }
                self.next.push(edge.state.clone(), || shared.is_short());
                let tag = self.recorder.new_state(shared.table, edge, slot);
                self.asked = Asked::Nothing;
                tag
            }
        };
        if R::EVERY_STEP {
            let (index, brief) = edge.key.brief();
            (self.recent[index], self.recent_tags[index]) = (brief, tag);
            self.recorder.leads_to(edge.place, tag);
        }
        true
    }

    /// Adds this thread's counts to those of all, and lets all pause if that is too much.
    fn tell<M: ExplorerModel>(&mut self, shared: &Shared<'_, M>) {
        let Untold { new, generated } = std::mem::take(&mut self.untold);
        let (all_told, waiting_told) = self.bytes_told;
        let (all, waiting) = (self.bytes(), self.next.bytes());
        self.bytes_told = (all, waiting);
        let distinct = shared.distinct.fetch_add(new, Ordering::Relaxed) + new;
        let (more, more_waiting) = (all.wrapping_sub(all_told), waiting.wrapping_sub(waiting_told));
        let bytes = shared.usage.add(more, more_waiting);
        shared.generated.fetch_add(generated, Ordering::Relaxed);
        if distinct >= shared.distinct_pause || bytes >= shared.bytes_pause {
            shared.pause.any.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes of what was recorded and of the states that wait.
    pub(crate) fn bytes(&self) -> u64 {
        let suspects = self.suspects.as_ref().map_or(0, Suspects::memory);
        self.recorder.bytes() + self.next.bytes() + suspects
    }

    /// Why something cannot be written; it is still in memory.
    pub(super) fn disk_error(&self) -> Option<&DiskError> {
        let suspects = self.suspects.as_ref().and_then(Suspects::failed);
        self.next.failed().or_else(|| self.recorder.failed()).or(suspects)
    }

    /// Notes which properties a new state decides. Gives back the size of its orbit, or 0 if nobody
    /// wants to know it.
    #[inline]
    fn judge<M>(&mut self, shared: &Shared<'_, M>, state: &S) -> u64
    where
        M: ExplorerModel<State = S>,
    {
        let orbit = if shared.symmetry { shared.model.orbit_size(state) } else { 0 };
        self.unreduced += orbit;
        if self.undecided != 0 {
            self.decide(shared, state, shared.model.property_mask(shared.properties, state));
        }
        orbit
    }

    fn decide<M: ExplorerModel>(&mut self, shared: &Shared<'_, M>, state: &S, mask: u64) {
        for (at, property) in shared.properties.iter().enumerate() {
            let (bit, holds) = (1 << at, mask >> at & 1 == 1);
            let decided = match property.expectation {
                Expectation::Always => !holds,
                Expectation::Sometimes => holds,
                // Not decided by a state.
                Expectation::Eventually => false,
            };
            if decided && self.undecided & bit != 0 {
                self.undecided &= !bit;
                self.findings.push(Finding {
                    property: at,
                    at: self.next.len(),
                    state: state.clone(),
                });
                if property.expectation == Expectation::Always && shared.stop_when_violated {
                    shared.pause.set(&shared.pause.violated);
                }
            }
        }
    }

    /// Looks up an initial state, as if it were the step with that number of nowhere. `false` when
    /// the table has no room for it.
    ///
    /// # Errors
    /// When its encoding does not give it back.
    pub(super) fn add_initial<M>(
        &mut self,
        shared: &Shared<'_, M>,
        state: &S,
        number: u32,
    ) -> Result<bool, BadCode>
    where
        M: ExplorerModel<State = S>,
    {
        if !shared.model.within_boundary(state) {
            self.left_out += 1;
            return Ok(true);
        }
        let own = own_key(shared, state, &mut self.scratch);
        confirm(state, &self.scratch)?;
        let key = if shared.symmetry { orbit_key(shared, state, &mut self.scratch)? } else { own };
        self.bytes_told = (self.bytes(), self.next.bytes());
        let state = state.clone();
        self.batch.push(Edge { state, key, source: number, ordinal: 0, place: NOWHERE });
        self.look_up(shared);
        self.tell(shared);
        Ok(self.batch.pop().is_none())
    }
}

/// The identity of a state, whose bytes are in `scratch` then, unless it is flat.
#[inline]
fn own_key<M: ExplorerModel>(
    shared: &Shared<'_, M>,
    state: &M::State,
    scratch: &mut Vec<u8>,
) -> Key {
    shared.table.key(hash(state.bytes(scratch), shared.seed))
}

/// The identity of its orbit.
fn orbit_key<M: ExplorerModel>(
    shared: &Shared<'_, M>,
    state: &M::State,
    scratch: &mut Vec<u8>,
) -> Result<Key, BadCode> {
    let representative = shared.model.representative(state);
    let key = own_key(shared, &representative, scratch);
    confirm(&representative, scratch)?;
    Ok(key)
}
