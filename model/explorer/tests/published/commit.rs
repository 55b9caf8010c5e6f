//! Transaction commit: what it is, and two-phase commit, which does it.

use zab_explorer::TwoPhase;

use crate::spec::{Of, Spec, assert_counts};

/// Three resource managers.
struct TransactionCommit;

const WORKING: u8 = 0;
const PREPARED: u8 = 1;
const COMMITTED: u8 = 2;
const ABORTED: u8 = 3;

impl Spec for TransactionCommit {
    type State = [u8; 3];

    fn init(&self) -> Vec<[u8; 3]> {
        vec![[WORKING; 3]]
    }

    fn next(&self, managers: &[u8; 3], steps: &mut Vec<(u16, [u8; 3])>) {
        let can_commit = managers.iter().all(|is| [PREPARED, COMMITTED].contains(is));
        let not_committed = !managers.contains(&COMMITTED);
        for (at, is) in managers.iter().enumerate() {
            let targets = [
                (*is == WORKING, PREPARED),
                (*is == PREPARED && can_commit, COMMITTED),
                ([WORKING, PREPARED].contains(is) && not_committed, ABORTED),
            ];
            for (_, target) in targets.into_iter().filter(|(may, _)| *may) {
                let mut next = *managers;
                next[at] = target;
                steps.push((0, next));
            }
        }
    }

    fn invariant(&self, managers: &[u8; 3]) -> bool {
        !(managers.contains(&COMMITTED) && managers.contains(&ABORTED))
    }
}

#[test]
fn transaction_commit() {
    assert_counts(&Of(TransactionCommit), [34, 94, 7]);
}

#[test]
fn two_phase_commit() {
    assert_counts(&TwoPhase::new(3).expect("few"), [288, 1146, 11]);
}
