//! `create`, `create2`, `createContainer`, `createTTL`. Source: `PrepRequestProcessor`,
//! `DataTree.createNode`.

use std::sync::Arc;

use bytes::Bytes;
use zab_wire::client::{CreateRequest, CreateTtlRequest};
use zab_wire::txn::{CreateContainerTxn, CreateTtlTxn, CreateTxn};
use zab_wire::{Acl, ErrorCode, OpCode, StatPersisted, TxnBody, TxnHeader};

use crate::tree::acl::{self, Permission};
use crate::tree::event::EventKind;
use crate::tree::prepare::{Asked, Pending, Prepared, Stamp};
use crate::tree::{
    CONTAINER_OWNER, Change, Node, Preparer, TTL_MAX, Tree, digest, is_ephemeral, length_of, path,
    quota, ttl_owner,
};

/// The kinds of nodes (`CreateMode`). A container is what `createContainer` makes, whatever its
/// flags say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Ephemeral,
    Ttl(i64),
}

impl Preparer {
    pub(crate) fn create(
        &self,
        tree: &Tree,
        asked: &Asked<'_>,
        code: OpCode,
        request: CreateRequest,
    ) -> Result<Prepared, ErrorCode> {
        let mode = match request.flags {
            0 | 2 | 4 => Mode::Plain,
            1 | 3 => Mode::Ephemeral,
            5 | 6 if !self.rules.extended_types => return Err(ErrorCode::Unimplemented),
            // Such a node needs a time to live, which `createTTL` has.
            _ => return Err(ErrorCode::BadArguments),
        };
        let is_container = code == OpCode::CreateContainer;
        self.create_in_mode(tree, asked, request, mode, is_container)
    }

    pub(crate) fn create_ttl(
        &self,
        tree: &Tree,
        asked: &Asked<'_>,
        request: CreateTtlRequest,
    ) -> Result<Prepared, ErrorCode> {
        let CreateTtlRequest { path, data, acl, flags, ttl } = request;
        if !matches!(flags, 5 | 6) {
            return Err(ErrorCode::BadArguments);
        }
        if !self.rules.extended_types {
            return Err(ErrorCode::Unimplemented);
        }
        if !(1..=TTL_MAX).contains(&ttl) {
            return Err(ErrorCode::BadArguments);
        }
        let request = CreateRequest { path, data, acl, flags };
        self.create_in_mode(tree, asked, request, Mode::Ttl(ttl), false)
    }

    fn create_in_mode(
        &self,
        tree: &Tree,
        asked: &Asked<'_>,
        request: CreateRequest,
        mode: Mode,
        is_container: bool,
    ) -> Result<Prepared, ErrorCode> {
        let CreateRequest { mut path, data, acl, flags } = request;
        if path.contains('\0') {
            return Err(ErrorCode::BadArguments);
        }
        let parent_path = path.rsplit_once('/').ok_or(ErrorCode::BadArguments)?.0.to_owned();
        let acl = acl::settle(&acl, asked.auth)?;
        let mut parent = self.node(tree, &parent_path)?;
        acl::permit(&parent.acl, Permission::Create, asked.auth)?;
        if matches!(flags, 2 | 3 | 6) {
            path.push_str(&format!("{:010}", parent.stat.cversion));
        }
        path::validate(&path)?;
        if self.node(tree, &path).is_ok() {
            return Err(ErrorCode::NodeExists);
        }
        if is_ephemeral(parent.stat.ephemeral_owner) {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        self.permit_quota(tree, &path, 1, quota::bytes_of(&data))?;
        let parent_cversion = parent.stat.cversion.wrapping_add(1);
        parent.stat.cversion = parent_cversion;
        parent.stat.pzxid = self.stamp.zxid;
        parent.children += 1;
        let ephemeral_owner = match mode {
            _ if is_container => CONTAINER_OWNER,
            Mode::Plain => 0,
            Mode::Ephemeral => asked.request.session,
            Mode::Ttl(ttl) => ttl_owner(ttl),
        };
        let node = Pending {
            stat: new_stat(self.stamp, ephemeral_owner),
            content: digest::content(&path, data.as_deref()),
            length: length_of(&data),
            children: 0,
            acl: acl.as_slice().into(),
        };
        let nodes = vec![(parent_path, Some(parent)), (path.clone(), Some(node))];
        let body = match mode {
            _ if is_container => {
                TxnBody::CreateContainer(CreateContainerTxn { path, data, acl, parent_cversion })
            }
            Mode::Ttl(ttl) => {
                TxnBody::CreateTtl(CreateTtlTxn { path, data, acl, parent_cversion, ttl })
            }
            Mode::Plain | Mode::Ephemeral => {
                let ephemeral = mode == Mode::Ephemeral;
                TxnBody::Create(CreateTxn { path, data, acl, ephemeral, parent_cversion })
            }
        };
        Ok(Prepared::nodes(body, nodes))
    }
}

/// What is stored of a new node (`DataTree.createStat`).
fn new_stat(Stamp { zxid, time_ms }: Stamp, ephemeral_owner: i64) -> StatPersisted {
    StatPersisted {
        czxid: zxid,
        mzxid: zxid,
        ctime: time_ms,
        mtime: time_ms,
        ephemeral_owner,
        pzxid: zxid,
        ..StatPersisted::default()
    }
}

/// What is needed to create a node.
pub(crate) struct NewNode {
    path: String,
    data: Option<Bytes>,
    acl: Vec<Acl>,
    /// The parent's stored `cversion` afterwards; −1: one more than before.
    parent_cversion: i32,
    /// A session, or a mark; see [`is_ephemeral`].
    owner: i64,
}

impl NewNode {
    pub(crate) fn of(header: &TxnHeader, txn: CreateTxn) -> Self {
        let CreateTxn { path, data, acl, parent_cversion, ephemeral } = txn;
        let owner = if ephemeral { header.session } else { 0 };
        Self { path, data, acl, parent_cversion, owner }
    }
}

impl From<CreateContainerTxn> for NewNode {
    fn from(txn: CreateContainerTxn) -> Self {
        let CreateContainerTxn { path, data, acl, parent_cversion } = txn;
        Self { path, data, acl, parent_cversion, owner: CONTAINER_OWNER }
    }
}

impl From<CreateTtlTxn> for NewNode {
    fn from(txn: CreateTtlTxn) -> Self {
        let CreateTtlTxn { path, data, acl, parent_cversion, ttl } = txn;
        Self { path, data, acl, parent_cversion, owner: ttl_owner(ttl) }
    }
}

impl Tree {
    pub(crate) fn create(&mut self, header: &TxnHeader, new: NewNode) -> Result<Change, ErrorCode> {
        let NewNode { path, data, acl, parent_cversion, owner } = new;
        let (parent_path, name) = path::split(&path).ok_or(ErrorCode::BadArguments)?;
        let was_there = self.change(parent_path, |parent| {
            // Also when the node is there already: a snapshot may hold the child and still the
            // parent as it was before (ZOOKEEPER-1046, 2052).
            let cversion = match parent_cversion {
                -1 => parent.stat.cversion.wrapping_add(1),
                given => given,
            };
            if cversion > parent.stat.cversion {
                parent.stat.cversion = cversion;
                parent.stat.pzxid = header.zxid;
            }
            parent.children.insert(name.into()).is_some()
        });
        if was_there.ok_or(ErrorCode::NoNode)? {
            return Err(ErrorCode::NodeExists);
        }
        let stat = new_stat(Stamp { zxid: header.zxid, time_ms: header.time }, owner);
        let node = Node::new(&path, data, self.acls.acquire(&acl), stat);
        let key: Arc<str> = path.as_str().into();
        let stat = node.stat();
        let acl = self.acl(&node);
        let bytes = quota::bytes_of(&node.data);
        self.enter(&key, node);
        self.count_for_quota(&key, 1, bytes);
        self.note(EventKind::Created, key, acl);
        Ok(Change::Created { path, stat })
    }
}
