//! Failover with fencing: `active` and `standby` (value: who), `fenced` (value: who was fenced).
//! Source: `ActiveStandbyElector` of Hadoop: who wins the lock fences whoever the breadcrumb node
//! names, writes its own name there, and only then becomes active.

use std::collections::BTreeMap;

use super::Marked;
use crate::findings::Findings;
use crate::outcome::Rule;

pub(super) fn check(marks: &[Marked<'_>], findings: &mut Findings) {
    let mut active: BTreeMap<&str, &Marked<'_>> = BTreeMap::new();
    for marked in marks {
        match marked.mark.mark.as_str() {
            "active" => {
                findings.ask(Rule::Fence);
                let others = active.iter().filter(|(who, _)| **who != marked.value());
                for (who, other) in others {
                    let text = format!(
                        "{} became active, and {who} was active and had not been fenced",
                        marked.value()
                    );
                    findings.violation(Rule::Fence, marked.index, text, &[(other.index, "active")]);
                }
                active.insert(marked.value(), marked);
            }
            "standby" | "fenced" => {
                active.remove(marked.value());
            }
            _ => {}
        }
    }
}
