//! What differs between the families: the names that their rules are written with.

/// The words of a family. A method that is in none of these lists is an error.
#[derive(Debug)]
pub(crate) struct Words {
    /// Functions that are no rules: they call the rules, or tell the ghosts.
    pub plumbing: &'static [&'static str],
    /// Methods that change what they are called on, or what their closure is given.
    pub changing: &'static [&'static str],
    /// Methods that answer something else than yes or no, and change nothing that is a rule's.
    pub reading: &'static [&'static str],
    /// Methods that answer yes or no.
    pub asking: &'static [&'static str],
    /// How guards are asked.
    pub guards: Guards,
}

/// How the rules of a family ask their guards.
#[derive(Debug)]
pub(crate) enum Guards {
    /// A function that answers `Option` of a value, and is called with `?`, is the guard of its
    /// callers.
    Values,
    /// Comparisons are values, which these methods look at.
    Compared {
        /// Methods that look at a comparison.
        looking: &'static [&'static str],
        /// Functions that look at a comparison for several rules: broken for one call at a time.
        shared: &'static [&'static str],
        /// Functions and methods that make a comparison.
        making: &'static [&'static str],
    },
}

impl Guards {
    /// Whether a method looks at a comparison, and does nothing else.
    pub(super) fn looks(&self, name: &str) -> bool {
        match self {
            Self::Values => false,
            Self::Compared { looking, shared, .. } => {
                looking.contains(&name) || shared.contains(&name)
            }
        }
    }

    /// Whether a function makes a comparison.
    pub(super) fn makes(&self, name: &str) -> bool {
        match self {
            Self::Values => false,
            Self::Compared { making, .. } => making.contains(&name),
        }
    }
}

/// Those of `zab-paper`.
pub(crate) const PAPER: Words = Words {
    plumbing: &["after", "take", "act", "note_commit"],
    changing: &["fill", "for_each", "hear", "insert", "pop", "push", "remove"],
    reading: &[
        "and",
        "at",
        "chain",
        "copied",
        "count",
        "counter",
        "epoch",
        "get",
        "head",
        "index",
        "iter",
        "iter_mut",
        "last",
        "len",
        "map",
        "max",
        "max_by_key",
        "position",
        "prefix",
        "rposition",
        "take_while",
        "txns",
        "unwrap_or",
        "without",
        "zxid_at",
        "then_some",
    ],
    asking: &[
        "contains",
        "is_empty",
        "is_quorum",
        "is_some",
        "is_none",
        "is_some_and",
        "is_none_or",
        "next_is",
    ],
    guards: Guards::Values,
};

/// Those of `zab-model`.
pub(crate) const ZOOKEEPER: Words = Words {
    // What only hands a step or a message on to its rule, and what every rule is made of.
    plumbing: &[
        "check",
        "require",
        "refuse_unless",
        "fired",
        "decide",
        "quorum",
        "send",
        "send_to_leader",
        "step",
        "follower_message",
        "leader_message",
        "from",
        "elect",
    ],
    changing: &[
        "advance",
        "apply",
        "fast_forward",
        "for_each",
        "go_back_before",
        "insert",
        "pop",
        "push",
        "release",
        "remove",
        "set",
    ],
    reading: &[
        "after",
        "and_then",
        "append",
        "as_mut_slice",
        "as_ref",
        "as_slice",
        "chain",
        "checked_sub",
        "choose",
        "clone",
        "cmp",
        "committed",
        "continued",
        "copied",
        "count",
        "count_to",
        "cut_to",
        "deliverable_end",
        "end",
        "filter",
        "filter_map",
        "first",
        "follower_message",
        "get",
        "get_mut",
        "grain",
        "history",
        "into_iter",
        "items",
        "iter",
        "iter_mut",
        "kept_snapshot",
        "last",
        "leader_message",
        "length",
        "length_at",
        "map",
        "max",
        "members",
        "min",
        "newest_epoch_to_start",
        "next",
        "next_after",
        "observers",
        "ok_or",
        "older_message",
        "or",
        "or_else",
        "outstanding",
        "own_vote",
        "prefix",
        "profile",
        "progress",
        "range",
        "row",
        "saturating_add",
        "saturating_sub",
        "skip",
        "snapshot",
        "state",
        "take_while",
        "to_usize",
        "truncate",
        "unsynced",
        "unwrap_or",
        "unwrap_or_default",
        "unwrap_or_else",
        "voters",
        "zxid",
        "zxid_at",
    ],
    asking: &[
        "contains",
        "has_to",
        "is_empty",
        "is_finished",
        "is_forwarding",
        "is_gt",
        "is_none",
        "is_none_or",
        "is_past",
        "is_queueing",
        "is_some",
        "is_step",
        "is_member",
        "is_voter",
        "replaces_log",
        "replaces_log_by_snapshot",
    ],
    guards: Guards::Compared {
        looking: &["check", "expect_header", "refuse_unless", "require"],
        shared: &[
            "handler_reads",
            "older_reads",
            "refuse_if_ahead",
            "refuse_unless_at",
            "require_looking",
            "require_no_gap",
            "require_other_member",
        ],
        making: &[
            "at_least", "at_most", "holds", "is", "is_just", "is_next", "is_not", "new", "quorum",
        ],
    },
};
