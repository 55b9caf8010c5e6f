//! What the rules have found so far.

use std::collections::BTreeMap;

use crate::outcome::{Related, Rule, Stale, Violation};

/// How many violations are kept.
const VIOLATIONS_MAX: usize = 1000;

/// What the rules have found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) violations: Vec<Violation>,
    pub(crate) asked: BTreeMap<Rule, u64>,
    pub(crate) stale: u64,
    pub(crate) first_stale: Option<Stale>,
}

impl Findings {
    /// Counts that a rule was asked.
    pub(crate) fn ask(&mut self, rule: Rule) {
        *self.asked.entry(rule).or_default() += 1;
    }

    pub(crate) fn violation(
        &mut self,
        rule: Rule,
        index: usize,
        text: String,
        related: &[(usize, &str)],
    ) {
        if self.violations.len() < VIOLATIONS_MAX {
            let related = related.iter();
            let related =
                related.map(|(index, what)| Related { index: *index, what: (*what).to_owned() });
            self.violations.push(Violation { rule, index, text, related: related.collect() });
        }
    }

    pub(crate) fn stale(&mut self, stale: Stale) {
        self.stale += 1;
        self.first_stale.get_or_insert(stale);
    }
}
