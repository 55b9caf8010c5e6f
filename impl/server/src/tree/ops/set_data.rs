//! `setData`.

use zab_wire::client::SetDataRequest;
use zab_wire::txn::SetDataTxn;
use zab_wire::{ErrorCode, TxnBody, TxnHeader};

use super::next_version;
use crate::tree::acl::{self, Permission};
use crate::tree::prepare::Prepared;
use crate::tree::{Change, Preparer, Tree, path};

impl Preparer {
    pub(crate) fn set_data(
        &self,
        tree: &Tree,
        request: SetDataRequest,
    ) -> Result<Prepared, ErrorCode> {
        let SetDataRequest { path, data, version } = request;
        path::validate(&path)?;
        let mut node = self.node(tree, &path)?;
        acl::permit(&node.acl, Permission::Write)?;
        let version = next_version(node.version, version)?;
        node.version = version;
        let nodes = vec![(path::normal(&path).to_owned(), Some(node))];
        Ok(Prepared::nodes(TxnBody::SetData(SetDataTxn { path, data, version }), nodes))
    }
}

impl Tree {
    pub(crate) fn set_data(
        &mut self,
        header: &TxnHeader,
        txn: SetDataTxn,
    ) -> Result<Change, ErrorCode> {
        let node = self.node_mut(path::normal(&txn.path)).ok_or(ErrorCode::NoNode)?;
        node.data = txn.data;
        node.stat.version = txn.version;
        node.stat.mzxid = header.zxid;
        node.stat.mtime = header.time;
        Ok(Change::Replaced { stat: node.stat() })
    }
}
