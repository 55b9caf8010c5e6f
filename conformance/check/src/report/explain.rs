//! Why a trace diverges: one page, the same parts in the same order every time.

use std::fmt;

use crate::report::owed::NeverSeen;
use crate::trace::Place;

/// How many lines [`Divergence`] prints at most.
pub const LINES_MAX: usize = 40;

/// How many lines of "legal here" are printed before the rest is only counted.
const LEGAL_MAX: usize = 8;

/// How many guards of the closest candidate are printed, counted from the failed one backwards.
const GUARDS_MAX: usize = 6;

/// The first line of a trace that no run of the model can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Where the line stands.
    pub place: Place,
    /// Whose event it is.
    pub server: u64,
    /// In which life.
    pub incarnation: u32,
    /// Its number in its chain.
    pub seq: u64,
    /// The event in one line, with its arguments.
    pub event: String,
    /// The id of the rule that would have had to allow it.
    pub rule: &'static str,
    /// What does not agree.
    pub mismatch: Mismatch,
    /// Guards of the closest candidate that did hold, in the order in which they were evaluated.
    pub held: Vec<String>,
    /// How many states explained everything before this line; 0 where that does not matter.
    pub states: usize,
    /// The state of the closest candidate.
    pub state: String,
    /// What would have been legal instead.
    pub legal: Vec<String>,
    /// Where the line would be legal: after this later line of the same server.
    pub later: Option<Place>,
    /// What one has to know besides: who acknowledged, what was lost, what was decided from what.
    pub notes: Vec<String>,
    /// What happened before, and matters: the send of a received message, what is about the same
    /// thing, what the server did last.
    pub past: Vec<Past>,
    /// What is owed by then and was not seen of any server.
    pub unseen: Option<NeverSeen>,
    /// What to do next.
    pub next: String,
}

/// What does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A guard of the rule fails.
    Guard {
        /// What the guard compares, in the rule's words.
        guard: String,
        /// The value that the line brings.
        found: String,
        /// The value that the guard asks for.
        wanted: String,
    },
    /// A field of the line differs from what the model says.
    Field {
        /// The field's name in the trace.
        field: &'static str,
        /// The value in the trace.
        found: String,
        /// The value in the model.
        wanted: String,
    },
    /// The line says that something happened which the model does not expect now.
    Unexpected {
        /// What the line says.
        found: String,
        /// What the model expects instead.
        wanted: String,
    },
}

/// A line of the causal past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Where it stands.
    pub place: Place,
    /// The event in one line.
    pub event: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guard { guard, found, wanted } => {
                writeln!(f, "  failed    {guard}")?;
                writeln!(f, "    found   {found}")?;
                writeln!(f, "    wanted  {wanted}")
            }
            Self::Field { field, found, wanted } => {
                writeln!(f, "  differs   {field}")?;
                writeln!(f, "    trace   {found}")?;
                writeln!(f, "    model   {wanted}")
            }
            Self::Unexpected { found, wanted } => {
                writeln!(f, "  found     {found}")?;
                writeln!(f, "  wanted    {wanted}")
            }
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "DIVERGES  {}  server {}, incarnation {}, event {}",
            self.place, self.server, self.incarnation, self.seq
        )?;
        writeln!(f, "  event     {}", self.event)?;
        writeln!(f, "  rule      {}", self.rule)?;
        self.mismatch.fmt(f)?;
        let skipped = self.held.len().saturating_sub(GUARDS_MAX);
        for held in self.held.iter().skip(skipped) {
            writeln!(f, "  held      {held}")?;
        }
        if self.states > 0 {
            writeln!(f, "  state     {} (1 of {})", self.state, self.states)?;
        }
        for legal in self.legal.iter().take(LEGAL_MAX) {
            writeln!(f, "  legal     {legal}")?;
        }
        if self.legal.len() > LEGAL_MAX {
            writeln!(f, "  legal     and {} more", self.legal.len() - LEGAL_MAX)?;
        }
        if let Some(place) = &self.later {
            writeln!(f, "  later     this line is legal after {place}")?;
        }
        for note in &self.notes {
            writeln!(f, "  note      {note}")?;
        }
        for past in &self.past {
            writeln!(f, "  before    {}  {}", past.place, past.event)?;
        }
        write!(f, "  next      {}", self.next)
    }
}
