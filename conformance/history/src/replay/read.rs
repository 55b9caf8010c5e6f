//! Answers beside the tree that they were made from, and what may have changed it unseen.

use std::collections::HashSet;

use zab_trace::Zxid;

use super::Replay;
use super::tree::Node;
use crate::events::Op;
use crate::outcome::Rule;
use crate::record::{Call, Stat};
use crate::unknown::{creates, parent, parts, shown};

/// What belongs to the server.
const OF_SERVER: &str = "/zookeeper";

impl Replay<'_, '_> {
    /// An answer that changes nothing.
    pub(super) fn read(&mut self, zxid: Zxid, op: &Op<'_>) {
        if let Some(error) = op.operation.error.as_deref() {
            self.refused(zxid, op, error);
            return;
        }
        if let (Call::Children { path, .. }, Some(names)) =
            (&op.operation.call, &op.operation.reply.children)
        {
            self.children(zxid, op, path, names);
        }
        for (path, stat, data) in shown(op) {
            for rule in [Rule::State, Rule::Durable, Rule::Atomic] {
                self.findings.ask(rule);
            }
            self.shown(zxid, op, path, stat, data);
        }
    }

    /// An error is true in the state that it was answered from.
    fn refused(&mut self, zxid: Zxid, op: &Op<'_>, error: &str) {
        let parts = parts(&op.operation.call);
        let Some(part) = parts.first() else { return };
        let first = op.operation.reply.parts.first().and_then(|part| part.error.as_deref());
        if parts.len() > 1 && first != Some(error) {
            // Another part failed, and what came before it was undone.
            return;
        }
        self.findings.ask(Rule::State);
        match (part, error) {
            (Call::Create { path, .. }, "NoNode") => {
                if let Some(above) = parent(path) {
                    self.gone(zxid, op, above);
                }
            }
            (Call::Create { path, kind, .. }, "NodeExists") if !kind.is_sequential() => {
                self.there(zxid, op, path);
            }
            (
                Call::Delete { path, .. }
                | Call::Set { path, .. }
                | Call::Check { path, .. }
                | Call::Get { path, .. }
                | Call::Exists { path, .. }
                | Call::Children { path, .. },
                "NoNode",
            ) => self.gone(zxid, op, path),
            (
                Call::Delete { path, version }
                | Call::Set { path, version, .. }
                | Call::Check { path, version },
                "BadVersion",
            ) => self.other_version(zxid, op, path, *version),
            (Call::Delete { path, .. }, "NotEmpty") => self.not_empty(zxid, op, path),
            _ => {}
        }
    }

    fn other_version(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, version: Option<i32>) {
        self.there(zxid, op, path);
        let more = self.sets(zxid, op, path);
        let own = self.tree.nodes.get(path).and_then(|node| node.version);
        if own.is_some() && own == version && more == 0 && !self.is_broken(path) {
            let text = format!(
                "{} was answered BadVersion from {zxid}, and {path} has the version that it asked for",
                op.operation.call
            );
            self.wrong(Rule::Linearizable, op, path, text);
        }
    }

    fn not_empty(&mut self, zxid: Zxid, op: &Op<'_>, path: &str) {
        let Some(node) = self.tree.nodes.get(path) else { return };
        let empty = node.all_children && node.children.is_empty();
        if empty && !self.has_uncertain_children(zxid, op, path) && !self.is_broken(path) {
            let text = format!(
                "{} was answered NotEmpty from {zxid}, and {path} has no children",
                op.operation.call
            );
            self.wrong(Rule::Linearizable, op, path, text);
        }
    }

    fn children(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, names: &[String]) {
        let join =
            |name: &String| if path == "/" { format!("/{name}") } else { format!("{path}/{name}") };
        for name in names {
            self.findings.ask(Rule::State);
            let child = join(name);
            let unlisted = self.tree.nodes.get(path).is_none_or(|node| !node.all_children);
            if unlisted && !self.tree.is_touched(&child) {
                // It was there before the recording.
                continue;
            }
            self.there(zxid, op, &child);
        }
        // A node may have thousands of children, and thousands of answers list them.
        let told: HashSet<&str> = names.iter().map(String::as_str).collect();
        let known = self.tree.nodes.get(path).into_iter().flat_map(|node| &node.children);
        let missing: Vec<_> = known.filter(|name| !told.contains(name.as_str())).cloned().collect();
        for name in missing {
            self.findings.ask(Rule::State);
            self.gone(zxid, op, &join(&name));
        }
    }

    /// An answer says that a node does not exist.
    fn gone(&mut self, zxid: Zxid, op: &Op<'_>, path: &str) {
        if !self.is_broken(path) && !self.absent(zxid, op, path) {
            self.blame(zxid, op, path, None, format!("{path} does not exist"));
        }
    }

    /// An answer says that a node exists.
    fn there(&mut self, zxid: Zxid, op: &Op<'_>, path: &str) {
        if !self.is_broken(path) && !self.is_there(zxid, op, path) {
            self.blame(zxid, op, path, Some(None), format!("{path} exists"));
        }
    }

    /// An answer shows a node.
    fn shown(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, stat: &Stat, data: Option<&str>) {
        if self.is_broken(path) {
            return;
        }
        if stat.czxid <= self.events.history.header.since && !self.tree.is_touched(path) {
            let known = self.tree.nodes.get(path).is_some_and(|node| node.czxid.is_some());
            if !known {
                let children = self.tree.nodes.remove(path).unwrap_or_default().children;
                self.tree.nodes.insert(path.to_owned(), Node { children, ..Node::given(stat) });
            }
        }
        self.made_again(zxid, op, path, stat);
        if !self.is_there(zxid, op, path) {
            let seen = Some(Some(stat.mzxid));
            self.blame(zxid, op, path, seen, format!("{path} exists, as {} made it", stat.mzxid));
            return;
        }
        let more = self.sets(zxid, op, path);
        let Some(node) = self.tree.nodes.get_mut(path) else { return };
        let unseen = more > 0 && !self.unknowns.told.contains(&stat.mzxid);
        if unseen && node.mzxid.is_some_and(|own| own < stat.mzxid) {
            // One of several unknown writes has set it, nobody knows which.
            (node.mzxid, node.data, node.version) = (None, None, None);
        }
        let what = difference(node, stat, data, more);
        if let Some(what) = what {
            self.blame(zxid, op, path, Some(Some(stat.mzxid)), format!("{path} has {what}"));
            return;
        }
        (node.czxid, node.mzxid) = (Some(stat.czxid), Some(stat.mzxid));
        node.confirmed = zxid;
        node.version = Some(stat.version);
        node.data = data.map(str::to_owned).or(node.data.take());
        self.parental(zxid, op, path, stat);
    }

    /// A node that an unknown write may have deleted, and another created again.
    pub(super) fn made_again(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, stat: &Stat) {
        let own = self.tree.nodes.get(path).and_then(|node| node.czxid);
        let newer = own.is_some_and(|own| own < stat.czxid);
        let by_unknown = newer && !self.unknowns.told.contains(&stat.czxid);
        if by_unknown && self.unknowns.count((Zxid::ZERO, zxid), op, |part| creates(part, path)) > 0
        {
            self.absent(zxid, op, path);
        }
    }

    /// What a node says of its children.
    fn parental(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, stat: &Stat) {
        if self.has_uncertain_children(zxid, op, path) {
            return;
        }
        let Some(node) = self.tree.nodes.get(path) else { return };
        let children = u32::try_from(node.children.len()).unwrap_or(u32::MAX);
        let (pzxid, creates) = (node.pzxid, node.creates);
        let Some(pzxid) = pzxid.filter(|_| node.all_children) else { return };
        let cversion = creates.map(|creates| i64::from(creates) * 2 - i64::from(children));
        let what = if pzxid != stat.pzxid {
            Some(format!("pzxid {} instead of {pzxid}", stat.pzxid))
        } else if children != stat.num_children {
            Some(format!("{} children instead of {children}", stat.num_children))
        } else {
            let differs = cversion.filter(|cversion| *cversion != i64::from(stat.cversion));
            differs.map(|cversion| format!("cversion {} instead of {cversion}", stat.cversion))
        };
        let Some(what) = what else { return };
        let rule = if stat.pzxid < pzxid { Rule::Durable } else { Rule::State };
        let text = format!("{} was answered from {zxid} that {path} has {what}", op.whose());
        self.wrong(rule, op, path, text);
    }

    pub(super) fn is_broken(&self, path: &str) -> bool {
        path.starts_with(OF_SERVER) || self.broken.contains(path)
    }

    /// Whether a node can be there; one that an unknown write may have created is from now on.
    pub(super) fn is_there(&mut self, zxid: Zxid, op: &Op<'_>, path: &str) -> bool {
        if self.tree.nodes.contains_key(path) || self.is_broken(path) {
            return true;
        }
        let given = self.events.history.header.since > Zxid::ZERO && !self.tree.is_touched(path);
        if given {
            self.tree.insert(path, Node::default(), None);
            return true;
        }
        let made = self.unknowns.count((Zxid::ZERO, zxid), op, |part| creates(part, path)) > 0
            || self.unplaced.iter().any(|part| creates(part, path));
        if made {
            self.replayed.uncertain.insert(path.to_owned());
            // It may have been created as one that ends by itself.
            self.tree.insert(path, Node { vanishes: true, ..Node::default() }, None);
        }
        made
    }

    /// Whether a node can be absent; one that may have ended unseen is, from now on.
    pub(super) fn absent(&mut self, zxid: Zxid, op: &Op<'_>, path: &str) -> bool {
        let Some(node) = self.tree.nodes.get(path) else { return true };
        if self.is_broken(path) {
            return true;
        }
        let (owner, vanishes, confirmed) = (node.owner.clone(), node.vanishes, node.confirmed);
        let deleted = self.unknowns.count((confirmed, zxid), op, |part| deletes(part, path)) > 0;
        if deleted || vanishes {
            self.tree.remove(path, None);
            self.replayed.uncertain.insert(path.to_owned());
            return true;
        }
        let Some(session) = owner.filter(|owner| self.may_have_ended(zxid, owner)) else {
            return false;
        };
        self.ended.insert(session.clone(), zxid);
        for path in self.owned(&session) {
            self.tree.remove(&path, None);
            self.replayed.uncertain.insert(path);
        }
        true
    }

    /// Whether a session may have ended without its client's wish.
    fn may_have_ended(&self, zxid: Zxid, session: &str) -> bool {
        let events = self.events;
        !events.closed.contains_key(session)
            && events.alive.get(session).is_none_or(|alive| *alive < zxid)
    }

    /// How many unknown writes may have set the data.
    pub(super) fn sets(&self, zxid: Zxid, op: &Op<'_>, path: &str) -> i32 {
        let count = self.unknowns.count(
            (Zxid::ZERO, zxid),
            op,
            |part| matches!(part, Call::Set { path: own, .. } if own == path),
        );
        i32::try_from(count).unwrap_or(i32::MAX / 2)
    }

    /// Whether children may have come or gone unseen.
    fn has_uncertain_children(&self, zxid: Zxid, op: &Op<'_>, path: &str) -> bool {
        let below = |own: &String| parent(own) == Some(path);
        let unknown = self.unknowns.count((Zxid::ZERO, zxid), op, |part| match part {
            Call::Create { path, .. } | Call::Delete { path, .. } => below(path),
            Call::Close => true,
            _ => false,
        });
        let Some(node) = self.tree.nodes.get(path) else { return true };
        let ends = |name: &String| {
            let child = self.tree.nodes.get(&format!("{}/{name}", path.trim_end_matches('/')));
            child.is_some_and(|child| {
                let owner = child.owner.as_deref();
                child.vanishes || owner.is_some_and(|owner| self.may_have_ended(zxid, owner))
            })
        };
        unknown > 0 || node.unplaced || node.children.iter().any(ends)
    }
}

fn deletes(part: &Call, path: &str) -> bool {
    matches!(part, Call::Delete { path: own, .. } if own == path)
}

/// How a node differs from what an answer shows of it.
fn difference(node: &Node, stat: &Stat, data: Option<&str>, more: i32) -> Option<String> {
    let other = |name: &str, own: Option<Zxid>, shown: Zxid| {
        let own = own.filter(|own| *own != shown)?;
        Some(format!("{name} {shown} instead of {own}"))
    };
    other("czxid", node.czxid, stat.czxid)
        .or_else(|| other("mzxid", node.mzxid, stat.mzxid))
        .or_else(|| {
            let own = node.version.filter(|own| !(*own..=*own + more).contains(&stat.version))?;
            Some(format!("version {} instead of {own}", stat.version))
        })
        .or_else(|| {
            let own = node.data.as_deref().filter(|own| data.is_some_and(|data| data != *own))?;
            Some(format!("data {:?} instead of {own:?}", data.unwrap_or_default()))
        })
        .or_else(|| {
            let known = node.czxid.is_some() && stat.ephemeral_owner != node.owner;
            // Of a container and of a node with a time to live the owner is a number with a meaning.
            let owned = known && !node.vanishes;
            owned.then(|| format!("owner {:?} instead of {:?}", stat.ephemeral_owner, node.owner))
        })
}
