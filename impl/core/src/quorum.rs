//! Majority arithmetic; pure.

use std::collections::BTreeSet;

use crate::ServerId;

/// Whether these members are more than half of the voters. Who is no voter does not count.
pub(crate) fn is_quorum(voters: &BTreeSet<ServerId>, members: &BTreeSet<ServerId>) -> bool {
    members.intersection(voters).count() * 2 > voters.len()
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
            let found =
                is_quorum(&voters.iter().copied().collect(), &members.iter().copied().collect());
            assert_eq!(found, expected, "{members:?} of {voters:?}");
        }
    }
}
