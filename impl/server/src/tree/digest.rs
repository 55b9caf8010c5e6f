//! The digest of a tree, by which servers notice that they no longer hold the same.
//! Source: `DigestCalculator`, `AdHash` (ZOOKEEPER-3114).
//!
//! It is a sum over all nodes, so that a change of one node changes it by the difference of that
//! node's numbers, whatever the size of the tree. A node's number is the CRC-32 of its path, its
//! data and what is stored of it. Nodes below `/zookeeper` do not count: servers write some of
//! them themselves.

use zab_wire::{StatPersisted, TxnDigest};

use super::path;

/// The version of this definition.
pub(crate) const VERSION: i32 = 2;

/// The beginning of a node's number: the CRC-32 of its path and its data. It is kept with the
/// node, so that a parent's data need not be read when a child of it comes or goes.
pub(super) fn content(path: &str, data: Option<&[u8]>) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(path::normal(path).as_bytes());
    crc.update(data.unwrap_or_default());
    crc.finalize()
}

/// What a node adds to the digest of its tree.
pub(super) fn of(path: &str, content: u32, stat: &StatPersisted) -> i64 {
    if path.starts_with("/zookeeper/") {
        return 0;
    }
    let StatPersisted { czxid, mzxid, ctime, mtime, version, cversion, aversion, .. } = *stat;
    let mut crc = crc32fast::Hasher::new_with_initial(content);
    for number in [czxid, mzxid, stat.pzxid, ctime, mtime] {
        crc.update(&number.to_be_bytes());
    }
    for number in [version, cversion, aversion] {
        crc.update(&number.to_be_bytes());
    }
    crc.update(&stat.ephemeral_owner.to_be_bytes());
    crc.finalize().into()
}

/// A tree is not what the leader says that it is after a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch {
    /// The digest that came with the transaction.
    pub expected: i64,
    /// The digest of this server's tree.
    pub found: i64,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { expected, found } = self;
        write!(
            f,
            "the digest of the tree is {found}, and the leader's was {expected}: this server \
                   may not hold what the leader holds"
        )
    }
}

/// Compares what came with a transaction with a tree's own digest. Digests of another version say
/// nothing.
pub(super) fn compare(came: Option<TxnDigest>, found: i64) -> Option<Mismatch> {
    let came = came.filter(|digest| digest.version == VERSION)?;
    (came.tree != found).then_some(Mismatch { expected: came.tree, found })
}
