//! The trace of this process: a file that gets every line before what it announces happens.

use std::fs::File;
use std::path::{Path, PathBuf};

use zab_core::{Observer, ServerId};
use zab_trace::{Event, Header, Implementation, Source, Writer};

use crate::config::Config;

/// Writes what an [`Observer`] sees, or is silent: then the observer is not even asked.
#[derive(Debug)]
pub(crate) struct Trace(Option<Tracer>);

/// What an [`Observer`] sees, and the file that it is written to.
#[derive(Debug)]
struct Tracer {
    observer: Observer,
    writer: Writer<File>,
    path: PathBuf,
}

/// The trace cannot be written. With tracing on, a server stops rather than act untraced.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the trace {}: {source}", path.display())]
pub struct TraceError {
    path: PathBuf,
    source: std::io::Error,
}

/// The greatest incarnation of this server that has a file in `directory`; 0 if there is none.
///
/// A server whose data directory was replaced counts its lives from 1 again. Its trace must not:
/// a life has one number, and one file.
pub(crate) fn last_incarnation(directory: &Path, id: ServerId) -> u32 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let prefix = format!("server-{id}-");
    let lives = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.strip_prefix(&prefix)?.strip_suffix(".ndjson")?.parse().ok()
    });
    lives.max().unwrap_or(0)
}

impl Trace {
    /// No trace is asked for.
    pub(crate) const SILENT: Self = Self(None);

    /// Starts the file `server-<id>-<incarnation>.ndjson` in `directory`, which is created if
    /// need be. An existing file is not overwritten.
    pub(crate) fn create(
        directory: &Path,
        config: &Config,
        incarnation: u32,
    ) -> Result<Self, TraceError> {
        let path = directory.join(format!("server-{}-{incarnation}.ndjson", config.id));
        let implementation = Implementation {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut header = Header::new(Source::Server, implementation, config.ids());
        header.window = u32::try_from(config.window).unwrap_or(u32::MAX);
        let created = std::fs::create_dir_all(directory)
            .and_then(|()| File::create_new(&path))
            .and_then(|file| Writer::new(file, &header));
        match created {
            Ok(writer) => {
                let observer = Observer::new(config.id, incarnation);
                Ok(Self(Some(Tracer { observer, writer, path })))
            }
            Err(source) => Err(TraceError { path, source }),
        }
    }

    /// Tells the observer something that makes no line.
    pub(crate) fn tell(&mut self, tell: impl FnOnce(&mut Observer)) {
        if let Some(tracer) = &mut self.0 {
            tell(&mut tracer.observer);
        }
    }

    /// Writes the lines that the observer makes, each with one write(2).
    pub(crate) fn write<E: IntoIterator<Item = Event>>(
        &mut self,
        lines: impl FnOnce(&mut Observer) -> E,
    ) -> Result<(), TraceError> {
        let Some(Tracer { observer, writer, path }) = &mut self.0 else { return Ok(()) };
        for event in lines(observer) {
            writer.write(&event).map_err(|source| TraceError { path: path.clone(), source })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_incarnation_is_that_of_the_own_trace_with_the_greatest_number() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(last_incarnation(&dir.path().join("none"), 1), 0);
        assert_eq!(last_incarnation(dir.path(), 1), 0);
        let others = ["server-11-40", "server-2-41", "server-1-x", "server-1-42.txt", "harness"];
        for name in ["server-1-9", "server-1-10", "server-1-2"].iter().chain(&others) {
            std::fs::write(dir.path().join(format!("{name}.ndjson")), "").unwrap();
        }
        assert_eq!(last_incarnation(dir.path(), 1), 10);
        assert_eq!(last_incarnation(dir.path(), 3), 0);
    }
}
