//! `check`, within a `multi`: compare a version.

use zab_wire::client::CheckVersionRequest;
use zab_wire::txn::CheckTxn;
use zab_wire::{ErrorCode, TxnBody};

use super::next_version;
use crate::tree::acl::{self, Permission};
use crate::tree::prepare::{Asked, Prepared};
use crate::tree::{Preparer, Tree, path};

impl Preparer {
    pub(crate) fn check_version(
        &self,
        tree: &Tree,
        asked: &Asked<'_>,
        request: CheckVersionRequest,
    ) -> Result<Prepared, ErrorCode> {
        let CheckVersionRequest { path, version } = request;
        path::validate(&path)?;
        let node = self.node(tree, &path)?;
        acl::permit(&node.acl, Permission::Read, asked.auth)?;
        let version = next_version(node.stat.version, version)?;
        Ok(Prepared::nodes(TxnBody::Check(CheckTxn { path, version }), Vec::new()))
    }
}
