//! The end of an incarnation says which events there must be: in its causal past is the last event
//! of every chain. Otherwise a tail that is cut could not be told from the end.
//!
//! An event is in the past of the end if the end names it, or if a line names it whose own chain's
//! last event is in that past. So it is enough to know, of each chain, the last event that others
//! name, and who names it.

use std::collections::{BTreeMap, BTreeSet};

use super::life::{Life, Progress};
use super::{About, Findings, Place, Severity};
use crate::Chain;

/// The chains whose last event is in the past of an event of the chain `root`.
fn past<'a>(life: &'a Life, root: &'a Chain) -> BTreeSet<&'a Chain> {
    let mut names: BTreeMap<&Chain, Vec<&Chain>> = BTreeMap::new();
    for (chain, progress) in &life.chains {
        if let Some(named) = progress.named.as_ref().filter(|named| is_last(progress, named.seq)) {
            for by in &named.by {
                names.entry(by).or_default().push(chain);
            }
        }
    }
    let mut past = BTreeSet::from([root]);
    let mut open = vec![root];
    while let Some(chain) = open.pop() {
        for named in names.get(chain).into_iter().flatten() {
            if past.insert(named) {
                open.push(named);
            }
        }
    }
    past
}

fn is_last(progress: &Progress, seq: u64) -> bool {
    progress.next.checked_sub(1) == Some(seq)
}

/// The chains that have events of the process and are not in the past of its end.
fn unvouched<'a>(
    life: &'a Life,
    root: &'a Chain,
) -> impl Iterator<Item = (&'a Chain, &'a Progress)> {
    let past = past(life, root);
    life.chains.iter().filter(move |(chain, progress)| {
        !chain.is_harness() && progress.next > 0 && !past.contains(*chain)
    })
}

/// Looks at an incarnation that the recorder killed.
pub(super) fn killed(
    life: &Life,
    who: &str,
    place: Place,
    after: &[(Chain, u64)],
    findings: &mut Findings,
) {
    for (chain, progress) in unvouched(life, &Chain::harness()) {
        let last = progress.next - 1;
        let named = after.iter().filter(|(named, _)| named == chain).map(|(_, seq)| *seq).max();
        let (place, sentence) = match named {
            Some(seq) if seq < last => {
                let end = format!("chain {chain} of {who} ends at seq {seq}, says Killed");
                (progress.last, format!("{end}, but it goes on to {last}"))
            }
            // The tail is cut, and that is told elsewhere.
            Some(_) => continue,
            None => {
                let end = format!("Killed of {who} does not say where its chain {chain} ends");
                (place, format!("{end}: found up to {last}"))
            }
        };
        findings.add(place, Severity::Error, About::Chain, sentence);
    }
    for (chain, seq) in after {
        let progress = life.chains.get(chain);
        if progress.is_none_or(|progress| progress.next <= *seq) {
            let place = progress.filter(|p| p.next > 0).map_or(place, |progress| progress.last);
            let end = format!("chain {chain} of {who} ends at seq {seq}, says Killed");
            let sentence = format!("{end}, but the file before that: its tail is cut");
            findings.add(place, Severity::Error, About::Chain, sentence);
        }
    }
}

/// Looks at an incarnation that stopped.
pub(super) fn stopped(life: &Life, who: &str, place: Place, root: &Chain, findings: &mut Findings) {
    for (chain, progress) in unvouched(life, root) {
        let last = progress.next - 1;
        let sentence = format!("Stop of {who} does not say where its chain {chain} ends");
        let sentence = format!("{sentence}: found up to {last}, which is not in its past");
        findings.add(place, Severity::Error, About::Chain, sentence);
    }
}

/// Lines of the process that name events which are not there.
pub(super) fn dangling(life: &Life, who: &str, findings: &mut Findings) {
    for (chain, progress) in &life.chains {
        let Some(named) = progress.named.as_ref().filter(|named| named.seq >= progress.next) else {
            continue;
        };
        // What Killed says of the end of a chain has its own words.
        if named.by != [Chain::harness()] {
            let event = format!("event {} of chain {chain} of {who}", named.seq);
            let sentence = format!("`after` names {event}, which is not in the trace");
            findings.add(named.place, Severity::Error, About::Chain, sentence);
        }
    }
}
