//! Words about clients: connections, sessions, watches.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use zab_wire::OpCode;

use crate::client::{Mode, Service};

/// Every connection, and what it was last about.
pub(super) fn cons(service: &Service) -> String {
    let mut text = String::new();
    for entry in service.roster().all() {
        let (stats, now) = (entry.stats.now(), entry.now());
        let is_open = u8::from(now.session != 0);
        // Writing to a string does not fail, here and below.
        let _ = write!(
            text,
            " /{}[{is_open}](queued={},recved={},sent={}",
            entry.address, stats.outstanding, stats.received, stats.sent
        );
        if now.session != 0 {
            let _ = write!(
                text,
                ",sid=0x{:x},lop={},est={},to={},lcxid=0x{:x},lzxid=0x{:x},lresp={},\
                 minlat={},avglat={:.0},maxlat={}",
                now.session,
                short(now.op),
                entry.established_ms,
                now.timeout_ms,
                now.xid,
                now.zxid,
                now.answer_ms,
                stats.latency_min_ms,
                stats.latency_avg_ms,
                stats.latency_max_ms
            );
        }
        text.push_str(")\n");
    }
    text.push('\n');
    text
}

/// The name of an operation as ZooKeeper shortens it.
pub(crate) fn short(op: i32) -> String {
    match OpCode::from_number(op) {
        Some(OpCode::Notification) | None => "NA".to_owned(),
        Some(code) => format!("{code:?}").to_uppercase().chars().take(4).collect(),
    }
}

/// Sessions, their ephemeral nodes, and connections.
pub(super) fn dump(service: &Service, mode: Mode) -> String {
    let mut text = "SessionTracker dump:\n".to_owned();
    if !mode.leads() {
        let sessions: Vec<(i64, i32)> = service.read(|tree| tree.sessions().collect());
        let _ = writeln!(text, "Global Sessions({}):", sessions.len());
        for (session, timeout_ms) in sessions {
            let _ = writeln!(text, "0x{session:x}\t{timeout_ms}ms");
        }
    } else {
        let sessions = service.expiring();
        let _ = writeln!(text, "Sessions ({}):", sessions.len());
        for (milliseconds, session) in sessions {
            let _ = writeln!(text, "0x{session:x}\texpires in {milliseconds}ms");
        }
    }
    service.read(|tree| {
        let _ = writeln!(text, "ephemeral nodes dump:");
        let _ = writeln!(text, "Sessions with Ephemerals ({}):", tree.ephemerals().count());
        for (session, paths) in tree.ephemerals() {
            let _ = writeln!(text, "0x{session:x}:");
            for path in paths {
                let _ = writeln!(text, "\t{path}");
            }
        }
    });
    let connections = service.roster().all();
    let _ = writeln!(text, "Connections dump:\nConnections ({}):", connections.len());
    for entry in connections {
        let _ = writeln!(text, "\tip: /{} sessionId: 0x{:x}", entry.address, entry.now().session);
    }
    text
}

/// How many watches there are.
pub(super) fn wchs(service: &Service) -> String {
    let count = service.watches().count();
    format!(
        "{} connections watching {} paths\nTotal watches:{}\n",
        count.connections, count.paths, count.watches
    )
}

/// Watched paths by session.
pub(super) fn wchc(service: &Service) -> String {
    let mut by_session: BTreeMap<i64, Vec<Arc<str>>> = BTreeMap::new();
    for (path, sessions) in service.watches().by_path() {
        for session in sessions {
            by_session.entry(session).or_default().push(Arc::clone(&path));
        }
    }
    let mut text = String::new();
    for (session, paths) in by_session {
        let _ = writeln!(text, "0x{session:x}");
        for path in paths {
            let _ = writeln!(text, "\t{path}");
        }
    }
    text.push('\n');
    text
}

/// Sessions by watched path.
pub(super) fn wchp(service: &Service) -> String {
    let mut text = String::new();
    for (path, sessions) in service.watches().by_path() {
        let _ = writeln!(text, "{path}");
        for session in sessions {
            let _ = writeln!(text, "\t0x{session:x}");
        }
    }
    text.push('\n');
    text
}
