//! Mutants that differ from the protocol and that nothing notices: why.

mod zookeeper;

use crate::list::Change::{self, False, Omitted, True};
use crate::list::{Family, Mutant};
use crate::verdict::{Outcome, Verdict};

/// Some mutants of one guard or effect, and why no property notices them.
///
/// It is known by what stands in the source, not by its line: whoever changes the guard must think
/// again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    pub(crate) function: &'static str,
    pub(crate) code: &'static str,
    pub(crate) changes: &'static [Change],
    pub(crate) reason: &'static str,
}

/// Those of a family.
fn all(family: Family) -> &'static [Explained] {
    match family {
        Family::Paper => PAPER,
        Family::Zookeeper => zookeeper::EXPLAINED,
    }
}

const PAPER: &[Explained] = &[
    Explained {
        function: "connect_and_follower_send_cepoch",
        code: "self.oracle == Seat::of(leader)",
        changes: &[True],
        reason: "it is safe to follow anybody; liveness assumes that the oracle is heeded",
    },
    Explained {
        function: "follower_process_new_epoch",
        code: "self.drop_learner(leader, follower);",
        changes: &[Omitted],
        reason: "liveness asks nothing of a follower that has promised more than its leader",
    },
    Explained {
        function: "leader_process_ack_epoch",
        code: "server.leading.acks[..length].fill(Members::of(leader));",
        changes: &[Omitted],
        reason: "acknowledgements of the initial history are not counted: it is committed whole",
    },
    Explained {
        function: "update_leader",
        code: "self.oracle != Seat::of(i)",
        changes: &[True],
        reason: "FollowLeader does the same for a server that is named already",
    },
    Explained {
        function: "update_leader",
        code: "self.switch_to_leader(i);",
        changes: &[Omitted],
        reason: "a server that is named leads in FollowLeader, one step later",
    },
    Explained {
        function: "disconnect",
        code: "rules.is_quorum(self.servers[leader].leading.learners.without(follower))",
        changes: &[False],
        reason: "it is safe to give up with a quorum; liveness speaks of what follows the last failure",
    },
    Explained {
        function: "restart",
        code: "self.look(i)",
        changes: &[Omitted],
        reason: "a follower without a connection has nothing to lose but its role",
    },
    Explained {
        function: "restart",
        code: "server.last_committed = 0;",
        changes: &[Omitted],
        reason: "what is committed stays so: to forget it is what happens, not what is needed",
    },
    Explained {
        function: "restart",
        code: "self.spent.timeouts += 1;",
        changes: &[Omitted],
        reason: "a budget bounds the exploration, not the protocol",
    },
];

/// What is said of a mutant, if anything.
pub(crate) fn explained(family: Family, mutant: &Mutant) -> Option<&'static Explained> {
    all(family).iter().find(|entry| {
        entry.function == mutant.function
            && entry.code == mutant.code
            && entry.changes.contains(&mutant.change)
    })
}

/// Why nothing notices a mutant that differs from the protocol, where that is known.
#[must_use]
pub fn explanation(family: Family, mutant: &Mutant) -> Option<&'static str> {
    explained(family, mutant).map(|entry| entry.reason)
}

/// Explanations of mutants that are not there, or are killed, or equal: each as the function, the
/// change and the code.
#[must_use]
pub fn explanations_in_vain(family: Family, outcomes: &[Outcome]) -> Vec<String> {
    let survives = |entry: &Explained, change: Change| {
        outcomes.iter().any(|outcome| {
            outcome.verdict == Verdict::Survived
                && outcome.mutant.change == change
                && explained(family, outcome.mutant) == Some(entry)
        })
    };
    let of_entry = |entry: &'static Explained| {
        let vain = entry.changes.iter().filter(move |change| !survives(entry, **change));
        vain.map(move |change| format!("{}: {change} {}", entry.function, entry.code))
    };
    all(family).iter().flat_map(of_entry).collect()
}
