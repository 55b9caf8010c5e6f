//! The tree as a snapshot, and back. The bytes are ZooKeeper's, on disk and on the quorum port.

use bytes::BytesMut;
use thiserror::Error;
use zab_wire::DecodeError;
use zab_wire::jute::Record as _;
use zab_wire::log::FileHeader;
use zab_wire::snapshot::{self, AclItem, Item, NodeItem, Sealer, SessionItem};

use super::{Node, Tree, acl, owner_is_session, path};

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
    /// The tree for the quorum port: what follows a SNAP packet, up to and with `BenWasHere`.
    #[must_use]
    pub fn to_stream(&self) -> BytesMut {
        let mut out = BytesMut::new();
        self.put_body(&mut out);
        snapshot::put_signature(&mut out);
        out
    }

    /// The tree as the content of a snapshot file, whose name is to hold [`Tree::last_zxid`].
    #[must_use]
    pub fn to_file(&self) -> BytesMut {
        let mut out = BytesMut::new();
        FileHeader::SNAPSHOT.encode(&mut out);
        self.put_body(&mut out);
        let mut sealer = Sealer::default();
        sealer.update(&out);
        sealer.seal(&mut out);
        out
    }

    /// Reads a snapshot file's content.
    ///
    /// `last_zxid` is the zxid in its name: transactions up to it are in the snapshot, later ones
    /// may be.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn from_file(file: &[u8], last_zxid: i64) -> Result<Self, SnapshotError> {
        let mut builder = TreeBuilder::default();
        let mut result = Ok(());
        snapshot::read_file(file, |item| {
            if result.is_ok() {
                result = builder.add(item);
            }
        })?;
        result?;
        builder.finish(last_zxid)
    }

    fn put_body(&self, out: &mut BytesMut) {
        let sessions: Vec<_> = (self.sessions.iter())
            .map(|(session, timeout)| SessionItem { session: *session, timeout: *timeout })
            .collect();
        let acls: Vec<_> = (self.acls.sorted().into_iter())
            .map(|(key, list)| AclItem { key, acl: list.to_vec() })
            .collect();
        snapshot::put_head(out, &sessions, &acls);
        // Depth first, so that parents come before their children.
        let mut ahead = vec![String::new()];
        while let Some(path) = ahead.pop() {
            let node = &self.nodes[&path];
            ahead.extend(node.children.iter().rev().map(|name| format!("{path}/{name}")));
            NodeItem { path, data: node.data.clone(), acl: node.acl, stat: node.stat }.encode(out);
        }
        snapshot::put_end(out);
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
                self.tree.sessions.insert(item.session, item.timeout);
            }
            Item::Acl(item) => self.tree.acls.insert(item.key, &item.acl),
            Item::Node(item) => self.add_node(item)?,
            Item::End => {}
        }
        Ok(())
    }

    fn add_node(&mut self, item: NodeItem) -> Result<(), SnapshotError> {
        let NodeItem { path, data, acl, stat } = item;
        if self.tree.nodes.contains_key(&path) {
            return Err(SnapshotError::Twice(path));
        }
        if !path.is_empty() {
            if !path::names_a_child(&path) {
                return Err(SnapshotError::Path(path));
            }
            let parent = path::split(&path).and_then(|(parent, name)| {
                self.tree.nodes.get_mut(parent).map(|parent| (parent, name))
            });
            let Some((parent, name)) = parent else { return Err(SnapshotError::Orphan(path)) };
            parent.children.insert(name.into());
        }
        if acl != acl::OPEN {
            self.tree.acls.acquire_key(acl);
        }
        if owner_is_session(stat.ephemeral_owner) {
            let paths = self.tree.ephemerals.entry(stat.ephemeral_owner).or_default();
            paths.insert(path.clone());
        }
        self.tree.nodes.insert(path, Node::new(data, acl, stat));
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
        Ok(self.tree)
    }
}
