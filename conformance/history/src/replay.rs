//! Writes, one after the other by their zxids, on a tree; and every answer beside the tree that it
//! was made from.

mod blame;
mod read;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use zab_trace::Zxid;

use crate::events::{Events, Op};
use crate::findings::Findings;
use crate::outcome::Rule;
use crate::record::{Call, ReplyPart, WatchKind};
use crate::unknown::{Unknowns, creates, parent, parts};
use tree::{Node, Tree};

/// What a write changed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) zxid: Zxid,
    pub(crate) kind: WatchKind,
    pub(crate) path: String,
}

/// What the writes of a history did.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// By zxid.
    pub(crate) changes: Vec<Change>,
    /// Paths that may have changed without anybody's being told.
    pub(crate) uncertain: BTreeSet<String>,
}

/// Replays a history.
pub(crate) fn check(
    events: &Events<'_>,
    unknowns: &Unknowns<'_>,
    findings: &mut Findings,
) -> Replayed {
    let mut replay = Replay {
        events,
        unknowns,
        findings,
        tree: Tree::default(),
        ended: BTreeMap::new(),
        broken: BTreeSet::new(),
        seen: seen(events),
        unplaced: Vec::new(),
        replayed: Replayed::default(),
    };
    for path in ["/", "/zookeeper"] {
        replay.tree.nodes.insert(path.to_owned(), Node::default());
    }
    let found = unknowns.found();
    let mut all: Vec<(Zxid, bool, &Op<'_>)> = Vec::new();
    for op in &events.ops {
        let zxid = op.zxid().or(found.get(&op.index).copied());
        let writes = op.wrote() || found.contains_key(&op.index);
        all.extend(zxid.map(|zxid| (zxid, !writes, op)));
    }
    all.sort_by_key(|(zxid, reads, op)| (*zxid, *reads, op.operation.invoked));
    for (zxid, reads, op) in all {
        if reads { replay.read(zxid, op) } else { replay.write(zxid, op) }
    }
    replay.replayed
}

/// What answers show of transactions: zxid and path.
fn seen(events: &Events<'_>) -> BTreeSet<(Zxid, String)> {
    let mut seen = BTreeSet::new();
    for op in &events.ops {
        for (path, stat, _) in crate::unknown::shown(op) {
            seen.insert((stat.czxid, path.to_owned()));
            seen.insert((stat.mzxid, path.to_owned()));
        }
    }
    seen
}

struct Replay<'a, 'f> {
    events: &'a Events<'a>,
    unknowns: &'a Unknowns<'a>,
    findings: &'f mut Findings,
    tree: Tree,
    /// Sessions of which an answer has shown that they have ended.
    ended: BTreeMap<String, Zxid>,
    /// Paths about which something was wrong: nothing more is said of them.
    broken: BTreeSet<String>,
    seen: BTreeSet<(Zxid, String)>,
    /// Creates that happened at a known zxid, of nodes whose numbers are not known.
    unplaced: Vec<Call>,
    replayed: Replayed,
}

/// Whether a part creates a child of this node.
fn creates_below(part: &Call, above: &str) -> bool {
    matches!(part, Call::Create { path, .. } if parent(path) == Some(above))
}

impl Replay<'_, '_> {
    fn write(&mut self, zxid: Zxid, op: &Op<'_>) {
        self.findings.ask(Rule::Linearizable);
        let reply = &op.operation.reply;
        let own = ReplyPart { path: reply.path.clone(), stat: reply.stat.clone(), error: None };
        let whole = matches!(op.operation.call, Call::Multi { .. });
        for (number, part) in parts(&op.operation.call).into_iter().enumerate() {
            let answer = if whole { reply.parts.get(number) } else { Some(&own) };
            self.part(zxid, op, part, answer.unwrap_or(&own));
        }
    }

    fn part(&mut self, zxid: Zxid, op: &Op<'_>, part: &Call, answer: &ReplyPart) {
        match part {
            Call::Create { path, .. } => {
                let path = match &answer.path {
                    Some(path) => Some(path.clone()),
                    None => self.created(zxid, op, path, part),
                };
                if let Some(path) = path {
                    self.create(zxid, op, part, &path);
                }
            }
            Call::Delete { path, version } => self.delete(zxid, op, path, *version),
            Call::Set { path, data, version } => {
                if let Some(stat) = &answer.stat {
                    self.made_again(zxid, op, path, stat);
                }
                let told = answer.stat.as_ref().map(|stat| stat.version);
                self.set(zxid, op, path, data, (*version, told));
            }
            Call::Check { path, version } => self.checked(zxid, op, path, *version),
            Call::Close => self.close(zxid, op),
            _ => {}
        }
    }

    /// The path that an unknown create got: by the number that its parent has come to, or as answers
    /// show it. Of a sequential node it may stay unknown; then any that fits may be there.
    fn created(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, part: &Call) -> Option<String> {
        if !matches!(part, Call::Create { kind, .. } if kind.is_sequential()) {
            return Some(path.to_owned());
        }
        let above = parent(path)?;
        let others = self.unknowns.count((Zxid::ZERO, zxid), op, |part| creates_below(part, above));
        let number = self.tree.nodes.get(above).and_then(|node| node.creates);
        if let Some(number) = number.filter(|_| others == 0) {
            return Some(format!("{path}{number:010}"));
        }
        let shown = self.seen.range((zxid, String::new())..);
        let mut shown = shown.take_while(|(at, _)| *at == zxid).map(|(_, path)| path);
        let found =
            shown.find(|found| creates(part, found) && !self.tree.nodes.contains_key(*found));
        if found.is_none() {
            self.unplaced.push(part.clone());
            if let Some(node) = self.tree.nodes.get_mut(above) {
                (node.creates, node.pzxid) = (None, None);
                node.unplaced = true;
            }
        }
        found.cloned()
    }

    fn create(&mut self, zxid: Zxid, op: &Op<'_>, part: &Call, path: &str) {
        let Call::Create { data, kind, .. } = part else { return };
        if let Some(above) = parent(path).filter(|above| !self.is_there(zxid, op, above)) {
            let text = format!("{part} succeeded at {zxid}, and {above} does not exist then");
            self.wrong(Rule::Linearizable, op, path, text);
        }
        let fine = !kind.is_sequential() || self.number(zxid, op, path);
        if fine && !self.absent(zxid, op, path) {
            let text = format!("{part} succeeded at {zxid}, and {path} existed already");
            self.wrong(Rule::Linearizable, op, path, text);
        }
        let session = op.line.session.as_deref();
        let ends =
            kind.is_ephemeral() && session.is_some_and(|own| !self.events.closed.contains_key(own));
        if ends || kind.may_vanish() {
            self.replayed.uncertain.insert(path.to_owned());
        }
        let node = Node::new(Some(zxid), data, *kind, session);
        self.tree.insert(path, node, Some((op.index, zxid)));
        self.changed(zxid, WatchKind::NodeCreated, path);
    }

    /// Whether the number of a sequential node is the one that its parent has come to.
    fn number(&mut self, zxid: Zxid, op: &Op<'_>, path: &str) -> bool {
        self.findings.ask(Rule::Sequence);
        let Some(above) = parent(path) else { return true };
        let digits = path.get(path.len().saturating_sub(10)..).unwrap_or("");
        let (above, number) = (above.to_owned(), digits.parse::<u32>());
        let others =
            self.unknowns.count((Zxid::ZERO, zxid), op, |part| creates_below(part, &above));
        let Some(node) = self.tree.nodes.get_mut(&above) else { return true };
        let expected = node.creates;
        let most =
            expected.map(|count| count.saturating_add(u32::try_from(others).unwrap_or(u32::MAX)));
        let Ok(number) = number else { return false };
        // From here on it is known.
        node.creates = Some(number);
        if expected.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
            let text = format!(
                "{path} was created at {zxid}, and the next number below {above} is {}",
                expected.unwrap_or_default()
            );
            self.wrong(Rule::Sequence, op, path, text);
            return false;
        }
        true
    }

    fn delete(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, version: Option<i32>) {
        if !self.present(zxid, op, path) {
            return;
        }
        self.has_version(zxid, op, path, version);
        let children = self.tree.nodes.get(path).map(|node| node.children.clone());
        for name in children.into_iter().flatten() {
            let child = format!("{path}/{name}");
            if !self.absent(zxid, op, &child) {
                let text = format!("delete {path} succeeded at {zxid}, and {child} is there");
                self.wrong(Rule::Linearizable, op, path, text);
            }
        }
        self.tree.remove(path, Some((op.index, zxid)));
        self.changed(zxid, WatchKind::NodeDeleted, path);
    }

    fn set(
        &mut self,
        zxid: Zxid,
        op: &Op<'_>,
        path: &str,
        data: &str,
        (version, told): (Option<i32>, Option<i32>),
    ) {
        if !self.present(zxid, op, path) {
            return;
        }
        self.has_version(zxid, op, path, version);
        let more = self.sets(zxid, op, path);
        let Some(node) = self.tree.nodes.get_mut(path) else { return };
        let next = node.version.map(|version| version + 1);
        (node.mzxid, node.data) = (Some(zxid), Some(data.to_owned()));
        node.version = told.or(next.filter(|_| more == 0));
        self.tree.note(path, Some((op.index, zxid)));
        if let (Some(next), Some(told)) = (next, told)
            && !(next..=next + more).contains(&told)
        {
            let text =
                format!("set {path} at {zxid} made version {told}, and the next one is {next}");
            self.wrong(Rule::Linearizable, op, path, text);
        }
        self.changed(zxid, WatchKind::NodeDataChanged, path);
    }

    /// A write needs a version that the node has.
    fn has_version(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, version: Option<i32>) {
        let more = self.sets(zxid, op, path);
        let own = self.tree.nodes.get(path).and_then(|node| node.version);
        let (Some(version), Some(own)) = (version, own) else { return };
        if !(own..=own + more).contains(&version) {
            let text = format!(
                "{} succeeded at {zxid} for version {version}, and {path} has version {own}",
                op.operation.call
            );
            self.wrong(Rule::Linearizable, op, path, text);
        }
    }

    fn checked(&mut self, zxid: Zxid, op: &Op<'_>, path: &str, version: Option<i32>) {
        if self.present(zxid, op, path) {
            self.has_version(zxid, op, path, version);
        }
    }

    fn close(&mut self, zxid: Zxid, op: &Op<'_>) {
        let Some(session) = op.line.session.as_deref() else { return };
        for path in self.owned(session) {
            self.tree.remove(&path, Some((op.index, zxid)));
            self.changed(zxid, WatchKind::NodeDeleted, &path);
        }
    }

    fn owned(&self, session: &str) -> Vec<String> {
        let nodes = self.tree.nodes.iter();
        let own = nodes.filter(|(_, node)| node.owner.as_deref() == Some(session));
        own.map(|(path, _)| path.clone()).collect()
    }

    /// Whether a write finds the node that it needs.
    fn present(&mut self, zxid: Zxid, op: &Op<'_>, path: &str) -> bool {
        let there = self.is_there(zxid, op, path);
        if !there {
            let text = format!(
                "{} succeeded at {zxid}, and {path} does not exist then",
                op.operation.call
            );
            self.wrong(Rule::Linearizable, op, path, text);
        }
        there
    }

    fn changed(&mut self, zxid: Zxid, kind: WatchKind, path: &str) {
        let children = (kind != WatchKind::NodeDataChanged).then(|| parent(path)).flatten();
        let changes = &mut self.replayed.changes;
        changes.push(Change { zxid, kind, path: path.to_owned() });
        changes.extend(children.map(|above| Change {
            zxid,
            kind: WatchKind::NodeChildrenChanged,
            path: above.to_owned(),
        }));
    }

    fn wrong(&mut self, rule: Rule, op: &Op<'_>, path: &str, text: String) {
        if self.broken.insert(path.to_owned()) {
            let last = self.tree.past(path).last().and_then(|past| past.write);
            let related: Vec<_> =
                last.map(|(index, _)| (index, "wrote it last")).into_iter().collect();
            let related: Vec<_> =
                related.into_iter().filter(|(index, _)| *index != op.index).collect();
            self.findings.violation(rule, op.index, text, &related);
        }
    }
}
