//! Why each bug that is found happens, and what its fix changes: for the pages about them.
//!
//! Sources: the discussion of each issue of the Apache ZooKeeper project, and the classes named.

/// Why a bug happens, and what keeps it from happening.
#[derive(Clone, Copy, Debug)]
pub struct Reason {
    /// The bug's name.
    pub name: &'static str,
    /// Why it happens.
    pub why: &'static str,
    /// What `fixed` does instead, and since when releases do.
    pub fix: &'static str,
}

/// One for each bug that can be looked for.
pub const REASONS: &[Reason] = &[
    Reason {
        name: "ZOOKEEPER-1154",
        why: "The leader compares the learner's last zxid with the two ends of its window only. A \
              leader that failed before it had sent a transaction to anybody has that transaction \
              on its disk. Its zxid lies between the ends of the new leader's window, so the new \
              leader sends DIFF with what comes after it, and the transaction stays.",
        fix: "The leader looks whether the zxid is one of its window; otherwise it truncates the \
              learner to the last transaction that both have, or sends SNAP (since 3.3.4).",
    },
    Reason {
        name: "ZOOKEEPER-2354",
        why: "Transactions of a new epoch are on the disk before currentEpoch is. A crash between \
              the two leaves a log that is newer than currentEpoch, and a server with such a log \
              refuses to start (`QuorumPeer.loadDataBase`).",
        fix: "`fixed` lets it start if the log is no newer than acceptedEpoch, which was written \
              before any transaction of that epoch came (D-H02). No release from 3.6.3 on does; \
              3.4.10 has a marker file for it.",
    },
    Reason {
        name: "ZOOKEEPER-2845",
        why: "A server that leaves its role keeps its tree in memory, and votes with the tree's \
              position. Its log may be longer: what was logged and acknowledged, and not applied \
              yet, is missing from the vote. A server with less can win.",
        fix: "The tree is taken to the end of the log before the server votes (since 3.4.12 and \
              3.5.4, for servers that were in broadcast).",
    },
    Reason {
        name: "ZOOKEEPER-2846",
        why: "A server that was brought up to date with SNAP has a log with a hole: what the snapshot \
              holds is in no record, and later transactions are behind it. Its window begins behind \
              the snapshot. When it leads, a learner that stands on a record before the hole is \
              behind the window, so the leader reads its log files from there on \
              (`LearnerHandler.syncFollower`): the learner gets what is before the hole and what is \
              behind it, and never what is in it. Whether a leader reads its log files depends on \
              their size beside that of a snapshot (`snapshotSizeFactor`); the model has no sizes, so \
              this leader reads them whenever they reach back to the learner.",
        fix: "`fixed` makes no DIFF of log files (D-LOG), and a snapshot takes the place of the log \
              (D-STORES). The issue is open.",
    },
    Reason {
        name: "ZOOKEEPER-3023",
        why: "What a follower was synchronized to is applied by another thread (the commit \
              processor), and nothing waits for it. The follower acknowledges UPTODATE, and serves, \
              while its tree is what it was before the synchronization. The leader takes the \
              acknowledgement for that of a server that has the state which the leader began with.",
        fix: "What was committed before NEWLEADER is applied before NEWLEADER is acknowledged (since \
              3.9.3).",
    },
    Reason {
        name: "ZOOKEEPER-3104",
        why: "The handler of a learner queues NEWLEADER as soon as it has chosen SNAP, and sends the \
              state of a later moment. A transaction that was committed in between is in that state, \
              and its PROPOSAL and COMMIT are behind NEWLEADER. An earlier one comes again before \
              NEWLEADER, and writes over what the later one wrote. At NEWLEADER the learner writes \
              its tree as a snapshot with the position of the SNAP: the later transaction is not in \
              it, and a restart reads the log only from that position on.",
        fix: "NEWLEADER is queued after the SNAP was sent, so all that is in it comes again before \
              (since 3.5.5 and 3.6.0). Under `fixed` nothing comes again (D-SNAP).",
    },
    Reason {
        name: "ZOOKEEPER-3642",
        why: "SNAP replaces the tree in memory at once, and the disk only at NEWLEADER. A learner \
              whose leader ends in between keeps the tree, votes with its position, and is \
              synchronized from there: its disk never gets what was in the SNAP.",
        fix: "A server that leaves its role in the middle of a SNAP reads its database from the \
              disk again.",
    },
    Reason {
        name: "ZOOKEEPER-3911",
        why: "The follower writes currentEpoch and acknowledges NEWLEADER while the transactions of \
              the DIFF are in memory only. The leader counts that acknowledgement, so they are \
              committed. After a crash the follower has the newer epoch without the transactions, \
              and the newer epoch wins the election.",
        fix: "Transactions are on the disk before NEWLEADER is acknowledged.",
    },
    Reason {
        name: "ZOOKEEPER-4394",
        why: "On NEWLEADER the follower empties the list of transactions that wait for their \
              COMMIT. A leader that a quorum has established already commits while this follower \
              waits for UPTODATE; the COMMIT finds the list empty (a null pointer in \
              `Learner.syncWithLeader`), and the synchronization ends.\n\nThere is no lasso, \
              and why is exact: at the next attempt the transaction that failed is part of the DIFF \
              or SNAP, so the attempt succeeds, unless another transaction is committed between \
              NEWLEADER and UPTODATE. A run for ever needs a request for each attempt; an exploration \
              counts requests (a transaction keeps its number in the state), so every run of it fails \
              finitely often. Of `zabcheck check --requests 2 --profile fixed,list_at_newleader=emptied \
              --liveness` (32,695 states) all seven claims hold.",
        fix: "What is not committed stays in the list (since 3.9.3).",
    },
    Reason {
        name: "ZOOKEEPER-4643",
        why: "The follower writes currentEpoch, and then its transactions. If it crashes between \
              the two, it has the newer epoch and a shorter log, wins the next election against \
              servers that hold committed transactions, and truncates them.",
        fix: "Transactions first, then currentEpoch, then the acknowledgement (since 3.8.5 and \
              3.9.2).",
    },
    Reason {
        name: "ZOOKEEPER-4646",
        why: "The follower hands its transactions to the sync thread and acknowledges NEWLEADER \
              without waiting for it. The leader counts them as committed. A crash before the \
              thread has written them loses them, and currentEpoch is already the new one.",
        fix: "Transactions are on the disk before NEWLEADER is acknowledged (since 3.8.5 and \
              3.9.2).",
    },
    Reason {
        name: "ZOOKEEPER-4685",
        why: "The sync thread acknowledges what it has written as if it were broadcast. Its ACK can \
              reach the leader before the ACK of NEWLEADER, for which the leader waits; the zxid is \
              not the one expected, and the leader ends the connection.\n\nThere is no lasso, and why is \
              exact: what was acknowledged too early is on the follower's disk, so the next DIFF does \
              not have it, and nothing is acknowledged before NEWLEADER unless another transaction \
              was committed meanwhile. A run for ever needs a request for each attempt; an \
              exploration counts requests, so every run of it fails finitely often. Of `zabcheck check \
              --requests 2 --profile fixed,newleader_program=queued --liveness` (94,210 states) all \
              seven claims hold.",
        fix: "Nothing goes to the sync thread before NEWLEADER is acknowledged (since 3.8.5 and \
              3.9.2).",
    },
    Reason {
        name: "ZOOKEEPER-4712",
        why: "The sync thread outlives the role. The vote is computed from what is on the disk, and \
              the thread appends to the log afterwards: the next leader brings the server up to \
              date from a position that is not its own any more.",
        fix: "The thread writes what it has, and ends, before the server looks for a leader (since \
              3.9.3; 3.8 never got the change).",
    },
    Reason {
        name: "ZOOKEEPER-4837",
        why: "A new leader writes a snapshot of its tree, in which is what nobody has committed. It \
              loses its role; the next leader tells it to cut that off. The log is cut, but the \
              newest snapshot is loaded, and its position is set to the one of the TRUNC.",
        fix: "`fixed` writes no such snapshot, and refuses a TRUNC into a snapshot. The issue is \
              open.",
    },
    Reason {
        name: "ZOOKEEPER-4882",
        why: "An append to the log fails for a moment, and the server only leaves its role. What \
              was committed meanwhile is in its tree and not in its log. It reports the position of \
              the tree, so nobody sends it the transaction again: the log has a hole, which shows \
              after the next restart.",
        fix: "`fixed` delivers only what is on the disk, and reads the database from the disk again \
              after such a failure. The issue is open.",
    },
    Reason {
        name: "ZOOKEEPER-4925",
        why: "The fix of ZOOKEEPER-4394 in 3.9.3 applies transactions during the synchronization \
              without adding them to the window of committed transactions. Later ones are added: \
              the window has a hole, and a leader with such a window sends a DIFF that skips what \
              is missing.",
        fix: "What is applied enters the window (since 3.9.4).",
    },
    Reason {
        name: "ZOOKEEPER-5010",
        why: "The issue is open, and was reported of 3.8.5: the leader dies, and after DIFF some \
              followers keep a node of a session that has ended. Which of two is the cause, a sync \
              thread of an earlier role or a tree that is brought forward when a role is left, the \
              model decides. A follower has a PROPOSAL in the queue of its sync thread when its leader \
              dies, and leaves its role. The thread goes on and writes the transaction \
              ([ZOOKEEPER-4712](zookeeper-4712.md)), after the server has told its position in the \
              election. The new leader, which does not have the transaction, sends DIFF to this \
              position, and so it stays.\n\nEach of the 25 switches of 3.8.5 was set alone in these \
              bounds, and each exploration ended: 23 violate nothing of this kind, \
              `fast_forward=in_broadcast` among them. The other one that does is \
              `trunc_to_absent_record=next_kept` ([H-11](h-11.md)), with TRUNC and at the former \
              leader, so it is not what was reported. The model has no sessions: that the \
              transaction is one that creates a node of a session is not shown here.",
        fix: "The sync thread ends with its role, before the server takes part in an election. \
              `fixed` and 3.9.3 do this; the issue is open.",
    },
    Reason {
        name: "ZOOKEEPER-5094",
        why: "After TRUNC, COMMITs change the tree at once and the disk only at NEWLEADER. If the \
              connection ends in between, only SNAP makes the server read its database again: the \
              tree stays ahead of the disk. The next synchronization starts from the tree's \
              position, and leaves a hole in the log.",
        fix: "`fixed` reads the database again after TRUNC, too; and its TRUNC is durable. The issue \
              is open.",
    },
    Reason {
        name: "H-01",
        why: "A follower logs and acknowledges a transaction, loses its connection, and rejoins the \
              same leader, which has not committed it: the leader's TRUNC cuts it off, and the \
              acknowledgement stays counted. When the leader's own disk is ready, it counts a quorum \
              that does not exist.\n\nWithdrawing at the truncation is not enough: `LearnerHandler` \
              gives an acknowledgement to the leader by server, whatever connection it came on, so \
              one that is late on the old connection counts again \
              ([measured](../stale-acknowledgement.md)). Among five servers no disk need be slow: \
              the acknowledgement of another follower comes last, in place of that of the leader's disk \
              ([H-01-five](h-01-five.md)). The same kind of defect, an acknowledgement that outlives \
              the entry it vouches for, was met in three other systems in 2026: ClickHouse Keeper \
              #102629, Oxia #1239, Aeron Cluster #2147.",
        fix: "`fixed` withdraws the acknowledgements of what a learner is told to drop or to get \
              again, and ends an older connection of a learner that has a newer one \
              (`older_connection=fenced`, D-H01). No release does.",
    },
    Reason {
        name: "H-01-five",
        why: "As in [H-01](h-01.md), but no disk is slow: whatever a server appends is durable before \
              anything else happens, so the leader's own acknowledgement is counted first. A follower's \
              is counted, too, and a TRUNC of the same leader is on its way to this follower. Then one \
              more follower acknowledges. The leader counts three of five, and after the cut two have \
              the transaction. The other three are a quorum that can elect a leader without it.",
        fix: "As for [H-01](h-01.md): `fixed` withdraws the acknowledgements of what a learner is told \
              to drop.",
    },
    Reason {
        name: "H-04",
        why: "TRUNC fills the window from the log. COMMITs that follow it change the tree and do \
              not enter the window; later transactions do. It is the hole of ZOOKEEPER-4925 by \
              another way: that one is after DIFF.",
        fix: "What is applied enters the window (since 3.9.4).",
    },
    Reason {
        name: "H-06",
        why: "Neither the shortened log nor the snapshot after TRUNC is synced before currentEpoch \
              is written and NEWLEADER acknowledged. After a power loss the old end of the log is \
              there again, with later transactions behind it.",
        fix: "`fixed` makes the cut durable before it answers (D-TR). No release does.",
    },
    Reason {
        name: "H-11",
        why: "`FileTxnLog.truncate` looks for the record with the zxid of TRUNC or the next one, and \
              cuts behind it. Where no record has exactly that zxid, such as (epoch, 0) in a new \
              ensemble, the first record that was to go stays \
              ([measured](../truncation-keeps-a-record.md)).",
        fix: "`fixed` refuses a TRUNC to a position that its log does not have (D-L0). No release \
              does.",
    },
];

/// The reason of a bug.
#[must_use]
pub fn reason(name: &str) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| reason.name == name)
}
