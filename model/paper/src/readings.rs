//! The readings of the paper by name, each with what is known of it.

use super::variant::{
    CommitLdZxid, LateAckLd, NewLeaderWrites, ProposalsTo, RepeatedProposal, Variant,
};

/// One way to read the paper otherwise than its specification's authors do.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Its name, as commands know it.
    pub name: &'static str,
    /// What it is, and what comes of it.
    pub says: &'static str,
    change: fn(&mut Variant),
}

/// All of them.
pub const READINGS: [Reading; 7] = [
    Reading {
        name: "proposals-to-synced",
        says: "PROPOSE goes to followers that have acknowledged NEWLEADER: one is missed for good",
        change: |variant| variant.proposals_to = ProposalsTo::Synced,
    },
    Reading {
        name: "repeated-proposal-illegal",
        says: "a PROPOSE that NEWLEADER's history has already is an error: correct runs meet it",
        change: |variant| variant.repeated_proposal = RepeatedProposal::Illegal,
    },
    Reading {
        name: "commit-ld-acknowledged",
        says: "COMMIT-LD carries the zxid of the ACK-LD: what was committed since is never told",
        change: |variant| variant.commit_ld = CommitLdZxid::Acknowledged,
    },
    Reading {
        name: "history-first",
        says: "NEWLEADER's history is written before its epoch: safe",
        change: |variant| variant.new_leader = NewLeaderWrites::HistoryFirst,
    },
    Reading {
        name: "epoch-first",
        says: "NEWLEADER's epoch is written before its history: loses what was committed",
        change: |variant| variant.new_leader = NewLeaderWrites::EpochFirst,
    },
    Reading {
        name: "late-ack-ld-commits",
        says: "an ACK-LD commits what it gives a quorum: without it an epoch may stand still",
        change: |variant| variant.late_ack_ld = LateAckLd::Commits,
    },
    Reading {
        name: "restart-is-timeout",
        says: "a restart also needs timeouts not to be spent, as in Apache's copy",
        change: |variant| variant.restart_is_timeout = true,
    },
];

/// The reading of that name.
#[must_use]
pub fn reading(name: &str) -> Option<&'static Reading> {
    READINGS.iter().find(|reading| reading.name == name)
}

impl Variant {
    /// The same, but for this reading.
    #[must_use]
    pub fn read(mut self, reading: &Reading) -> Self {
        (reading.change)(&mut self);
        self
    }

    /// The readings in which it differs from the default.
    pub fn readings(self) -> impl Iterator<Item = &'static Reading> {
        READINGS.iter().filter(move |reading| self.read(reading) == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_is_another_and_is_found_by_its_name() {
        assert_eq!(Variant::default().readings().count(), 0);
        for one in &READINGS {
            let variant = Variant::default().read(one);
            let names: Vec<&str> = variant.readings().map(|reading| reading.name).collect();
            assert_eq!(names, [one.name]);
            assert_eq!(reading(one.name).map(|found| found.says), Some(one.says));
        }
        assert!(reading("none").is_none());
    }
}
