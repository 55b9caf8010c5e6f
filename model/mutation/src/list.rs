//! What can be broken, as the build script found it.

use std::fmt;

/// One way to break one guard or effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// What is broken, from 1.
    pub(crate) point: u32,
    /// The call of the guard for which it is, from 1; 0 where it is broken for all.
    pub(crate) call: u32,
    /// File, relative to the source of the family.
    pub file: &'static str,
    /// Line, from 1.
    pub line: u32,
    /// The function; of a guard that several rules call, the rule that calls it.
    pub function: &'static str,
    /// The guard that is called, where it is broken for this rule only.
    pub via: Option<&'static str>,
    /// The guard or effect, as it stands in the source.
    pub code: &'static str,
    /// What is done to it.
    pub change: Change,
}

/// What is done to a guard or effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// A condition says the opposite.
    Negated,
    /// A condition always holds: the guard is dropped.
    True,
    /// A condition never holds: where failing means to leave, the guard is dropped.
    False,
    /// An effect does not take place.
    Omitted,
    /// Other text stands in its place: a defect with a name.
    Replaced {
        /// The name.
        name: &'static str,
        /// The text.
        by: &'static str,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Negated => "negated",
            Self::True => "true",
            Self::False => "false",
            Self::Omitted => "omitted",
            Self::Replaced { name, .. } => name,
        })
    }
}

/// Why something that looks like a guard or an effect is not broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Notes a violation or tells the ghosts, or is looked at for that only.
    Observer,
    /// Asks for another reading of the paper, another profile or another grain, or is done only under
    /// one.
    Reading,
    /// Belongs to a function that is no rule: dispatch, normal form, ghosts.
    Plumbing,
    /// Names a condition that is listed where it is computed, and is looked at nowhere else.
    Named,
    /// Gives a value that is needed afterwards, so that it cannot be dropped; or chooses an arm by
    /// a pattern: the effects of the arms are listed.
    Needed,
}

/// Something that is not broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// File, relative to the source of the family.
    pub file: &'static str,
    /// Line, from 1.
    pub line: u32,
    /// The function.
    pub function: &'static str,
    /// As it stands in the source.
    pub code: &'static str,
    /// Why.
    pub reason: Reason,
}

include!(concat!(env!("OUT_DIR"), "/paper-list.rs"));

/// Those of the `zookeeper` family.
mod zookeeper {
    use super::{Change, Excluded, Mutant, Reason};

    include!(concat!(env!("OUT_DIR"), "/zab-list.rs"));
}

/// A family of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// ZAB as published, `zab-paper`.
    Paper,
    /// ZAB as ZooKeeper implements it, `zab-model`.
    Zookeeper,
}

/// Every mutant of a family, in the order of the source.
#[must_use]
pub fn list(family: Family) -> &'static [Mutant] {
    match family {
        Family::Paper => MUTANTS,
        Family::Zookeeper => zookeeper::MUTANTS,
    }
}

/// What was found in the rules of a family and is not broken, in the order of the source.
#[must_use]
pub fn excluded(family: Family) -> &'static [Excluded] {
    match family {
        Family::Paper => EXCLUDED,
        Family::Zookeeper => zookeeper::EXCLUDED,
    }
}

/// Its place and what is done there, on one line.
impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}", self.file, self.line, self.function)?;
        if let Some(via) = self.via {
            write!(f, " in {via}")?;
        }
        write!(f, ": {} {}", self.change, self.code)
    }
}
