//! The thread that writes snapshots and removes old files, beside everything else.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use zab_core::Base;

use super::{StorageError, purge, snapshot};
use crate::tree::Tree;

/// Something that takes long.
#[derive(Debug)]
pub(super) enum Task {
    /// Write the snapshot of this tree; see [`snapshot::write`].
    Snapshot(Box<Tree>, Base),
    /// Keep so many snapshots; see [`purge::purge`].
    Purge(usize),
}

/// Does one thing at a time, on a thread that lives as long as it takes.
pub(super) struct Keeper {
    snapshots: PathBuf,
    logs: PathBuf,
    /// Is told of what fails.
    failed: Arc<dyn Fn(StorageError) + Send + Sync>,
    is_cancelled: Arc<AtomicBool>,
    running: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("running", &self.running).finish_non_exhaustive()
    }
}

impl Keeper {
    pub(super) fn new(
        snapshots: PathBuf,
        logs: PathBuf,
        failed: impl Fn(StorageError) + Send + Sync + 'static,
    ) -> Self {
        let is_cancelled = Arc::default();
        Self { snapshots, logs, failed: Arc::new(failed), is_cancelled, running: None }
    }

    /// Whether a task is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.is_finished())
    }

    /// Begins a task. None is under way.
    pub(super) fn start(&mut self, task: Task) -> Result<(), StorageError> {
        self.wait();
        let (snapshots, logs) = (self.snapshots.clone(), self.logs.clone());
        let (failed, is_cancelled) = (Arc::clone(&self.failed), Arc::clone(&self.is_cancelled));
        let name = "snapshot".to_owned();
        let running = std::thread::Builder::new().name(name).spawn(move || {
            let done = match task {
                Task::Snapshot(tree, base) => {
                    snapshot::write(&snapshots, *tree, base, &is_cancelled).map(drop)
                }
                Task::Purge(retained) => purge::purge(&snapshots, &logs, retained),
            };
            if let Err(error) = done {
                failed(error);
            }
        });
        let running = running.map_err(StorageError::io("start a thread for", &self.snapshots))?;
        self.running = Some(running);
        Ok(())
    }

    /// Ends what is under way, before files change that it reads or writes: a purge is finished, a
    /// snapshot is in place or not there.
    pub(super) fn stop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        self.wait();
        self.is_cancelled.store(false, Ordering::Relaxed);
    }

    /// Waits for the end of what is under way.
    pub(super) fn wait(&mut self) {
        if let Some(running) = self.running.take() {
            // A panic of the thread has been printed by it.
            let _ = running.join();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}
