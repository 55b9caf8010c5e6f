//! Quotas: how many nodes and bytes there may be under a path, and how many there are.
//! Source: `DataTree.updateQuotaStat`, `StatsTrack`, `ZooKeeperServer.checkQuota`.
//!
//! The limits of `/a` are the data of `/zookeeper/quota/a/zookeeper_limits`, which clients write, and
//! the numbers are that of `zookeeper_stats` beside it, which every server keeps by itself, in no
//! transaction. Of the paths above a node that have limits, the longest counts. The root has none.

use bytes::Bytes;
use zab_wire::ErrorCode;

use super::{Preparer, Tree, digest, length_of};

const QUOTA: &str = "/zookeeper/quota";
const LIMITS: &str = "zookeeper_limits";
const STATS: &str = "zookeeper_stats";

/// How often it is said that a limit is exceeded.
const SAID_EVERY_MS: i64 = 60_000;

/// What stands in a node of quotas: names and numbers, −1 for those that are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbers {
    count: i64,
    bytes: i64,
    count_hard: i64,
    byte_hard: i64,
}

impl Numbers {
    /// What is no number is left out.
    fn read(data: Option<&Bytes>) -> Self {
        let mut numbers = Self { count: -1, bytes: -1, count_hard: -1, byte_hard: -1 };
        let text = String::from_utf8_lossy(data.map_or(&[][..], |data| data));
        for pair in text.split([',', ';']) {
            let mut parts = pair.split('=');
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
            let field = match name {
                "count" => &mut numbers.count,
                "bytes" => &mut numbers.bytes,
                "countHardLimit" => &mut numbers.count_hard,
                "byteHardLimit" => &mut numbers.byte_hard,
                _ => continue,
            };
            *field = value.parse().unwrap_or(-1);
        }
        numbers
    }

    /// As `StatsTrack.toString` writes what is counted.
    fn counted(count: i64, bytes: i64) -> Bytes {
        format!("count={count},bytes={bytes}").into()
    }
}

fn node_of(path: &str, name: &str) -> String {
    format!("{QUOTA}{path}/{name}")
}

/// The path whose quota this node is about, if it has this name.
fn subject<'a>(node: &'a str, name: &str) -> Option<&'a str> {
    node.strip_prefix(QUOTA)?.strip_suffix(name)?.strip_suffix('/')
}

/// A length, with a sign.
pub(super) fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

impl Tree {
    /// A node was created, or its data was replaced, or it was deleted: `count` more nodes, and
    /// `bytes` more.
    pub(super) fn count_for_quota(&mut self, path: &str, count: i64, bytes: i64) {
        if let Some(subject) = subject(path, LIMITS).filter(|subject| !subject.is_empty()) {
            match count {
                1.. => drop(self.quotas.insert(subject.into())),
                0 => {}
                _ => drop(self.quotas.remove(subject)),
            }
        } else if let Some(subject) = subject(path, STATS).filter(|_| count > 0) {
            self.count_anew(subject);
        }
        let Some(limited) = self.limited(path).map(str::to_owned) else { return };
        let stats = node_of(&limited, STATS);
        let Some(node) = self.nodes.get(stats.as_str()) else { return };
        let before = Numbers::read(node.data.as_ref());
        let now = Numbers::counted(before.count + count, before.bytes + bytes);
        self.set_own_data(&stats, now);
    }

    /// After a snapshot was read: which paths have limits, and what there is under them
    /// (`DataTree.setupQuota`).
    pub(super) fn set_up_quotas(&mut self) {
        let mut ahead = vec![QUOTA.to_owned()];
        while let Some(path) = ahead.pop() {
            let Some(node) = self.nodes.get(path.as_str()) else { continue };
            ahead.extend(node.children.iter().map(|name| format!("{path}/{name}")));
            if node.children.is_empty()
                && let Some(subject) = subject(&path, LIMITS).filter(|subject| !subject.is_empty())
            {
                self.count_anew(subject);
                self.quotas.insert(subject.into());
            }
        }
    }

    /// The longest path above a node, or its own, that has limits.
    fn limited<'a>(&self, path: &'a str) -> Option<&'a str> {
        if self.quotas.is_empty() {
            return None;
        }
        let mut path = path;
        while !path.is_empty() && !self.quotas.contains(path) {
            path = path.rsplit_once('/')?.0;
        }
        Some(path).filter(|path| !path.is_empty())
    }

    /// Counts what there is under a path, itself included.
    fn count_anew(&mut self, path: &str) {
        let stats = node_of(path, STATS);
        if !self.nodes.contains_key(stats.as_str()) {
            return;
        }
        let (mut count, mut bytes) = (0, 0);
        let mut ahead = vec![path.to_owned()];
        while let Some(path) = ahead.pop() {
            let Some(node) = self.nodes.get(path.as_str()) else { continue };
            count += 1;
            bytes += signed(length_of(&node.data));
            ahead.extend(node.children.iter().map(|name| format!("{path}/{name}")));
        }
        self.set_own_data(&stats, Numbers::counted(count, bytes));
    }

    /// Replaces the data of a node below `/zookeeper` without a transaction: its Stat stays.
    pub(super) fn set_own_data(&mut self, path: &str, data: Bytes) {
        let length = data.len();
        let before = self.change(path, |node| {
            node.content = digest::content(path, Some(&data));
            length_of(&node.data.replace(data))
        });
        if let Some(before) = before {
            self.data_bytes = self.data_bytes + length - before;
        }
    }

    /// Whether so much more may be under the limits of a path: `Err` if a hard limit forbids it,
    /// with a sentence if a soft one is exceeded.
    fn check_quota(&self, path: &str, count: i64, bytes: i64) -> Result<Option<String>, String> {
        let Some(limited) = self.limited(path) else { return Ok(None) };
        let numbers = |name| {
            let node = self.nodes.get(node_of(limited, name).as_str())?;
            Some(Numbers::read(node.data.as_ref()))
        };
        let (Some(limits), Some(stats)) = (numbers(LIMITS), numbers(STATS)) else {
            return Ok(None);
        };
        let kinds = [
            ("count", count, stats.count, limits.count, limits.count_hard),
            ("bytes", bytes, stats.bytes, limits.bytes, limits.byte_hard),
        ];
        let mut exceeded = None;
        for (what, more, present, soft, hard) in kinds {
            let limit = if hard > -1 { hard } else { soft };
            let wanted = present.saturating_add(more);
            if more == 0 || limit == -1 || wanted <= limit {
                continue;
            }
            let kind = if hard > -1 { "hard" } else { "soft" };
            let text =
                format!("{what} under {limited} would be {wanted}, the {kind} limit is {limit}");
            if hard > -1 {
                return Err(text);
            }
            exceeded = Some(text);
        }
        Ok(exceeded)
    }
}

impl Preparer {
    /// Whether a request may make so much more (`enforceQuota`). As in ZooKeeper, what is
    /// outstanding does not count yet.
    pub(super) fn permit_quota(
        &self,
        tree: &Tree,
        path: &str,
        count: i64,
        bytes: i64,
    ) -> Result<(), ErrorCode> {
        if !self.rules.enforce_quota {
            return Ok(());
        }
        let checked = tree.check_quota(path, count, bytes);
        let (text, outcome) = match checked {
            Ok(None) => return Ok(()),
            Ok(Some(text)) => (text, Ok(())),
            Err(text) => (text, Err(ErrorCode::QuotaExceeded)),
        };
        if self.quota_said.get().is_none_or(|at| self.stamp.time_ms - at >= SAID_EVERY_MS) {
            self.quota_said.set(Some(self.stamp.time_ms));
            tracing::warn!("quota exceeded: {text}");
        }
        outcome
    }

    /// The same for data in place of other data.
    pub(super) fn permit_quota_of_data(
        &self,
        tree: &Tree,
        path: &str,
        before: usize,
        after: usize,
    ) -> Result<(), ErrorCode> {
        self.permit_quota(tree, path, 0, signed(after) - signed(before))
    }
}

/// Bytes of data, with a sign.
pub(super) fn bytes_of(data: &Option<Bytes>) -> i64 {
    signed(length_of(data))
}
