//! `setACL`: a transaction of a ZooKeeper leader. Clients of this server cannot ask for it yet.

use zab_wire::ErrorCode;
use zab_wire::txn::SetAclTxn;

use crate::tree::{Change, Tree, path};

impl Tree {
    pub(crate) fn set_acl(&mut self, txn: SetAclTxn) -> Result<Change, ErrorCode> {
        let before = self.node(&txn.path)?.acl;
        let key = self.acls.acquire(&txn.acl);
        self.acls.release(before);
        let node = self.node_mut(path::normal(&txn.path)).ok_or(ErrorCode::NoNode)?;
        node.acl = key;
        node.stat.aversion = txn.version;
        Ok(Change::Replaced { stat: node.stat() })
    }
}
