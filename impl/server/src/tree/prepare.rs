//! At the leader: from a client's request to the transaction that every server will apply.
//! Source: `PrepRequestProcessor`.
//!
//! A request is checked against the tree as it will be when everything proposed before it is
//! applied: the tree, and over it a record for each node and session that an outstanding
//! transaction changes. A request that fails the check becomes a transaction too, with the error
//! as its body: it has a place in the order like any other, and every server can answer its client.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use zab_wire::client::{CreateRequest, DeleteRequest, SetDataRequest};
use zab_wire::quorum::ForwardedRequest;
use zab_wire::txn::{CreateTxn, DeleteTxn, SetDataTxn};
use zab_wire::{Acl, ErrorCode, MAX_SERVER_BUFFER, OpCode, Record, Txn, TxnBody, TxnHeader};

use super::acl::{self, Permission};
use super::{Tree, owner_is_session, path};

/// The id of the server whose client made a request.
pub type Origin = u64;

/// Nodes of ZooKeeper itself, which stay.
const SPECIAL: [&str; 4] = ["", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"];

/// A leader's view of what is proposed and not yet applied. Lives as long as one leadership.
#[derive(Debug, Default)]
pub struct Preparer {
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
    version: i32,
    /// Created children, as it is stored.
    cversion: i32,
    children: usize,
    ephemeral_owner: i64,
    acl: Arc<[Acl]>,
}

/// A transaction's body, and what it will change.
struct Prepared {
    body: TxnBody,
    nodes: Vec<(String, Option<Pending>)>,
    session: Option<Option<i32>>,
}

impl Prepared {
    fn nodes(body: TxnBody, nodes: Vec<(String, Option<Pending>)>) -> Self {
        Self { body, nodes, session: None }
    }
}

impl Preparer {
    /// Makes a request into the bytes of the transaction with this zxid.
    ///
    /// `tree` must hold everything that was prepared before and then given to [`Self::applied`],
    /// and from the first call on the leader's whole initial history. `time` is the leader's
    /// clock, in milliseconds since 1970. Whatever the request holds, there is a transaction for
    /// it: one with an error, if need be.
    pub fn prepare(
        &mut self,
        tree: &Tree,
        request: &ForwardedRequest,
        origin: Origin,
        zxid: i64,
        time: i64,
    ) -> Bytes {
        let ForwardedRequest { session, cxid, .. } = *request;
        let encode = |kind, body| {
            let header = TxnHeader { session, cxid, zxid, time, kind };
            Txn { header, body, digest: None }.to_bytes()
        };
        let refuse =
            |error: ErrorCode| encode(OpCode::Error.number(), TxnBody::Error(error.number()));
        let prepared = match self.check(tree, request, origin) {
            Ok(prepared) => prepared,
            Err(error) => return refuse(error),
        };
        let mut bytes = encode(request.op, prepared.body);
        if bytes.len() > MAX_SERVER_BUFFER {
            if prepared.session != Some(None) {
                return refuse(ErrorCode::MarshallingError);
            }
            // The list is a help; every server knows the nodes of a session.
            bytes = encode(request.op, TxnBody::CloseSession(None));
        }
        self.record(zxid, session, prepared.nodes, prepared.session);
        bytes
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

    fn check(
        &mut self,
        tree: &Tree,
        request: &ForwardedRequest,
        origin: Origin,
    ) -> Result<Prepared, ErrorCode> {
        let op = request.op_code().ok_or(ErrorCode::Unimplemented)?;
        if op == OpCode::CreateSession {
            let timeout = decode(&request.payload)?;
            if self.session_lives(tree, request.session) {
                self.check_owner(request.session, origin)?;
            }
            self.owners.insert(request.session, origin);
            let body = TxnBody::CreateSession(timeout);
            return Ok(Prepared { body, nodes: Vec::new(), session: Some(Some(timeout)) });
        }
        if !self.session_lives(tree, request.session) {
            return Err(ErrorCode::SessionExpired);
        }
        self.check_owner(request.session, origin)?;
        self.check_op(tree, op, request)
    }

    /// A session is used by the server that created it, or was last told that it lives, and by no
    /// other: whoever asks in the name of another server must not close its clients' sessions.
    fn check_owner(&self, session: i64, origin: Origin) -> Result<(), ErrorCode> {
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
        &self,
        tree: &Tree,
        op: OpCode,
        request: &ForwardedRequest,
    ) -> Result<Prepared, ErrorCode> {
        match op {
            OpCode::CloseSession => Ok(self.close_session(tree, request.session)),
            OpCode::Create | OpCode::Create2 => self.create(tree, decode(&request.payload)?),
            OpCode::Delete => self.delete(tree, decode(&request.payload)?),
            OpCode::SetData => self.set_data(tree, decode(&request.payload)?),
            _ => Err(ErrorCode::Unimplemented),
        }
    }

    fn session_lives(&self, tree: &Tree, session: i64) -> bool {
        match self.sessions.get(&session) {
            Some((_, state)) => state.is_some(),
            None => tree.session_timeout(session).is_some(),
        }
    }

    /// The node as it will be.
    fn node(&self, tree: &Tree, path: &str) -> Result<Pending, ErrorCode> {
        let path = path::normal(path);
        if let Some((_, state)) = self.nodes.get(path) {
            return state.clone().ok_or(ErrorCode::NoNode);
        }
        let node = tree.node(path)?;
        Ok(Pending {
            version: node.stat.version,
            cversion: node.stat.cversion,
            children: node.children.len(),
            ephemeral_owner: node.stat.ephemeral_owner,
            acl: tree.acl(node),
        })
    }

    fn create(&self, tree: &Tree, request: CreateRequest) -> Result<Prepared, ErrorCode> {
        let CreateRequest { path, data, acl, flags } = request;
        match flags {
            0 => {}
            1..=6 => return Err(ErrorCode::Unimplemented),
            _ => return Err(ErrorCode::BadArguments),
        }
        if path == "/" {
            return Err(ErrorCode::NodeExists);
        }
        let (parent_path, _) = path::split(&path).ok_or(ErrorCode::BadArguments)?;
        acl::validate(&acl)?;
        let mut parent = self.node(tree, parent_path)?;
        acl::permit(&parent.acl, Permission::Create)?;
        path::validate(&path)?;
        if self.node(tree, &path).is_ok() {
            return Err(ErrorCode::NodeExists);
        }
        if owner_is_session(parent.ephemeral_owner) {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        parent.cversion = parent.cversion.wrapping_add(1);
        parent.children += 1;
        let parent_cversion = parent.cversion;
        let parent_path = parent_path.to_owned();
        let node = Pending {
            version: 0,
            cversion: 0,
            children: 0,
            ephemeral_owner: 0,
            acl: acl.as_slice().into(),
        };
        let nodes = vec![(parent_path, Some(parent)), (path.clone(), Some(node))];
        let txn = CreateTxn { path, data, acl, ephemeral: false, parent_cversion };
        Ok(Prepared::nodes(TxnBody::Create(txn), nodes))
    }

    fn delete(&self, tree: &Tree, request: DeleteRequest) -> Result<Prepared, ErrorCode> {
        let DeleteRequest { path, version } = request;
        if SPECIAL.contains(&path::normal(&path)) {
            return Err(ErrorCode::BadArguments);
        }
        let (parent_path, _) = path::split(&path).ok_or(ErrorCode::BadArguments)?;
        let mut parent = self.node(tree, parent_path)?;
        let node = self.node(tree, &path)?;
        acl::permit(&parent.acl, Permission::Delete)?;
        next_version(node.version, version)?;
        if node.children > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        parent.children = parent.children.saturating_sub(1);
        let nodes = vec![(parent_path.to_owned(), Some(parent)), (path.clone(), None)];
        Ok(Prepared::nodes(TxnBody::Delete(DeleteTxn { path }), nodes))
    }

    fn set_data(&self, tree: &Tree, request: SetDataRequest) -> Result<Prepared, ErrorCode> {
        let SetDataRequest { path, data, version } = request;
        path::validate(&path)?;
        let mut node = self.node(tree, &path)?;
        acl::permit(&node.acl, Permission::Write)?;
        let version = next_version(node.version, version)?;
        node.version = version;
        let nodes = vec![(path::normal(&path).to_owned(), Some(node))];
        Ok(Prepared::nodes(TxnBody::SetData(SetDataTxn { path, data, version }), nodes))
    }

    /// The session's ephemeral nodes go with it, those excepted that will be gone by then.
    fn close_session(&self, tree: &Tree, session: i64) -> Prepared {
        let mut nodes: HashMap<String, Option<Pending>> = HashMap::new();
        let mut paths = Vec::new();
        for path in tree.ephemerals.get(&session).into_iter().flatten() {
            if self.node(tree, path).is_err() {
                continue;
            }
            paths.push(path.to_string());
            nodes.insert(path.to_string(), None);
            let Some((parent, _)) = path::split(path) else { continue };
            let state =
                nodes.entry(parent.to_owned()).or_insert_with(|| self.node(tree, parent).ok());
            if let Some(parent) = state {
                parent.children = parent.children.saturating_sub(1);
            }
        }
        let body = TxnBody::CloseSession(Some(paths));
        Prepared { body, nodes: nodes.into_iter().collect(), session: Some(None) }
    }
}

fn decode<T: Record>(payload: &[u8]) -> Result<T, ErrorCode> {
    T::from_bytes(payload).map_err(|_| ErrorCode::MarshallingError)
}

/// The version after a change that asks for version `asked`; −1 asks for none.
fn next_version(current: i32, asked: i32) -> Result<i32, ErrorCode> {
    if asked != -1 && asked != current {
        return Err(ErrorCode::BadVersion);
    }
    Ok(current.wrapping_add(1))
}
