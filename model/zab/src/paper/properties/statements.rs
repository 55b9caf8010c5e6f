//! Each property in a sentence.

/// Name and sentence of every property of the family, invariants first.
pub const STATEMENTS: [(&str, &str); 29] = [
    ("agreement", "If one server delivers a and another b, one of them delivers both."),
    ("total order", "If one server delivers a before b, whoever delivers b delivers a before it."),
    ("global primary order", "What belongs to an earlier epoch is delivered first."),
    (
        "primary integrity",
        "An established leader has delivered all that anybody delivers of earlier epochs.",
    ),
    ("prefix consistency", "Of any two delivered histories one begins with the other."),
    (
        "one established leader per epoch at a time",
        "No two servers lead the same epoch past discovery at once.",
    ),
    ("delivered is on a quorum", "Whatever a server delivers, a quorum has in its histories."),
    ("committed is within the history", "No server commits more than it has."),
    ("adopted epoch is promised", "currentEpoch is at most acceptedEpoch."),
    (
        "messages fit their receiver's phase",
        "No message meets a server that is not waiting for it.",
    ),
    (
        "proposals fit the history",
        "Every PROPOSE is the next transaction, every COMMIT-LD is known.",
    ),
    ("commits come in order", "Every COMMIT is of the transaction after the last committed."),
    ("acks come in order", "Every ACK is of a transaction that its sender may acknowledge next."),
    ("no message outlives its connection", "A broken connection leaves nothing behind."),
    ("there is room", "No message or transaction is lost to the model's own limits."),
    (
        "a connection has two ends",
        "Who is connected to a leader is among its learners, and only they.",
    ),
    ("phase and role fit", "Who looks for a leader is in ELECTION, and nobody else is."),
    (
        "a history travels with its message",
        "No history is under way without its ACKEPOCH or NEWLEADER.",
    ),
    ("whom the oracle names does not follow", "The server that the oracle names leads, or looks."),
    ("budgets are kept", "There are no more failures than the bounds allow."),
    ("integrity", "Whatever is delivered was broadcast by a leader."),
    (
        "local primary order",
        "Whoever delivers b of a leader delivers before it all that this leader broadcast before b.",
    ),
    (
        "one established leader per epoch ever",
        "No epoch has two established leaders, even at different times.",
    ),
    ("no commit is lost", "What was committed in an epoch is in every later epoch's history."),
    ("epochs only rise", "No server promises or adopts an epoch lower than before."),
    (
        "every step is one of primary-order broadcast",
        "Every step is one of abstract primary-order broadcast, or does not show.",
    ),
    ("a leader is established", "A leader reaches broadcast."),
    ("a request is delivered by all", "Every server delivers a transaction."),
    (
        "a later leader is established",
        "A leader reaches broadcast in a later epoch than the first.",
    ),
];

/// What the property of that name says.
#[must_use]
pub fn statement(name: &str) -> Option<&'static str> {
    STATEMENTS.iter().find(|(known, _)| *known == name).map(|(_, says)| *says)
}
