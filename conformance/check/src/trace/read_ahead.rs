//! Reads a long file on a thread of its own: lines are parsed while earlier ones are checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// A shorter file is read without a thread, which would cost more than it saves.
const LINES_BEFORE: usize = 1_024;

/// How many lines go from thread to thread at once.
const BATCH_LINES: usize = 256;

/// How many batches of one file are ready and not yet taken, at most.
const BATCHES_AHEAD: usize = 2;

/// How many more threads the files of one trace may use.
#[derive(Clone, Debug)]
pub(crate) struct Threads(Arc<AtomicUsize>);

impl Default for Threads {
    /// One for each core beside the one that checks.
    fn default() -> Self {
        Self::new(thread::available_parallelism().map_or(1, usize::from) - 1)
    }
}

impl Threads {
    fn new(count: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(count)))
    }

    /// Takes one, if one is left; it is given back when the result is dropped.
    fn take(&self) -> Option<Taken> {
        let less = |left: usize| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        Some(Taken(Arc::clone(&self.0)))
    }
}

/// A thread of [`Threads`] that is in use.
struct Taken(Arc<AtomicUsize>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The lines of a file, the same ones in the same order as without a thread. Memory is bounded by
/// the lines of four batches.
pub(crate) struct ReadAhead<I: Iterator> {
    threads: Threads,
    taken: usize,
    source: Source<I>,
}

enum Source<I: Iterator> {
    Here(I),
    Thread {
        batches: Receiver<Vec<I::Item>>,
        batch: std::vec::IntoIter<I::Item>,
        thread: JoinHandle<()>,
    },
    End,
}

impl<I: Iterator<Item: Send> + Send + 'static> ReadAhead<I> {
    pub(crate) const fn new(lines: I, threads: Threads) -> Self {
        Self { threads, taken: 0, source: Source::Here(lines) }
    }

    /// Gives the rest of the file to a thread, if there is one left and the system starts it.
    fn start(&mut self) {
        let Some(taken) = self.threads.take() else { return };
        let (give, given) = sync_channel::<I>(1);
        let (sender, batches) = sync_channel(BATCHES_AHEAD);
        let started = thread::Builder::new().name("trace".to_owned()).spawn(move || {
            let _taken = taken;
            given.into_iter().for_each(|lines| send(lines, &sender));
        });
        let Ok(thread) = started else { return };
        let thread = Source::Thread { batches, batch: Vec::new().into_iter(), thread };
        if let Source::Here(lines) = std::mem::replace(&mut self.source, thread) {
            // The thread waits for it, and there is room for one.
            let _ = give.send(lines);
        }
    }

    /// The next line of the thread. When the thread has panicked, so does the caller: a file must
    /// not end early without a word.
    fn receive(&mut self) -> Option<I::Item> {
        let Source::Thread { batches, batch, .. } = &mut self.source else { return None };
        if let Some(line) = batch.next() {
            return Some(line);
        }
        if let Ok(next) = batches.recv() {
            *batch = next.into_iter();
            return batch.next();
        }
        if let Source::Thread { thread, .. } = std::mem::replace(&mut self.source, Source::End)
            && let Err(panic) = thread.join()
        {
            std::panic::resume_unwind(panic);
        }
        None
    }
}

/// Sends all lines, until the end or until nobody wants more.
fn send<I: Iterator>(mut lines: I, sender: &SyncSender<Vec<I::Item>>) {
    loop {
        let batch: Vec<_> = lines.by_ref().take(BATCH_LINES).collect();
        if batch.is_empty() || sender.send(batch).is_err() {
            return;
        }
    }
}

impl<I: Iterator<Item: Send> + Send + 'static> Iterator for ReadAhead<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let Source::Here(lines) = &mut self.source else { return self.receive() };
        let line = lines.next();
        self.taken += 1;
        if self.taken == LINES_BEFORE {
            self.start();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use super::*;

    #[test]
    fn the_lines_and_their_order_stay() {
        for count in [0, 1, LINES_BEFORE - 1, LINES_BEFORE, LINES_BEFORE + 1, 10 * LINES_BEFORE] {
            for threads in [0, 1] {
                let lines = ReadAhead::new(0..count, Threads::new(threads));
                assert!(lines.eq(0..count), "{count} lines, {threads} threads");
            }
        }
    }

    #[test]
    fn a_long_file_uses_a_thread_and_gives_it_back() {
        let threads = Threads::new(1);
        let mut first = ReadAhead::new(0.., threads.clone());
        assert_eq!(first.nth(LINES_BEFORE), Some(LINES_BEFORE));
        assert!(matches!(first.source, Source::Thread { .. }));
        let mut second = ReadAhead::new(0.., threads.clone());
        assert_eq!(second.nth(LINES_BEFORE), Some(LINES_BEFORE));
        assert!(matches!(second.source, Source::Here(_)), "there is no second thread");
        // The thread notices that nobody reads.
        let Source::Thread { batches, thread, .. } = first.source else { unreachable!() };
        drop(batches);
        thread.join().unwrap();
        assert!(threads.take().is_some());
    }

    #[test]
    fn a_panic_is_no_end() {
        let lines = (0..4 * LINES_BEFORE).inspect(|line| assert!(*line < 2 * LINES_BEFORE));
        let lines = ReadAhead::new(lines, Threads::new(1));
        let count = std::panic::catch_unwind(AssertUnwindSafe(|| lines.count()));
        assert!(count.is_err(), "{count:?}");
    }
}
