//! A run that saves itself, and goes on in another process.
//!
//! Between two levels there is little to save: the counts, the identities of the states that were
//! visited, the states of the next level, and how each state was reached. The last of these is only
//! appended to, so it is there already. The others are files that are written under new names;
//! `checkpoint.json` names them, and replaces the one before when all are on the disk. So whatever
//! happens, there is a whole checkpoint, or none.

mod manifest;

use std::fs;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crc32fast::Hasher;

use self::manifest::{FileSum, LogSum, Manifest};
use crate::disk::{DiskError, Run, Scratch, Spool};
use crate::log::{BYTES, Log};
use crate::model::ExplorerModel;
use crate::options::{Checkpoint, Refused};
use crate::search::{Dead, Driver, Saved, SavedLevel, Spot};

/// Time between two checkpoints, as a multiple of what the last one took.
const SELDOM: u32 = 19;

/// A folder in which a run saves itself.
pub(crate) struct Folder {
    path: PathBuf,
    identity: Vec<(String, String)>,
    /// Locked, so that no other run writes here.
    _lock: File,
    /// The level of the last checkpoint.
    level: Option<u64>,
    last: Instant,
    took: Duration,
}

/// What a run goes on with.
pub(crate) struct Resumed {
    pub(crate) saved: Saved,
    pub(crate) visited: Run,
    pub(crate) level: SavedLevel,
    /// Of as many threads as there were.
    pub(crate) logs: Vec<Log>,
}

fn refused(DiskError(message): DiskError) -> Refused {
    Refused::Disk(message)
}

impl Folder {
    /// Opens the folder, and reads the checkpoint in it if the run is to go on with that. What the run
    /// is about must be the same.
    pub(crate) fn open(
        options: &Checkpoint<'_>,
        own: Vec<(String, String)>,
    ) -> Result<(Self, Option<Resumed>), Refused> {
        let path = options.folder.to_owned();
        let given =
            options.identity.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let identity: Vec<_> = given.chain(own).collect();
        let lock = lock(&path).map_err(refused)?;
        let manifest = Manifest::read(&path).map_err(refused)?;
        let resumed = match (manifest, options.resume) {
            (None, false) => None,
            (Some(_), false) => {
                return Err(Refused::Disk(format!(
                    "there is a checkpoint in {} (hint: resume it, or take another folder)",
                    path.display()
                )));
            }
            (None, true) => {
                return Err(Refused::Disk(format!("there is no checkpoint in {}", path.display())));
            }
            (Some(manifest), true) => {
                manifest.confirm_identity(&identity).map_err(Refused::Disk)?;
                Some(read(&path, manifest).map_err(refused)?)
            }
        };
        let level = resumed.as_ref().map(|resumed| resumed.saved.levels.len() as u64);
        let (last, took) = (Instant::now(), Duration::ZERO);
        Ok((Self { path, identity, _lock: lock, level, last, took }, resumed))
    }

    /// The log of a thread that has none yet, but for levels that it has no part of.
    pub(crate) fn log(&self, thread: usize, levels: usize) -> Result<Log, Refused> {
        let file = Scratch::create(log_path(&self.path, thread)).map_err(refused)?;
        Ok(Log::on_disk(Spool::new(file, Hasher::new()), vec![0; levels]))
    }

    /// Whether it is time for another checkpoint.
    pub(crate) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.took * SELDOM
    }

    /// Saves a run that is between two levels. Logs that belong to no thread are in `rest`. If that
    /// fails, the checkpoint before is still there.
    pub(crate) fn save<M: ExplorerModel>(
        &mut self,
        driver: &mut Driver<'_, M, Log>,
        rest: &mut [Log],
    ) -> Result<(), DiskError> {
        let level = driver.levels.len() as u64;
        if self.level == Some(level) {
            return Ok(());
        }
        let started = Instant::now();
        let saved = self.write(level, driver, rest);
        self.remove_all_but(if saved.is_ok() { Some(level) } else { self.level });
        saved?;
        (self.level, self.last, self.took) = (Some(level), Instant::now(), started.elapsed());
        Ok(())
    }

    fn write<M: ExplorerModel>(
        &self,
        level: u64,
        driver: &mut Driver<'_, M, Log>,
        rest: &mut [Log],
    ) -> Result<(), DiskError> {
        let visited = driver.save_visited(Scratch::create(visited_path(&self.path, level))?)?;
        let mut states = Spool::new(Scratch::create(level_path(&self.path, level))?, Hasher::new());
        driver.level.save(|count, dead, code| {
            write_block(&mut states, count, dead, code);
            states.failed().map_or(Ok(()), |error| Err(error.clone()))
        })?;
        let states = FileSum { bytes: states.len(), sum: states.sync()? };
        let logs = driver.workers.iter_mut().map(|worker| &mut worker.recorder).chain(rest);
        let logs = logs.map(|log| Ok(LogSum { sum: log.sync()?, ends: log.ends.clone() }));
        let manifest = Manifest {
            identity: self.identity.clone(),
            level,
            visited: visited.sum(),
            states,
            logs: logs.collect::<Result<_, DiskError>>()?,
            run: driver.saved(),
        };
        manifest.write(&self.path)
    }

    /// Removes the files of all levels but that, as far as that works: they are of no use, and no harm.
    fn remove_all_but(&self, level: Option<u64>) {
        let keep =
            level.map(|level| [visited_path, level_path].map(|path| path(&self.path, level)));
        let keep = keep.unwrap_or_default();
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let of_a_level = name.starts_with("visited-") || name.starts_with("level-");
            if of_a_level && !keep.contains(&entry.path()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn visited_path(folder: &Path, level: u64) -> PathBuf {
    folder.join(format!("visited-{level}"))
}

fn level_path(folder: &Path, level: u64) -> PathBuf {
    folder.join(format!("level-{level}"))
}

fn log_path(folder: &Path, thread: usize) -> PathBuf {
    folder.join(format!("log-{thread}"))
}

fn lock(folder: &Path) -> Result<File, DiskError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|error| DiskError::new("write", &path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(DiskError(format!("another run saves itself in {}", folder.display())))
        }
        Err(TryLockError::Error(error)) => Err(DiskError::new("lock", &path, &error)),
    }
}

/// Of a block: how many states, which of them are known, how many bytes its code has, the code.
fn write_block(file: &mut Spool, states: usize, dead: &Dead, code: &[u8]) {
    file.push(&(states as u64).to_le_bytes());
    dead.iter().for_each(|word| file.push(&word.to_le_bytes()));
    file.push(&(code.len() as u64).to_le_bytes());
    file.push(code);
}

fn read(folder: &Path, manifest: Manifest) -> Result<Resumed, DiskError> {
    let Manifest { level, visited, states, logs, run: saved, .. } = manifest;
    let visited = Run::open(&visited_path(folder, level), saved.distinct, visited)?;
    let level = read_level(&level_path(folder, level), &states, saved.levels.last().copied())?;
    let logs = logs.into_iter().enumerate().map(|(thread, LogSum { sum, ends })| {
        let path = log_path(folder, thread);
        let bytes = ends.last().copied().unwrap_or(0) * BYTES;
        let file = Scratch::open(path, bytes as u64, true)?;
        let hasher = file.confirm(sum)?;
        Ok(Log::on_disk(Spool::new(file, hasher), ends))
    });
    let logs = logs.collect::<Result<_, DiskError>>()?;
    Ok(Resumed { saved, visited, level, logs })
}

fn read_level(path: &Path, sum: &FileSum, alive: Option<u64>) -> Result<SavedLevel, DiskError> {
    let file = Scratch::open(path.to_owned(), sum.bytes, false)?;
    file.confirm(sum.sum)?;
    let (mut blocks, mut at, mut found) = (Vec::new(), 0, 0);
    let number = |at: &mut u64| {
        let mut bytes = [0; size_of::<u64>()];
        file.read(*at, &mut bytes)?;
        *at += bytes.len() as u64;
        Ok::<u64, DiskError>(u64::from_le_bytes(bytes))
    };
    let damaged = || DiskError(format!("{} is damaged", path.display()));
    while at < sum.bytes {
        let states = usize::try_from(number(&mut at)?).map_err(|_| damaged())?;
        let mut dead = Dead::default();
        for word in &mut dead {
            *word = number(&mut at)?;
            found -= i128::from(word.count_ones());
        }
        let bytes = u32::try_from(number(&mut at)?).map_err(|_| damaged())?;
        blocks.push((states, dead, Spot { start: at, bytes }));
        at += u64::from(bytes);
        found += states as i128;
    }
    if at != sum.bytes || Some(found) != alive.map(i128::from) {
        return Err(damaged());
    }
    Ok(SavedLevel { file, blocks })
}

/// Waits until the folder itself is on the disk, with the names in it.
fn sync_folder(folder: &Path) -> Result<(), DiskError> {
    let sync = || -> io::Result<()> { File::open(folder)?.sync_all() };
    sync().map_err(|error| DiskError::new("write into", folder, &error))
}
