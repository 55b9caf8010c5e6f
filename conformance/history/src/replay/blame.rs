//! Which promise an answer breaks that is not what the writes made.

use zab_trace::Zxid;

use super::Replay;
use crate::events::Op;
use crate::outcome::Rule;
use crate::record::{Call, What};
use crate::unknown::{parent, parts};

impl Replay<'_, '_> {
    /// An answer differs from the tree. `state` is what it shows: absent, or the zxid that last set
    /// the data where that is known. If the path was so before, the write after that is missing.
    pub(super) fn blame(
        &mut self,
        zxid: Zxid,
        op: &Op<'_>,
        path: &str,
        state: Option<Option<Zxid>>,
        what: String,
    ) {
        let past = self.tree.past(path);
        let same = |found: Option<Zxid>| match (state, found) {
            (None, None) | (Some(None), Some(_)) => true,
            (Some(Some(shown)), Some(own)) => shown == own,
            _ => false,
        };
        let last = past.iter().rposition(|past| same(past.state));
        let first = state.is_none().then_some(0);
        let missing = last.map(|last| last + 1).or(first).and_then(|next| past.get(next));
        let missing = missing.and_then(|past| past.write);
        let whose = op.whose();
        let call = &op.operation.call;
        if let Some((index, made)) = missing {
            let partly = self.is_partly_seen(index, made, path);
            let rule = if partly { Rule::Atomic } else { Rule::Durable };
            let rest = if partly { ", of which other parts were seen" } else { "" };
            let write = self.call(index);
            let text = format!(
                "{whose} was answered from {zxid} ({call}) that {what}: it lacks {write} of {made}{rest}"
            );
            self.broken.insert(path.to_owned());
            self.broken.extend(parent(path).map(str::to_owned));
            self.findings.violation(rule, op.index, text, &[(index, "missing")]);
            return;
        }
        let text = format!("{whose} was answered from {zxid} ({call}) that {what}");
        let failed = state.flatten().and_then(|shown| self.failed(shown));
        match failed {
            Some(index) => {
                let text = format!("{text}, and that write failed: {}", self.call(index));
                self.broken.insert(path.to_owned());
                self.findings.violation(Rule::Atomic, op.index, text, &[(index, "failed")]);
            }
            None => self.wrong(Rule::State, op, path, text),
        }
    }

    fn call(&self, index: usize) -> String {
        match &self.events.history.lines[index].what {
            What::Operation(operation) => operation.call.to_string(),
            _ => String::new(),
        }
    }

    /// The write with this zxid, if it failed.
    fn failed(&self, zxid: Zxid) -> Option<usize> {
        let ops = self.events.ops.iter();
        let mut failed =
            ops.filter(|op| op.operation.call.is_write() && op.operation.error.is_some());
        failed.find(|op| op.zxid() == Some(zxid)).map(|op| op.index)
    }

    /// Whether an answer shows another part of a transaction.
    fn is_partly_seen(&self, index: usize, zxid: Zxid, path: &str) -> bool {
        let What::Operation(operation) = &self.events.history.lines[index].what else {
            return false;
        };
        let reply = &operation.reply.parts;
        let named = parts(&operation.call).into_iter().enumerate();
        let mut others = named.filter_map(|(number, part)| match part {
            Call::Create { path, .. } => {
                Some(reply.get(number).and_then(|reply| reply.path.clone()).unwrap_or(path.clone()))
            }
            Call::Set { path, .. } => Some(path.clone()),
            _ => None,
        });
        others.any(|other| other != path && self.seen.contains(&(zxid, other)))
    }
}
