//! The tree as a snapshot, piece by piece: sending it takes no second copy of it, and whoever does
//! so holds nobody else up.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use zab_wire::jute::Record as _;
use zab_wire::snapshot::{self, AclItem, NodeItem, SessionItem};

use super::Tree;

/// Least bytes of a piece, the last excepted.
const PIECE: usize = 1 << 18;

/// The bytes of a snapshot, in pieces. The tree that it holds shares its nodes with the tree that
/// it was cloned from, and does not follow that one's changes.
pub struct Pieces {
    tree: Tree,
    stage: Stage,
}

enum Stage {
    Start,
    /// The nodes whose children are not all given out, each a child of the one before.
    Nodes(Vec<Ahead>),
    Done,
}

struct Ahead {
    path: String,
    /// The last child that was given out.
    after: Option<Arc<str>>,
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pieces").field("last_zxid", &self.tree.last_zxid).finish_non_exhaustive()
    }
}

impl Tree {
    /// The tree for the quorum port: what follows a SNAP packet, up to and with `BenWasHere`.
    #[must_use]
    pub fn into_stream(self) -> Pieces {
        Pieces { tree: self, stage: Stage::Start }
    }

    /// The tree as the content of a snapshot file.
    #[cfg(any(test, feature = "fuzz"))]
    #[must_use]
    pub fn to_file(&self) -> BytesMut {
        let mut file = BytesMut::new();
        zab_wire::log::FileHeader::SNAPSHOT.encode(&mut file);
        file.extend(self.clone().into_stream().flatten());
        file.truncate(file.len() - 14);
        let mut sealer = snapshot::Sealer::default();
        sealer.update(&file);
        sealer.seal(&mut file);
        file
    }

    /// Appends what comes before the nodes.
    pub(super) fn put_head(&self, out: &mut BytesMut) {
        let sessions: Vec<_> = (self.sessions.iter())
            .map(|(session, timeout_ms)| SessionItem { session: *session, timeout_ms: *timeout_ms })
            .collect();
        let acls: Vec<_> = (self.acls.sorted().into_iter())
            .map(|(key, list)| AclItem { key, acl: list.to_vec() })
            .collect();
        snapshot::put_head(out, &sessions, &acls);
    }

    fn put_node(&self, path: &str, out: &mut BytesMut) {
        if let Some(node) = self.nodes.get(path) {
            let (data, acl, stat) = (node.data.clone(), node.acl, node.stat);
            NodeItem { path: path.to_owned(), data, acl, stat }.encode(out);
        }
    }
}

impl Pieces {
    /// Appends the next node behind its parent; `false`: there is none.
    fn put_next(tree: &Tree, ahead: &mut Vec<Ahead>, out: &mut BytesMut) -> bool {
        while let Some(parent) = ahead.last_mut() {
            let child = tree.nodes.get(&*parent.path).and_then(|node| match &parent.after {
                None => node.children.get_min(),
                Some(after) => {
                    let rest = (std::ops::Bound::Excluded(&**after), std::ops::Bound::Unbounded);
                    node.children.range::<_, str>(rest).next()
                }
            });
            let Some(name) = child else {
                ahead.pop();
                continue;
            };
            parent.after = Some(Arc::clone(name));
            let path = format!("{}/{name}", parent.path);
            tree.put_node(&path, out);
            ahead.push(Ahead { path, after: None });
            return true;
        }
        false
    }
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut out = BytesMut::with_capacity(PIECE + PIECE / 4);
        loop {
            match &mut self.stage {
                Stage::Start => {
                    self.tree.put_head(&mut out);
                    self.tree.put_node("", &mut out);
                    self.stage = Stage::Nodes(vec![Ahead { path: String::new(), after: None }]);
                }
                Stage::Nodes(ahead) => {
                    if !Self::put_next(&self.tree, ahead, &mut out) {
                        snapshot::put_end(&mut out);
                        break;
                    }
                    if out.len() >= PIECE {
                        return Some(out.freeze());
                    }
                }
                Stage::Done => return None,
            }
        }
        self.stage = Stage::Done;
        snapshot::put_signature(&mut out);
        Some(out.freeze())
    }
}
