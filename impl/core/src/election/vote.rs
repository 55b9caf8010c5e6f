//! The order of votes; pure.

use std::cmp::Ordering;

use crate::{Config, Vote};

/// zk.fle.order: of two votes the greater (peerEpoch, zxid, leader) wins.
#[cfg_attr(not(feature = "mutants"), expect(unused_variables, reason = "only a mutant reads it"))]
pub(crate) fn order(config: &Config, one: &Vote, other: &Vote) -> Ordering {
    #[cfg(feature = "mutants")]
    if config.has(crate::Mutant::VoteOrderIgnoresHistory) {
        return one.leader.cmp(&other.leader);
    }
    let key = |vote: &Vote| (vote.peer_epoch, vote.zxid, vote.leader);
    key(one).cmp(&key(other))
}
