//! The tree as the writes, in the order of their zxids, make it.

use std::collections::{BTreeMap, BTreeSet};

use zab_trace::Zxid;

use crate::record::{Kind, Stat};
use crate::unknown::parent;

/// A node. What is `None` is not known.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) czxid: Option<Zxid>,
    pub(super) mzxid: Option<Zxid>,
    pub(super) pzxid: Option<Zxid>,
    pub(super) version: Option<i32>,
    pub(super) data: Option<String>,
    /// How many children were ever created: the number of the next sequential one.
    pub(super) creates: Option<u32>,
    pub(super) owner: Option<String>,
    /// Whether a server may delete it by itself.
    pub(super) vanishes: bool,
    /// The children that are known.
    pub(super) children: BTreeSet<String>,
    /// Whether there are no others.
    pub(super) all_children: bool,
    /// Whether it has children whose names are not known.
    pub(super) unplaced: bool,
    /// The last state in which an answer has shown it.
    pub(super) confirmed: Zxid,
}

impl Node {
    /// One that a write has created.
    pub(super) fn new(zxid: Option<Zxid>, data: &str, kind: Kind, session: Option<&str>) -> Self {
        Self {
            czxid: zxid,
            mzxid: zxid,
            pzxid: zxid,
            version: Some(0),
            data: Some(data.to_owned()),
            creates: Some(0),
            owner: session.filter(|_| kind.is_ephemeral()).map(str::to_owned),
            vanishes: kind.may_vanish(),
            children: BTreeSet::new(),
            all_children: true,
            unplaced: false,
            confirmed: zxid.unwrap_or_default(),
        }
    }

    /// One that was there before the recording, as an answer shows it.
    pub(super) fn given(stat: &Stat) -> Self {
        Self {
            czxid: Some(stat.czxid),
            mzxid: Some(stat.mzxid),
            version: Some(stat.version),
            owner: stat.ephemeral_owner.clone(),
            ..Self::default()
        }
    }
}

/// One more state of a path: the write that made it, and its `mzxid`, or none where it is absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    pub(super) write: Option<(usize, Zxid)>,
    pub(super) state: Option<Zxid>,
}

/// The nodes, and what every path was before.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: BTreeMap<String, Node>,
    past: BTreeMap<String, Vec<Past>>,
}

impl Tree {
    pub(super) fn past(&self, path: &str) -> &[Past] {
        self.past.get(path).map_or(&[], Vec::as_slice)
    }

    /// Whether any write has touched this path.
    pub(super) fn is_touched(&self, path: &str) -> bool {
        self.past.contains_key(path)
    }

    pub(super) fn note(&mut self, path: &str, write: Option<(usize, Zxid)>) {
        let state = self.nodes.get(path).map(|node| node.mzxid.unwrap_or_default());
        self.past.entry(path.to_owned()).or_default().push(Past { write, state });
    }

    /// Adds a node; a write that is known also changes what its parent says.
    pub(super) fn insert(&mut self, path: &str, node: Node, write: Option<(usize, Zxid)>) {
        self.nodes.insert(path.to_owned(), node);
        self.note(path, write);
        self.child(path, write, |parent, name| {
            parent.children.insert(name);
            parent.creates = parent.creates.filter(|_| write.is_some()).map(|count| count + 1);
        });
    }

    /// Removes a node.
    pub(super) fn remove(&mut self, path: &str, write: Option<(usize, Zxid)>) -> Option<Node> {
        let node = self.nodes.remove(path)?;
        self.note(path, write);
        self.child(path, write, |parent, name| {
            parent.children.remove(&name);
        });
        Some(node)
    }

    fn child(
        &mut self,
        path: &str,
        write: Option<(usize, Zxid)>,
        change: impl FnOnce(&mut Node, String),
    ) {
        let Some(above) = parent(path) else { return };
        let Some(node) = self.nodes.get_mut(above) else { return };
        change(node, path.rsplit('/').next().unwrap_or("").to_owned());
        node.pzxid = write.map(|(_, zxid)| zxid);
    }
}
