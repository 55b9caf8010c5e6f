//! Queues: `putting` (value: the item) before a put, `put` after it (token: the item's czxid);
//! `took` (value, token: of the item; size is not used); `drained`: this client found it empty
//! after everything had been put.

use std::collections::BTreeMap;

use zab_trace::Zxid;

use super::Marked;
use crate::findings::Findings;
use crate::outcome::Rule;

pub(super) fn check(marks: &[Marked<'_>], findings: &mut Findings) {
    let of = |name: &'static str| marks.iter().filter(move |marked| marked.mark.mark == name);
    let mut taken: BTreeMap<&str, Marked<'_>> = BTreeMap::new();
    for marked in of("took") {
        findings.ask(Rule::QueueOnce);
        let item = marked.value();
        if let Some(before) = taken.insert(item, *marked) {
            let text = format!(
                "client {} took {item:?}, which client {} had taken",
                marked.client(),
                before.client()
            );
            findings.violation(Rule::QueueOnce, marked.index, text, &[(before.index, "took it")]);
        }
        let put = of("putting").any(|put| put.value() == item && put.mark.at < marked.mark.at);
        if !put {
            let text = format!("client {} took {item:?}, which nobody had put", marked.client());
            findings.violation(Rule::QueueOnce, marked.index, text, &[]);
        }
    }
    if let Some(drained) = of("drained").next_back() {
        for put in of("put").filter(|put| put.mark.at < drained.mark.at) {
            findings.ask(Rule::QueueOnce);
            if !taken.contains_key(put.value()) {
                let text = format!("nobody took {:?}, and the queue was found empty", put.value());
                let related = [(put.index, "put it")];
                findings.violation(Rule::QueueOnce, drained.index, text, &related);
            }
        }
    }
    in_order(of("took").copied(), findings);
}

/// An item that was there before another is taken before it. Who takes two reads the first one's
/// token before it asks for the second, so per client the marks are in the order of the takes; among
/// clients, an item is taken too early if an older one is taken by somebody who only then begins.
fn in_order<'a>(took: impl Iterator<Item = Marked<'a>>, findings: &mut Findings) {
    let mut last: BTreeMap<u32, Marked<'a>> = BTreeMap::new();
    let mut all: Vec<(Marked<'a>, Option<Marked<'a>>)> = Vec::new();
    for marked in took {
        findings.ask(Rule::QueueOrder);
        // Between the mark before and this one lies the take.
        let before = last.insert(marked.client(), marked);
        all.push((marked, before));
    }
    // The youngest item of which it is certain that it was taken by then.
    let mut youngest: Option<(Zxid, Marked<'a>)> = None;
    let mut done = 0;
    let mut by_begin = all.clone();
    by_begin.sort_by_key(|(_, before)| before.map_or(0, |before| before.mark.at));
    for (marked, before) in by_begin {
        let begin = before.map_or(0, |before| before.mark.at);
        while let Some((other, _)) = all.get(done).filter(|(other, _)| other.mark.at <= begin) {
            let token = other.token();
            youngest = youngest.filter(|(young, _)| *young > token).or(Some((token, *other)));
            done += 1;
        }
        if let Some((young, other)) = youngest.filter(|(young, _)| *young > marked.token()) {
            let text = format!(
                "client {} took {:?} of {}, after client {} had taken a younger one, {:?} of {young}",
                marked.client(),
                marked.value(),
                marked.token(),
                other.client(),
                other.value()
            );
            findings.violation(Rule::QueueOrder, marked.index, text, &[(other.index, "younger")]);
        }
    }
}
