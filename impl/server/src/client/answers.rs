//! The bytes that answer requests, and those of events.

use bytes::{Bytes, BytesMut};
use zab_wire::client::{
    Create2Response, CreateResponse, MultiResponse, OpResult, ReplyHeader, STATE_CONNECTED,
    StatResponse, SyncRecord, WatcherEvent, XID_NOTIFICATION,
};
use zab_wire::{ErrorCode, OpCode, Record, frame};

use super::reads;
use super::requests::Request;
use super::service::{Outcome, Service, Serving};
use super::watches::{Event, Watching};
use crate::mutant::Mutant;
use crate::tree::{Change, PartOutcome, Tree};

/// Bytes of answers that are collected before they are written.
pub(super) const WRITE_AT: usize = 64 * 1024;

/// Most requests that are answered in one look at the tree: nothing is applied meanwhile.
const TOGETHER_MAX: usize = 64;

/// Where answers come from and go to.
pub(super) struct Answers<'a> {
    pub(super) service: &'a Service,
    pub(super) serving: Serving,
    /// Whole frames, to be sent.
    pub(super) output: BytesMut,
    pub(super) watching: Watching,
    /// The zxid of the last answer.
    pub(super) last_zxid: i64,
    /// The largest zxid of an answer or event: the client has seen what was done until then.
    pub(super) seen_zxid: i64,
}

/// Serving has stopped: what is in the tree now is not for clients.
pub(super) struct Stopped;

impl Answers<'_> {
    /// Answers requests from this server's tree, all from the same state, as long as `next` gives
    /// one; perhaps not all that it has.
    pub(super) fn local(
        &mut self,
        session: &reads::Session,
        mut next: impl FnMut() -> Option<Request>,
    ) -> Result<(), Stopped> {
        let Self { service, serving, output, watching, .. } = self;
        // The zxid must be that of the very tree that was read; and events of what happened until
        // then, and no others, go before the answer: a later one may be of a watch that the
        // client sets with this very request. While the tree is looked at nothing happens.
        let read = |tree: &Tree| {
            while let Some(event) = watching.try_next() {
                put_event(output, &event);
            }
            let zxid = tree.last_zxid();
            for _ in 0..TOGETHER_MAX {
                let Some(request) = next() else { break };
                let answer = reads::read(tree, session, watching, &request, output);
                put(output, request.xid, zxid, answer.map_err(ErrorCode::number));
                if output.len() >= WRITE_AT {
                    break;
                }
            }
            zxid
        };
        let zxid = service.look(*serving, read).ok_or(Stopped)?;
        self.told(zxid);
        Ok(())
    }

    /// Answers a request from a state that was kept. The client has been told of all that happened
    /// until then.
    pub(super) fn kept(&mut self, session: &reads::Session, tree: &Tree, request: &Request) {
        let answer = reads::read(tree, session, &self.watching, request, &mut self.output);
        self.put(request.xid, tree.last_zxid(), answer.map_err(ErrorCode::number));
    }

    /// Answers a write, with its own zxid.
    pub(super) fn write(&mut self, xid: i32, op: i32, mut outcome: Outcome) {
        if Mutant::AnswerOfLater.is_on() {
            outcome.zxid = self.service.read(Tree::last_zxid);
        }
        let answer = outcome.result.map(|change| match change {
            Change::Created { path, .. } if op == OpCode::Create.number() => {
                CreateResponse { path }.to_bytes()
            }
            Change::Created { path, stat } => Create2Response { path, stat }.to_bytes(),
            Change::Replaced { stat } => StatResponse { stat }.to_bytes(),
            Change::Several(parts) => {
                MultiResponse { results: parts.into_iter().map(result).collect() }.to_bytes()
            }
            Change::Deleted
            | Change::SessionCreated { .. }
            | Change::SessionClosed
            | Change::Compared => Bytes::new(),
        });
        self.applied(xid, outcome.zxid, answer);
    }

    /// Answers a `sync` of this path, which has brought this server to this zxid.
    pub(super) fn sync(&mut self, xid: i32, path: String, zxid: i64) {
        self.applied(xid, zxid, Ok(SyncRecord { path }.to_bytes()));
    }

    /// Answers a ping while something that the client asked for before is on its way. What is in
    /// the tree by now may be later than that.
    pub(super) fn ping(&mut self, xid: i32) {
        self.put(xid, self.seen_zxid, Ok(Bytes::new()));
    }

    /// Answers what is not read from the tree: as at the moment when this zxid was applied, however
    /// much has been applied since (`FinalRequestProcessor`, which answers a write before the next
    /// is applied).
    fn applied(&mut self, xid: i32, zxid: i64, answer: Result<Bytes, i32>) {
        self.events(zxid);
        self.put(xid, zxid, answer);
    }

    /// Tells of the events that transactions up to this one have caused.
    pub(super) fn events(&mut self, zxid: i64) {
        while let Some(event) = self.watching.try_next_until(zxid) {
            self.event(&event);
        }
    }

    /// Tells of the events that are queued, until there is much to be sent.
    pub(super) fn more_events(&mut self) {
        while self.output.len() < WRITE_AT
            && let Some(event) = self.watching.try_next()
        {
            self.event(&event);
        }
    }

    fn event(&mut self, event: &Event) {
        self.seen_zxid = self.seen_zxid.max(event.zxid);
        put_event(&mut self.output, event);
    }

    /// Answers an authentication. Its answer has no zxid (`ZooKeeperServer.processPacket`).
    pub(super) fn auth(&mut self, xid: i32, code: ErrorCode) {
        let answer = code.into_result().map(|()| Bytes::new());
        self.put(xid, 0, answer.map_err(ErrorCode::number));
    }

    /// Appends a reply.
    fn put(&mut self, xid: i32, zxid: i64, answer: Result<Bytes, i32>) {
        put(&mut self.output, xid, zxid, answer);
        self.told(zxid);
    }

    /// The client has been told this zxid with an answer.
    fn told(&mut self, zxid: i64) {
        self.last_zxid = zxid;
        self.seen_zxid = self.seen_zxid.max(zxid);
    }
}

/// Appends a reply's frame. What follows the header of a failure is nothing.
fn put(output: &mut BytesMut, xid: i32, zxid: i64, answer: Result<Bytes, i32>) {
    let (err, body) = match answer {
        Ok(body) => (0, body),
        Err(number) => (number, Bytes::new()),
    };
    frame::put(output, |out| {
        ReplyHeader { xid, zxid, err }.encode(out);
        out.extend_from_slice(&body);
    });
}

/// Appends an event's frame. Its zxid is that of the transaction, as since ZooKeeper 3.9; before,
/// it was −1.
pub(super) fn put_event(output: &mut BytesMut, event: &Event) {
    frame::put(output, |out| {
        ReplyHeader { xid: XID_NOTIFICATION, zxid: event.zxid, err: 0 }.encode(out);
        let path = event.path.to_string();
        WatcherEvent { kind: event.kind as i32, state: STATE_CONNECTED, path }.encode(out);
    });
}

/// What a client is told of a part of a `multi`.
fn result(part: PartOutcome) -> OpResult {
    let code = OpCode::from_number(part.kind).unwrap_or(OpCode::Error);
    match part.outcome {
        Ok(Change::Created { path, .. }) if code == OpCode::Create => OpResult::Created(path),
        Ok(Change::Created { path, stat }) => {
            OpResult::CreatedWithStat(code, Create2Response { path, stat })
        }
        Ok(Change::Replaced { stat }) => OpResult::Replaced(stat),
        Ok(
            Change::Deleted
            | Change::Compared
            | Change::SessionCreated { .. }
            | Change::SessionClosed
            | Change::Several(_),
        ) => OpResult::Done(code),
        Err(number) => OpResult::Error(number),
    }
}
