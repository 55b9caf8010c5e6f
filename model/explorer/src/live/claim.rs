//! What may be claimed of runs, and which runs count.

use stateright::Model;

/// A predicate over states.
pub type Predicate<M> = fn(&M, &<M as Model>::State) -> bool;

/// A claim with its name.
pub struct LiveProperty<M: Model> {
    /// How reports call it.
    pub name: &'static str,
    /// What must be so of every fair run.
    pub claim: Claim<M>,
}

/// What is claimed of every fair run.
pub enum Claim<M: Model> {
    /// `<>P`: at some time, P.
    Eventually(Predicate<M>),
    /// `[]<>P`: again and again, P.
    AlwaysEventually(Predicate<M>),
    /// `<>[]P`: from some time on, P.
    EventuallyAlways(Predicate<M>),
    /// `P ~> Q`: whenever P, then at that time or later Q.
    LeadsTo(Predicate<M>, Predicate<M>),
}

impl<M: Model> Claim<M> {
    /// Its shape, in words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Eventually(_) => "eventually",
            Self::AlwaysEventually(_) => "again and again",
            Self::EventuallyAlways(_) => "from some time on",
            Self::LeadsTo(..) => "leads to",
        }
    }
}

/// Which runs count: those that meet every condition, and take some steps finitely often only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fairness {
    /// The conditions; at most 64 of them.
    pub conditions: Vec<Condition>,
    /// Classes of which a run takes finitely many steps, as of failures where they have no bound:
    /// such a step leads to where a run may stay, and is not among those that it takes for ever.
    /// Only for graphs whose runs [stutter](crate::StateGraph::stuttering).
    pub finitely: Vec<u16>,
}

/// A set of classes of steps that is not to be neglected for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// How reports call it.
    pub name: String,
    /// When neglect is unfair.
    pub strength: Strength,
    /// The classes, by number; a step of any of them will do.
    pub classes: Vec<u16>,
}

/// When it is unfair not to take a step any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// When it is possible from some time on, without a break.
    Weak,
    /// When it is possible again and again.
    Strong,
}

impl Fairness {
    /// Weak fairness of each of these classes on its own, named as the model names them.
    #[must_use]
    pub fn weak(names: &[String], classes: impl IntoIterator<Item = u16>) -> Self {
        Self::each(names, classes, Strength::Weak)
    }

    /// Strong fairness of each of these classes on its own.
    #[must_use]
    pub fn strong(names: &[String], classes: impl IntoIterator<Item = u16>) -> Self {
        Self::each(names, classes, Strength::Strong)
    }

    fn each(names: &[String], classes: impl IntoIterator<Item = u16>, strength: Strength) -> Self {
        let condition = |class: u16| Condition {
            name: names.get(usize::from(class)).cloned().unwrap_or_default(),
            strength,
            classes: vec![class],
        };
        Self { conditions: classes.into_iter().map(condition).collect(), finitely: Vec::new() }
    }

    /// The same of runs that take finitely many steps of these classes.
    #[must_use]
    pub fn finitely(mut self, classes: impl IntoIterator<Item = u16>) -> Self {
        self.finitely.extend(classes);
        self
    }

    /// Both sets of conditions, and of steps that are taken finitely often.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self.finitely(other.finitely)
    }
}
