//! Which sets of servers decide; pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::ServerId;

/// Which sets of voters are quorums. Any two of them have a voter in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Quorums {
    /// More than half of the voters (`QuorumMaj`).
    #[default]
    Majority,
    /// More than half of the weight in each of more than half of the groups; groups without weight
    /// do not count (`QuorumHierarchical`).
    Hierarchical {
        /// The group of each voter. One without a group does not count.
        groups: BTreeMap<ServerId, u64>,
        /// The weight of each voter; 1 unless given.
        weights: BTreeMap<ServerId, u64>,
    },
}

impl Quorums {
    /// The weight of a voter. One without weight can never lead (`zk.fle.order`).
    #[must_use]
    pub fn weight(&self, voter: ServerId) -> u64 {
        match self {
            Self::Majority => 1,
            Self::Hierarchical { weights, .. } => weights.get(&voter).copied().unwrap_or(1),
        }
    }

    /// Whether these members are a quorum of the voters. Who is no voter does not count.
    pub(crate) fn contains(
        &self,
        voters: &BTreeSet<ServerId>,
        members: &BTreeSet<ServerId>,
    ) -> bool {
        let Self::Hierarchical { groups, .. } = self else {
            return members.intersection(voters).count() * 2 > voters.len();
        };
        // Of each group: the weight of all, and that of the members.
        let mut sums: BTreeMap<u64, (u128, u128)> = BTreeMap::new();
        for (voter, group) in groups.iter().filter(|(voter, _)| voters.contains(voter)) {
            let weight = self.weight(*voter).into();
            let (all, present) = sums.entry(*group).or_default();
            *all += weight;
            *present += if members.contains(voter) { weight } else { 0 };
        }
        sums.retain(|_, (all, _)| *all > 0);
        let decided = sums.values().filter(|(all, present)| present * 2 > *all).count();
        decided * 2 > sums.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_more_than_half_of_the_voters() {
        for (voters, members, expected) in [
            (vec![1, 2, 3], vec![1], false),
            (vec![1, 2, 3], vec![1, 3], true),
            (vec![1, 2, 3, 4], vec![1, 3], false),
            (vec![1, 2, 3, 4], vec![1, 3, 4], true),
            (vec![1, 2, 3], vec![1, 8, 9], false),
        ] {
            let (all, some) = (voters.iter().copied().collect(), members.iter().copied().collect());
            let found = Quorums::Majority.contains(&all, &some);
            assert_eq!(found, expected, "{members:?} of {voters:?}");
        }
    }

    /// Three groups of three, and a tenth server without weight in a group of its own.
    fn groups() -> (BTreeSet<ServerId>, Quorums) {
        let groups = (1..=9).map(|id| (id, (id - 1) / 3)).chain([(10, 9)]).collect();
        let weights = [(3, 3), (10, 0)].into();
        ((1..=10).collect(), Quorums::Hierarchical { groups, weights })
    }

    #[test]
    fn a_quorum_of_groups_is_more_than_half_of_more_than_half() {
        let (voters, quorums) = groups();
        for (members, expected) in [
            (vec![1, 2, 4, 5], false),
            (vec![3, 4, 5], true),
            (vec![4, 5, 7, 8], true),
            (vec![4, 5, 6, 7], false),
            (vec![3, 4, 7, 10], false),
            (vec![3, 4, 7, 10, 11], false),
        ] {
            let found = quorums.contains(&voters, &members.iter().copied().collect());
            assert_eq!(found, expected, "{members:?}");
        }
        assert_eq!([1, 3, 10].map(|id| quorums.weight(id)), [1, 3, 0]);
    }

    #[test]
    fn two_quorums_of_groups_always_meet() {
        let (voters, quorums) = groups();
        let set = |bits: u32| -> BTreeSet<ServerId> {
            (1..=10).filter(|id| bits >> (id - 1) & 1 == 1).collect()
        };
        let all: Vec<u32> = (0..1 << 10).filter(|b| quorums.contains(&voters, &set(*b))).collect();
        assert!(!all.is_empty());
        assert!(all.iter().all(|one| all.iter().all(|other| one & other != 0)));
    }
}
