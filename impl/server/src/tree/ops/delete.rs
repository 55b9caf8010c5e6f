//! `delete`.

use zab_wire::client::DeleteRequest;
use zab_wire::txn::DeleteTxn;
use zab_wire::{ErrorCode, TxnBody};

use super::next_version;
use crate::tree::acl::{self, Permission};
use crate::tree::prepare::Prepared;
use crate::tree::{Change, Preparer, SPECIAL, Tree, path};

impl Preparer {
    pub(crate) fn delete(
        &self,
        tree: &Tree,
        request: DeleteRequest,
    ) -> Result<Prepared, ErrorCode> {
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
}

impl Tree {
    pub(crate) fn delete(&mut self, path: &str, zxid: i64) -> Result<Change, ErrorCode> {
        let (parent_path, name) = path::split(path).ok_or(ErrorCode::BadArguments)?;
        let node = self.nodes.remove(path).ok_or(ErrorCode::NoNode)?;
        self.acls.release(node.acl);
        self.forget_ephemeral(node.stat.ephemeral_owner, path);
        if let Some(parent) = self.node_mut(parent_path) {
            parent.children.remove(name);
            parent.stat.pzxid = parent.stat.pzxid.max(zxid);
        }
        Ok(Change::Deleted)
    }

    fn forget_ephemeral(&mut self, owner: i64, path: &str) {
        if let Some(paths) = self.ephemerals.get_mut(&owner) {
            paths.remove(path);
            if paths.is_empty() {
                self.ephemerals.remove(&owner);
            }
        }
    }
}
