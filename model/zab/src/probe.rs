//! Why a step was possible, or not: each guard with the two values it compared.

use std::fmt::Display;

use crate::message::Message;
use crate::shape::Shape;
use crate::types::ServerId;

/// Sees every guard that a step looks at, and what it sends when servers are composed. [`NoProbe`] costs nothing.
pub trait Probe {
    /// A guard of `rule` compared what was `offered` with what is `held`; returns whether it
    /// holds, so that a rule can branch on it.
    fn check<A: Display, B: Display>(
        &mut self,
        rule: &'static str,
        guard: &'static str,
        holds: bool,
        offered: A,
        held: B,
    ) -> bool {
        let _ = (rule, guard, offered, held);
        holds
    }

    /// The effect of `rule` takes place.
    fn fired(&mut self, rule: &'static str) {
        let _ = rule;
    }

    /// The step sends a message.
    fn sent<S: Shape>(&mut self, from: ServerId, to: ServerId, message: &Message<S>) {
        let _ = (from, to, message);
    }
}

/// Looks away; for exploration.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}

/// Keeps what it sees; for explanations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The guards, in the order in which they were looked at.
    pub checks: Vec<Check>,
    /// The rules whose effect took place, in order.
    pub fired: Vec<&'static str>,
}

/// A guard and the values it compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The rule's id.
    pub rule: &'static str,
    /// The guard, as a comparison with `offered` on the left and `held` on the right.
    pub guard: &'static str,
    /// Whether it held.
    pub holds: bool,
    /// What the step brought.
    pub offered: String,
    /// What the server had.
    pub held: String,
}

impl Record {
    /// The last guard that failed: why a step was not possible, or why a role was left. Earlier ones
    /// only chose between the branches of a rule.
    #[must_use]
    pub fn failed(&self) -> Option<&Check> {
        self.checks.iter().rfind(|check| !check.holds)
    }
}

impl Probe for Record {
    fn check<A: Display, B: Display>(
        &mut self,
        rule: &'static str,
        guard: &'static str,
        holds: bool,
        offered: A,
        held: B,
    ) -> bool {
        let (offered, held) = (offered.to_string(), held.to_string());
        self.checks.push(Check { rule, guard, holds, offered, held });
        holds
    }

    fn fired(&mut self, rule: &'static str) {
        self.fired.push(rule);
    }
}
