//! The order of one session's requests.

use std::collections::VecDeque;
use std::net::IpAddr;

use bytes::BytesMut;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::Instant;
use zab_wire::Record as _;
use zab_wire::client::SyncRecord;
use zab_wire::quorum::ForwardedRequest;

use super::connection::Gone;
use super::handshake;
use super::requests::{Answers, Class, Request, Stopped};
use super::service::{Outcome, Service, Serving, Submission};

/// Most requests of one connection that are not answered yet. While they are so many, nothing
/// more is read from it.
const PIPELINE_MAX: usize = 1000;

/// The requests of one connection that are not answered yet.
///
/// Requests are answered in the order in which they came. Those in `flying` came before those in
/// `waiting`: a read waits for the session's writes before it, so that it sees them, and a write
/// waits for reads before it, so that they do not see it.
pub(super) struct Pipeline<'a> {
    answers: Answers<'a>,
    session: i64,
    address: IpAddr,
    flying: VecDeque<Flying>,
    waiting: VecDeque<(Instant, Request)>,
    /// How many to subtract from the counter of outstanding requests when this is dropped.
    unanswered: usize,
    /// The client has ended its session: nothing after that is read.
    closing: bool,
}

/// A request that was submitted and is not answered yet.
struct Flying {
    since: Instant,
    xid: i32,
    awaited: Awaited,
}

enum Awaited {
    Write { op: i32, outcome: oneshot::Receiver<Outcome> },
    Sync { path: String, done: oneshot::Receiver<()> },
}

/// What the first submission came to. It is still in the pipeline.
pub(super) enum Settled {
    Write(Outcome),
    Sync,
}

impl From<Stopped> for Gone {
    fn from(_: Stopped) -> Self {
        Self
    }
}

impl<'a> Pipeline<'a> {
    /// An empty pipeline; `output` is what is to be sent before any answer.
    pub(super) fn new(
        service: &'a Service,
        serving: Serving,
        session: i64,
        address: IpAddr,
        output: BytesMut,
    ) -> Self {
        Self {
            answers: Answers { service, serving, output },
            session,
            address,
            flying: VecDeque::new(),
            waiting: VecDeque::new(),
            unanswered: 0,
            closing: false,
        }
    }

    /// Whose pipeline it is.
    pub(super) fn service(&self) -> &'a Service {
        self.answers.service
    }

    /// Whole frames, to be sent and cleared.
    pub(super) fn output(&mut self) -> &mut BytesMut {
        &mut self.answers.output
    }

    /// Whether there is room for another request.
    pub(super) fn takes_more(&self) -> bool {
        !self.closing && self.flying.len() + self.waiting.len() < PIPELINE_MAX
    }

    /// Whether nothing is left to be done: the client ended its session, and all is answered.
    pub(super) fn is_finished(&self) -> bool {
        self.closing && self.flying.is_empty() && self.waiting.is_empty()
    }

    /// Answers a request, submits it, or lets it wait for those before it.
    pub(super) async fn take_up(&mut self, request: Request) -> Result<(), Gone> {
        let since = Instant::now();
        self.answers.service.stats().request();
        self.unanswered += 1;
        self.closing |= request.ends_connection();
        if request.class() == Class::Ping {
            return self.answer_local(since, &request);
        }
        self.waiting.push_back((since, request));
        self.advance().await
    }

    /// Waits for what the first submission comes to. May be dropped while it waits.
    pub(super) async fn settled(&mut self) -> Result<Settled, Gone> {
        match self.flying.front_mut().map(|first| &mut first.awaited) {
            Some(Awaited::Write { outcome, .. }) => {
                outcome.await.map(Settled::Write).map_err(|_| Gone)
            }
            Some(Awaited::Sync { done, .. }) => {
                done.await.map(|()| Settled::Sync).map_err(|_| Gone)
            }
            None => std::future::pending().await,
        }
    }

    /// Answers the first submission, and what else can be answered or submitted after that.
    pub(super) async fn settle(&mut self, first: Settled) -> Result<(), Gone> {
        let mut settled = Some(first);
        while let Some(next) = settled {
            self.answer_first(next)?;
            settled = self.try_settled()?;
        }
        self.advance().await
    }

    /// What the first submission came to, if it has.
    fn try_settled(&mut self) -> Result<Option<Settled>, Gone> {
        let tried = match self.flying.front_mut().map(|first| &mut first.awaited) {
            Some(Awaited::Write { outcome, .. }) => outcome.try_recv().map(Settled::Write),
            Some(Awaited::Sync { done, .. }) => done.try_recv().map(|()| Settled::Sync),
            None => Err(TryRecvError::Empty),
        };
        match tried {
            Ok(settled) => Ok(Some(settled)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Closed) => Err(Gone),
        }
    }

    fn answer_first(&mut self, settled: Settled) -> Result<(), Gone> {
        let Some(Flying { since, xid, awaited }) = self.flying.pop_front() else {
            return Ok(());
        };
        match (settled, awaited) {
            (Settled::Write(outcome), Awaited::Write { op, .. }) => {
                self.answers.write(xid, op, outcome)?;
            }
            (Settled::Sync, Awaited::Sync { path, .. }) => self.answers.sync(xid, path)?,
            (Settled::Write(_), Awaited::Sync { .. }) | (Settled::Sync, Awaited::Write { .. }) => {
                unreachable!("what settled is the first of the queue, and is taken at once")
            }
        }
        self.answered(since);
        Ok(())
    }

    /// Answers and submits what waits, as far as that may be done now.
    async fn advance(&mut self) -> Result<(), Gone> {
        while let Some((_, next)) = self.waiting.front() {
            if next.class() == Class::Local && !self.flying.is_empty() {
                break;
            }
            let Some((since, request)) = self.waiting.pop_front() else { break };
            match request.class() {
                Class::Local | Class::Ping => self.answer_local(since, &request)?,
                Class::Write => self.submit_write(since, request).await?,
                Class::Sync => self.submit_sync(since, request).await?,
            }
        }
        Ok(())
    }

    fn answer_local(&mut self, since: Instant, request: &Request) -> Result<(), Gone> {
        self.answers.local(request)?;
        self.answered(since);
        Ok(())
    }

    async fn submit_write(&mut self, since: Instant, request: Request) -> Result<(), Gone> {
        let Request { xid, op, payload, room } = request;
        let auth = handshake::identity(self.address);
        let Answers { service, serving, .. } = self.answers;
        let write = (self.session, op, payload);
        let submitted = service.write(serving, write, auth, Some(room)).await;
        let outcome = submitted.ok_or(Gone)?;
        let awaited = Awaited::Write { op, outcome };
        self.flying.push_back(Flying { since, xid, awaited });
        Ok(())
    }

    async fn submit_sync(&mut self, since: Instant, request: Request) -> Result<(), Gone> {
        let SyncRecord { path } = SyncRecord::from_bytes(&request.payload).map_err(|_| Gone)?;
        let (told, done) = oneshot::channel();
        let (xid, auth) = (request.xid, handshake::identity(self.address));
        let Request { op, payload, .. } = request;
        let request = ForwardedRequest { session: self.session, cxid: xid, op, payload };
        let submission = Submission::Sync { request, auth, done: told };
        let Answers { service, serving, .. } = self.answers;
        if !service.submit(serving, submission).await {
            return Err(Gone);
        }
        let awaited = Awaited::Sync { path, done };
        self.flying.push_back(Flying { since, xid, awaited });
        Ok(())
    }

    fn answered(&mut self, since: Instant) {
        self.unanswered -= 1;
        self.answers.service.stats().settled(1);
        self.answers.service.stats().reply(since.elapsed());
    }
}

impl Drop for Pipeline<'_> {
    fn drop(&mut self) {
        self.answers.service.stats().settled(self.unanswered);
    }
}
