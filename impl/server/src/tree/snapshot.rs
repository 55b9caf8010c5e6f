//! A snapshot back to a tree. The bytes are ZooKeeper's, on disk and on the quorum port.

use std::sync::Arc;

use bytes::BytesMut;
use thiserror::Error;
use zab_wire::snapshot::{self, Item, NodeItem, ZxidDigest};
use zab_wire::{DecodeError, TxnDigest};

use super::digest::{self, Mismatch};
use super::{Node, Tree, acl, path};

/// A snapshot that is no tree.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// The bytes are no snapshot.
    #[error("not a snapshot: {0}")]
    Decode(#[from] DecodeError),
    /// A node comes before its parent, or without one.
    #[error("node {0:?} has no parent in the snapshot")]
    Orphan(String),
    /// A node comes twice.
    #[error("node {0:?} is in the snapshot twice")]
    Twice(String),
    /// A node has a path that no tree can hold.
    #[error("node {0:?} cannot be in a tree")]
    Path(String),
    /// There is no root.
    #[error("the snapshot has no root node")]
    NoRoot,
}

impl Tree {
    /// Reads a snapshot file's content.
    ///
    /// `last_zxid` is the zxid in its name: transactions up to it are in the snapshot, later ones
    /// may be.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn from_file(file: &[u8], last_zxid: i64) -> Result<Self, SnapshotError> {
        Self::read_file(file, last_zxid).map(|(tree, _)| tree)
    }

    /// As [`Self::from_file`]; and if the file says what the tree's digest is after `last_zxid`,
    /// whether it is that (`DataTree.compareSnapshotDigests`).
    pub(crate) fn read_file(
        file: &[u8],
        last_zxid: i64,
    ) -> Result<(Self, Option<Mismatch>), SnapshotError> {
        let mut builder = TreeBuilder::default();
        let mut result = Ok(());
        let came = snapshot::read_file(file, |item| {
            if result.is_ok() {
                result = builder.add(item);
            }
        })?;
        result?;
        let tree = builder.finish(last_zxid)?;
        let came = came.filter(|came| came.zxid == last_zxid);
        let came = came.map(|came| TxnDigest { version: came.version, tree: came.tree });
        let mismatch = digest::compare(came, tree.digest);
        Ok((tree, mismatch))
    }

    /// What stands at the end of this tree's snapshot file.
    pub(crate) fn zxid_digest(&self) -> ZxidDigest {
        ZxidDigest { zxid: self.last_zxid, version: digest::VERSION, tree: self.digest }
    }
}

/// Builds a tree from a snapshot's items as they arrive.
#[derive(Debug)]
pub struct TreeBuilder {
    tree: Tree,
}

impl Default for TreeBuilder {
    fn default() -> Self {
        Self { tree: Tree::empty() }
    }
}

impl TreeBuilder {
    /// Adds the next item.
    ///
    /// # Errors
    /// [`SnapshotError::Orphan`], [`SnapshotError::Twice`], [`SnapshotError::Path`].
    pub fn add(&mut self, item: Item) -> Result<(), SnapshotError> {
        match item {
            Item::Session(item) => {
                self.tree.sessions.insert(item.session, item.timeout_ms);
            }
            Item::Acl(item) => self.tree.acls.insert(item.key, &item.acl),
            Item::Node(item) => self.add_node(item)?,
            Item::End => {}
        }
        Ok(())
    }

    /// Appends what comes before the nodes in a snapshot, which has been added.
    pub(crate) fn put_head(&self, out: &mut BytesMut) {
        self.tree.put_head(out);
    }

    fn add_node(&mut self, item: NodeItem) -> Result<(), SnapshotError> {
        let NodeItem { path, data, acl, stat } = item;
        if self.tree.nodes.contains_key(&*path) {
            return Err(SnapshotError::Twice(path));
        }
        if !path.is_empty() {
            if !path::names_a_child(&path) {
                return Err(SnapshotError::Path(path));
            }
            let entered = path::split(&path).and_then(|(parent, name)| {
                self.tree.change(parent, |parent| parent.children.insert(name.into()))
            });
            if entered.is_none() {
                return Err(SnapshotError::Orphan(path));
            }
        }
        if acl != acl::OPEN {
            self.tree.acls.acquire_key(acl);
        }
        let path: Arc<str> = path.into();
        let node = Node::new(&path, data, acl, stat);
        self.tree.enter(&path, node);
        Ok(())
    }

    /// The tree, after the last item.
    ///
    /// # Errors
    /// [`SnapshotError::NoRoot`].
    pub fn finish(mut self, last_zxid: i64) -> Result<Tree, SnapshotError> {
        if !self.tree.nodes.contains_key("") {
            return Err(SnapshotError::NoRoot);
        }
        self.tree.acls.purge();
        self.tree.last_zxid = last_zxid;
        self.tree.set_up_quotas();
        Ok(self.tree)
    }
}
