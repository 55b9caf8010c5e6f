//! What a check says, and how it exits.

use std::fmt;

use zab_trace::{Chain, Packet, ServerId};

use crate::report::exit::Exit;
use crate::report::explain::Divergence;
use crate::report::owed::NeverSeen;
use crate::report::summary::Summary;
use crate::trace::{Place, Problem};

/// What a check of a trace says.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// There is a run of the model that shows exactly this trace, and the properties hold.
    Conforms(Summary),
    /// No run of the model shows this trace.
    Diverges(Box<Divergence>),
    /// Every step is legal under the profile, but a property is broken.
    Violates(Box<Violation>),
    /// The trace does not say enough, or the search was given up.
    Inconclusive(Box<Inconclusive>),
    /// The input is not checked at all.
    Refused(Refusal),
}

impl Verdict {
    /// How the command exits.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Conforms(_) => Exit::Good,
            Self::Diverges(_) | Self::Violates(_) => Exit::Bad,
            Self::Inconclusive(_) => Exit::Unknown,
            Self::Refused(_) => Exit::Usage,
        }
    }

    /// The word a report begins with.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Conforms(_) => "CONFORMS",
            Self::Diverges(_) => "DIVERGES",
            Self::Violates(_) => "VIOLATES",
            Self::Inconclusive(_) => "INCONCLUSIVE",
            Self::Refused(_) => "REFUSED",
        }
    }

    /// The rule or property that is broken, if the verdict names one.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Diverges(divergence) => Some(divergence.rule),
            Self::Violates(violation) => Some(violation.property),
            Self::Conforms(_) | Self::Inconclusive(_) | Self::Refused(_) => None,
        }
    }

    /// The line the verdict is about, if it is about one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Diverges(divergence) => Some(&divergence.place),
            Self::Violates(violation) => Some(&violation.place),
            Self::Inconclusive(inconclusive) => inconclusive.place.as_ref(),
            Self::Conforms(_) | Self::Refused(_) => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conforms(summary) => write!(f, "CONFORMS  {summary}"),
            Self::Diverges(divergence) => divergence.fmt(f),
            Self::Violates(violation) => violation.fmt(f),
            Self::Inconclusive(inconclusive) => inconclusive.fmt(f),
            Self::Refused(refusal) => write!(f, "REFUSED  {refusal}"),
        }
    }
}

/// A property that is broken although every step is legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The property's name.
    pub property: &'static str,
    /// The line after which it is broken.
    pub place: Place,
    /// What was seen, in a sentence with both values.
    pub seen: String,
    /// How many lines the trace has, if each of them shows a legal step; none if that is not known of
    /// those after the place.
    pub lines: Option<u64>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "VIOLATES  {}  after {}", self.property, self.place)?;
        writeln!(f, "  seen   {}", self.seen)?;
        let legal = match self.lines {
            Some(lines) => format!("every step of the trace ({lines} lines) is legal"),
            None => "every step so far is legal".to_owned(),
        };
        write!(f, "  next   {legal}: the rules themselves allow this run")
    }
}

/// Why a trace is neither accepted nor rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inconclusive {
    /// Where, if a line can be named.
    pub place: Option<Place>,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Inconclusive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "INCONCLUSIVE  {place}  {}", self.reason),
            None => write!(f, "INCONCLUSIVE  {}", self.reason),
        }
    }
}

/// What is missing for a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A line is missing.
    #[error("server {server}, incarnation {incarnation}: event {seq} of chain {chain} is missing")]
    Gap {
        /// Whose.
        server: ServerId,
        /// Of which life.
        incarnation: u32,
        /// Of which chain.
        chain: Chain,
        /// The first number that is missing.
        seq: u64,
    },
    /// A number is used twice.
    #[error("a second event with the same number in its chain")]
    RepeatedSeq,
    /// A message was received, but nobody shows that it was sent.
    #[error(
        "{} {} of {} is received from server {}, but its Sent line is missing",
        .0.message.kind(), .0.ordinal, .0.connection, .0.peer
    )]
    ReceiveWithoutSend(Packet),
    /// An incarnation neither stops nor is killed.
    #[error("server {server}, incarnation {incarnation}: neither Stop nor Killed ends it")]
    OpenIncarnation {
        /// Whose.
        server: ServerId,
        /// Which life.
        incarnation: u32,
    },
    /// The end of an incarnation does not say how many events there must be.
    #[error(
        "server {server}, incarnation {incarnation}: event {seq} of chain {chain} is not before \
         its end"
    )]
    Unvouched {
        /// Whose.
        server: ServerId,
        /// Which life.
        incarnation: u32,
        /// The chain.
        chain: Chain,
        /// The last number found.
        seq: u64,
    },
    /// The trace breaks the format's rules.
    #[error("{sentence}{}", others(*more))]
    Form {
        /// What is wrong: the finding that is most likely the cause of the others.
        sentence: String,
        /// How many errors more a lint finds.
        more: u64,
    },
    /// Names of connections were used again; some pairing of their uses does not explain the trace,
    /// and others were not tried.
    #[error(
        "names of connections are used again, and the lines leave open which uses of their ends \
         belong together"
    )]
    NamesUsedAgain,
    /// A kind of line, or a field, is promised and owed, and was never seen.
    #[error("{0}")]
    NeverSeen(NeverSeen),
    /// Lines name each other as coming before.
    #[error("this line and others wait for each other: each is to come after the others")]
    Knot,
    /// The last line of a file is cut.
    #[error("the last line is cut: expected a line feed at its end")]
    CutLine,
    /// The disk was not empty when the trace began.
    #[error("server {server} begins with data on its disk that the trace does not show")]
    UnknownPast {
        /// Whose disk.
        server: ServerId,
    },
    /// A snapshot was received of which the sender's state is not known yet.
    #[error("server {server} sent a snapshot, but its own lines leave open of which state")]
    UnknownSnapshot {
        /// Who sent it.
        server: ServerId,
    },
    /// The frontier grew beyond the budget.
    #[error("more than {states} states explain what server {server} showed so far")]
    Budget {
        /// Which server.
        server: ServerId,
        /// The budget.
        states: usize,
    },
    /// No state is left, but the search behind hidden steps had been cut before.
    #[error("no state is left, but server {server} may have taken more hidden steps than searched")]
    HiddenBudget {
        /// Which server.
        server: ServerId,
    },
    /// Too many lines had to be put aside to find their order.
    #[error(
        "{lines} lines were read before their turn; they take more than {} MiB: write the lines of \
         each chain in the order of seq, and each server into files of its own", .bytes_max >> 20
    )]
    OrderBudget {
        /// How many.
        lines: usize,
        /// How many bytes they may take.
        bytes_max: usize,
    },
}

impl Reason {
    /// Whether the trace may lack a line, so that a lint can say which, and why.
    pub(crate) const fn is_of_form(&self) -> bool {
        match self {
            Self::Gap { .. }
            | Self::RepeatedSeq
            | Self::ReceiveWithoutSend(_)
            | Self::OpenIncarnation { .. }
            | Self::Unvouched { .. }
            | Self::Knot
            | Self::OrderBudget { .. } => true,
            Self::Form { .. }
            | Self::NeverSeen(_)
            | Self::CutLine
            | Self::NamesUsedAgain
            | Self::UnknownPast { .. }
            | Self::UnknownSnapshot { .. }
            | Self::Budget { .. }
            | Self::HiddenBudget { .. } => false,
        }
    }
}

impl From<Problem> for Reason {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Gap { server, incarnation, chain, seq } => {
                Self::Gap { server, incarnation, chain, seq }
            }
            Problem::RepeatedSeq => Self::RepeatedSeq,
            Problem::Knot => Self::Knot,
            Problem::Unvouched { server, incarnation, chain, seq } => {
                Self::Unvouched { server, incarnation, chain, seq }
            }
        }
    }
}

fn others(more: u64) -> String {
    match more {
        0 => String::new(),
        more => format!(" (and {more} more: see zabcheck lint)"),
    }
}

/// Why an input is not checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No trace: unreadable, malformed, contradictory.
    #[error("{0}")]
    Read(String),
    /// There is nothing to check.
    #[error("the trace has no events")]
    Empty,
    /// Members without vote are not checked in this version.
    #[error("the ensemble has observers; they are not checked yet")]
    Observers,
    /// A profile that the model does not have.
    #[error("profile {0:?}, expected \"fixed\"")]
    Profile(String),
    /// More servers than the model takes.
    #[error("{0} servers, expected at most {max}", max = crate::SERVERS_MAX)]
    Servers(usize),
    /// A check under this contract would pass what it must not.
    #[error("the contract hides too much: under it {corruption:?} would pass")]
    Contract {
        /// The corruption that passes.
        corruption: &'static str,
    },
    /// The contract and the lines contradict each other.
    #[error("{place}: a {event} line, but the contract says that there are none")]
    NotHidden {
        /// The line.
        place: Place,
        /// The event's name.
        event: &'static str,
    },
}
