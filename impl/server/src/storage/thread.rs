//! The thread that writes the log, so that appending never waits for the disk.
//!
//! All appends that are queued when a sync begins become durable by that one sync, as in
//! ZooKeeper's `SyncRequestProcessor`.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use zab_core::Txn;

use super::StorageError;
use super::log::Log;
use crate::zxid::Zxid;

/// What the thread reports: the log is durable up to here, or never will be.
pub(crate) type Completion = Result<Zxid, StorageError>;

type Reply = SyncSender<Result<(), StorageError>>;

enum Command {
    Append(Vec<Txn>),
    /// [`Log::roll`].
    Roll,
    /// Answer when everything before it is durable.
    Sync(Reply),
    /// [`Log::truncate`].
    Truncate(Zxid, Reply),
    /// [`Log::restart`].
    Restart(Zxid, Reply),
}

/// The owner's end of the thread. Dropping it ends the thread, after what is queued is durable.
#[derive(Debug)]
pub(crate) struct LogThread {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl LogThread {
    /// Starts the thread. `report` is called, on the thread, after each sync that made appends
    /// durable, and for the error that ended the thread; after that nothing is written any more.
    pub(crate) fn start(
        log: Log,
        report: impl Fn(Completion) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (commands, queue) = channel();
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            if let Err(error) = run(log, &queue, &report) {
                report(Err(error));
            }
        })?;
        Ok(Self { commands: Some(commands), thread: Some(thread) })
    }

    /// Queues transactions behind what is queued already.
    pub(crate) fn append(&self, txns: Vec<Txn>) {
        // If the thread has ended it has reported why, which ends the process.
        let _ = self.commands.as_ref().map(|commands| commands.send(Command::Append(txns)));
    }

    /// Ends the log file behind what is queued already.
    pub(crate) fn roll(&self) {
        // As in `append`.
        let _ = self.commands.as_ref().map(|commands| commands.send(Command::Roll));
    }

    /// Waits until everything that was queued is durable.
    pub(crate) fn sync(&self) -> Result<(), StorageError> {
        self.ask(Command::Sync)
    }

    /// Durably cuts the log after `keep`.
    pub(crate) fn truncate(&self, keep: Zxid) -> Result<(), StorageError> {
        self.ask(|reply| Command::Truncate(keep, reply))
    }

    /// Durably removes the whole log; it goes on after `base`.
    pub(crate) fn restart(&self, base: Zxid) -> Result<(), StorageError> {
        self.ask(|reply| Command::Restart(base, reply))
    }

    fn ask(&self, command: impl FnOnce(Reply) -> Command) -> Result<(), StorageError> {
        let (reply, answer) = sync_channel(1);
        self.commands
            .as_ref()
            .and_then(|commands| commands.send(command(reply)).ok())
            .and_then(|()| answer.recv().ok())
            .unwrap_or(Err(StorageError::LogEnded))
    }
}

impl Drop for LogThread {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed by it, and there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

fn run(
    mut log: Log,
    queue: &Receiver<Command>,
    report: &impl Fn(Completion),
) -> Result<(), StorageError> {
    while let Ok(command) = queue.recv() {
        let mut next = Some(command);
        let mut appended = None;
        while let Some(Command::Append(txns)) = next {
            for txn in txns {
                log.append(txn.zxid, &txn.payload)?;
                appended = Some(txn.zxid);
            }
            next = queue.try_recv().ok();
        }
        log.sync()?;
        if let Some(zxid) = appended {
            report(Ok(zxid));
        }
        let (result, reply) = match next {
            None | Some(Command::Append(_)) => continue,
            Some(Command::Roll) => {
                log.roll()?;
                continue;
            }
            Some(Command::Sync(reply)) => (Ok(()), reply),
            Some(Command::Truncate(keep, reply)) => (log.truncate(keep), reply),
            Some(Command::Restart(base, reply)) => (log.restart(base), reply),
        };
        let failed = result.is_err();
        // The asker waits for the answer, unless it is gone together with the process.
        let _ = reply.send(result);
        if failed {
            return Err(StorageError::LogEnded);
        }
    }
    Ok(())
}
