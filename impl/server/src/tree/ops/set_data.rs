//! `setData`.

use zab_wire::client::SetDataRequest;
use zab_wire::txn::SetDataTxn;
use zab_wire::{ErrorCode, TxnBody, TxnHeader};

use super::next_version;
use crate::tree::acl::{self, Permission};
use crate::tree::event::EventKind;
use crate::tree::prepare::{Asked, Prepared};
use crate::tree::{Change, Preparer, Tree, digest, length_of, path, quota};

impl Preparer {
    pub(crate) fn set_data(
        &self,
        tree: &Tree,
        asked: &Asked<'_>,
        request: SetDataRequest,
    ) -> Result<Prepared, ErrorCode> {
        let SetDataRequest { path, data, version } = request;
        path::validate(&path)?;
        let mut node = self.node(tree, &path)?;
        acl::permit(&node.acl, Permission::Write, asked.auth)?;
        let length = length_of(&data);
        self.permit_quota_of_data(tree, &path, node.length, length)?;
        let version = next_version(node.stat.version, version)?;
        (node.stat.version, node.stat.mzxid) = (version, self.stamp.zxid);
        node.stat.mtime = self.stamp.time_ms;
        (node.content, node.length) = (digest::content(&path, data.as_deref()), length);
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
        let acl = self.acl(self.node(&txn.path)?);
        let changed = self.change(path::normal(&txn.path), |node| {
            node.content = digest::content(&txn.path, txn.data.as_deref());
            let before = std::mem::replace(&mut node.data, txn.data);
            node.stat.version = txn.version;
            node.stat.mzxid = header.zxid;
            node.stat.mtime = header.time;
            (node.stat(), length_of(&node.data), length_of(&before))
        });
        let (stat, length, before) = changed.ok_or(ErrorCode::NoNode)?;
        self.data_bytes = self.data_bytes + length - before;
        self.count_for_quota(
            path::normal(&txn.path),
            0,
            quota::signed(length) - quota::signed(before),
        );
        self.note(EventKind::DataChanged, path::normal(&txn.path).into(), acl);
        Ok(Change::Replaced { stat })
    }
}
