//! Numbers for all that can be broken, over all files, and the tables of what is and what is not.

use std::fmt::Write as _;

use super::{Call, Found, Scan, Source, edit};

/// A file of rules, with the numbers of what was found in it.
struct Numbered<'a> {
    source: Source<'a>,
    scan: &'a Scan,
    /// Of what is broken, in order.
    points: Vec<usize>,
    /// Of the calls of guards, in order.
    calls: Vec<usize>,
}

/// All files.
pub(crate) struct Listing<'a>(Vec<Numbered<'a>>);

impl<'a> Listing<'a> {
    /// Numbers everything from 1.
    pub(crate) fn of(sources: &[Source<'a>], scans: &'a [Scan]) -> Self {
        let (mut next_point, mut next_call) = (1, 1);
        let take = |next: &mut usize, count: usize| -> Vec<usize> {
            let numbers = (*next..).take(count).collect();
            *next += count;
            numbers
        };
        let files = sources.iter().zip(scans).map(|(source, scan)| {
            let points = scan.found.iter().filter(|found| found.reason.is_none()).count();
            Numbered {
                source: *source,
                scan,
                points: take(&mut next_point, points),
                calls: take(&mut next_call, scan.calls.len()),
            }
        });
        Self(files.collect())
    }

    /// The copy of the file at that place.
    pub(crate) fn instrument(&self, at: usize) -> String {
        let file = &self.0[at];
        edit::instrument(file.source, file.scan, &file.points, &file.calls)
    }

    /// The tables as constants, in the words of the module that includes them.
    pub(crate) fn text(&self) -> String {
        let (mut mutants, mut excluded) = (String::new(), String::new());
        for file in &self.0 {
            let mut numbers = file.points.iter();
            for found in &file.scan.found {
                let code = squeezed(&file.source.text[found.range.clone()]);
                let place = place(file.source.name, found.line, &found.function);
                if let Some(reason) = found.reason {
                    let reason = format!("reason: Reason::{reason:?}");
                    let _ = writeln!(excluded, "Excluded {{ {place}, code: {code:?}, {reason} }},");
                } else if let Some(point) = numbers.next() {
                    self.add(&mut mutants, file, found, *point, &code);
                }
            }
        }
        format!(
            "pub(crate) const MUTANTS: &[Mutant] = &[\n{mutants}];\n\n\
             pub(crate) const EXCLUDED: &[Excluded] = &[\n{excluded}];\n"
        )
    }

    /// Every way to break what was found; for a guard of several rules, in each of them.
    fn add(&self, text: &mut String, file: &Numbered<'_>, found: &Found, point: usize, code: &str) {
        let mut add = |place: &str, via: Option<&str>, call: usize| {
            for change in found.form.changes() {
                let _ = writeln!(
                    text,
                    "Mutant {{ point: {point}, call: {call}, {place}, via: {via:?}, \
                     code: {code:?}, change: Change::{change} }},"
                );
            }
        };
        if !found.per_call {
            return add(&place(file.source.name, found.line, &found.function), None, 0);
        }
        for (caller, call, number) in self.calls().filter(|call| call.1.callee == found.function) {
            let place = place(caller.name, call.line, &call.function);
            add(&place, Some(&found.function), number);
        }
    }

    fn calls(&self) -> impl Iterator<Item = (Source<'a>, &Call, usize)> {
        self.0.iter().flat_map(|file| {
            let numbered = file.scan.calls.iter().zip(&file.calls);
            numbered.map(|(call, number)| (file.source, call, *number))
        })
    }
}

fn place(file: &str, line: usize, function: &str) -> String {
    format!("file: {file:?}, line: {line}, function: {function:?}")
}

/// A piece of source on one line.
fn squeezed(code: &str) -> String {
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}
