//! The bugs: what each is made of, which releases have it, and where it shows.
//!
//! Sources: the issues of the Apache ZooKeeper project under their numbers, and the classes that
//! [`zab_model::profile::SWITCHES`] names for each switch. Hazards `H-nn` were found by reading
//! ZooKeeper's source; `docs/src/rules.md` lists them as deviations.

use zab_model::Grain;
use zab_model::profile::{RELEASES, Release, SWITCHES};

/// A known bug of the protocol as ZooKeeper implements it, or a hazard.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// The number of its issue, or of the hazard.
    pub name: &'static str,
    /// Other names that it has.
    pub also: &'static [&'static str],
    /// What is wrong, in a sentence.
    pub says: &'static str,
    /// Which releases have it.
    pub found_in: FoundIn,
    /// How it is looked for.
    pub scene: Scene,
}

/// How it is known which releases have a bug.
#[derive(Clone, Copy, Debug)]
pub enum FoundIn {
    /// Those whose profile has one of these values for each of these switches.
    Switches(&'static [(&'static str, &'static [&'static str])]),
    /// These, of those that are modelled; no switch says it.
    Releases(&'static [&'static str]),
}

/// Where a bug shows, from empty disks, and what the damage is.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Switches that are set otherwise already, because the bug needs what they do.
    pub base: &'static str,
    /// The switch that is the bug, with its value.
    pub switch: &'static str,
    /// How much one step of a server does: the coarsest grain that shows it.
    pub grain: Grain,
    /// As [`crate::Budget::parse`] reads it.
    pub budget: &'static str,
    /// The damage is done when one of these safety properties is violated.
    pub damage: &'static [&'static str],
    /// Properties that are violated without the switch, by `base` alone.
    pub known: &'static [&'static str],
    /// What the damage means, in a few words.
    pub means: &'static str,
    /// With fewer of these it is known not to show, and why. `faults` are all of them together: where a
    /// fault is needed, another kind may do.
    pub needs: &'static [(&'static str, u8, &'static str)],
}

impl Bug {
    /// Whether a release has it.
    #[must_use]
    pub fn is_in(&self, release: &Release) -> bool {
        match self.found_in {
            FoundIn::Releases(names) => names.contains(&release.name),
            FoundIn::Switches(switches) => switches.iter().all(|(name, values)| {
                let switch = SWITCHES.iter().find(|switch| switch.name == *name);
                switch.is_some_and(|switch| values.contains(&switch.of(&release.profile).name))
            }),
        }
    }

    /// The releases that have it, of those that are modelled, oldest first.
    pub fn releases(&self) -> impl Iterator<Item = &'static Release> {
        RELEASES.iter().filter(|release| self.is_in(release))
    }

    /// Whether this is one of its names: `ZOOKEEPER-4643` is also `4643`, whatever the case.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.names().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// All names that it has.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = [self.name].into_iter().chain(self.also.iter().copied());
        all.flat_map(|name| [name].into_iter().chain(name.strip_prefix("ZOOKEEPER-")))
    }
}

/// Every release that comes from 3.6 and later.
const FROM_3_6: &[&str] = &["3.8.0", "3.8.6", "3.9.1", "3.9.2", "3.9.3", "3.9.4"];

const EMPTY_GETS_SNAP: &str = "a learner without transactions gets SNAP, which is on the disk \
    before NEWLEADER is acknowledged; so it needs one transaction, and one more to be lost";

/// Every known bug, in the order of their numbers; then hazards that have no issue.
pub const BUGS: &[Bug] = &[
    Bug {
        name: "ZOOKEEPER-1154",
        also: &[],
        says: "A learner gets DIFF although its last transaction is none of the leader's.",
        found_in: FoundIn::Switches(&[("sync_membership", &["within_window"])]),
        scene: Scene {
            base: "",
            switch: "sync_membership=within_window",
            grain: Grain::Writes,
            budget: "rounds=2 requests=3@2,3 crashes=1@3",
            damage: &["prefix_consistency"],
            known: &[],
            means: "two servers have delivered different histories",
            needs: &[
                ("requests", 3, "a transaction that is lost, between two that are committed"),
                ("rounds", 2, "the leader that lost it has to be replaced"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-2354",
        also: &["H-02", "D-H02"],
        says: "A server whose log is newer than its currentEpoch does not start.",
        found_in: FoundIn::Switches(&[("start_ahead_of_epoch", &["up_to_current"])]),
        scene: Scene {
            base: "",
            switch: "start_ahead_of_epoch=up_to_current",
            grain: Grain::Writes,
            budget: "rounds=1 requests=1 crashes=1",
            damage: &["whoever_is_down_can_start"],
            known: &[],
            means: "liveness: a server that is down stays down",
            needs: &[("requests", 1, "without a transaction no log is newer than an epoch")],
        },
    },
    Bug {
        name: "ZOOKEEPER-2845",
        also: &[],
        says: "A server that leaves its role votes with what it has applied, and keeps a longer log.",
        found_in: FoundIn::Switches(&[("fast_forward", &["never"])]),
        scene: Scene {
            base: "",
            switch: "fast_forward=never",
            grain: Grain::Writes,
            budget: "rounds=2 requests=1 timeouts=1",
            damage: &["committed_never_lost"],
            known: &[],
            means: "a leader begins without a committed transaction",
            needs: &[
                ("requests", 1, "without a transaction there is nothing to lose"),
                ("rounds", 2, "the vote is that for the second leader"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-2846",
        also: &["H-03"],
        says: "A DIFF that is read from log files skips a hole which only a snapshot bridges.",
        found_in: FoundIn::Releases(FROM_3_6),
        scene: Scene {
            base: "log_after_snapshot=kept",
            switch: "ondisk_diff=where_reached",
            grain: Grain::Writes,
            budget: "leaders=3,1,2 requests=3@1,3 crashes=1@3 timeouts=1@1",
            damage: &["prefix_consistency"],
            known: &["leader_sends_what_fits"],
            means: "two servers have delivered different histories",
            needs: &[
                ("requests", 3, "one before the hole, one in it, and one behind it"),
                ("rounds", 3, "a leader of all, one with the snapshot, one with the hole"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-3023",
        also: &[],
        says: "A follower acknowledges UPTODATE before it has applied what it was synchronized to.",
        found_in: FoundIn::Switches(&[("newleader_program", &["queued", "synced_all"])]),
        scene: Scene {
            base: "",
            switch: "newleader_program=synced_all",
            grain: Grain::Threads,
            budget: "rounds=2 requests=2@3 timeouts=1@3",
            damage: &["followers_have_applied_what_their_leader_began_with"],
            known: &[],
            means: "a follower serves, and has not applied what its leader began with",
            needs: &[
                ("requests", 2, "SNAP is applied as it comes, so it needs a DIFF"),
                ("rounds", 2, "a leader that begins with a history"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-3104",
        also: &[],
        says: "NEWLEADER is queued before the SNAP that it is to follow.",
        found_in: FoundIn::Switches(&[("newleader_queued", &["before_snap"])]),
        scene: Scene {
            base: "snap_label=when_sent,window_grows=at_apply,commit_after_snap=applied,\
                   proposal_gap=warned,position_when_established=epoch_start",
            switch: "newleader_queued=before_snap",
            grain: Grain::Threads,
            budget: "rounds=1 requests=2@3",
            damage: &["tree_is_what_its_label_says"],
            known: &[],
            means: "a snapshot lacks a transaction that its position says it has",
            needs: &[("requests", 2, "one that comes again before NEWLEADER, and one behind it")],
        },
    },
    Bug {
        name: "ZOOKEEPER-3642",
        also: &[],
        says: "After an interrupted SNAP a server keeps the tree that its disk does not have.",
        found_in: FoundIn::Switches(&[("partial_database", &["kept"])]),
        scene: Scene {
            base: "",
            switch: "partial_database=kept",
            grain: Grain::Writes,
            budget: "rounds=3 requests=1 crashes=1@1 timeouts=1@3",
            damage: &["committed_never_lost"],
            known: &[],
            means: "a leader begins without a committed transaction",
            needs: &[("requests", 1, "without a transaction there is nothing to lose")],
        },
    },
    Bug {
        name: "ZOOKEEPER-3911",
        also: &[],
        says: "A follower acknowledges NEWLEADER and logs its transactions only at UPTODATE.",
        found_in: FoundIn::Switches(&[("newleader_program", &["logged_at_uptodate"])]),
        scene: Scene {
            base: "",
            switch: "newleader_program=logged_at_uptodate",
            grain: Grain::Writes,
            budget: "rounds=3 requests=2@3 crashes=1@1 timeouts=1@3",
            damage: &["committed_never_lost"],
            known: &[],
            means: "a leader begins without a committed transaction",
            needs: &[
                ("requests", 2, EMPTY_GETS_SNAP),
                ("rounds", 3, "a leader that commits, one that is acknowledged, one that lost it"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-4394",
        also: &[],
        says: "A COMMIT between NEWLEADER and UPTODATE finds no transaction, and the \
               synchronization ends.",
        found_in: FoundIn::Switches(&[("list_at_newleader", &["emptied"])]),
        scene: Scene {
            base: "",
            switch: "list_at_newleader=emptied",
            grain: Grain::Writes,
            budget: "rounds=1 requests=1",
            damage: &["leader_sends_what_fits"],
            known: &[],
            means: "liveness: a follower leaves, once for each request (no lasso: requests are counted)",
            needs: &[("requests", 1, "without a request there is no COMMIT")],
        },
    },
    Bug {
        name: "ZOOKEEPER-4643",
        also: &["ZOOKEEPER-4785"],
        says: "A follower writes currentEpoch before its transactions, and crashes between.",
        found_in: FoundIn::Switches(&[("newleader_program", &["epoch_first", "queued"])]),
        scene: Scene {
            base: "",
            switch: "newleader_program=epoch_first",
            grain: Grain::Writes,
            budget: "rounds=3 requests=1 crashes=1@1 timeouts=1",
            damage: &["committed_never_lost"],
            known: &[],
            means: "a leader begins without a committed transaction",
            needs: &[
                ("requests", 1, "without a transaction there is nothing to lose"),
                ("rounds", 3, "a leader that commits, one that raises the epoch, one that lost it"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-4646",
        also: &[],
        says: "A follower acknowledges NEWLEADER before its transactions are on disk.",
        found_in: FoundIn::Switches(&[("newleader_program", &["ack_before_log", "queued"])]),
        scene: Scene {
            base: "",
            switch: "newleader_program=ack_before_log",
            grain: Grain::Writes,
            budget: "rounds=3 requests=2@3 crashes=1@1 timeouts=1@3",
            damage: &["committed_never_lost"],
            known: &[],
            means: "a leader begins without a committed transaction",
            needs: &[
                ("requests", 2, EMPTY_GETS_SNAP),
                ("rounds", 3, "a leader that commits, one that is acknowledged, one that lost it"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-4685",
        also: &[],
        says: "A follower's acknowledgement of a transaction reaches the leader before that of \
               NEWLEADER.",
        found_in: FoundIn::Switches(&[("newleader_program", &["queued"])]),
        scene: Scene {
            base: "",
            switch: "newleader_program=queued",
            grain: Grain::Writes,
            budget: "rounds=1 requests=1",
            damage: &["acknowledges_in_order"],
            known: &[],
            means: "liveness: the leader ends the synchronization, once for each request (no lasso: requests \
                    are counted)",
            needs: &[("requests", 1, "without a transaction nothing else is acknowledged")],
        },
    },
    Bug {
        name: "ZOOKEEPER-4712",
        also: &[],
        says: "The sync thread of an earlier role writes into the log of the next one.",
        found_in: FoundIn::Switches(&[("sync_thread_on_stop", &["zombie"])]),
        scene: Scene {
            base: "",
            switch: "sync_thread_on_stop=zombie",
            grain: Grain::Writes,
            budget: "rounds=2 requests=1 crashes=1",
            damage: &["committed_never_lost"],
            known: &[],
            means: "a leader begins without a committed transaction",
            needs: &[
                ("requests", 1, "without a transaction the thread has nothing to write"),
                ("rounds", 2, "a role has to be left and taken again"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-4837",
        also: &["H-05"],
        says: "A leader's snapshot has what nobody committed; a later TRUNC loads it again.",
        found_in: FoundIn::Switches(&[
            ("snapshot_when_leading", &["yes"]),
            ("trunc_into_snapshot", &["loaded"]),
        ]),
        scene: Scene {
            base: "snapshot_when_leading=yes",
            switch: "trunc_into_snapshot=loaded",
            grain: Grain::Writes,
            budget: "rounds=3 requests=2@3 crashes=1@2 timeouts=1@1",
            damage: &["tree_is_what_its_label_says"],
            known: &[],
            means: "a tree holds what its position says was never there",
            needs: &[
                ("requests", 2, "the TRUNC must not cut everything"),
                ("rounds", 3, "a leader that commits, one that writes the snapshot, one that cuts"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-4882",
        also: &["D-4882"],
        says: "A server whose log could not be written keeps in memory what was committed.",
        found_in: FoundIn::Switches(&[
            ("delivery", &["when_committed"]),
            ("failed_append", &["kept"]),
        ]),
        scene: Scene {
            base: "delivery=when_committed",
            switch: "failed_append=kept",
            grain: Grain::Writes,
            budget: "rounds=1 requests=2 crashes=1@1 failed-appends=1@1",
            damage: &["prefix_consistency"],
            known: &["delivered_is_committed_and_durable"],
            means: "two servers have delivered different histories",
            needs: &[
                ("requests", 2, "a hole has something behind it"),
                ("failed-appends", 1, "an append has to fail"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-4925",
        also: &[],
        says: "What is applied during synchronization is missing from the window.",
        found_in: FoundIn::Switches(&[
            ("sync_apply_enters_window", &["no"]),
            ("newleader_program", &["committed"]),
        ]),
        scene: Scene {
            base: "",
            switch: "sync_apply_enters_window=no",
            grain: Grain::Writes,
            budget: "rounds=1 requests=3@3 disconnects=1@1",
            damage: &["followers_have_their_leaders_history"],
            known: &[],
            means: "a window has a hole, and a DIFF from it skips a committed transaction",
            needs: &[("requests", 3, "the hole is between two transactions of the window")],
        },
    },
    Bug {
        name: "ZOOKEEPER-5010",
        also: &[],
        says: "Among five servers a node of a session that has ended stays on some followers.",
        found_in: FoundIn::Switches(&[("sync_thread_on_stop", &["zombie"])]),
        scene: Scene {
            base: "",
            switch: "sync_thread_on_stop=zombie",
            grain: Grain::Writes,
            budget: "servers=5 rounds=2 requests=1@3 crashes=1@3 joiners=3 electors=3",
            damage: &["followers_have_their_leaders_history"],
            known: &[],
            means: "a follower has, after DIFF, what its leader does not have",
            needs: &[
                ("requests", 1, "without a transaction there is nothing to differ in"),
                ("faults", 1, "the leader has to die while the transaction is on its way"),
                ("rounds", 2, "the difference is from the second leader"),
            ],
        },
    },
    Bug {
        name: "ZOOKEEPER-5094",
        also: &[],
        says: "After an interrupted TRUNC a server keeps a tree that is ahead of its disk.",
        found_in: FoundIn::Switches(&[("partial_database", &["cleared_after_snap", "kept"])]),
        scene: Scene {
            base: "trunc_durable=no,commit_after_snap=applied,window_grows=at_apply",
            switch: "partial_database=cleared_after_snap",
            grain: Grain::Writes,
            budget: "rounds=1 requests=2 disconnects=2@1",
            damage: &["followers_have_their_leaders_history"],
            known: TRUNC_KNOWN,
            means: "a log has a hole, which a restart brings into the tree",
            needs: &[("requests", 2, "a hole has something behind it")],
        },
    },
    Bug {
        name: "H-01",
        also: &["D-H01"],
        says: "An acknowledgement stays counted although a TRUNC has cut what it vouches for.",
        found_in: FoundIn::Switches(&[("acks_of_cut", &["kept"])]),
        scene: Scene {
            base: "",
            switch: "acks_of_cut=kept",
            grain: Grain::Writes,
            budget: "rounds=2 requests=1 timeouts=1 disconnects=1",
            damage: &["committed_never_lost"],
            known: &[],
            means: "a leader begins without a committed transaction",
            needs: &[
                ("requests", 1, "without a transaction there is nothing to acknowledge"),
                ("rounds", 2, "the loss is that of a second leader"),
            ],
        },
    },
    Bug {
        name: "H-01-five",
        also: &[],
        says: "H-01 among five servers, of which none has a slow disk.",
        found_in: FoundIn::Switches(&[("acks_of_cut", &["kept"])]),
        scene: Scene {
            base: "",
            switch: "acks_of_cut=kept",
            grain: Grain::Writes,
            budget: "servers=5 rounds=1 requests=1@4 disconnects=1@1 joiners=1 electors=4 disks=prompt",
            damage: &["committed_is_durable_on_a_quorum"],
            known: &[],
            means: "three others may elect a leader without a committed transaction",
            needs: &[
                ("requests", 1, "without a transaction there is nothing to acknowledge"),
                ("faults", 1, "a server has to be told to cut by the leader that it has told"),
            ],
        },
    },
    Bug {
        name: "H-04",
        also: &[],
        says: "What is committed right after TRUNC is missing from the window that TRUNC filled.",
        found_in: FoundIn::Switches(&[("sync_apply_enters_window", &["no"])]),
        scene: Scene {
            base: "trunc_durable=no,commit_after_snap=applied,window_grows=at_apply",
            switch: "sync_apply_enters_window=no",
            grain: Grain::Writes,
            budget: "rounds=1 requests=2 disconnects=1",
            damage: &["log_and_window_are_continuous"],
            known: TRUNC_KNOWN,
            means: "a window has a hole, and a DIFF from it skips a committed transaction",
            needs: &[("requests", 2, "a hole has something behind it")],
        },
    },
    Bug {
        name: "H-06",
        also: &["D-TR"],
        says: "A power loss undoes a TRUNC that was acknowledged.",
        found_in: FoundIn::Switches(&[("trunc_durable", &["no"])]),
        scene: Scene {
            base: "",
            switch: "trunc_durable=no",
            grain: Grain::Writes,
            budget: "rounds=2 requests=2@1,3 crashes=2@3",
            damage: &["prefix_consistency"],
            known: &[],
            means: "two servers have delivered different histories",
            needs: &[
                ("requests", 2, "something is cut, and something else comes behind it"),
                ("crashes", 1, "only a power loss undoes a cut"),
            ],
        },
    },
    Bug {
        name: "H-11",
        also: &["D-L0"],
        says: "A TRUNC to a position without a record keeps the first record behind it.",
        found_in: FoundIn::Switches(&[("trunc_to_absent_record", &["next_kept"])]),
        scene: Scene {
            base: "",
            switch: "trunc_to_absent_record=next_kept",
            grain: Grain::Writes,
            budget: "rounds=2 requests=1 crashes=1",
            damage: &["committed_never_lost"],
            known: &[],
            means: "a server keeps, and counts as committed, what nobody else has",
            needs: &[
                ("requests", 1, "the first transaction of a new ensemble"),
                ("rounds", 2, "the loss is that of a second leader"),
            ],
        },
    },
];

/// What TRUNC that is not durable, with a window that ends with what is applied, violates alone.
const TRUNC_KNOWN: &[&str] =
    &["acknowledged_is_durable", "committed_is_durable_on_a_quorum", "no_truncation_of_committed"];
