//! Mutants of the `zookeeper` family that differ from the protocol and that nothing notices: why.

use super::Explained;
use crate::list::Change::{self, False, Negated, Omitted, True};

const JOINED: &str = "`zk.fle.join` decides the same, from the votes of those that have settled";

const LATER_ROUND: &str =
    "whoever joins tells a later round than the others, and `zk.fle.join` asks for none";

const OTHER_ROUND: &str = "those that have settled in another round are counted as of this one: a quorum of \
    them is joined by `zk.fle.join` as well";

const ONE_EPOCH: &str = "open: votes for one leader that name two epochs are told by followers before and after \
    UPTODATE; no run within these bounds has a server that looks just then";

const OWN: &str = "a server that others say leads, and that looks in that round, decides by `zk.fle.settle` as \
    well";

const UNREAD: &str = "of a follower nobody asks whether it leads";

const TALK: &str = "open: servers that have decided answer each other without end; nothing says that this \
    comes to an end";

const ROUNDS: &str = "open: what is counted too early, or emptied too often, is told again whenever a vote \
    changes; nobody is left looking within these bounds";

const LATER: &str = "more is kept, or another thread acts earlier or later: no run within these bounds shows it, \
    and liveness is not judged at grain `threads`";

const EVERY_RELEASE: &str = "a leader that synchronizes learners before it has written currentEpoch does what every \
    release does (`leader_epoch_write`)";

const LAST: &str =
    "what is left of the leader's program is its own acknowledgement, and others are a quorum";

const NOTHING: &str = "more than all is all: what the model offers besides changes nothing";

const WRITTEN: &str = "an item that has nothing to do becomes a step of its own, or one that the model does not \
    offer";

const DELIVERED: &str = "`f.2.2` delivers and lets into the window what `f.2.1` has not";

const LOST: &str = "what was about to be cut or replaced may be kept: it is told to be cut again";

const ENDED: &str = "what arrives where there is no connection is dropped, and is not taken for impossible: the \
    model offers it, no run needs it";

const SNAP: &str = "what a learner lacks is sent otherwise: it costs more, and nothing is missing";

const REPLACED: &str = "the next connection ends the one before it (`zk.sync.fence`)";

const AGAIN: &str = "`l.2.2` ignores the second ACK-LD";

const ZOMBIE: &str =
    "the tail is in memory again, and is written when the next election begins (`zk.fle.enter`)";

const INFORMED: &str = "what an observer is told is committed already, so its acknowledgement finds nothing that it \
    could join";

const BEHIND: &str = "an observer that is told of a transaction and does not commit it is behind: liveness is not \
    judged with observers";

const ALIKE: &str =
    "a leader knows observers by their ids, and takes OBSERVERINFO and FOLLOWERINFO alike";

const AT_ONCE: &str = "two voters are a quorum, so an observer that is counted completes it at once and the set is \
    empty again; of four voters it is seen (`tests/explore/vacuity.rs`)";

const fn of(
    function: &'static str,
    code: &'static str,
    changes: &'static [Change],
    reason: &'static str,
) -> Explained {
    Explained { function, code, changes, reason }
}

/// All of them.
pub(super) const EXPLAINED: &[Explained] = &[
    of("acknowledge", "!self.votes()", &[False], INFORMED),
    of("zk_bcast_inform", "self.f_3_3(txn.zxid)?;", &[Omitted], BEHIND),
    of("zk_sync_inform", "self.zk_sync_commit(txn.zxid)?;", &[Omitted], BEHIND),
    of("f_1_1", "self.votes()", &[Negated, True, False], ALIKE),
    of("l_1_1", "self.counts_in_discovery(from)", &[True], AT_ONCE),
    of("counts_in_discovery", "self.cfg.ensemble.is_voter(learner)", &[True], AT_ONCE),
    of("count_ack_epoch", "self.counts_in_discovery(from)", &[True], AT_ONCE),
    of("count_ack_ld", "self.cfg.ensemble.is_voter(from)", &[True], AT_ONCE),
    of("may_act", "self.handlers_run()", &[False], LATER),
    of("may_act", "self.me.role != Role::Down", &[True], NOTHING),
    of("handlers_run", "!self.me.program.contains(Item::AcceptedEpoch)", &[True], LATER),
    of("no_connection", "false", &[True], ENDED),
    of("NewLeader", "Deliver", &[Omitted], DELIVERED),
    of("zk_bcast_sync", "self.history().length_at(up_to).is_some()", &[True], NOTHING),
    of("apply_step", "next.is_some()", &[True], NOTHING),
    of("settle", "self.me.round = round;", &[Omitted], LATER_ROUND),
    of("zk_fle_settled_reply", "n.role == Role::Looking", &[True], TALK),
    of("zk_fle_looking", "at_least(n.round, round)", &[True], ROUNDS),
    of("zk_fle_looking", "n.round > round", &[True], ROUNDS),
    of("zk_fle_looking", "wins_over(&own)", &[False], ROUNDS),
    of("zk_fle_same_round", "is(n.round, self.me.round)", &[False], JOINED),
    of("zk_fle_same_round", "is(n.round, self.me.round)", &[Negated, True], OTHER_ROUND),
    of(
        "zk_fle_same_round",
        "self.me.election.recvset.set(from, Heard::of(n));",
        &[Omitted],
        JOINED,
    ),
    of(
        "zk_fle_same_round",
        "self.elects(rule, &self.me.election.recvset.clone(), n, any_epoch)",
        &[False],
        JOINED,
    ),
    of("elects", "any_epoch", &[Negated], ONE_EPOCH),
    of("elects", "any_epoch || vote.peer_epoch == peer_epoch", &[True], ONE_EPOCH),
    of("zk_fle_check_leader", "leader == self.me.id", &[False], OWN),
    of("zk_fle_check_leader", "n.round == self.me.round", &[False], OWN),
    of("of", "n.role == Role::Leading", &[True], UNREAD),
    of("zk_crash", "!self.me.replaces_log()", &[True], LOST),
    of(
        "zk_crash",
        "is_tail && self.cfg.history(history).prefix(length) == disk.history",
        &[True],
        LOST,
    ),
    of("zk_start", "at_most(survived, tail)", &[True], NOTHING),
    of("zk_start", "self.me.disk.history = history;", &[Omitted], ZOMBIE),
    of("zk_fail_leader_quorum", "false", &[True], NOTHING),
    of("cut_returns", "cut.length() > 0", &[Negated, True], NOTHING),
    of("append_fails", "tail > 0", &[Negated, True], NOTHING),
    of("append_fails", "self.me.history = self.me.disk.history;", &[Omitted], ZOMBIE),
    of("handler_step", "next.is_some()", &[True], NOTHING),
    of("next_of_handler", "is_written(Item::Synchronize)", &[True], EVERY_RELEASE),
    of("run", "self.run_to_step();", &[Omitted], WRITTEN),
    of("run_to_step", "self.me.has_to(item)", &[True], WRITTEN),
    of("program_next", "next.is_step(self.grain())", &[True], WRITTEN),
    of("perform", "self.deliver_received()", &[Omitted], DELIVERED),
    of("zk_sync_trunc", "inside && same_epoch", &[Negated, True], SNAP),
    of("is_in_snapshot", "zxid < label", &[True], SNAP),
    of("zk_sync_drop", "self.out.push(Effect::Closed(self.me.vote.leader));", &[Omitted], REPLACED),
    of("deliver_received", "self.me.synchronization.start = S::Num::ZERO;", &[Omitted], DELIVERED),
    of("deliver_received", "self.me.synchronization.mode = SyncMode::Diff;", &[Omitted], DELIVERED),
    of("count_ack_ld", "is_quorum && self.me.program.is_finished()", &[True], LAST),
    of("count_ack_ld", "self.me.program.is_finished()", &[True], LAST),
    of("f_2_2", "self.acknowledge_new_leader();", &[Omitted], AGAIN),
];
