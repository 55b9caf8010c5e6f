//! The clients of a scenario. A call that fails is made again, on a new session and with the next
//! server: a leader is killed, a server loses its quorum, a session is lost, and the scenario goes
//! on.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use zab_trace::ServerId;

use super::Ensemble;
use crate::client::{Client, ClientError};
use crate::error::RecordError;
use crate::seen;

/// The pause before a call is made again.
const PAUSE: Duration = Duration::from_millis(10);

impl<'a> Ensemble<'a> {
    /// Makes a call until it succeeds. The servers to call are this one, if it can answer, and
    /// then the others; each attempt goes to the next.
    fn call<T>(
        &mut self,
        server: ServerId,
        mut attempt: impl FnMut(&mut Self, SocketAddr) -> Result<T, ClientError>,
    ) -> Result<T, RecordError> {
        let begin = Instant::now();
        for number in 0.. {
            let members = self.members.range(server..).chain(self.members.range(..server));
            let able = members.filter(|(_, member)| member.process.is_some() && !member.frozen);
            let able: Vec<SocketAddr> = able.map(|(_, member)| member.client).collect();
            let next = able.get(number % able.len().max(1)).copied();
            let address = next.ok_or(RecordError::NobodyRuns)?;
            match attempt(self, address) {
                Ok(answer) => return Ok(answer),
                Err(error) if begin.elapsed() >= self.wait_max => return Err(error.into()),
                Err(error) => self.harness.note(format_args!("client: {error}")),
            }
            self.watch()?;
            thread::sleep(PAUSE);
        }
        Err(RecordError::NobodyRuns)
    }

    /// Creates `count` nodes, each acknowledged before the next: through this server as long as it
    /// answers. A write whose answer does not come is tried again on a new session, with another
    /// server; and under a new path, so that an attempt that did take place does no harm.
    pub(crate) fn write(&mut self, server: ServerId, count: usize) -> Result<(), RecordError> {
        let stop = self.stop;
        let mut session: Option<Client<'a>> = None;
        for _ in 0..count {
            let path = self.call(server, |ensemble, address| {
                ensemble.attempts += 1;
                let path = format!("/n{}", ensemble.attempts);
                let mut client = match session.take() {
                    Some(client) => client,
                    None => Client::connect(address, stop)?,
                };
                client.create(&path, path.as_bytes())?;
                session = Some(client);
                Ok(path)
            })?;
            self.acknowledged.push((path.clone(), path));
        }
        Ok(())
    }

    /// Cuts a leader off, and hands it one write in the moment before it notices that it is alone.
    /// Whether its log holds that write, which nobody else has. It does not if the leader noticed
    /// first; nobody can say which comes first.
    pub(crate) fn write_after_cut(&mut self, leader: ServerId) -> Result<bool, RecordError> {
        let address = self.member(leader)?.client;
        let stop = self.stop;
        let mut session = self.call(leader, |_, _| Client::connect(address, stop))?;
        let before = seen::times_looking(&self.events(leader)?);
        self.cut(leader)?;
        // The connection ends when the leader notices.
        let _ = session.send_create("/lost", b"lost");
        self.await_events(leader, "write in the log, or end of its lead", |events| {
            match seen::open_proposal(events) {
                Some(zxid) => seen::is_logged(events, zxid).then_some(true),
                None => (seen::times_looking(events) > before).then_some(false),
            }
        })
    }

    /// Asks a server that has no quorum for a write. Nobody may say that it is done.
    pub(super) fn refuse(&mut self, server: ServerId) -> Result<(), RecordError> {
        let address = self.member(server)?.client;
        self.attempts += 1;
        let path = format!("/n{}", self.attempts);
        let asked = Client::connect(address, self.stop)
            .and_then(|mut session| session.create(&path, path.as_bytes()));
        match asked {
            Ok(()) => Err(RecordError::NotRefused { server, path }),
            Err(error) => {
                self.harness.note(format_args!("client: not written, as expected: {error}"));
                self.refused.push(path);
                self.watch()
            }
        }
    }

    /// Reads every acknowledged write back from every server.
    pub(crate) fn read_back(&mut self) -> Result<(), RecordError> {
        self.read_back_from(&self.servers())
    }

    /// The same from these servers, which have nothing of what was refused.
    pub(super) fn read_back_from(&mut self, servers: &[ServerId]) -> Result<(), RecordError> {
        for server in servers.iter().copied() {
            self.await_serving(server)?;
            let address = self.member(server)?.client;
            let wrong = self.call(server, |ensemble, _| {
                let mut session = Client::connect(address, ensemble.stop)?;
                for (path, value) in &ensemble.acknowledged {
                    if session.get(path)?.as_deref() != Some(value.as_bytes()) {
                        return Ok(Some(RecordError::Lost { server, path: path.clone() }));
                    }
                }
                for path in &ensemble.refused {
                    if session.get(path)?.is_some() {
                        return Ok(Some(RecordError::NotGone { server, path: path.clone() }));
                    }
                }
                Ok(None)
            })?;
            if let Some(wrong) = wrong {
                return Err(wrong);
            }
        }
        Ok(())
    }
}
