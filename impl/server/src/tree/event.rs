//! What clients may be told about a change of the tree.

use std::sync::Arc;

use zab_wire::Acl;

use super::{Tree, path};

/// What happened to a node, with its number in events (`Watcher.Event.EventType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum EventKind {
    /// It was created.
    Created = 1,
    /// It was deleted.
    Deleted = 2,
    /// Its data was replaced.
    DataChanged = 3,
    /// A child of it was created or deleted.
    ChildrenChanged = 4,
}

/// Something that happened to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEvent {
    /// What.
    pub kind: EventKind,
    /// To which node: its path as clients write it.
    pub path: Arc<str>,
    /// Who could read that node.
    pub acl: Arc<[Acl]>,
}

impl Tree {
    /// Notes what happened to a node, and to its parent.
    pub(super) fn note(&mut self, kind: EventKind, path: Arc<str>, acl: Arc<[Acl]>) {
        let parent = match kind {
            EventKind::Created | EventKind::Deleted => path::split(&path).map(|(parent, _)| parent),
            EventKind::DataChanged | EventKind::ChildrenChanged => None,
        };
        let changed = parent.and_then(|parent| {
            let node = self.nodes.get(parent)?;
            let path: Arc<str> = if parent.is_empty() { "/".into() } else { parent.into() };
            Some(NodeEvent { kind: EventKind::ChildrenChanged, path, acl: self.acl(node) })
        });
        let path = if path.is_empty() { "/".into() } else { path };
        self.events.push(NodeEvent { kind, path, acl });
        self.events.extend(changed);
    }
}
