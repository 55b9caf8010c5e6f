//! The ids of the properties. `docs/src/rules.md`, section "On the wire", says what each means.

/// What a server acknowledged is in its first vote after a restart.
pub const W_ACKNOWLEDGED: &str = "W-ACKNOWLEDGED";
/// What is committed stays, with its content.
pub const W_COMMITTED: &str = "W-COMMITTED";
/// A COMMIT counts only acknowledgements that still vouch.
pub const W_QUORUM: &str = "W-QUORUM";
/// A transaction has one digest.
pub const W_DIGEST: &str = "W-DIGEST";
/// An epoch has one leader.
pub const W_LEADER: &str = "W-LEADER";
/// A write that a client was told of is read afterwards.
pub const W_CLIENT: &str = "W-CLIENT";
/// What a server was told to cut off stays off.
pub const W_TRUNCATED: &str = "W-TRUNCATED";
/// Each packet of a connection has its place.
pub const W_PHASE: &str = "W-PHASE";
/// What needs a quorum comes after it.
pub const W_GATE: &str = "W-GATE";
/// What servers say of epochs agrees with what they were told and have promised.
pub const W_EPOCH: &str = "W-EPOCH";
/// A vote names a voter as that names itself, and only gets better.
pub const W_VOTE: &str = "W-VOTE";
/// Who leads or follows was elected.
pub const W_ELECTED: &str = "W-ELECTED";
/// A history ends where it was told to, or where it ended before.
pub const W_HISTORY: &str = "W-HISTORY";
/// A learner is synchronized from where it is to where its leader is.
pub const W_SYNC: &str = "W-SYNC";
/// Transactions come in the order of zxids, without a gap, and each zxid names one.
pub const W_PROPOSAL: &str = "W-PROPOSAL";
/// What was proposed first is committed first, and nothing else.
pub const W_COMMIT: &str = "W-COMMIT";
/// What was proposed first is acknowledged first, and nothing else.
pub const W_ACK: &str = "W-ACK";
/// A PING says how far the leader has proposed, and is answered once at most.
pub const W_PING: &str = "W-PING";

/// Those that count voters: they say nothing where it is unknown who votes.
pub(super) const OF_QUORUMS: [&str; 6] = [W_QUORUM, W_COMMITTED, W_GATE, W_ELECTED, W_SYNC, W_VOTE];
