//! The copy of the source: insertions only, so that what is not broken is what it was, word for
//! word, and on the same line.

use std::ops::Range;

use syn::spanned::Spanned;

use super::{Form, Named, Scan, Source};

/// A text to put before a place, and one to put behind.
struct Insertion {
    range: Range<usize>,
    before: String,
    behind: String,
}

/// The text of a file in which each of `numbers` can be broken: one for each thing found that is
/// not excluded, in order. `calls` are the numbers of the calls of guards, in order.
pub(crate) fn instrument(
    source: Source<'_>,
    scan: &Scan,
    numbers: &[usize],
    calls: &[usize],
) -> String {
    let live = scan.found.iter().filter(|found| found.reason.is_none());
    let mut insertions: Vec<Insertion> = live
        .zip(numbers)
        .map(|(found, number)| {
            let text = &source.text[found.range.clone()];
            let (before, behind) = around(found.form, found.per_call, *number, text);
            Insertion { range: found.range.clone(), before, behind }
        })
        .collect();
    let inserted = |end: usize, text: String| Insertion {
        range: end..end,
        before: String::new(),
        behind: text,
    };
    insertions.extend(scan.parameters.iter().map(|end| inserted(*end, ", call: u32".to_owned())));
    let numbered = scan.calls.iter().zip(calls);
    insertions.extend(numbered.map(|(call, number)| inserted(call.end, format!(", {number}"))));
    for (whole, body) in &scan.loops {
        let before = "{ let mut turns = 0; ".to_owned();
        insertions.push(Insertion { range: whole.clone(), before, behind: " }".to_owned() });
        insertions.push(inserted(*body, " crate::schema::turn(&mut turns);".to_owned()));
    }
    apply(source.text, &insertions)
}

fn around(form: Form, per_call: bool, number: usize, text: &str) -> (String, String) {
    let schema = "crate::schema::";
    let close = ")".to_owned();
    match form {
        Form::Whole | Form::And | Form::Or if per_call => {
            (format!("{schema}condition_in(call, {number}, "), close)
        }
        Form::Whole | Form::And | Form::Or => (format!("{schema}condition({number}, "), close),
        Form::Statement => (format!("if {schema}kept({number}) {{ "), " }".to_owned()),
        Form::Push => {
            (format!("(if !{schema}kept({number}) {{ Some(()) }} else {{ "), " })".to_owned())
        }
        Form::Take => (format!("{schema}copy({number}, "), ", &mut Default::default())".to_owned()),
        Form::Field => (format!("{schema}value({number}, "), close),
        Form::FieldShorthand => (format!("{text}: {schema}value({number}, "), close),
        Form::Element => {
            (format!("{schema}place({number}, "), ", &mut Default::default())".to_owned())
        }
        Form::Other(Named { instead, .. }) => {
            (format!("if !{schema}kept({number}) {{ {instead} }} else {{ "), " }".to_owned())
        }
    }
}

/// The outermost opens first and closes last.
fn apply(text: &str, insertions: &[Insertion]) -> String {
    let mut texts: Vec<(usize, isize, isize, &str)> = Vec::new();
    for (number, insertion) in (0..).zip(insertions) {
        let Range { start, end } = insertion.range;
        let length = isize::try_from(end - start).unwrap_or(isize::MAX);
        // At one place, what ends there closes before anything opens.
        texts.push((end, length - isize::MAX, -number, &insertion.behind));
        texts.push((start, isize::MAX - length, number, &insertion.before));
    }
    texts.sort_unstable();
    let mut copy = String::new();
    let mut from = 0;
    for (at, _, _, insertion) in texts {
        copy.push_str(&text[from..at]);
        copy.push_str(insertion);
        from = at;
    }
    copy.push_str(&text[from..]);
    copy
}

/// The text of the model with every action of every server as a candidate, since what preselects
/// them would hide a rule whose guard is broken.
///
/// # Errors
/// When there is not exactly one `for_each_candidate`.
pub(crate) fn every_action(source: Source<'_>) -> Result<String, String> {
    let file = syn::parse_file(source.text).map_err(|error| format!("{}: {error}", source.name))?;
    let is_it = |function: &&syn::ImplItemFn| function.sig.ident == "for_each_candidate";
    let mut bodies = super::helpers::functions(&file).filter(is_it);
    let (Some(function), None) = (bodies.next(), bodies.next()) else {
        return Err(format!("{}: no single `for_each_candidate`", source.name));
    };
    let (opened, rest) = source.text.split_at(function.block.span().byte_range().start + 1);
    let every = "crate::schema::every_action(N).for_each(visit);";
    Ok(format!("{opened} if crate::schema::EVERY_ACTION {{ return {every} }}{rest}"))
}
