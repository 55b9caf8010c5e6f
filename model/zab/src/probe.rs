//! Why a step was possible or not: its guards, each with the two values that it compared.

use std::fmt::Display;

use crate::message::Message;
use crate::shape::Shape;
use crate::types::ServerId;

/// Is shown every guard that a step evaluates, every rule that fires and, where servers are
/// composed, every message that is sent. [`NoProbe`] costs nothing.
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

/// Ignores everything; for exploration.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}

/// Records guards and rules; for explanations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The guards, in the order in which they were evaluated.
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
    /// The value of the step.
    pub offered: String,
    /// The value of the server.
    pub held: String,
}

impl Record {
    /// The last guard that failed: why a step was not possible, or why a role was left. Earlier
    /// ones only chose between the branches of a rule.
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
