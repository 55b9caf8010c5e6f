//! Visited states on disk, when the table has no more room.
//!
//! The table is emptied into a sorted list of identities. From then on, what is new to the table is
//! suspect: it may be in the list. Suspects are numbered, judged and kept like all new states; at the
//! end of the level, and before the table is emptied again, all of them are looked up in the list at
//! once, and those that are known only keep their numbers. (Delayed duplicate detection; TLC and
//! Murphi do it likewise.) So counts, levels and shortest runs are those of a run in memory.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::driver::Driver;
use super::suspects::Suspects;
use super::worker::{Recorder, Worker};
use crate::disk::{DiskError, Page, Reader, Run, Scratch, Writer};
use crate::model::ExplorerModel;
use crate::stored::StoredState;
use crate::table::Table;

/// Looking up one suspect in a run costs as much as reading so many of its entries in a row.
const LOOK_UP: u64 = 200;

/// What is on disk.
pub(crate) struct Spill {
    folder: PathBuf,
    /// Visited states that are not in the table, or not only.
    run: Option<Run>,
    /// Entries that the table had when it was emptied, all together.
    taken_out: u64,
    /// Suspects that turned out to be known.
    dead: u64,
    emptied: u64,
}

impl Spill {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), run: None, taken_out: 0, dead: 0, emptied: 0 }
    }

    /// Begins with these, which are not in the table.
    pub(super) fn begin_with(&mut self, run: Run) {
        self.taken_out = run.len();
        self.run = Some(run);
    }

    /// Bytes besides the table that may be in memory before it goes to disk.
    pub(super) fn bytes_in_memory(&self, budget: u64) -> u64 {
        budget / 8
    }

    /// Bytes that the table may have.
    pub(super) fn bytes_of_table(&self, budget: u64) -> u64 {
        budget / 4 * 3
    }

    /// Entries of the table, if there are so many different states so far.
    pub(super) fn held(&self, distinct: u64) -> u64 {
        distinct + self.dead - self.taken_out
    }

    pub(super) fn emptied(&self) -> u64 {
        self.emptied
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> u64 {
        self.run.as_ref().map_or(0, Run::memory)
    }

    pub(super) fn has(&self, number: u128) -> Result<bool, DiskError> {
        self.run.as_ref().map_or(Ok(false), |run| run.contains(number, &mut Page::default()))
    }
}

/// Slots, as bits.
struct Slots(Vec<u64>);

impl Slots {
    fn none(table: &Table) -> Self {
        Self(vec![0; table.slots().div_ceil(64)])
    }

    fn insert(&mut self, slot: usize) {
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    fn contains(&self, slot: usize) -> bool {
        self.0[slot / 64] >> (slot % 64) & 1 == 1
    }
}

/// Goes through table and run side by side. Calls `common` with the slots of what is in both, and
/// `either` with what is in one of them.
pub(super) fn merge(
    table: &Table,
    run: Option<&Run>,
    mut common: impl FnMut(usize),
    mut either: impl FnMut(u128) -> Result<(), DiskError>,
) -> Result<(), DiskError> {
    let mut reader = Reader::new(run);
    let mut ahead = reader.next()?;
    table.for_each_descending(|slot, number| {
        while let Some(known) = ahead.filter(|known| *known > number) {
            either(known)?;
            ahead = reader.next()?;
        }
        if ahead == Some(number) {
            common(slot);
            ahead = reader.next()?;
        }
        either(number)
    })?;
    while let Some(known) = ahead {
        either(known)?;
        ahead = reader.next()?;
    }
    Ok(())
}

impl<M: ExplorerModel, R: Recorder<M::State>> Driver<'_, M, R> {
    /// Empties the table onto the disk. `false` where nothing may be there.
    pub(super) fn empty_table(&mut self) -> Result<bool, DiskError> {
        let Some(spill) = &self.spill else { return Ok(false) };
        let mut known = Slots::none(&self.table);
        let mut all = Writer::new(Scratch::unnamed(&spill.folder)?);
        let known_too = |slot| known.insert(slot);
        merge(&self.table, spill.run.as_ref(), known_too, |number| all.push(number))?;
        let all = all.finish()?;
        for worker in &mut self.workers {
            if worker.suspects.is_none() {
                worker.suspects = Some(Suspects::new(&spill.folder, worker.next.len())?);
            }
        }
        self.bury_those_in(&known)?;
        let held = self.held();
        if let Some(spill) = &mut self.spill {
            spill.run = Some(all);
            spill.taken_out += held;
            spill.emptied += 1;
        }
        self.table.clear();
        Ok(true)
    }

    fn held(&self) -> u64 {
        self.spill.as_ref().map_or(self.distinct(), |spill| spill.held(self.distinct()))
    }

    /// Finds out which of the suspects were visited before.
    pub(super) fn settle_suspects(&mut self) -> Result<(), DiskError> {
        let Some(run) = self.spill.as_ref().and_then(Spill::run) else { return Ok(()) };
        let suspects = self.workers.iter().filter_map(|worker| worker.suspects.as_ref());
        let count: u64 = suspects.map(Suspects::len).sum();
        if count == 0 {
            return Ok(());
        }
        if count < (run.len() + self.held()) / LOOK_UP {
            return self.look_up_suspects();
        }
        let mut known = Slots::none(&self.table);
        merge(&self.table, Some(run), |slot| known.insert(slot), |_| Ok(()))?;
        self.bury_those_in(&known)
    }

    fn look_up_suspects(&mut self) -> Result<(), DiskError> {
        let Some(Spill { run: Some(run), .. }) = &self.spill else { return Ok(()) };
        let (mut page, mut dead) = (Page::default(), 0);
        for worker in &mut self.workers {
            dead += bury(worker, |number| run.contains(number, &mut page))?;
        }
        self.count_dead(dead);
        Ok(())
    }

    /// Those that were found in these slots were visited before.
    fn bury_those_in(&mut self, known: &Slots) -> Result<(), DiskError> {
        let (table, mut dead) = (&self.table, 0);
        let is_known =
            |number| Ok(table.find(table.key_of(number)).is_some_and(|slot| known.contains(slot)));
        for worker in &mut self.workers {
            dead += bury(worker, is_known)?;
        }
        self.count_dead(dead);
        Ok(())
    }

    fn count_dead(&mut self, dead: u64) {
        self.distinct.fetch_sub(dead, Ordering::Relaxed);
        if let Some(spill) = &mut self.spill {
            spill.dead += dead;
        }
    }
}

/// Marks those of a thread's suspects that are known, and gives back how many. None of its states is
/// suspect then.
fn bury<S: StoredState, R>(
    worker: &mut Worker<S, R>,
    mut is_known: impl FnMut(u128) -> Result<bool, DiskError>,
) -> Result<u64, DiskError> {
    let Some(suspects) = &mut worker.suspects else { return Ok(0) };
    let (mut dead, mut orbits) = (0, 0);
    suspects.for_each(|at, number, orbit| {
        if is_known(number)? {
            worker.next.mark_dead(at);
            orbits += orbit;
            dead += 1;
        }
        Ok(())
    })?;
    suspects.restart(worker.next.len());
    worker.unreduced -= orbits;
    Ok(dead)
}
