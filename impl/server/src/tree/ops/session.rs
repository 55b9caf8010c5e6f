//! Sessions: `createSession`, and `closeSession` with its ephemeral nodes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use zab_wire::{ErrorCode, TxnBody, TxnHeader};

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
        let mut paths = Vec::new();
        for path in tree.ephemerals.get(&session).into_iter().flatten() {
            if self.node(tree, path).is_err() {
                continue;
            }
            paths.push(path.to_string());
            nodes.insert(path.to_string(), None);
            let Some((parent, _)) = path::split(path) else { continue };
            let state =
                nodes.entry(parent.to_owned()).or_insert_with(|| self.node(tree, parent).ok());
            if let Some(parent) = state {
                parent.children = parent.children.saturating_sub(1);
            }
        }
        let body = TxnBody::CloseSession(Some(paths));
        Prepared { body, nodes: nodes.into_iter().collect(), session: Some(None) }
    }
}

impl Tree {
    pub(crate) fn create_session(&mut self, header: &TxnHeader, timeout_ms: i32) -> Change {
        self.sessions.insert(header.session, timeout_ms);
        Change::SessionCreated
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
        for path in paths {
            // Deleted already, by a transaction between the list and this one.
            let _ = self.delete(&path, header.zxid);
        }
        Change::SessionClosed
    }
}
