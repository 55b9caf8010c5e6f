//! Mutants of the `zookeeper` family that differ from the protocol and that nothing notices: why.

use super::Explained;
use crate::list::Change::{self, False, Negated, Omitted, True};

const ELECTION: &str = "an election that goes wrong does no harm, because `l.1.2` refuses a leader that is behind; \
    that one with messages comes to an end is claimed nowhere, since liveness takes an election \
    as one step";

const LATER: &str = "more is kept, or another thread acts earlier or later: no run within these bounds shows it, \
    and liveness is not judged at grain `threads`";

const OPEN: &str = "open: a handler that acts too early does harm with a crash or a request more at grain \
    `threads` at most, which is beyond these bounds";

const NOTHING: &str = "more than all is all: what the model offers besides changes nothing";

const WRITTEN: &str = "an item that has nothing to do becomes a step of its own, or one that the model does not \
    offer";

const DELIVERED: &str = "`f.2.2` delivers and lets into the window what `f.2.1` has not";

const LOST: &str = "a crash may lose the whole unsynced tail; to lose it always, or to keep what was about to be \
    written, leaves only runs that are allowed";

const NOTICED: &str = "a leader that does not notice the end of a connection is told by the next one \
    (`zk.sync.fence`); while it waits it may give up";

const NEVER: &str =
    "a fault that happens less often, or to nobody, leaves only runs that are allowed";

const ENDED: &str = "what arrives where there is no connection is dropped, and is not taken for impossible: the \
    model offers it, no run needs it";

const SNAP: &str = "what a learner lacks is sent otherwise, as SNAP or from another place of the log: it costs \
    more, and nothing is missing";

const WAITS: &str = "who is refused waits instead of trying again: liveness asks nothing of who has promised \
    more, and is not judged where anybody may be elected";

const AGAIN: &str = "`l.2.2` ignores the second ACK-LD";

const ZOMBIE: &str =
    "the tail is in memory again, and is written when the next election begins (`zk.fle.enter`)";

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
    of("may_act", "self.handlers_run()", &[False], LATER),
    of("may_act", "self.me.role != Role::Down", &[True], NOTHING),
    of("handlers_run", "!self.me.program.contains(Item::AcceptedEpoch)", &[Negated, True], LATER),
    of("handlers_run", "!self.me.program.contains(Item::CurrentVote)", &[Negated], LATER),
    of("no_connection", "false", &[True], ENDED),
    of("receive", "self.zk_fle_settled_reply(from, &n);", &[Omitted], ELECTION),
    of("receive", "self.zk_fle_leave_role();", &[Omitted], WAITS),
    of("receive", "self.close(from)", &[Omitted], WAITS),
    of("looking_hears", "self.zk_fle_same_round(from, n)", &[Omitted], ELECTION),
    of("NewLeader", "Deliver", &[Omitted], DELIVERED),
    of("zk_bcast_sync", "self.history().length_at(up_to).is_some()", &[True], NOTHING),
    of("apply_step", "next.is_some()", &[Negated, True, False], LATER),
    of(
        "apply_step",
        "next.into_iter().for_each(|zxid| self.zk_bcast_apply(zxid));",
        &[Omitted],
        LATER,
    ),
    of(
        "zk_fle_enter",
        "self.me.round = self.me.round.next().unwrap_or(S::Num::ONE);",
        &[Omitted],
        ELECTION,
    ),
    of("zk_fle_settled_reply", "n.role == Role::Looking", &[Negated, True, False], ELECTION),
    of("zk_fle_settled_reply", "self.send(from, self.notification());", &[Omitted], ELECTION),
    of("zk_fle_looking", "at_least(n.round, round)", &[True], ELECTION),
    of("zk_fle_looking", "self.send(from, self.notification())", &[Omitted], ELECTION),
    of("zk_fle_looking", "n.round > round", &[True], ELECTION),
    of("zk_fle_looking", "wins_over(&own)", &[False], ELECTION),
    of("senders", "fits(&vote)", &[True], ELECTION),
    of("zk_fle_same_round", "is(n.round, self.me.round)", &[Negated, True, False], ELECTION),
    of(
        "zk_fle_same_round",
        "self.me.election.recvset.set(from, Heard::of(n));",
        &[Omitted],
        ELECTION,
    ),
    of(
        "zk_fle_same_round",
        "self.elects(rule, &self.me.election.recvset.clone(), n, any_epoch)",
        &[Negated, True, False],
        ELECTION,
    ),
    of("zk_fle_same_round", "self.settle(n.vote, n.round)", &[Omitted], ELECTION),
    of("zk_fle_same_round", "self.zk_fle_join(from, n);", &[Omitted], ELECTION),
    of("zk_fle_join", "self.me.election.outofelection.set(from, heard);", &[Omitted], ELECTION),
    of(
        "zk_fle_join",
        "self.elects(\"zk.fle.join\", &self.me.election.outofelection.clone(), n, false)",
        &[Negated, True],
        ELECTION,
    ),
    of("elects", "vote.leader == leader", &[Negated, True], ELECTION),
    of(
        "elects",
        "vote.leader == leader && (any_epoch || vote.peer_epoch == peer_epoch)",
        &[Negated, True, False],
        ELECTION,
    ),
    of("elects", "any_epoch", &[Negated], ELECTION),
    of("elects", "any_epoch || vote.peer_epoch == peer_epoch", &[Negated, True], ELECTION),
    of("elects", "vote.peer_epoch == peer_epoch", &[Negated, False], ELECTION),
    of("elects", "self.quorum(self.senders(votes, fits))", &[Negated, True, False], ELECTION),
    of(
        "elects",
        "self.check(rule, \"votes for leader and epoch >= quorum\", quorum) && self.zk_fle_check_leader(votes, n)",
        &[Negated, True, False],
        ELECTION,
    ),
    of("elects", "self.zk_fle_check_leader(votes, n)", &[Negated, True], ELECTION),
    of("zk_fle_check_leader", "leader == self.me.id", &[Negated, True, False], ELECTION),
    of("zk_fle_check_leader", "n.round == self.me.round", &[Negated, False], ELECTION),
    of(
        "zk_fle_update_vote",
        "self.me.vote.peer_epoch = self.me.current_epoch;",
        &[Omitted],
        ELECTION,
    ),
    of("of", "n.role == Role::Leading", &[Negated, True, False], ELECTION),
    of("zk_crash", "!self.me.replaces_log()", &[Negated, True, False], LOST),
    of(
        "zk_crash",
        "is_tail && self.cfg.history(history).prefix(length) == disk.history",
        &[Negated, True, False],
        LOST,
    ),
    of("zk_crash", "self.cfg.history(history).prefix(length) == disk.history", &[Negated], LOST),
    of("zk_crash", "self.me.history = history;", &[Omitted], LOST),
    of("zk_start", "at_most(survived, tail)", &[True], NOTHING),
    of("zk_start", "self.me.disk.history = history;", &[Omitted], ZOMBIE),
    of("zk_fail_leader_link", "self.progress(peer) != Progress::None", &[Negated, False], NOTICED),
    of("zk_fail_leader_link", "self.set_progress(peer, Progress::None);", &[Omitted], NOTICED),
    of("zk_fail_leader_quorum", "false", &[True], NOTHING),
    of("close", "self.zk_fail_leader_link(peer)?;", &[Omitted], NOTICED),
    of("close", "self.out.push(Effect::Closed(peer));", &[Omitted], NOTICED),
    of("cut_returns", "cut.length() > 0", &[Negated, True], NOTHING),
    of("lose_disk", "is(self.me.role, Role::Down)", &[Negated, False], NEVER),
    of("append_fails", "tail > 0", &[Negated, True], NOTHING),
    of("append_fails", "self.me.history = self.me.disk.history;", &[Omitted], ZOMBIE),
    of("handler_step", "next.is_some()", &[True], NOTHING),
    of("next_of_handler", "!program.contains(write)", &[True], OPEN),
    of("next_of_handler", "self.me.leader.decided && is_written(Item::LeaderInfo)", &[True], OPEN),
    of("next_of_handler", "is_written(Item::LeaderInfo)", &[True], OPEN),
    of("next_of_handler", "is_written(Item::Synchronize)", &[True], OPEN),
    of("next_of_handler", "self.me.phase == Phase::Broadcast", &[True], OPEN),
    of("run", "self.run_to_step();", &[Omitted], WRITTEN),
    of("program_next", "next.is_step(self.grain())", &[True], WRITTEN),
    of("run_to_step", "self.me.has_to(item)", &[True], WRITTEN),
    of("perform", "self.deliver_received()", &[Omitted], DELIVERED),
    of("min", "self.is_empty()", &[Negated, True], SNAP),
    of("contains", "count > self.start", &[Negated], SNAP),
    of(
        "contains",
        "count > self.start && self.history.zxid_at(count) == p",
        &[Negated, False],
        SNAP,
    ),
    of("contains", "self.history.zxid_at(count) == p", &[Negated], SNAP),
    of("zk_sync_diff", "self.min() <= p && p < self.max()", &[False], SNAP),
    of("zk_sync_diff", "p < self.max()", &[Negated], SNAP),
    of("zk_sync_diff", "self.contains(p)", &[Negated, False], SNAP),
    of("zk_sync_diff", "self.contains(p) || p.counter == S::Num::ZERO", &[Negated, False], SNAP),
    of("zk_sync_diff", "inside && is_known", &[False], SNAP),
    of("zk_sync_trunc", "inside && same_epoch", &[Negated, True], SNAP),
    of("is_in_snapshot", "zxid < label", &[True], SNAP),
    of("zk_sync_drop", "self.out.push(Effect::Closed(self.me.vote.leader));", &[Omitted], WAITS),
    of("deliver_received", "self.me.synchronization.start = S::Num::ZERO;", &[Omitted], DELIVERED),
    of("deliver_received", "self.me.synchronization.mode = SyncMode::Diff;", &[Omitted], DELIVERED),
    of("count_ack_ld", "is_quorum && self.me.program.is_finished()", &[True], OPEN),
    of("count_ack_ld", "self.me.program.is_finished()", &[True], OPEN),
    of("f_2_2", "self.acknowledge_new_leader();", &[Omitted], AGAIN),
];
