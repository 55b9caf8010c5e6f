//! At the leader: from a client's request to the transaction that every server will apply.
//! Source: `PrepRequestProcessor`.
//!
//! A request is checked against the tree as it will be when everything proposed before it is
//! applied: the tree, and over it a record for each node and session that an outstanding
//! transaction changes. A request that fails the check becomes a transaction too, with the error
//! as its body: it has a place in the order like any other, and every server can answer its client.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use zab_wire::quorum::ForwardedRequest;
use zab_wire::{
    Acl, ErrorCode, Id, MAX_SERVER_BUFFER, OpCode, Record, StatPersisted, Txn, TxnBody, TxnDigest,
    TxnHeader,
};

use super::{Tree, digest, length_of, path};
use crate::mutant::Mutant;

/// The id of the server whose client made a request.
pub type Origin = u64;

/// The origin of what no client asks for: the end of sessions that expired, and the deletion of
/// nodes whose time is over. No server has this id.
pub const ENSEMBLE: Origin = 0;

/// A request, and who makes it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The request.
    pub request: &'a ForwardedRequest,
    /// Who the client is.
    pub auth: &'a [Id],
    /// Which server it is connected to.
    pub origin: Origin,
}

/// What the configuration of a leader says about requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Nodes may have a time to live (`extendedTypesEnabled`).
    pub extended_types: bool,
    /// Transactions carry the digest of the tree after them (`digest.enabled`).
    pub digests: bool,
    /// Hard limits of quotas are kept (`enforceQuota`).
    pub enforce_quota: bool,
}

/// A leader's view of what is proposed and not yet applied. Lives as long as one leadership.
#[derive(Debug, Default)]
pub struct Preparer {
    pub(super) rules: Rules,
    /// Of the transaction that is being prepared.
    pub(super) stamp: Stamp,
    /// When it was said last that a quota is exceeded, by the leader's clock.
    pub(super) quota_said: Cell<Option<i64>>,
    /// The digest that the tree will have when all that is outstanding is applied.
    digest: i64,
    /// What outstanding transactions change, in the order of their zxids.
    pub(super) outstanding: VecDeque<Outstanding>,
    /// The latest outstanding state of each node that changes; `None`: it will be deleted.
    pub(super) nodes: HashMap<String, (i64, Option<Pending>)>,
    /// The latest outstanding state of each session that changes: its timeout in milliseconds;
    /// `None`: it will be closed.
    pub(super) sessions: HashMap<i64, (i64, Option<i32>)>,
    /// Which server each session's client is connected to, as far as it was heard of.
    pub(super) owners: HashMap<i64, Origin>,
}

/// Which nodes and which session a transaction changes.
#[derive(Debug)]
pub(super) struct Outstanding {
    zxid: i64,
    paths: Vec<String>,
    session: Option<i64>,
}

/// What the next request must know of a node.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// As it will be stored.
    pub(super) stat: StatPersisted,
    /// [`digest::content`] of its path and data.
    pub(super) content: u32,
    /// Bytes of its data.
    pub(super) length: usize,
    pub(super) children: usize,
    pub(super) acl: Arc<[Acl]>,
}

/// Which transaction, and when.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stamp {
    pub(super) zxid: i64,
    /// The leader's clock.
    pub(super) time_ms: i64,
}

/// A transaction's body, and what it will change.
pub(crate) struct Prepared {
    pub(super) body: TxnBody,
    pub(super) nodes: Vec<(String, Option<Pending>)>,
    pub(super) session: Option<Option<i32>>,
}

impl Prepared {
    pub(super) fn nodes(body: TxnBody, nodes: Vec<(String, Option<Pending>)>) -> Self {
        Self { body, nodes, session: None }
    }
}

impl Preparer {
    /// Nothing is outstanding.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Makes a request into the bytes of the transaction with this zxid.
    ///
    /// `tree` must hold everything that was prepared before and then given to [`Self::applied`],
    /// and from the first call on the leader's whole initial history. `time_ms` is the leader's
    /// clock, in milliseconds since 1970. Whatever the request holds, there is a transaction for
    /// it: one with an error, if need be.
    pub fn prepare(&mut self, tree: &Tree, asked: &Asked<'_>, zxid: i64, time_ms: i64) -> Bytes {
        let request = asked.request;
        let ForwardedRequest { session, cxid, .. } = *request;
        let header = |kind| TxnHeader { session, cxid, zxid, time: time_ms, kind };
        let refuse = |error: ErrorCode| {
            let (header, body) = (header(OpCode::Error.number()), TxnBody::Error(error.number()));
            Txn { header, body, digest: None }.to_bytes()
        };
        self.stamp = Stamp { zxid, time_ms };
        if self.outstanding.is_empty() {
            self.digest = tree.digest();
        }
        let prepared = match self.check(tree, asked, zxid) {
            Ok(prepared) => prepared,
            Err(error) => return refuse(error),
        };
        let mut digest = self.digest_after(tree, &prepared.nodes);
        if Mutant::DigestOfBefore.is_on() {
            digest = self.digest;
        }
        let came =
            self.rules.digests.then_some(TxnDigest { version: digest::VERSION, tree: digest });
        let encode = |body| Txn { header: header(request.op), body, digest: came }.to_bytes();
        let mut bytes = encode(prepared.body);
        if bytes.len() > MAX_SERVER_BUFFER {
            if prepared.session != Some(None) {
                return refuse(ErrorCode::MarshallingError);
            }
            // The list is a help; every server knows the nodes of a session.
            bytes = encode(TxnBody::CloseSession(None));
        }
        self.digest = digest;
        self.record(zxid, session, prepared.nodes, prepared.session);
        bytes
    }

    /// The digest when these nodes have changed, too (`PrepRequestProcessor.precalculateDigest`).
    fn digest_after(&self, tree: &Tree, nodes: &[(String, Option<Pending>)]) -> i64 {
        let share = |path: &str, state: &Pending| digest::of(path, state.content, &state.stat);
        // A part of a `multi` may change what an earlier part has changed.
        let mut changed: HashMap<&str, i64> = HashMap::new();
        let mut sum = self.digest;
        for (path, state) in nodes {
            let path = path::normal(path);
            let before = changed
                .get(path)
                .copied()
                .unwrap_or_else(|| self.node(tree, path).map_or(0, |state| share(path, &state)));
            let after = state.as_ref().map_or(0, |state| share(path, state));
            sum = sum.wrapping_sub(before).wrapping_add(after);
            changed.insert(path, after);
        }
        sum
    }

    /// Everything up to this zxid is in the tree now.
    pub fn applied(&mut self, zxid: i64) {
        while self.outstanding.front().is_some_and(|first| first.zxid <= zxid) {
            let Some(done) = self.outstanding.pop_front() else { break };
            for path in done.paths {
                if self.nodes.get(&path).is_some_and(|(latest, _)| *latest <= zxid) {
                    self.nodes.remove(&path);
                }
            }
            if let Some(session) = done.session
                && let Some((latest, state)) = self.sessions.get(&session)
                && *latest <= zxid
            {
                if state.is_none() {
                    self.owners.remove(&session);
                }
                self.sessions.remove(&session);
            }
        }
    }

    /// A client wants to go on with its session at another server. From now on requests of the
    /// session that still come from the server before are refused with
    /// [`ErrorCode::SessionMoved`]. `false`: there is no such session.
    pub fn revalidate(&mut self, tree: &Tree, session: i64, origin: Origin) -> bool {
        let lives = self.session_lives(tree, session);
        if lives {
            self.owners.insert(session, origin);
        }
        lives
    }

    fn record(
        &mut self,
        zxid: i64,
        session: i64,
        nodes: Vec<(String, Option<Pending>)>,
        change: Option<Option<i32>>,
    ) {
        let paths = nodes.iter().map(|(path, _)| path.clone()).collect();
        self.nodes.extend(nodes.into_iter().map(|(path, state)| (path, (zxid, state))));
        if let Some(state) = change {
            self.sessions.insert(session, (zxid, state));
        }
        let session = change.map(|_| session);
        self.outstanding.push_back(Outstanding { zxid, paths, session });
    }

    fn check(&mut self, tree: &Tree, asked: &Asked<'_>, zxid: i64) -> Result<Prepared, ErrorCode> {
        let Asked { request, origin, .. } = *asked;
        let op = request.op_code().ok_or(ErrorCode::Unimplemented)?;
        if op == OpCode::CreateSession {
            let timeout_ms = decode(&request.payload)?;
            return self.create_session(tree, request.session, timeout_ms, origin);
        }
        if op == OpCode::DeleteContainer && origin == ENSEMBLE {
            let path = std::str::from_utf8(&request.payload);
            return self.delete_container(tree, path.map_err(|_| ErrorCode::MarshallingError)?);
        }
        if !self.session_lives(tree, request.session) {
            return Err(ErrorCode::SessionExpired);
        }
        if origin != ENSEMBLE {
            self.check_owner(request.session, origin)?;
        }
        self.check_op(tree, asked, op, zxid)
    }

    /// A session is used by the server that created it, or was last told that it lives, and by no
    /// other: whoever asks in the name of another server must not close its clients' sessions.
    pub(super) fn check_owner(&self, session: i64, origin: Origin) -> Result<(), ErrorCode> {
        match self.owners.get(&session) {
            Some(owner) if *owner == origin => Ok(()),
            Some(_) | None => Err(ErrorCode::SessionMoved),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "operations of clients, not of the protocol"
    )]
    fn check_op(
        &mut self,
        tree: &Tree,
        asked: &Asked<'_>,
        op: OpCode,
        zxid: i64,
    ) -> Result<Prepared, ErrorCode> {
        let request = asked.request;
        match op {
            OpCode::CloseSession => Ok(self.close_session(tree, request.session)),
            OpCode::Create | OpCode::Create2 | OpCode::CreateContainer => {
                self.create(tree, asked, op, decode(&request.payload)?)
            }
            OpCode::CreateTtl => self.create_ttl(tree, asked, decode(&request.payload)?),
            OpCode::Delete => self.delete(tree, asked, decode(&request.payload)?),
            OpCode::SetData => self.set_data(tree, asked, decode(&request.payload)?),
            OpCode::SetAcl => self.set_acl(tree, asked, decode(&request.payload)?),
            OpCode::Multi => self.multi(tree, asked, decode(&request.payload)?, zxid),
            OpCode::Reconfig => Err(ErrorCode::ReconfigDisabled),
            _ => Err(ErrorCode::Unimplemented),
        }
    }

    pub(super) fn session_lives(&self, tree: &Tree, session: i64) -> bool {
        match self.sessions.get(&session) {
            Some((_, state)) => state.is_some(),
            None => tree.session_timeout_ms(session).is_some(),
        }
    }

    /// The node as it will be.
    pub(super) fn node(&self, tree: &Tree, path: &str) -> Result<Pending, ErrorCode> {
        let path = path::normal(path);
        if let Some((_, state)) = self.nodes.get(path) {
            return state.clone().ok_or(ErrorCode::NoNode);
        }
        let node = tree.node(path)?;
        Ok(Pending {
            stat: node.stat,
            content: node.content,
            length: length_of(&node.data),
            children: node.children.len(),
            acl: tree.acl(node),
        })
    }
}

fn decode<T: Record>(payload: &[u8]) -> Result<T, ErrorCode> {
    T::from_bytes(payload).map_err(|_| ErrorCode::MarshallingError)
}
