//! The clients of a run. What they ask for and are told is marked in the capture.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use zab_trace::ServerId;

use super::run::{PAUSE, Run};
use crate::client::{Client, ClientError};
use crate::error::RecordError;

/// How many writes are under way at once where there are many.
const UNDER_WAY: usize = 100;

/// How long the answers of many writes may take.
const ANSWERS_MAX: Duration = Duration::from_secs(60);

/// What is known of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has succeeded.
    Written,
    /// There is no answer yet.
    NotYet,
    /// There will be none: its connection has ended.
    Never,
}

/// A write whose answer has not come yet.
pub(super) struct Pending<'a> {
    client: Client<'a>,
    xid: i32,
    pub(super) path: String,
}

impl<'a> Run<'a> {
    /// Makes a call until it succeeds: at this server if it can answer, and then at the others in
    /// turn.
    fn call<T>(
        &mut self,
        server: ServerId,
        mut attempt: impl FnMut(&mut Self, SocketAddr) -> Result<T, ClientError>,
    ) -> Result<T, RecordError> {
        let begin = Instant::now();
        for number in 0.. {
            let homes = self.homes.range(server..).chain(self.homes.range(..server));
            let able: Vec<SocketAddr> =
                homes.filter(|(id, _)| self.runs(**id)).map(|(_, home)| home.client).collect();
            let next = able.get(number % able.len().max(1)).copied();
            match attempt(self, next.ok_or(RecordError::NobodyRuns)?) {
                Ok(answer) => return Ok(answer),
                Err(error) if begin.elapsed() >= self.recording.wait_max => {
                    return Err(error.into());
                }
                Err(_) => {}
            }
            self.check()?;
            thread::sleep(PAUSE);
        }
        Err(RecordError::NobodyRuns)
    }

    fn next_path(&mut self) -> String {
        self.attempts += 1;
        format!("/n{}", self.attempts)
    }

    /// Creates `count` nodes, each acknowledged before the next, through this server as long as it
    /// answers. What gets no answer is tried again under a new path.
    pub(super) fn write(&mut self, server: ServerId, count: usize) -> Result<(), RecordError> {
        let stop = self.stop;
        let mut session: Option<Client<'a>> = None;
        for _ in 0..count {
            let path = self.call(server, |run, address| {
                let path = run.next_path();
                let mut client = match session.take() {
                    Some(client) => client,
                    None => Client::connect(address, stop)?,
                };
                run.mark("invoke", json!({ "op": "create", "path": path }));
                client.create(&path, b"")?;
                run.mark("return", json!({ "op": "create", "path": path }));
                session = Some(client);
                Ok(path)
            })?;
            self.written.push(path);
        }
        Ok(())
    }

    /// The same for many, of which some are under way at once. Returns when all are acknowledged.
    pub(super) fn write_many(&mut self, server: ServerId, count: usize) -> Result<(), RecordError> {
        let mut left = count;
        while left > 0 {
            let some = left.min(UNDER_WAY);
            let mut client = self.session(server)?;
            let mut last = 0;
            let mut paths = Vec::with_capacity(some);
            for _ in 0..some {
                let path = self.next_path();
                last = client.send_create(&path, b"")?;
                paths.push(path);
            }
            // Answers come in the order of the requests.
            if !client.is_answered(last, ANSWERS_MAX)? {
                let what = "answer to many writes".to_owned();
                return Err(RecordError::NoPacket { what, waited: ANSWERS_MAX });
            }
            for path in &paths {
                self.mark("return", json!({ "op": "create", "path": path }));
            }
            self.written.extend(paths);
            left -= some;
        }
        Ok(())
    }

    /// A session at exactly this server.
    pub(super) fn session(&mut self, server: ServerId) -> Result<Client<'a>, RecordError> {
        let address = self.home(server)?.client;
        let stop = self.stop;
        self.call(server, |_, _| Client::connect(address, stop))
    }

    /// Sends a write and does not wait for its answer.
    pub(super) fn send_write(
        &mut self,
        mut client: Client<'a>,
    ) -> Result<Pending<'a>, RecordError> {
        let path = self.next_path();
        self.mark("invoke", json!({ "op": "create", "path": path }));
        let xid = client.send_create(&path, b"")?;
        Ok(Pending { client, xid, path })
    }

    /// What a client is told of a write within this time.
    pub(super) fn answer(
        &mut self,
        pending: &mut Pending<'a>,
        wait: Duration,
    ) -> Result<Answer, RecordError> {
        let answer = match pending.client.is_answered(pending.xid, wait) {
            Ok(true) => Answer::Written,
            Ok(false) => Answer::NotYet,
            Err(_) => Answer::Never,
        };
        if answer == Answer::Written {
            self.mark("return", json!({ "op": "create", "path": pending.path }));
            self.written.push(pending.path.clone());
        }
        self.check()?;
        Ok(answer)
    }

    /// Asks a server that has no quorum for a write. Nobody may say that it is done.
    pub(super) fn refuse(&mut self, server: ServerId) -> Result<(), RecordError> {
        let address = self.home(server)?.client;
        let path = self.next_path();
        self.mark("invoke", json!({ "op": "create", "path": path }));
        let asked =
            Client::connect(address, self.stop).and_then(|mut client| client.create(&path, b""));
        if asked.is_ok() {
            return Err(RecordError::NotRefused { server, path });
        }
        self.refused.push(path);
        self.check()
    }

    /// These servers have nothing of what was refused.
    pub(super) fn find_refused(&mut self, servers: &[ServerId]) -> Result<(), RecordError> {
        let refused = self.refused.clone();
        for server in servers {
            let (stop, address) = (self.stop, self.home(*server)?.client);
            let found = self.call(*server, |_, _| {
                let mut client = Client::connect(address, stop)?;
                for path in &refused {
                    if client.get(path)?.is_some() {
                        return Ok(Some(path.clone()));
                    }
                }
                Ok(None)
            })?;
            if let Some(path) = found {
                return Err(RecordError::NotGone { server: *server, path });
            }
        }
        Ok(())
    }

    /// Reads every acknowledged write from these servers, and marks those that are not there.
    pub(super) fn read_back(&mut self, servers: &[ServerId]) -> Result<(), RecordError> {
        let written = self.written.clone();
        let mut lost = Vec::new();
        for server in servers {
            self.await_serving(*server)?;
            let stop = self.stop;
            let address = self.home(*server)?.client;
            let missing = self.call(*server, |_, _| {
                let mut client = Client::connect(address, stop)?;
                let mut missing = Vec::new();
                for path in &written {
                    if client.get(path)?.is_none() {
                        missing.push(path.clone());
                    }
                }
                Ok(missing)
            })?;
            let found = written.len() - missing.len();
            self.mark(
                "read_all",
                json!({ "sid": server, "found": found, "missing": missing.len() }),
            );
            for path in &missing {
                self.mark("read", json!({ "sid": server, "path": path, "found": false }));
            }
            if let Some(path) = written.last().filter(|path| !missing.contains(*path)) {
                self.mark("read", json!({ "sid": server, "path": path, "found": true }));
            }
            lost.extend(missing);
        }
        lost.sort();
        lost.dedup();
        self.lost = lost.len();
        Ok(())
    }
}
