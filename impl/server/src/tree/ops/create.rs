//! `create`, `create2`, and the transactions of containers and of nodes with a time to live.

use std::sync::Arc;

use bytes::Bytes;
use zab_wire::client::CreateRequest;
use zab_wire::txn::{CreateContainerTxn, CreateTtlTxn, CreateTxn};
use zab_wire::{Acl, ErrorCode, StatPersisted, TxnBody, TxnHeader};

use crate::tree::acl::{self, Permission};
use crate::tree::prepare::{Pending, Prepared};
use crate::tree::{
    CONTAINER_OWNER, Change, Node, Preparer, Tree, owner_is_session, path, ttl_owner,
};

impl Preparer {
    pub(crate) fn create(
        &self,
        tree: &Tree,
        request: CreateRequest,
    ) -> Result<Prepared, ErrorCode> {
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
}

/// What is needed to create a node.
pub(crate) struct NewNode {
    path: String,
    data: Option<Bytes>,
    acl: Vec<Acl>,
    /// The parent's stored `cversion` afterwards; −1: one more than before.
    parent_cversion: i32,
    /// A session, or a mark; see `owner_is_session`.
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
        let parent = self.node_mut(parent_path).ok_or(ErrorCode::NoNode)?;
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
        if parent.children.insert(name.into()).is_some() {
            return Err(ErrorCode::NodeExists);
        }
        let stat = StatPersisted {
            czxid: header.zxid,
            mzxid: header.zxid,
            ctime: header.time,
            mtime: header.time,
            ephemeral_owner: owner,
            pzxid: header.zxid,
            ..StatPersisted::default()
        };
        let node = Node::new(data, self.acls.acquire(&acl), stat);
        let key: Arc<str> = path.as_str().into();
        if owner_is_session(owner) {
            self.ephemerals.entry(owner).or_default().insert(Arc::clone(&key));
        }
        let stat = node.stat();
        self.nodes.insert(key, Arc::new(node));
        Ok(Change::Created { path, stat })
    }
}
