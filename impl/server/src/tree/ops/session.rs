//! Sessions: `createSession`, and `closeSession` with its ephemeral nodes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use zab_wire::{ErrorCode, TxnBody, TxnHeader};

use crate::mutant::Mutant;
use crate::tree::prepare::{Pending, Prepared};
use crate::tree::{Change, Origin, Preparer, Tree, path};

impl Preparer {
    /// The server whose client asks owns the session from now on.
    pub(crate) fn create_session(
        &mut self,
        tree: &Tree,
        session: i64,
        timeout_ms: i32,
        origin: Origin,
    ) -> Result<Prepared, ErrorCode> {
        if self.session_lives(tree, session) {
            self.check_owner(session, origin)?;
        }
        self.owners.insert(session, origin);
        let body = TxnBody::CreateSession(timeout_ms);
        Ok(Prepared { body, nodes: Vec::new(), session: Some(Some(timeout_ms)) })
    }

    /// The session's ephemeral nodes go with it, those excepted that will be gone by then.
    pub(crate) fn close_session(&self, tree: &Tree, session: i64) -> Prepared {
        let mut nodes: HashMap<String, Option<Pending>> = HashMap::new();
        let applied = tree.ephemerals.get(&session).into_iter().flatten().map(|path| &**path);
        let is_own = |node: &Pending| node.stat.ephemeral_owner == session;
        let outstanding = self.nodes.iter().filter_map(|(path, (_, state))| {
            state.as_ref().is_some_and(is_own).then_some(path.as_str())
        });
        let mut paths: BTreeSet<String> = applied.chain(outstanding).map(str::to_owned).collect();
        paths.retain(|path| self.node(tree, path).is_ok_and(|node| is_own(&node)));
        for path in &paths {
            nodes.insert(path.clone(), None);
            let Some((parent, _)) = path::split(path) else { continue };
            let state =
                nodes.entry(parent.to_owned()).or_insert_with(|| self.node(tree, parent).ok());
            if let Some(parent) = state {
                parent.children = parent.children.saturating_sub(1);
                parent.stat.pzxid = self.stamp.zxid;
            }
        }
        let body = TxnBody::CloseSession(Some(paths.into_iter().collect()));
        Prepared { body, nodes: nodes.into_iter().collect(), session: Some(None) }
    }
}

impl Tree {
    pub(crate) fn create_session(&mut self, header: &TxnHeader, timeout_ms: i32) -> Change {
        self.sessions.insert(header.session, timeout_ms);
        Change::SessionCreated { timeout_ms }
    }

    /// Nodes that the leader listed, and those that this server knows of: a snapshot may hold a
    /// node that the leader had not created yet when it made the list, and the other way round.
    pub(crate) fn close_session(
        &mut self,
        header: &TxnHeader,
        listed: Option<Vec<String>>,
    ) -> Change {
        self.sessions.remove(&header.session);
        let known = self.ephemerals.remove(&header.session).unwrap_or_default();
        let mut paths: BTreeSet<Arc<str>> = known.into_iter().collect();
        paths.extend(listed.unwrap_or_default().into_iter().map(Arc::from));
        if Mutant::EphemeralLeft.is_on() {
            paths.clear();
        }
        for path in paths {
            // Deleted already, by a transaction between the list and this one.
            let _ = self.delete(&path, header.zxid);
        }
        Change::SessionClosed
    }
}
