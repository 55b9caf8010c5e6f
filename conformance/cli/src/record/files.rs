//! The files around a server: what it is configured with, and the trace that it writes.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use zab_capture::{Relay, Target};
use zab_trace::{Event, EventKind, Persisted, Port, Reader, ServerId, Zxid};

use super::scenario::Scenario;

/// `tickTime` of the servers, in milliseconds: short, so that failures are noticed soon.
const TICK_MS: u32 = 200;

/// `zoo.cfg` of one server: its own ports, and for the others the relay's. Its own host is the
/// wildcard, so that nobody is told an address that leads around the relay.
pub(super) fn config(
    own: &Target,
    client: SocketAddr,
    all: &[Target],
    relay: &Relay,
    scenario: &Scenario,
) -> String {
    let Scenario { window, sync_limit, .. } = scenario;
    let mut text = format!(
        "tickTime={TICK_MS}\ninitLimit=50\nsyncLimit={sync_limit}\ndataDir=data\nclientPort={}\n\
         clientPortAddress={}\nmaxSessionTimeout=60000\ncommitLogCount={window}\n\
         4lw.commands.whitelist=*\n",
        client.port(),
        client.ip(),
    );
    for other in all {
        let line = if other.server == own.server {
            format!("0.0.0.0:{}:{}", own.quorum.port(), own.election.port())
        } else {
            let port = |port| relay.port(own.server, other.server, port).unwrap_or_default();
            format!("127.0.0.1:{}:{}", port(Port::Quorum), port(Port::Election))
        };
        text.push_str(&format!("server.{}={line}\n", other.server));
    }
    text
}

fn trace(folder: &Path, server: ServerId, life: u32) -> PathBuf {
    folder.join(format!("server-{server}-{life}.ndjson"))
}

/// The newest life of a server that has a trace file; 0 if there is none. The server chooses the
/// number.
pub(super) fn newest_life(folder: &Path, server: ServerId) -> u32 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let prefix = format!("server-{server}-");
    let lives = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.strip_prefix(&prefix)?.strip_suffix(".ndjson")?.parse().ok()
    });
    lives.max().unwrap_or(0)
}

/// The events of a life that may still go on: up to the first line that is not whole.
pub(super) fn events(folder: &Path, server: ServerId, life: u32) -> Vec<Event> {
    let Ok(reader) = Reader::open(&trace(folder, server, life)) else { return Vec::new() };
    reader.map_while(Result::ok).map(|located| located.event).collect()
}

/// Drops a last line without its end: a kill can fall into a write(2), and what it left half done
/// is as if it had come a moment earlier. Removes the file if then no line follows the header: a
/// server that was killed so early has done nothing, and a file without events is no trace.
pub(super) fn drop_half_line(folder: &Path, server: ServerId, life: u32) -> io::Result<()> {
    let file = trace(folder, server, life);
    let content = fs::read(&file)?;
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if !content[..whole].windows(2).any(|pair| pair[0] == b'\n') {
        return fs::remove_file(file);
    }
    if whole == content.len() {
        return Ok(());
    }
    let file = fs::OpenOptions::new().write(true).open(file)?;
    file.set_len(u64::try_from(whole).map_err(io::Error::other)?)
}

/// The last transaction that a server proposed, if it has not committed it.
pub(super) fn open_proposal(events: &[Event]) -> Option<Zxid> {
    let last = events.iter().rev().find_map(|event| {
        let EventKind::Proposed { zxid, .. } = event.kind else { return None };
        Some(zxid)
    })?;
    let committed = events.iter().any(|event| event.kind == EventKind::Committed { zxid: last });
    (!committed).then_some(last)
}

/// Whether a server's log holds this transaction, durably.
pub(super) fn is_logged(events: &[Event], zxid: Zxid) -> bool {
    let logged = EventKind::Persisted(Persisted::Log(zxid));
    events.iter().any(|event| event.kind == logged)
}

/// How often a server has looked for a leader.
pub(super) fn times_looking(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.kind, EventKind::Looking { .. })).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_half_of_a_line_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = trace(folder.path(), 1, 2);
        for (content, expected) in
            [("a\nb\nc", "a\nb\n"), ("a\nb\n", "a\nb\n"), ("a\nb\nc\n", "a\nb\nc\n")]
        {
            fs::write(&file, content).expect("written");
            drop_half_line(folder.path(), 1, 2).expect("mended");
            assert_eq!(fs::read_to_string(&file).expect("read"), expected);
        }
    }

    #[test]
    fn a_file_without_a_whole_event_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = trace(folder.path(), 1, 2);
        for content in ["", "head", "head\n", "head\nhalf an event"] {
            fs::write(&file, content).expect("written");
            drop_half_line(folder.path(), 1, 2).expect("mended");
            assert!(!file.exists(), "{content:?}");
        }
    }

    #[test]
    fn the_newest_life_is_that_of_the_greatest_number() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(newest_life(folder.path(), 1), 0);
        for name in ["server-1-9", "server-1-10", "server-11-12", "server-1-x", "server-1-3"] {
            fs::write(folder.path().join(format!("{name}.ndjson")), "").expect("written");
        }
        fs::write(folder.path().join("server-1-99"), "").expect("written");
        assert_eq!(newest_life(folder.path(), 1), 10);
        assert_eq!(newest_life(folder.path(), 11), 12);
    }
}
