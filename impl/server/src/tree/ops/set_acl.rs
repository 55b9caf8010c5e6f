//! `setACL`.

use zab_wire::client::SetAclRequest;
use zab_wire::txn::SetAclTxn;
use zab_wire::{ErrorCode, TxnBody};

use super::next_version;
use crate::tree::acl::{self, Permission};
use crate::tree::prepare::{Asked, Prepared};
use crate::tree::{Change, Preparer, Tree, path};

impl Preparer {
    pub(crate) fn set_acl(
        &self,
        tree: &Tree,
        asked: &Asked<'_>,
        request: SetAclRequest,
    ) -> Result<Prepared, ErrorCode> {
        let SetAclRequest { path, acl, version } = request;
        path::validate(&path)?;
        let acl = acl::settle(&acl, asked.auth)?;
        let mut node = self.node(tree, &path)?;
        acl::permit(&node.acl, Permission::Admin, asked.auth)?;
        let version = next_version(node.stat.aversion, version)?;
        node.stat.aversion = version;
        node.acl = acl.as_slice().into();
        let nodes = vec![(path::normal(&path).to_owned(), Some(node))];
        Ok(Prepared::nodes(TxnBody::SetAcl(SetAclTxn { path, acl, version }), nodes))
    }
}

impl Tree {
    pub(crate) fn set_acl(&mut self, txn: SetAclTxn) -> Result<Change, ErrorCode> {
        let before = self.node(&txn.path)?.acl;
        let key = self.acls.acquire(&txn.acl);
        self.acls.release(before);
        let stat = self.change(path::normal(&txn.path), |node| {
            node.acl = key;
            node.stat.aversion = txn.version;
            node.stat()
        });
        Ok(Change::Replaced { stat: stat.ok_or(ErrorCode::NoNode)? })
    }
}
