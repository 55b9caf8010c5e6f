//! A run between two levels, as it is saved.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::driver::{Driver, Found, LOAD_MAX, Setup};
use super::level::{Dead, Level, Part, Place};
use super::list::{Block, Spot};
use super::spill::{Spill, merge};
use super::suspects::Suspects;
use super::worker::{Recorder, Worker};
use crate::disk::{DiskError, Reader, Run, Scratch, Writer};
use crate::model::ExplorerModel;
use crate::options::Refused;
use crate::stored::StoredState;
use crate::table::{Inserted, Table};

/// All but states, identities and how states were reached.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    base_bits: u32,
    pub(crate) levels: Vec<u64>,
    pub(crate) distinct: u64,
    generated: u64,
    left_out: u64,
    terminal: u64,
    deadlocks: u64,
    unreduced: u64,
    /// By class.
    fired: Vec<u64>,
    /// By property.
    decided: Vec<Option<SavedFound>>,
    deadlock: Option<SavedFound>,
    seconds: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedFound {
    level: usize,
    position: usize,
    state: Vec<u8>,
}

impl SavedFound {
    fn of<S: StoredState>(found: &Found<S>) -> Self {
        let Place { level, position } = found.place;
        let mut state = Vec::new();
        found.state.encode(&mut state);
        Self { level, position, state }
    }

    fn found<S: StoredState>(&self) -> Found<S> {
        let place = Place { level: self.level, position: self.position };
        Found { place, state: S::decode(&self.state) }
    }
}

/// Where the states of the level are.
pub(crate) struct SavedLevel {
    pub(crate) file: Scratch,
    /// For each block, how many states it has, which of them are known, and where it is.
    pub(crate) blocks: Vec<(usize, Dead, Spot)>,
}

impl<M: ExplorerModel, R: Recorder<M::State>> Driver<'_, M, R> {
    /// The counts, between two levels.
    pub(crate) fn saved(&self) -> Saved {
        let sum = |count: fn(&Worker<M::State, R>) -> u64| self.workers.iter().map(count).sum();
        let classes = self.workers.first().map_or(0, |worker| worker.fired.classes());
        let fired = |class| self.workers.iter().map(|worker| worker.fired.of(class)).sum();
        Saved {
            base_bits: self.table.base_bits(),
            levels: self.levels.clone(),
            distinct: self.distinct(),
            generated: self.generated(),
            left_out: sum(|worker| worker.left_out),
            terminal: sum(|worker| worker.terminal),
            deadlocks: sum(|worker| worker.deadlocks),
            unreduced: sum(|worker| worker.unreduced),
            fired: (0..classes).map(fired).collect(),
            decided: self.decided.iter().map(|one| one.as_ref().map(SavedFound::of)).collect(),
            deadlock: self.deadlock.as_ref().map(SavedFound::of),
            seconds: self.seconds(),
        }
    }

    /// Writes the identities of all states.
    pub(crate) fn save_visited(&self, file: Scratch) -> Result<Run, DiskError> {
        let run = self.spill.as_ref().and_then(Spill::run);
        let mut all = Writer::new(file);
        merge(&self.table, run, |_| {}, |number| all.push(number))?;
        let all = all.finish()?;
        all.sync()?;
        Ok(all)
    }
}

impl<'a, M: ExplorerModel, R: Recorder<M::State>> Driver<'a, M, R> {
    /// Goes on where a run was saved. `visited` has as many identities as `saved` says, `level` as many
    /// states that are new as the last level.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(crate) fn resume(
        setup: Setup<'a, M>,
        recorders: Vec<R>,
        saved: Saved,
        visited: Run,
        level: SavedLevel,
    ) -> Result<Self, Refused> {
        let mut driver = Self::empty(setup, recorders)?;
        driver.take_visited(saved.base_bits, visited)?;
        driver.level = Level::of(parts(level, driver.workers.len()));
        driver.levels = saved.levels;
        driver.distinct.store(saved.distinct, Ordering::Relaxed);
        driver.generated.store(saved.generated, Ordering::Relaxed);
        driver.unexpanded = driver.level.alive() as u64;
        driver.decided =
            saved.decided.iter().map(|one| one.as_ref().map(SavedFound::found)).collect();
        driver.deadlock = saved.deadlock.as_ref().map(SavedFound::found);
        driver.before = Duration::try_from_secs_f64(saved.seconds).unwrap_or_default();
        let open = driver.decided.iter().enumerate().filter(|(_, found)| found.is_none());
        let open = open.fold(0, |bits, (at, _)| bits | 1 << at);
        for worker in &mut driver.workers {
            worker.undecided &= open;
        }
        if let Some(first) = driver.workers.first_mut() {
            first.left_out = saved.left_out;
            first.terminal = saved.terminal;
            first.deadlocks = saved.deadlocks;
            first.unreduced = saved.unreduced;
            first.fired.set(&saved.fired);
        }
        Ok(driver)
    }

    /// Fills the table; where they do not fit, they stay on disk if that may be.
    fn take_visited(&mut self, base_bits: u32, visited: Run) -> Result<(), Refused> {
        const DAMAGED: &str = "the visited states of the checkpoint cannot be read";
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of buckets, far below the largest number"
        )]
        let buckets = (visited.len() as f64 / LOAD_MAX / 8.0) as usize;
        let buckets = (buckets + buckets / 16).max(1 << base_bits);
        let needed = Table::bytes_of(buckets, false);
        let least = Table::bytes_of(1 << base_bits, false);
        let room = match &self.spill {
            Some(spill) => spill.bytes_of_table(self.budget),
            None => self.budget / 4 * 3,
        };
        let fits = needed <= room;
        if !fits && (self.spill.is_none() || least > room) {
            let needed = (if self.spill.is_none() { needed } else { least }) / 3 * 4;
            return Err(Refused::TooLittleMemory { needed, given: self.budget });
        }
        let buckets = if fits { buckets } else { 1 << base_bits };
        let table = Table::new(self.budget, buckets, base_bits, false);
        self.table = table.ok_or(Refused::NoAddressSpace { bytes: self.budget })?;
        if fits {
            let mut reader = Reader::new(Some(&visited));
            while let Some(number) =
                reader.next().map_err(|DiskError(message)| Refused::Disk(message))?
            {
                let Inserted::New(_) = self.table.insert(self.table.key_of(number)) else {
                    return Err(Refused::Disk(DAMAGED.to_owned()));
                };
            }
            return Ok(());
        }
        let Some(spill) = &mut self.spill else { return Ok(()) };
        for worker in &mut self.workers {
            let suspects = Suspects::new(spill.folder(), 0);
            worker.suspects = Some(suspects.map_err(|DiskError(message)| Refused::Disk(message))?);
        }
        spill.begin_with(visited);
        Ok(())
    }
}

/// The level, a part for each thread.
fn parts<S>(SavedLevel { file, blocks }: SavedLevel, threads: usize) -> Vec<Part<S>> {
    let file = Arc::new(file);
    let each = blocks.len().div_ceil(threads.max(1)).max(1);
    let mut blocks =
        blocks.into_iter().map(|(states, dead, spot)| (states, dead, Block::OnDisk(spot)));
    let part =
        |_| Part { blocks: blocks.by_ref().take(each).collect(), file: Some(Arc::clone(&file)) };
    (0..threads).map(part).collect()
}
