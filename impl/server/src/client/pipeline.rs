//! The order of one session's requests.
//!
//! The zxids that a client is told never fall. A write's is its own, a sync's the last before
//! anything that was asked for later, a read's that of the tree; an event comes between the answers
//! to what was done before it and after it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::Instant;
use zab_wire::client::{AuthPacket, SyncRecord};
use zab_wire::quorum::ForwardedRequest;
use zab_wire::{ErrorCode, Record as _};

use super::answers::{Answers, Stopped, WRITE_AT};
use super::connection::Gone;
use super::limits::Tally;
use super::reads;
use super::requests::{Class, Request};
use super::roster::Entry;
use super::service::{Outcome, Service, State, Submission, Submitted, now_ms};
use crate::auth;

/// Most requests of one connection that are not answered yet. While they are so many, nothing
/// more is read from it.
const PIPELINE_MAX: usize = 1000;

/// Most states that are kept for one connection.
const KEPT_MAX: usize = 8;

/// The requests of one connection that are not answered yet.
///
/// Requests are answered in the order in which they came: those of `early`, those in `flying`, those
/// in `waiting`. A read waits for the session's writes before it, so that it sees them. A write does not
/// wait for the reads before it, although they must not see it: they are answered from the state
/// right after the write before them, which is kept for them (ZooKeeper's `CommitProcessor` applies
/// nothing meanwhile). Only a read that sets a watch, or a `sync`, holds up the writes after it.
pub(super) struct Pipeline<'a> {
    answers: Answers<'a>,
    session: reads::Session,
    entry: Arc<Entry>,
    early: Option<Early>,
    flying: VecDeque<Flying>,
    waiting: VecDeque<(Instant, Request)>,
    /// How many of `flying` have reads behind them, and whether there is `early`.
    kept: usize,
    counted: Counted,
    /// The client has ended its session: nothing after that is read.
    closing: bool,
}

/// What the counters are to be told.
struct Counted {
    /// How many requests are not answered: to be subtracted when the pipeline is dropped.
    unanswered: usize,
    /// Since the last [`Pipeline::tell`].
    tally: Tally,
    /// The operation and the client's number of the last request that was answered since then.
    last: Option<(i32, i32)>,
    /// When what came last came.
    now: Instant,
}

impl Counted {
    fn came(&mut self) {
        self.tally.request();
        self.unanswered += 1;
    }

    fn answered(&mut self, since: Instant, op: i32, xid: i32) {
        self.tally.reply(self.now.saturating_duration_since(since));
        self.unanswered -= 1;
        self.last = Some((op, xid));
    }
}

/// A request that was submitted and is not answered yet.
struct Flying {
    since: Instant,
    op: i32,
    xid: i32,
    awaited: Awaited,
    /// Reads that came right after it, if a write that came after them is on its way already.
    behind: VecDeque<(Instant, Request)>,
}

/// Reads that a later write does not wait for.
struct Early {
    state: Box<State>,
    reads: VecDeque<(Instant, Request)>,
}

enum Awaited {
    Write { cxid: i32, outcome: oneshot::Receiver<Outcome> },
    Sync { path: String, done: oneshot::Receiver<i64> },
}

/// What a connection waits for, besides its client.
pub(super) enum Happened {
    /// An event of the transaction with this zxid is queued.
    Event(i64),
    Settled(Settled),
}

/// What the first submission came to. It is still in the pipeline.
pub(super) enum Settled {
    Write(Outcome),
    /// Up to this zxid.
    Sync(i64),
}

impl From<Stopped> for Gone {
    fn from(_: Stopped) -> Self {
        Self
    }
}

impl<'a> Pipeline<'a> {
    /// An empty pipeline. The output of `answers` is what is to be sent before any answer.
    pub(super) fn new(answers: Answers<'a>, session: reads::Session, entry: Arc<Entry>) -> Self {
        Self {
            answers,
            session,
            entry,
            early: None,
            flying: VecDeque::new(),
            waiting: VecDeque::new(),
            kept: 0,
            counted: Counted {
                unanswered: 0,
                tally: Tally::default(),
                last: None,
                now: Instant::now(),
            },
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
        !self.closing && self.counted.unanswered < PIPELINE_MAX
    }

    /// Whether all that came is answered.
    pub(super) fn is_empty(&self) -> bool {
        self.counted.unanswered == 0
    }

    /// Whether something that came needs the leader, and is not answered.
    fn waits_for_leader(&self) -> bool {
        let needs_leader = |(_, request): &(Instant, Request)| request.class().needs_leader();
        !self.flying.is_empty() || self.waiting.iter().any(needs_leader)
    }

    /// Whether nothing is left to be done: the client ended its session, and all is answered.
    pub(super) fn is_finished(&self) -> bool {
        self.closing && self.is_empty()
    }

    /// Something has come: it is this late.
    pub(super) fn begin(&mut self) {
        self.counted.now = Instant::now();
    }

    /// Queues a request behind those before it, for [`Self::advance`]; some are answered at once.
    pub(super) async fn take_up(&mut self, request: Request) -> Result<(), Gone> {
        let since = self.counted.now;
        self.counted.came();
        self.closing |= request.ends_session();
        match request.class() {
            Class::Ping if self.waits_for_leader() => {
                self.answers.ping(request.xid);
                self.counted.answered(since, request.op, request.xid);
                return Ok(());
            }
            Class::Auth => {
                // What came before it came from somebody who is less.
                self.advance().await?;
                self.authenticate(since, &request);
                return Ok(());
            }
            Class::Ping | Class::Local | Class::Write | Class::Sync => {}
        }
        self.waiting.push_back((since, request));
        Ok(())
    }

    /// Tells the counters what was done: before the client is told, and before anything is waited for.
    pub(super) fn tell(&mut self) {
        if self.counted.tally.is_empty() {
            return;
        }
        let tally = std::mem::take(&mut self.counted.tally);
        self.answers.service.stats().add(&tally);
        self.entry.stats.add(&tally);
        if let Some((op, xid)) = self.counted.last.take() {
            self.entry.answered(op, xid, self.answers.last_zxid, now_ms());
        }
    }

    /// Waits for an event that the client is to be told, or for what the first submission comes
    /// to. May be dropped while it waits.
    pub(super) async fn happened(&mut self) -> Result<Happened, Gone> {
        let settled = async {
            match self.flying.front_mut().map(|first| &mut first.awaited) {
                Some(Awaited::Write { outcome, .. }) => {
                    outcome.await.map(Settled::Write).map_err(|_| Gone)
                }
                Some(Awaited::Sync { done, .. }) => done.await.map(Settled::Sync).map_err(|_| Gone),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.answers.watching.ready() => event.map(Happened::Event).ok_or(Gone),
            settled = settled => settled.map(Happened::Settled),
        }
    }

    /// Tells the client of it, as far as there is room: there is some.
    pub(super) fn take(&mut self, happened: Happened) -> Result<(), Gone> {
        self.begin();
        let (mut settled, event) = match happened {
            // What was done before it is answered before it.
            Happened::Event(zxid) if self.answer_early() => (self.try_settled()?, Some(zxid)),
            Happened::Event(_) => (None, None),
            Happened::Settled(first) => (Some(first), None),
        };
        while let Some(next) = settled {
            self.answer_first(next)?;
            settled = if self.answer_early() { self.try_settled()? } else { None };
        }
        // Those that are not answered yet may be of what was done before.
        if let Some(zxid) = event.filter(|_| self.early.is_none()) {
            self.answers.events(zxid);
            if self.is_empty() {
                // No answer can have its place between those that are queued.
                self.answers.more_events();
            }
        }
        Ok(())
    }

    /// The client says who it is. If it is not, the connection ends
    /// (`ZooKeeperServer.processPacket`).
    fn authenticate(&mut self, since: Instant, request: &Request) {
        let code = match self.identify(request) {
            Ok(()) => ErrorCode::Ok,
            Err(code) => {
                self.closing = true;
                code
            }
        };
        self.answers.auth(request.xid, code);
        self.counted.answered(since, request.op, request.xid);
    }

    fn identify(&mut self, request: &Request) -> Result<(), ErrorCode> {
        let packet = AuthPacket::from_bytes(&request.payload);
        let AuthPacket { scheme, auth: secret, .. } = packet.map_err(|_| ErrorCode::AuthFailed)?;
        let secret = secret.unwrap_or_default();
        let digest = self.answers.service.limits().super_digest.as_deref();
        let address = self.entry.address.ip();
        let found = auth::authenticate(&scheme, &secret, address, digest);
        let mut ids = self.session.ids.to_vec();
        for id in found.ok_or(ErrorCode::AuthFailed)? {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        if ids.len() > auth::IDENTITIES_MAX {
            return Err(ErrorCode::AuthFailed);
        }
        self.session.ids = ids.into();
        self.answers.watching.identify(Arc::clone(&self.session.ids));
        Ok(())
    }

    /// What the first submission came to, if it has.
    fn try_settled(&mut self) -> Result<Option<Settled>, Gone> {
        let tried = match self.flying.front_mut().map(|first| &mut first.awaited) {
            Some(Awaited::Write { outcome, .. }) => outcome.try_recv().map(Settled::Write),
            Some(Awaited::Sync { done, .. }) => done.try_recv().map(Settled::Sync),
            None => Err(TryRecvError::Empty),
        };
        match tried {
            Ok(settled) => Ok(Some(settled)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Closed) => Err(Gone),
        }
    }

    fn answer_first(&mut self, settled: Settled) -> Result<(), Gone> {
        let Some(Flying { since, op, xid, awaited, behind }) = self.flying.pop_front() else {
            return Ok(());
        };
        match (settled, awaited) {
            (Settled::Write(mut outcome), Awaited::Write { .. }) => {
                let state = outcome.state.take();
                if outcome.result == Err(ErrorCode::SessionMoved.number()) {
                    // The client is at another server; what it is told here means nothing
                    // (`FinalRequestProcessor`).
                    return Err(Gone);
                }
                self.answers.write(xid, op, outcome);
                self.early = state.map(|state| Early { state, reads: behind });
            }
            (Settled::Sync(zxid), Awaited::Sync { path, .. }) => self.answers.sync(xid, path, zxid),
            (Settled::Write(_), Awaited::Sync { .. })
            | (Settled::Sync(_), Awaited::Write { .. }) => {
                unreachable!("what settled is the first of the queue, and is taken at once")
            }
        }
        self.counted.answered(since, op, xid);
        Ok(())
    }

    /// Answers reads that a later write did not wait for, until there is much to be sent. Whether
    /// none is left.
    fn answer_early(&mut self) -> bool {
        let Self { answers, session, early, counted, .. } = self;
        let Some(Early { state, reads }) = early else { return true };
        while answers.output.len() < WRITE_AT {
            let Some((since, request)) = reads.pop_front() else {
                *early = None;
                self.kept -= 1;
                return true;
            };
            answers.kept(session, &state.tree, &request);
            counted.answered(since, request.op, request.xid);
        }
        false
    }

    /// Lets the next write go before the reads in front of it: those will be answered from the
    /// state right after the write before them. `false`: it has to wait.
    fn overtake(&mut self) -> bool {
        if self.kept == KEPT_MAX {
            return false;
        }
        let Some(Flying { awaited: Awaited::Write { cxid, .. }, behind, .. }) =
            self.flying.back_mut()
        else {
            return false;
        };
        let is_read = |(_, request): &&(Instant, Request)| !request.class().needs_leader();
        let reads = self.waiting.iter().take_while(is_read).count();
        let overtakes = reads < self.waiting.len()
            && self.waiting.iter().take(reads).all(|(_, request)| request.is_pure())
            && self.answers.service.keep_state(self.session.id, *cxid);
        if overtakes {
            behind.extend(self.waiting.drain(..reads));
            self.kept += 1;
        }
        overtakes
    }

    /// Answers and submits what waits, as far as that may be done now, and until there is much to be
    /// sent.
    pub(super) async fn advance(&mut self) -> Result<(), Gone> {
        self.answer_early();
        while let Some((_, next)) = self.waiting.front() {
            let class = next.class();
            if !class.needs_leader() {
                if self.flying.is_empty() && self.early.is_none() {
                    if self.answers.output.len() >= WRITE_AT {
                        break;
                    }
                    self.answer_waiting()?;
                } else if !self.overtake() {
                    break;
                }
                continue;
            }
            let Some((since, request)) = self.waiting.pop_front() else { break };
            if class == Class::Sync {
                self.submit_sync(since, request).await?;
            } else {
                self.submit_write(since, request).await?;
            }
        }
        Ok(())
    }

    /// Answers what waits first, and what can be answered with it.
    fn answer_waiting(&mut self) -> Result<(), Gone> {
        let Self { answers, session, waiting, counted, .. } = self;
        answers.local(session, || {
            waiting.front().filter(|(_, next)| !next.class().needs_leader())?;
            let (since, request) = waiting.pop_front()?;
            counted.answered(since, request.op, request.xid);
            Some(request)
        })?;
        Ok(())
    }

    async fn submit_write(&mut self, since: Instant, request: Request) -> Result<(), Gone> {
        let Request { xid, op, payload, room } = request;
        let auth = Arc::clone(&self.session.ids);
        let (service, serving) = (self.answers.service, self.answers.serving);
        let write = (self.session.id, op, payload);
        let submitted = service.write(serving, write, auth, Some(room)).await;
        let Submitted { cxid, outcome } = submitted.ok_or(Gone)?;
        let awaited = Awaited::Write { cxid, outcome };
        self.flying.push_back(Flying { since, op, xid, awaited, behind: VecDeque::new() });
        Ok(())
    }

    async fn submit_sync(&mut self, since: Instant, request: Request) -> Result<(), Gone> {
        let SyncRecord { path } = SyncRecord::from_bytes(&request.payload).map_err(|_| Gone)?;
        let (told, done) = oneshot::channel();
        let auth = Arc::clone(&self.session.ids);
        let Request { xid, op, payload, .. } = request;
        let request = ForwardedRequest { session: self.session.id, cxid: xid, op, payload };
        let submission = Submission::Sync { request, auth, done: told };
        let (service, serving) = (self.answers.service, self.answers.serving);
        if !service.submit(serving, submission).await {
            return Err(Gone);
        }
        let awaited = Awaited::Sync { path, done };
        self.flying.push_back(Flying { since, op, xid, awaited, behind: VecDeque::new() });
        Ok(())
    }
}

impl Drop for Pipeline<'_> {
    fn drop(&mut self) {
        self.tell();
        self.answers.service.stats().given_up(self.counted.unanswered);
    }
}
