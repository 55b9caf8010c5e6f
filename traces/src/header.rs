//! The first line of every file.

use serde::{Deserialize, Serialize};

use crate::parse::{object, present, present_object};
use crate::word::words;
use crate::{EventName, ServerId};

/// The version of the format this crate reads and writes: the header's `zabTrace`.
pub const VERSION: u64 = 1;

words! {
    /// What kind of thing wrote a file.
    Source, "a source" {
        /// A real process.
        Server = "server",
        /// A simulated cluster.
        Sim = "sim",
        /// A run of the model.
        Model = "model",
        /// The recorder: what it did to the processes.
        Harness = "harness",
        /// A person.
        Hand = "hand",
    }
}

words! {
    /// What a check of a trace can say.
    Verdict, "a verdict" {
        /// Every step is legal, and the properties hold.
        Conforms = "CONFORMS",
        /// A step is illegal.
        Diverges = "DIVERGES",
        /// Every step is legal under the profile, but a property is broken.
        Violates = "VIOLATES",
        /// The trace does not say enough.
        Inconclusive = "INCONCLUSIVE",
    }
}

/// The header of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version, [`VERSION`].
    #[serde(rename = "zabTrace")]
    pub version: u64,
    /// What kind of thing wrote the file.
    pub source: Source,
    /// The program that wrote it.
    #[serde(deserialize_with = "object")]
    pub implementation: Implementation,
    /// The voting members; the same in every file of a trace.
    pub servers: Vec<ServerId>,
    /// The observers; the same in every file of a trace.
    pub observers: Vec<ServerId>,
    /// The profile to be checked against.
    pub profile: String,
    /// How many committed transactions a leader keeps to bring learners up to date with.
    pub window: u32,
    /// The seed of a seeded run.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub seed: Option<u64>,
    /// What the trace does not show.
    #[serde(deserialize_with = "object")]
    pub contract: Contract,
    /// What the checker must say about this file; only in the corpus.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present_object")]
    pub expect: Option<Expect>,
    /// Where the trace comes from and why it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub note: Option<String>,
}

/// A program and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Implementation {
    /// The program.
    pub name: String,
    /// Its version, as it reports it.
    pub version: String,
}

/// What a trace does not show. The same in every file of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Events that are never written.
    pub hidden: Vec<EventName>,
    /// Whether events carry `state`.
    pub state: bool,
    /// Servers whose hidden steps (`Persisted`, `Delivered`, decisions) are not written.
    pub silent: Vec<ServerId>,
}

impl Contract {
    /// The contract of a trace that shows everything.
    #[must_use]
    pub const fn full() -> Self {
        Self { hidden: Vec::new(), state: true, silent: Vec::new() }
    }
}

/// What the checker must say about a file of the corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// The verdict.
    pub verdict: Verdict,
    /// The line, from 1, of the first illegal step.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub line: Option<u64>,
    /// The id of the rule, or the name of the property, that is broken.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub rule: Option<String>,
}

impl Header {
    /// A header for a trace that shows everything and is to be checked against `fixed` with a
    /// window of 500. Change the fields that differ.
    #[must_use]
    pub fn new(source: Source, implementation: Implementation, servers: Vec<ServerId>) -> Self {
        Self {
            version: VERSION,
            source,
            implementation,
            servers,
            observers: Vec::new(),
            profile: "fixed".to_owned(),
            window: 500,
            seed: None,
            contract: Contract::full(),
            expect: None,
            note: None,
        }
    }

    /// Whether the id names a member of the ensemble.
    #[must_use]
    pub fn has_member(&self, id: ServerId) -> bool {
        self.servers.contains(&id) || self.observers.contains(&id)
    }
}
