//! Writes whose outcome their client does not know. Later answers show of some of them that they
//! happened, and when: a stat names the transactions that made a node what it is. The others may
//! have happened at any later time, or never.

use std::collections::{BTreeMap, BTreeSet};

use zab_trace::Zxid;

use crate::events::{Events, Op};
use crate::record::{Call, Stat};

/// A write that may have happened.
#[derive(Debug)]
pub(crate) struct Unknown<'a> {
    pub(crate) op: Op<'a>,
    /// What it does, one part after the other.
    pub(crate) parts: Vec<&'a Call>,
    /// It has a larger zxid than this.
    after: Zxid,
    /// And a smaller one than this.
    before: Option<Zxid>,
    /// Whether an answer has shown its zxid.
    pub(crate) found: Option<Zxid>,
}

/// What an answer shows of a transaction that nobody was told of.
#[derive(Clone, Copy, Debug)]
enum Evidence<'a> {
    /// It created this node, with these data where they are known, and this owner.
    Created(&'a str, Option<&'a str>, Option<&'a str>),
    /// It set these data.
    Set(&'a str, Option<&'a str>),
    /// It added or removed a child of this node.
    Child(&'a str),
}

/// All unknown writes of a history.
#[derive(Debug, Default)]
pub(crate) struct Unknowns<'a> {
    pub(crate) all: Vec<Unknown<'a>>,
    /// The zxids of writes that succeeded, as their clients know.
    pub(crate) told: BTreeSet<Zxid>,
}

impl<'a> Unknowns<'a> {
    /// Finds them, and the zxids of those that answers show.
    pub(crate) fn new(events: &Events<'a>) -> Self {
        let told = events.ops.iter().filter(|op| op.wrote()).filter_map(Op::zxid).collect();
        let mut unknowns = Self { all: Vec::new(), told };
        for op in events.ops.iter().filter(|op| op.is_unknown_write()) {
            let (after, before) = bounds(events, op);
            let parts = parts(&op.operation.call);
            unknowns.all.push(Unknown { op: *op, parts, after, before, found: None });
        }
        unknowns.all.sort_by_key(|unknown| unknown.op.operation.invoked);
        if !unknowns.all.is_empty() {
            unknowns.find(events);
        }
        unknowns
    }

    /// Those with a zxid, by the index of their lines.
    pub(crate) fn found(&self) -> BTreeMap<usize, Zxid> {
        let found = self.all.iter();
        found.filter_map(|unknown| unknown.found.map(|zxid| (unknown.op.index, zxid))).collect()
    }

    /// How many parts of those that were not found may have done this by then, and after `from`.
    pub(crate) fn count(
        &self,
        (from, to): (Zxid, Zxid),
        op: &Op<'_>,
        does: impl Fn(&Call) -> bool,
    ) -> usize {
        let open = self.all.iter().filter(|unknown| unknown.found.is_none());
        let open = open.filter(|unknown| {
            unknown.after < to
                && unknown.before.is_none_or(|before| from < before)
                && unknown.op.operation.invoked < op.returned()
        });
        open.flat_map(|unknown| &unknown.parts).filter(|part| does(part)).count()
    }

    /// Whether one that was not found may have done this, at any time.
    pub(crate) fn may(&self, does: impl Fn(&Call) -> bool) -> bool {
        let open = self.all.iter().filter(|unknown| unknown.found.is_none());
        open.flat_map(|unknown| &unknown.parts).any(|part| does(part))
    }

    fn find(&mut self, events: &Events<'a>) {
        let since = events.history.header.since;
        let mut shown: BTreeMap<Zxid, (u64, Vec<Evidence<'a>>)> = BTreeMap::new();
        for op in &events.ops {
            for (zxid, evidence) in evidence(op) {
                if zxid > since && !self.told.contains(&zxid) {
                    let (returned, all) = shown.entry(zxid).or_insert((u64::MAX, Vec::new()));
                    *returned = op.returned().min(*returned);
                    all.push(evidence);
                }
            }
        }
        for (zxid, (returned, all)) in shown {
            let fits = |unknown: &&mut Unknown<'_>| {
                unknown.found.is_none()
                    && unknown.fits(zxid, returned)
                    && all.iter().all(|evidence| unknown.shows(evidence))
            };
            // A child may also have ended with its session, so it alone shows nothing.
            let by_node = all.iter().any(|evidence| !matches!(evidence, Evidence::Child(_)));
            let mut candidates = self.all.iter_mut().filter(fits);
            // Of several it stays open which one it was.
            if let (true, Some(unknown), None) = (by_node, candidates.next(), candidates.next()) {
                unknown.found = Some(zxid);
            }
        }
    }
}

impl Unknown<'_> {
    fn shows(&self, evidence: &Evidence<'_>) -> bool {
        let session = self.op.line.session.as_deref();
        self.parts.iter().any(|part| evidence.fits(part, session))
    }

    fn fits(&self, zxid: Zxid, returned: u64) -> bool {
        self.after < zxid
            && self.before.is_none_or(|before| zxid < before)
            && self.op.operation.invoked < returned
    }
}

impl Evidence<'_> {
    fn fits(&self, part: &Call, session: Option<&str>) -> bool {
        match self {
            Self::Created(path, value, owner) => {
                let Call::Create { data, kind, .. } = part else { return false };
                let owned = session.filter(|_| kind.is_ephemeral());
                creates(part, path)
                    && value.is_none_or(|value| value == data)
                    && (kind.may_vanish() || owned == *owner)
            }
            Self::Set(path, value) => {
                matches!(part, Call::Set { path: own, data, .. }
                    if own == path && value.is_none_or(|value| value == data))
            }
            Self::Child(path) => match part {
                Call::Create { path: own, .. } | Call::Delete { path: own, .. } => {
                    parent(own) == Some(path)
                }
                Call::Close => true,
                _ => false,
            },
        }
    }
}

/// The largest zxid that a session had seen when it asked, and the zxid of its next write.
fn bounds(events: &Events<'_>, op: &Op<'_>) -> (Zxid, Option<Zxid>) {
    let session = op.line.session.as_deref().and_then(|session| events.sessions.get(session));
    let own = || session.into_iter().flatten().map(|place| &events.ops[*place]);
    let asked = op.operation.invoked;
    let seen = own().filter(|other| other.returned() < asked).filter_map(Op::zxid).max();
    let later =
        own().filter(|other| other.operation.invoked > asked && other.operation.call.is_write());
    (seen.unwrap_or_default(), later.filter_map(Op::zxid).min())
}

/// What an operation does, one part after the other.
pub(crate) fn parts(call: &Call) -> Vec<&Call> {
    match call {
        Call::Multi { parts } => parts.iter().collect(),
        one => vec![one],
    }
}

/// Whether a part may create this node.
pub(crate) fn creates(part: &Call, path: &str) -> bool {
    match part {
        Call::Create { path: own, kind, .. } if kind.is_sequential() => {
            path.strip_prefix(own.as_str()).is_some_and(|number| {
                number.len() >= 10 && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        }
        Call::Create { path: own, .. } => own == path,
        _ => false,
    }
}

/// The path of a node's parent.
pub(crate) fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/')? {
        ("", "") => None,
        ("", _) => Some("/"),
        (parent, _) => Some(parent),
    }
}

/// The nodes that an answer shows: path, stat, and data where it has them.
pub(crate) fn shown<'a>(op: &Op<'a>) -> Vec<(&'a str, &'a Stat, Option<&'a str>)> {
    let reply = &op.operation.reply;
    let mut nodes = Vec::new();
    match &op.operation.call {
        Call::Get { path, .. } => {
            let data = Some(reply.data.as_deref().unwrap_or(""));
            nodes.extend(reply.stat.as_ref().map(|stat| (path.as_str(), stat, data)));
        }
        Call::Exists { path, .. } | Call::Children { path, .. } => {
            nodes.extend(reply.stat.as_ref().map(|stat| (path.as_str(), stat, None)));
        }
        _ => {}
    }
    nodes
}

fn evidence<'a>(op: &Op<'a>) -> Vec<(Zxid, Evidence<'a>)> {
    let mut all = Vec::new();
    let reply = &op.operation.reply;
    for (number, part) in parts(&op.operation.call).into_iter().enumerate() {
        let stat = reply.parts.get(number).map_or(reply.stat.as_ref(), |part| part.stat.as_ref());
        if let (Call::Set { path, .. }, Some(stat)) = (part, stat) {
            all.push((stat.czxid, Evidence::Created(path, None, stat.ephemeral_owner.as_deref())));
        }
    }
    for (path, stat, data) in shown(op) {
        let whole = data.filter(|_| stat.mzxid == stat.czxid);
        all.push((stat.czxid, Evidence::Created(path, whole, stat.ephemeral_owner.as_deref())));
        if stat.mzxid != stat.czxid {
            all.push((stat.mzxid, Evidence::Set(path, data)));
        }
        if stat.pzxid != stat.czxid {
            all.push((stat.pzxid, Evidence::Child(path)));
        }
    }
    all
}
