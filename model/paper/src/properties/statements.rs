//! Each property in a sentence.

use crate::primary_order::{self as laws, Law};

/// Every property of the family: invariants that read the state only, invariants that read ghosts,
/// and what must be reachable.
pub const STATEMENTS: [Law; 29] = [
    laws::AGREEMENT,
    laws::TOTAL_ORDER,
    laws::GLOBAL_PRIMARY_ORDER,
    laws::PRIMARY_INTEGRITY,
    laws::PREFIX_CONSISTENCY,
    (
        "one_established_leader_per_epoch_at_a_time",
        "No two servers lead the same epoch past discovery at once.",
    ),
    ("delivered_is_on_a_quorum", "Whatever a server delivers, a quorum has in its histories."),
    ("committed_is_within_the_history", "No server commits more than it has."),
    ("adopted_epoch_is_promised", "currentEpoch is at most acceptedEpoch."),
    ("messages_fit_their_receivers_phase", "No message meets a server that is not waiting for it."),
    (
        "proposals_fit_the_history",
        "Every PROPOSE is the next transaction, every COMMIT-LD is known.",
    ),
    ("commits_come_in_order", "Every COMMIT is of the transaction after the last committed."),
    ("acks_come_in_order", "Every ACK is of a transaction that its sender may acknowledge next."),
    ("no_message_outlives_its_connection", "A broken connection leaves nothing behind."),
    laws::CAPACITY_SUFFICES,
    (
        "a_connection_has_two_ends",
        "Who is connected to a leader is among its learners, and only they.",
    ),
    ("phase_and_role_fit", "Who looks for a leader is in ELECTION, and nobody else is."),
    (
        "a_history_travels_with_its_message",
        "No history is under way without its ACKEPOCH or NEWLEADER.",
    ),
    ("whom_the_oracle_names_does_not_follow", "The server that the oracle names leads, or looks."),
    ("budgets_are_kept", "There are no more failures than the bounds allow."),
    laws::INTEGRITY,
    laws::LOCAL_PRIMARY_ORDER,
    laws::SINGLE_ESTABLISHED_LEADER,
    laws::COMMITTED_NEVER_LOST,
    ("epochs_only_rise", "No server promises or adopts an epoch lower than before."),
    (
        "every_step_is_one_of_primary_order_broadcast",
        "Every step is one of abstract primary-order broadcast, or does not show.",
    ),
    ("a_leader_is_established", "A leader reaches broadcast."),
    ("a_request_is_delivered_by_all", "Every server delivers a transaction."),
    (
        "a_later_leader_is_established",
        "A leader reaches broadcast in a later epoch than the first.",
    ),
];

/// What the property of that name says.
#[must_use]
pub fn statement(name: &str) -> Option<&'static str> {
    STATEMENTS.iter().find(|(known, _)| *known == name).map(|(_, says)| *says)
}
