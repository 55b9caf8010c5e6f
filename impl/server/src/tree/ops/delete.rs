//! `delete`, and `deleteContainer`, by which a leader removes containers that became empty and
//! nodes whose time to live is over. Source: `PrepRequestProcessor`, `DataTree.deleteNode`,
//! `ContainerManager`.

use zab_wire::client::DeleteRequest;
use zab_wire::txn::DeleteTxn;
use zab_wire::{ErrorCode, TxnBody};

use super::next_version;
use crate::tree::acl::{self, Permission};
use crate::tree::event::EventKind;
use crate::tree::prepare::{Asked, Prepared};
use crate::tree::{Change, Preparer, SPECIAL, Tree, is_ephemeral, path, quota};

impl Preparer {
    pub(crate) fn delete(
        &self,
        tree: &Tree,
        asked: &Asked<'_>,
        request: DeleteRequest,
    ) -> Result<Prepared, ErrorCode> {
        let DeleteRequest { path, version } = request;
        if SPECIAL.contains(&path::normal(&path)) {
            return Err(ErrorCode::BadArguments);
        }
        let (parent_path, _) = path::split(&path).ok_or(ErrorCode::BadArguments)?;
        let parent = self.node(tree, parent_path)?;
        // Whoever may delete nothing here is not told what there is.
        acl::permit(&parent.acl, Permission::Delete, asked.auth)?;
        let node = self.node(tree, &path)?;
        next_version(node.stat.version, version)?;
        self.remove(tree, path)
    }

    /// What only the ensemble asks for.
    pub(crate) fn delete_container(&self, tree: &Tree, path: &str) -> Result<Prepared, ErrorCode> {
        let node = self.node(tree, path)?;
        if node.stat.ephemeral_owner == 0 || is_ephemeral(node.stat.ephemeral_owner) {
            return Err(ErrorCode::BadVersion);
        }
        self.remove(tree, path.to_owned())
    }

    fn remove(&self, tree: &Tree, path: String) -> Result<Prepared, ErrorCode> {
        let (parent_path, _) = path::split(&path).ok_or(ErrorCode::BadArguments)?;
        let mut parent = self.node(tree, parent_path)?;
        if self.node(tree, &path)?.children > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        parent.children = parent.children.saturating_sub(1);
        parent.stat.pzxid = self.stamp.zxid;
        let nodes = vec![(parent_path.to_owned(), Some(parent)), (path.clone(), None)];
        Ok(Prepared::nodes(TxnBody::Delete(DeleteTxn { path }), nodes))
    }
}

impl Tree {
    pub(crate) fn delete(&mut self, path: &str, zxid: i64) -> Result<Change, ErrorCode> {
        let (parent_path, name) = path::split(path).ok_or(ErrorCode::BadArguments)?;
        let (key, node) = self.leave(path).ok_or(ErrorCode::NoNode)?;
        let acl = self.acl(&node);
        self.acls.release(node.acl);
        self.count_for_quota(path, -1, -quota::bytes_of(&node.data));
        self.change(parent_path, |parent| {
            parent.children.remove(name);
            parent.stat.pzxid = parent.stat.pzxid.max(zxid);
        });
        self.note(EventKind::Deleted, key, acl);
        Ok(Change::Deleted)
    }
}
