//! A server's traces with the crate `zab-trace`: `cargo run -p zab-trace --example emit -- FOLDER`
//!
//! The same two servers as in `traces/emitters`: they start, look for a leader, and stop.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::{env, io};

use zab_trace::{
    ConnectionName, Contract, Epoch, Event, EventKind, Header, Implementation, Message, Packet,
    Recovered, Role, ServerId, Source, Writer, Zxid,
};

/// The trace of one life of one server. It may be used from any thread.
struct Emitter {
    server: ServerId,
    incarnation: u32,
    inner: Mutex<Inner>,
}

struct Inner {
    writer: Writer<File>,
    seq: u64,
    /// The next ordinal of each direction of each connection: sent, received.
    ordinals: HashMap<(bool, ConnectionName), u64>,
}

impl Emitter {
    fn new(folder: &Path, server: ServerId, incarnation: u32) -> io::Result<Self> {
        let implementation = Implementation { name: "example".to_owned(), version: "1".to_owned() };
        let header = Header {
            contract: Contract { state: false, ..Contract::full() },
            ..Header::new(Source::Server, implementation, vec![1, 2])
        };
        let file = File::create_new(folder.join(format!("server-{server}-{incarnation}.ndjson")))?;
        let writer = Writer::new(file, &header)?;
        let inner = Mutex::new(Inner { writer, seq: 0, ordinals: HashMap::new() });
        Ok(Self { server, incarnation, inner })
    }

    /// When it has happened. The line is written before this returns.
    fn event(&self, kind: EventKind) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.write(self, kind)
    }

    /// Before the bytes go to the socket.
    fn sent(&self, link: &ConnectionName, peer: ServerId, message: Message) -> io::Result<()> {
        self.message(true, link, peer, message)
    }

    /// When the message is decoded, before anything that it causes.
    fn received(&self, link: &ConnectionName, peer: ServerId, message: Message) -> io::Result<()> {
        self.message(false, link, peer, message)
    }

    fn message(
        &self,
        is_sent: bool,
        connection: &ConnectionName,
        peer: ServerId,
        message: Message,
    ) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let next = inner.ordinals.entry((is_sent, connection.clone())).or_default();
        let packet = Packet { connection: connection.clone(), ordinal: *next, peer, message };
        *next += 1;
        let kind = if is_sent { EventKind::Sent(packet) } else { EventKind::Received(packet) };
        inner.write(self, kind)
    }
}

impl Inner {
    fn write(&mut self, of: &Emitter, kind: EventKind) -> io::Result<()> {
        self.writer.write(&Event::new(of.server, of.incarnation, self.seq, kind))?;
        self.seq += 1;
        Ok(())
    }
}

fn vote(leader: ServerId) -> Message {
    let zxid = Zxid { epoch: Epoch::default(), counter: 0 };
    Message::Notification { role: Role::Looking, leader, zxid, round: 1, peer_epoch: zxid.epoch }
}

/// Writes the traces of both servers.
pub(crate) fn emit(folder: &Path) -> io::Result<()> {
    let [one, two] = [Emitter::new(folder, 1, 1)?, Emitter::new(folder, 2, 1)?];
    let link = ConnectionName::new("10.0.0.2:40001", "10.0.0.1:3888");
    for server in [&one, &two] {
        let recovered = Recovered { log_length: Some(0), ..Recovered::default() };
        server.event(EventKind::Start { recovered })?;
        server.event(EventKind::Looking { round: 1 })?;
    }
    one.sent(&link, 2, vote(1))?;
    two.sent(&link, 1, vote(2))?;
    two.received(&link, 1, vote(1))?;
    [&one, &two].iter().try_for_each(|server| server.event(EventKind::Stop))
}

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1);
    let folder = folder.ok_or_else(|| io::Error::other("usage: emit FOLDER"))?;
    emit(Path::new(&folder))
}
