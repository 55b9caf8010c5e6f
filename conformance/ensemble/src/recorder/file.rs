//! The file of a capture, written on a thread of its own: what passes does not wait for the disk.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use zab_capture::raw::{Event, Header, entry_line, header_line};

use super::lock;

/// A capture that is being written.
pub(super) struct File {
    start: Instant,
    /// Its lock orders the entries and their times.
    entries: Mutex<Option<Entries>>,
    failed: Arc<Mutex<Option<String>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What takes the entries, until the last one.
struct Entries {
    sender: Sender<(u64, Event)>,
    /// How many connections they have opened.
    opened: u64,
}

impl File {
    pub(super) fn create(path: &Path, header: &Header) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(256 * 1024, fs::File::create_new(path)?);
        file.write_all(header_line(header)?.as_bytes())?;
        file.flush()?;
        let (sender, waiting) = channel();
        let failed = Arc::new(Mutex::new(None));
        let failure = Arc::clone(&failed);
        let writer = thread::Builder::new().name("capture".to_owned()).spawn(move || {
            if let Err(error) = write(&mut file, &waiting) {
                // What was written is there; the rest of a half line is lost with the buffer.
                *lock(&failure) = Some(error.to_string());
                let _ = file.into_parts();
            }
        })?;
        Ok(Self {
            start: Instant::now(),
            entries: Mutex::new(Some(Entries { sender, opened: 0 })),
            failed,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Writes an entry after all that were written before.
    pub(super) fn write(&self, event: Event) {
        if let Some(entries) = lock(&self.entries).as_mut() {
            entries.opened += u64::from(matches!(event, Event::Open(_)));
            self.send(&entries.sender, event);
        }
    }

    /// The lock of the entries is held.
    fn send(&self, sender: &Sender<(u64, Event)>, event: Event) {
        let time = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // The writer is gone if it has failed, and then that is what is told.
        let _ = sender.send((time, event));
    }

    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.failed).clone()
    }

    /// Writes the last entry, with the number of connections: whoever reads the capture knows whether the
    /// last ones are there. No other thread writes one after it.
    pub(super) fn quit(&self) {
        let mut entries = lock(&self.entries);
        if let Some(Entries { sender, opened }) = entries.take() {
            self.send(&sender, Event::Quit { connections: Some(opened) });
        }
        drop(entries);
        self.end();
    }

    /// Waits until everything is written; nothing is after this.
    fn end(&self) {
        drop(lock(&self.entries).take());
        if let Some(writer) = lock(&self.writer).take()
            && writer.join().is_err()
        {
            *lock(&self.failed) = Some("the thread that writes the capture has failed".to_owned());
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.end();
    }
}

fn write(file: &mut impl Write, waiting: &Receiver<(u64, Event)>) -> io::Result<()> {
    loop {
        let (time, event) = match waiting.try_recv() {
            Ok(entry) => entry,
            Err(TryRecvError::Empty) => {
                file.flush()?;
                let Ok(entry) = waiting.recv() else { return Ok(()) };
                entry
            }
            Err(TryRecvError::Disconnected) => return file.flush(),
        };
        file.write_all(entry_line(time, &event)?.as_bytes())?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes.
    struct Disk(usize);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_last_entry_is_the_last_whoever_else_writes() {
        let folder = tempfile::TempDir::new().expect("a folder");
        for run in 0..200 {
            let path = folder.path().join(run.to_string());
            let header = Header {
                capture: 1,
                servers: vec![1],
                observers: Vec::new(),
                software: None,
                note: None,
            };
            let file = File::create(&path, &header).expect("a capture");
            thread::scope(|scope| {
                for connection in 1..=3 {
                    let file = &file;
                    scope.spawn(move || {
                        while lock(&file.entries).is_some() {
                            file.write(Event::Close { connection });
                        }
                    });
                }
                file.quit();
            });
            let text = fs::read_to_string(&path).expect("the capture");
            let last = text.lines().last().unwrap_or_default();
            assert!(last.contains("\"quit\""), "run {run}: {text}");
        }
    }

    #[test]
    fn a_full_disk_ends_the_writing() {
        let (sender, waiting) = channel();
        for time in 0..10 {
            sender.send((time, Event::Quit { connections: None })).expect("a receiver");
        }
        drop(sender);
        let error = write(&mut Disk(60), &waiting).expect_err("it is full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        // Three fit, the fourth is the one that failed.
        assert_eq!(waiting.try_iter().count(), 6);
    }
}
