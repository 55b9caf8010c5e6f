//! Events in their place: before a reply that reflects the change, and never without one.
//!
//! Source: ZooKeeper's programmer's guide, "ZooKeeper Watches". A watch lives until its event, or
//! until the connection ends; a client that comes back sets its watches again (`setWatches`), and
//! the server then tells at once what they have missed.

use std::collections::{BTreeMap, BTreeSet};

use zab_trace::Zxid;

use crate::events::Events;
use crate::findings::Findings;
use crate::outcome::Rule;
use crate::record::{Call, Operation, WatchKind, WatcherType, What};
use crate::replay::Replayed;
use crate::unknown::{Unknowns, creates, parent};

/// What a watch looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    /// A node's data and existence.
    Data,
    /// A node's children.
    Children,
    /// Both, for ever.
    Persistent,
    /// The data and existence of a node and of all below it, for ever.
    Recursive,
}

/// A watch that is set.
#[derive(Clone, Copy, Debug)]
struct Watch {
    /// The line that set it.
    index: usize,
    /// Changes after this are to be told.
    after: Zxid,
    /// Whether it was set again, so that what it has missed is told in few words.
    again: bool,
}

/// Checks every client by itself.
pub(crate) fn check(
    events: &Events<'_>,
    unknowns: &Unknowns<'_>,
    replayed: &Replayed,
    findings: &mut Findings,
) {
    let changes = Changes::new(unknowns, replayed);
    for (_, moments) in events.by_client() {
        let mut client = Client { changes: &changes, set: BTreeMap::new(), told: None };
        for (at, index) in moments {
            match &events.history.lines[index].what {
                What::Operation(operation) if operation.returned == Some(at) => {
                    client.answered(index, operation, findings);
                }
                What::Operation(operation) => client.asked(index, operation),
                What::Watch { kind, path, zxid, .. } => {
                    client.event(index, *kind, path, *zxid, findings);
                }
                What::Disconnected { .. } | What::Expired { .. } => {
                    client.set.clear();
                    client.told = None;
                }
                What::Connected { .. } | What::Mark(_) => {}
            }
        }
    }
}

/// Changes by path, in the order of their zxids.
struct Changes<'a> {
    by_path: BTreeMap<&'a str, Vec<(Zxid, WatchKind)>>,
    uncertain: &'a BTreeSet<String>,
    unknowns: &'a Unknowns<'a>,
}

impl<'a> Changes<'a> {
    fn new(unknowns: &'a Unknowns<'a>, replayed: &'a Replayed) -> Self {
        let mut by_path: BTreeMap<&str, Vec<(Zxid, WatchKind)>> = BTreeMap::new();
        for change in &replayed.changes {
            by_path.entry(&change.path).or_default().push((change.zxid, change.kind));
        }
        Self { by_path, uncertain: &replayed.uncertain, unknowns }
    }

    /// The first change after a zxid that a watch tells.
    fn next(&self, of: Of, path: &str, after: Zxid) -> Option<(Zxid, WatchKind)> {
        if of == Of::Recursive {
            let own = self.by_path.range(path..).take_while(|(other, _)| other.starts_with(path));
            let own = own.filter(|(other, _)| covers(path, other));
            let firsts = own.filter_map(|(_, changes)| first(changes, of, after));
            return firsts.min_by_key(|(zxid, _)| *zxid);
        }
        self.by_path.get(path).and_then(|changes| first(changes, of, after))
    }

    /// The first change of a kind after a zxid.
    fn cause(&self, kind: WatchKind, path: &str, after: Zxid) -> Option<Zxid> {
        let changes = self.by_path.get(path)?;
        changes.iter().find(|(zxid, own)| *zxid > after && *own == kind).map(|(zxid, _)| *zxid)
    }

    /// Whether the path, or a child of it, may have changed unseen.
    fn is_uncertain(&self, kind: WatchKind, path: &str) -> bool {
        if kind != WatchKind::NodeChildrenChanged {
            return self.uncertain.contains(path)
                || self
                    .unknowns
                    .may(|part| touches(part, |own| own == path) || creates(part, path));
        }
        let child = |other: &str| parent(other) == Some(path);
        self.uncertain.iter().any(|other| child(other))
            || self.unknowns.may(|part| touches(part, child))
    }
}

/// Whether a write is about such a path, as it was asked for.
fn touches(part: &Call, is_it: impl Fn(&str) -> bool) -> bool {
    match part {
        Call::Create { path, .. } | Call::Delete { path, .. } | Call::Set { path, .. } => {
            is_it(path)
        }
        _ => false,
    }
}

fn first(changes: &[(Zxid, WatchKind)], of: Of, after: Zxid) -> Option<(Zxid, WatchKind)> {
    let start = changes.partition_point(|(zxid, _)| *zxid <= after);
    changes[start..].iter().find(|(_, kind)| tells(of, *kind)).copied()
}

/// Whether a node is another or below it.
fn covers(path: &str, other: &str) -> bool {
    let rest = other.strip_prefix(path.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_one(of: Of, of_type: WatcherType) -> bool {
    match of_type {
        WatcherType::Any => true,
        WatcherType::Children => of == Of::Children,
        WatcherType::Data => of == Of::Data,
        WatcherType::Persistent => of == Of::Persistent,
        WatcherType::Recursive => of == Of::Recursive,
    }
}

fn tells(of: Of, kind: WatchKind) -> bool {
    match of {
        Of::Data | Of::Recursive => kind != WatchKind::NodeChildrenChanged,
        Of::Children => {
            matches!(kind, WatchKind::NodeChildrenChanged | WatchKind::NodeDeleted)
        }
        Of::Persistent => true,
    }
}

struct Client<'a> {
    changes: &'a Changes<'a>,
    set: BTreeMap<(String, Of), Watch>,
    /// The change that the last event told, and its line: no later reply is from before it.
    told: Option<(Zxid, usize)>,
}

impl Client<'_> {
    fn add(&mut self, path: &str, of: Of, watch: Watch) {
        // A watch that is set twice is one; it tells what the first was to tell.
        self.set.entry((path.to_owned(), of)).or_insert(watch);
    }

    fn asked(&mut self, index: usize, operation: &Operation) {
        let Call::SetWatches { since, data, children, persistent, recursive } = &operation.call
        else {
            return;
        };
        let again = |after| Watch { index, after, again: true };
        for (paths, of) in [(data, Of::Data), (children, Of::Children)] {
            paths.iter().for_each(|path| self.add(path, of, again(*since)));
        }
        // Of these nothing is told that happened before they were set.
        let now = operation.zxid.unwrap_or(Zxid::new(u32::MAX, u32::MAX));
        for (paths, of) in [(persistent, Of::Persistent), (recursive, Of::Recursive)] {
            paths.iter().for_each(|path| self.add(path, of, again(now)));
        }
    }

    fn answered(&mut self, index: usize, operation: &Operation, findings: &mut Findings) {
        let Some(zxid) = operation.zxid else { return };
        self.owed(index, operation, zxid, findings);
        if let Some((change, event)) = self.told.filter(|(change, _)| zxid < *change) {
            let text = format!(
                "an event told of {change}, and the reply to {} after it is from {zxid}",
                operation.call
            );
            findings.violation(Rule::WatchOrder, index, text, &[(event, "the event")]);
            self.told = None;
        }
        let watch = Watch { index, after: zxid, again: false };
        let fine = operation.error.is_none();
        match &operation.call {
            Call::Get { path, watch: true } if fine => self.add(path, Of::Data, watch),
            Call::Exists { path, watch: true }
                if fine || operation.error.as_deref() == Some("NoNode") =>
            {
                self.add(path, Of::Data, watch);
            }
            Call::Children { path, watch: true } if fine => self.add(path, Of::Children, watch),
            Call::AddWatch { path, recursive } if fine => {
                let of = if *recursive { Of::Recursive } else { Of::Persistent };
                self.add(path, of, watch);
            }
            // Until then an event may be on its way.
            Call::RemoveWatches { path, watches } if fine => {
                self.set.retain(|(own, of), _| own != path || !is_one(*of, *watches));
            }
            _ => {}
        }
    }

    /// A reply comes after the events of what it reflects.
    fn owed(&mut self, index: usize, operation: &Operation, zxid: Zxid, findings: &mut Findings) {
        let mut missed = Vec::new();
        for ((path, of), watch) in &self.set {
            findings.ask(Rule::WatchOrder);
            let next = self.changes.next(*of, path, watch.after);
            if let Some((change, kind)) = next.filter(|(change, _)| *change <= zxid) {
                missed.push((path.clone(), *of));
                let text = format!(
                    "the reply to {} is from {zxid}, and the event {kind:?} of {change}, for which a \
                     watch on {path} was set, has not come before it",
                    operation.call
                );
                findings.violation(
                    Rule::WatchOrder,
                    index,
                    text,
                    &[(watch.index, "set the watch")],
                );
            }
        }
        self.set.retain(|key, _| !missed.contains(key));
    }

    fn event(
        &mut self,
        index: usize,
        kind: WatchKind,
        path: &str,
        zxid: Option<Zxid>,
        findings: &mut Findings,
    ) {
        findings.ask(Rule::WatchOrder);
        let set = self.set.iter();
        let hit = set.filter(|((own, of), watch)| {
            let here = if *of == Of::Recursive { covers(own, path) } else { own == path };
            here && (tells(*of, kind) || watch.again)
        });
        let hit: Vec<((String, Of), Watch)> =
            hit.map(|(key, watch)| (key.clone(), *watch)).collect();
        let Some(after) = hit.iter().map(|(_, watch)| watch.after).min() else {
            let text = format!("an event {kind:?} came for {path}, and no watch was set for it");
            findings.violation(Rule::WatchOrder, index, text, &[]);
            return;
        };
        let again = hit.iter().any(|(_, watch)| watch.again);
        let cause = self.changes.cause(kind, path, after);
        let uncertain = self.changes.is_uncertain(kind, path);
        if cause.is_none() && !again && !uncertain {
            let text =
                format!("an event {kind:?} came for {path}, which did not change so after {after}");
            findings.violation(Rule::WatchOrder, index, text, &[(hit[0].1.index, "set the watch")]);
        }
        // Where the path may also have changed unseen, the event may be of that.
        let told = zxid.filter(|zxid| *zxid > Zxid::ZERO).or(cause.filter(|_| !uncertain));
        if let Some(told) = told {
            self.told = Some((told, index)).max(self.told);
        }
        for ((path, of), mut watch) in hit {
            let stays = matches!(of, Of::Persistent | Of::Recursive);
            if !stays {
                self.set.remove(&(path, of));
            } else if let Some(told) = told.or(cause) {
                watch.after = told.max(watch.after);
                self.set.insert((path, of), watch);
            }
        }
    }
}
