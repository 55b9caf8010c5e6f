//! The order of votes; pure.

use std::cmp::Ordering;

use crate::{Config, Mutant, Vote};

/// zk.fle.order: of two votes the greater (peerEpoch, zxid, leader) wins; never one for a server
/// without weight.
pub(crate) fn order(config: &Config, one: &Vote, other: &Vote) -> Ordering {
    if config.has(Mutant::VoteOrderIgnoresHistory) {
        return one.leader.cmp(&other.leader);
    }
    if config.quorums.weight(one.leader) == 0 {
        return Ordering::Less;
    }
    let key = |vote: &Vote| (vote.peer_epoch, vote.zxid, vote.leader);
    key(one).cmp(&key(other))
}
