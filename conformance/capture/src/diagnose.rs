//! Which releases explain what the packets of each server show: for each thing that releases do
//! differently and that packets can show without the model, what was seen of it.
//!
//! It is a signature of what was sent, and no proof: another implementation may send the same. Most
//! switches of the profiles (`zabcheck profiles`) are about what no packet shows, and nothing is said
//! about them.

mod findings;
mod formats;
mod synchronization;

use std::collections::BTreeMap;
use std::io::BufRead;

use crate::decode::{Item, decode};
use crate::error::CaptureError;
use crate::properties::{Packet, Report};

/// The releases that are told apart; those between two of them do as one of them does. `fixed` is
/// stricter than any release, and what `zab-server` follows.
pub const RELEASES: [&str; 8] =
    ["3.4.10", "3.8.0", "3.8.6", "3.9.1", "3.9.2", "3.9.3", "3.9.4", "fixed"];

/// A set of releases: a bit for each, in the order of [`RELEASES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases(u8);

impl Releases {
    const ALL: Self = Self(0b1111_1111);
    const V3_4: Self = Self(0b0000_0001);
    const SINCE_3_5: Self = Self(0b1111_1110);
    /// 3.6 to 3.8.4, and 3.9.0 and 3.9.1.
    const QUEUED: Self = Self(0b0000_1010);
    /// Up to 3.8.4 and 3.9.1.
    const NOT_SYNCED: Self = Self(0b0000_1011);
    /// All up to 3.9.2.
    const ACKNOWLEDGES: Self = Self(0b0001_1111);
    const SINCE_3_9_3: Self = Self(0b1110_0000);
    const ALL_BUT_FIXED: Self = Self(0b0111_1111);

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        RELEASES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 >> bit & 1 == 1)
            .map(|it| it.1)
    }
}

/// Something that releases do differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The switch of the profiles that it belongs to, or what it is called if there is none.
    pub switch: &'static str,
    /// What is looked at.
    pub asks: &'static str,
    /// Where ZooKeeper does it, and the issue.
    pub source: &'static str,
    /// Releases with the newer way.
    pub new: Releases,
}

/// What is asked, in the order of the answers.
pub const QUESTIONS: [Question; 7] = [
    Question {
        switch: "notification version",
        asks: "notifications carry the configuration",
        source: "FastLeaderElection.Notification, since 3.5 (ZOOKEEPER-107)",
        new: Releases::SINCE_3_5,
    },
    Question {
        switch: "configuration in NEWLEADER",
        asks: "NEWLEADER carries the configuration",
        source: "LearnerHandler.run, since 3.5 (ZOOKEEPER-107)",
        new: Releases::SINCE_3_5,
    },
    Question {
        switch: "transaction digests",
        asks: "PROPOSALs carry digests",
        source: "TxnDigest, since 3.6 (ZOOKEEPER-3114); may be turned off",
        new: Releases::SINCE_3_5,
    },
    Question {
        switch: "newleader_program",
        asks: "ACKs of transactions that a DIFF brought as committed before NEWLEADER",
        source: "Learner.syncWithLeader (ZOOKEEPER-4785, 4646, 4685; 4394)",
        new: Releases::SINCE_3_9_3,
    },
    Question {
        switch: "logged_at_newleader",
        asks: "history that was acknowledged with NEWLEADER is there after a kill",
        source: "Learner.syncWithLeader (ZOOKEEPER-4785, 4643); W-ACKNOWLEDGED",
        new: Releases::ALL.without(Releases::NOT_SYNCED),
    },
    Question {
        switch: "position_when_established",
        asks: "a leader without a transaction of its epoch is at (epoch, 0)",
        source: "Leader.startZkServer (D-L0)",
        new: Releases::ALL.without(Releases::ALL_BUT_FIXED),
    },
    Question {
        switch: "acks_of_cut",
        asks: "acknowledgements of a learner that is then truncated count",
        source: "Leader.processAck (D-H01); W-QUORUM",
        new: Releases::ALL.without(Releases::ALL_BUT_FIXED),
    },
];

const NOTIFICATION: usize = 0;
const NEWLEADER: usize = 1;
const DIGEST: usize = 2;
const SYNCED_ACKS: usize = 3;
const LOGGED: usize = 4;
const POSITION: usize = 5;
const CUT_ACKS: usize = 6;

/// What was seen of one question at one server.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How often it came to that.
    pub occasions: u64,
    /// Who explains all of them.
    pub releases: Releases,
    /// The packets of the first one that leaves fewest.
    pub packets: Vec<Packet>,
}

impl Answer {
    /// The answer in a word or two.
    #[must_use]
    pub fn word(&self, question: &Question) -> &'static str {
        let old = Releases::ALL.without(question.new);
        match (self.occasions, self.releases.and(old), self.releases.and(question.new)) {
            (0, _, _) => "not exercised",
            (_, old, new) if old.is_empty() && new.is_empty() => "contradictory",
            (_, old, _) if old.is_empty() => "new only",
            (_, _, new) if new.is_empty() => "old only",
            _ => "both explain it",
        }
    }
}

/// What the packets of one server show.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its id.
    pub id: i64,
    /// In the order of [`QUESTIONS`].
    pub answers: Vec<Answer>,
}

impl Server {
    /// The releases that explain all answers.
    #[must_use]
    pub fn releases(&self) -> Releases {
        self.answers.iter().fold(Releases::ALL, |left, answer| left.and(answer.releases))
    }
}

/// The answers while a capture is read.
#[derive(Default)]
struct Answers(BTreeMap<i64, Vec<Answer>>);

impl Answers {
    fn of(&mut self, server: i64) -> &mut Vec<Answer> {
        self.0.entry(server).or_insert_with(|| {
            let nothing = Answer { occasions: 0, releases: Releases::ALL, packets: Vec::new() };
            vec![nothing; QUESTIONS.len()]
        })
    }

    /// Something was seen that these releases explain.
    fn saw(
        &mut self,
        server: i64,
        question: usize,
        releases: Releases,
        packets: impl FnOnce() -> Vec<Packet>,
    ) {
        let Some(answer) = self.of(server).get_mut(question) else { return };
        answer.occasions += 1;
        let left = answer.releases.and(releases);
        if left != answer.releases || (answer.occasions == 1 && releases != Releases::ALL) {
            answer.packets = packets();
        }
        answer.releases = left;
    }
}

/// Looks at a capture, of which the properties were looked at before.
///
/// # Errors
/// If the input is no capture.
pub fn diagnose(input: impl BufRead, report: &Report) -> Result<Vec<Server>, CaptureError> {
    let mut answers = Answers::default();
    let mut synchronization = synchronization::Synchronization::default();
    let decoded = decode(input, |item: &Item| {
        formats::look(item, &mut answers);
        synchronization.item(item, &mut answers);
    });
    match decoded {
        Err(CaptureError::Cut { .. }) | Ok(_) => {}
        Err(error) => return Err(error),
    }
    findings::look(report, &mut answers);
    let server = |(id, answers)| Server { id, answers };
    Ok(answers.0.into_iter().map(server).collect())
}
