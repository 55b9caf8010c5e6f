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
    for (list, items) in &scan.programs {
        let live = scan.found.iter().filter(|found| found.reason.is_none()).zip(numbers);
        let mut first = live.filter(|(found, _)| Some(&found.range) == items.first());
        let number = first.next().map_or(0, |(_, number)| *number);
        insertions.push(program(source.text, list, items, number));
    }
    apply(source.text, &insertions)
}

/// A list of items is one of several lists, from each of which one item is missing.
fn program(text: &str, list: &Range<usize>, items: &[Range<usize>], number: usize) -> Insertion {
    let without = |missing: usize| {
        let left = (0..items.len()).filter(|place| *place != missing);
        let left: Vec<&str> = left.map(|place| &text[items[place].clone()]).collect();
        format!("&[{}]", left.join(", "))
    };
    let lists: Vec<String> = (0..items.len()).map(without).collect();
    Insertion {
        range: list.clone(),
        before: format!("crate::schema::items({number}, "),
        behind: format!(", &[{}])", lists.join(", ")),
    }
}

fn around(form: Form, per_call: bool, number: usize, text: &str) -> (String, String) {
    let schema = "crate::schema::";
    let close = ")".to_owned();
    match form {
        Form::Whole | Form::And | Form::Or | Form::Never if per_call => {
            (format!("{schema}condition_in(call, {number}, "), close)
        }
        Form::Whole | Form::And | Form::Or | Form::Never => {
            (format!("{schema}condition({number}, "), close)
        }
        Form::Statement => (format!("if {schema}kept({number}) {{ "), " }".to_owned()),
        Form::Push => {
            (format!("(if !{schema}kept({number}) {{ Some(()) }} else {{ "), " })".to_owned())
        }
        Form::Take => (format!("{schema}copy({number}, "), ", &mut Default::default())".to_owned()),
        Form::Compared => {
            let asks = if per_call { "condition_in(call, " } else { "condition(" };
            let put = format!("guard.holds = {schema}{asks}{number}, guard.holds)");
            ("{ let mut guard = ".to_owned(), format!("; {put}; guard }}"))
        }
        Form::Refusable => {
            (format!("if {schema}kept({number}) {{ "), " } else { Ok(()) }".to_owned())
        }
        Form::Item => (String::new(), String::new()),
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
        // At one place, what ends there closes before anything opens; in between is what has no
        // length.
        let closes = if length == 0 { 0 } else { length - isize::MAX };
        texts.push((end, closes, -number, &insertion.behind));
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

/// A text in which the body of its only `for_each_candidate` begins and ends otherwise, since what
/// preselects actions would hide a rule whose guard is broken.
///
/// # Errors
/// When there is not exactly one such function.
pub(crate) fn every_action(
    source: Source<'_>,
    opens: &str,
    closes: &str,
) -> Result<String, String> {
    let file = syn::parse_file(source.text).map_err(|error| format!("{}: {error}", source.name))?;
    let is_it = |function: &&syn::ImplItemFn| function.sig.ident == "for_each_candidate";
    let mut bodies = super::helpers::functions(&file).filter(is_it);
    let (Some(function), None) = (bodies.next(), bodies.next()) else {
        return Err(format!("{}: no single `for_each_candidate`", source.name));
    };
    let body = function.block.span().byte_range();
    let (before, rest) = source.text.split_at(body.start + 1);
    let (inside, behind) = rest.split_at(body.end - 1 - before.len());
    Ok(format!("{before} {opens}{inside}{closes} {behind}"))
}
