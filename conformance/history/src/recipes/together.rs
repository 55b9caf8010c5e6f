//! Barriers, ids, and configurations.

use std::collections::{BTreeMap, BTreeSet};

use super::Marked;
use crate::findings::Findings;
use crate::outcome::Rule;

/// Double barriers: `entering` (size) before a client says that it has come, `entered` when it has
/// passed; `leaving` before it says that it has finished, `left` when it goes on.
pub(super) fn barrier(marks: &[Marked<'_>], findings: &mut Findings) {
    for (said, passed) in [("entering", "entered"), ("leaving", "left")] {
        let mut come: BTreeSet<u32> = BTreeSet::new();
        for marked in marks {
            if marked.mark.mark == said {
                come.insert(marked.client());
            }
            if marked.mark.mark != passed {
                continue;
            }
            findings.ask(Rule::Barrier);
            let size = marked.mark.size.unwrap_or_default();
            let have = u64::try_from(come.len()).unwrap_or(u64::MAX);
            if have < size {
                let text = format!(
                    "client {} has {passed} the barrier {}, and only {have} of {size} clients were \
                     {said}",
                    marked.client(),
                    marked.mark.name
                );
                findings.violation(Rule::Barrier, marked.index, text, &[]);
            }
        }
    }
}

/// Ids: `id` (value).
pub(super) fn ids(marks: &[Marked<'_>], findings: &mut Findings) {
    let mut given: BTreeMap<&str, Marked<'_>> = BTreeMap::new();
    for marked in marks.iter().filter(|marked| marked.mark.mark == "id") {
        findings.ask(Rule::IdsUnique);
        if let Some(before) = given.insert(marked.value(), *marked) {
            let text = format!(
                "clients {} and {} both got the id {:?}",
                before.client(),
                marked.client(),
                marked.value()
            );
            findings.violation(Rule::IdsUnique, marked.index, text, &[(before.index, "got it")]);
        }
    }
}

/// Configurations: `published` and `applied` (value, token: the node's mzxid), and `settled`, when a
/// subscriber has had the time to learn of everything.
pub(super) fn config(marks: &[Marked<'_>], findings: &mut Findings) {
    let mut published: Option<Marked<'_>> = None;
    let mut applied: BTreeMap<u32, Marked<'_>> = BTreeMap::new();
    let values: BTreeMap<_, _> = marks
        .iter()
        .filter(|marked| marked.mark.mark == "published")
        .map(|marked| (marked.token(), *marked))
        .collect();
    for marked in marks {
        match marked.mark.mark.as_str() {
            "published" => {
                published = published.filter(|old| old.token() > marked.token()).or(Some(*marked));
            }
            "applied" => {
                findings.ask(Rule::Config);
                if let Some(before) = applied.insert(marked.client(), *marked)
                    && before.token() > marked.token()
                {
                    let text = format!(
                        "client {} went from {:?} of {} back to {:?} of {}",
                        marked.client(),
                        before.value(),
                        before.token(),
                        marked.value(),
                        marked.token()
                    );
                    findings.violation(
                        Rule::Config,
                        marked.index,
                        text,
                        &[(before.index, "newer")],
                    );
                }
                let source = values.get(&marked.token());
                if let Some(source) = source.filter(|source| source.value() != marked.value()) {
                    let text = format!(
                        "client {} has {:?} of {}, which was published as {:?}",
                        marked.client(),
                        marked.value(),
                        marked.token(),
                        source.value()
                    );
                    findings.violation(
                        Rule::Config,
                        marked.index,
                        text,
                        &[(source.index, "published")],
                    );
                }
            }
            "settled" => settled(marked, published, applied.get(&marked.client()), findings),
            _ => {}
        }
    }
}

fn settled(
    marked: &Marked<'_>,
    published: Option<Marked<'_>>,
    applied: Option<&Marked<'_>>,
    findings: &mut Findings,
) {
    findings.ask(Rule::Config);
    let Some(last) = published else { return };
    let has = applied.map(Marked::token).unwrap_or_default();
    if has < last.token() {
        let text = format!(
            "client {} has settled with the configuration of {has}, and that of {} had been published",
            marked.client(),
            last.token()
        );
        findings.violation(Rule::Config, marked.index, text, &[(last.index, "published")]);
    }
}
