//! A page for readers: the same cases, with the sequence diagram around each finding. The file needs no
//! other.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Case, Finding, State};
use crate::ledger;
use crate::report::VERSION;

const STYLE: &str = include_str!("page.css");

/// The page of a command.
pub(super) fn text(command: &str, cases: &[Case]) -> String {
    let title = format!("zabcheck {command}");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p { (counted(cases)) }
                (contents(cases))
                @for (number, case) in (1..).zip(cases) {
                    @if !case.findings.is_empty() { (section(number, case)) }
                }
                footer { "zabcheck " (VERSION) }
            }
        }
    };
    page.into_string() + "\n"
}

/// How many cases ended how.
fn counted(cases: &[Case]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in cases {
        *counts.entry(word(case.state)).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    if counts.is_empty() { "nothing was looked at".to_owned() } else { counts.join(", ") }
}

/// A row for each case; those with findings lead to them.
fn contents(cases: &[Case]) -> Markup {
    html! {
        table {
            thead { tr { th { "" } th { "what was looked at" } th { "result" } th { "findings" } } }
            tbody {
                @for (number, case) in (1..).zip(cases) {
                    tr {
                        td { (case.suite) }
                        td {
                            @if case.findings.is_empty() { (case.name) }
                            @else { a href=(format!("#case-{number}")) { (case.name) } }
                        }
                        td { (badge(case.state)) }
                        td { (rules(case)) }
                    }
                }
            }
        }
    }
}

/// What each finding is about, a rule once.
fn rules(case: &Case) -> String {
    let mut rules: Vec<&str> = Vec::new();
    for finding in &case.findings {
        if !rules.contains(&finding.rule.as_str()) {
            rules.push(&finding.rule);
        }
    }
    rules.join(", ")
}

fn section(number: u32, case: &Case) -> Markup {
    html! {
        section id=(format!("case-{number}")) {
            h2 { (case.name) " " (badge(case.state)) }
            @for finding in &case.findings { (shown(finding)) }
        }
    }
}

fn shown(finding: &Finding) -> Markup {
    let rule = ledger::rules().into_iter().find(|rule| rule.id == finding.rule);
    html! {
        article {
            h3 { (finding.rule) }
            @if let Some(rule) = rule { p.rule { (rule.says()) } }
            @if let Some((file, line)) = &finding.place {
                p.place { (file) @if let Some(line) = line { ":" (line) } }
            }
            pre { (finding.text) }
            @if let Some(sequence) = &finding.picture {
                figure {
                    (PreEscaped(zab_view::svg(sequence)))
                    figcaption { "Time runs down. What the finding rests on is marked." }
                }
            }
        }
    }
}

fn badge(state: State) -> Markup {
    html! { span class=(format!("state {}", word(state).replace(' ', "-"))) { (word(state)) } }
}

const fn word(state: State) -> &'static str {
    match state {
        State::Passed => "passed",
        State::Failed => "failed",
        State::Unknown => "not decided",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_trace_says_is_text_and_never_markup() {
        let hostile = "<script>alert(1)</script>";
        let case = Case {
            suite: hostile.to_owned(),
            name: hostile.to_owned(),
            state: State::Failed,
            findings: vec![Finding {
                place: Some((hostile.to_owned(), Some(1))),
                ..Finding::error(hostile, hostile)
            }],
        };
        let page = text(hostile, &[case]);
        assert!(page.contains("&lt;script&gt;"), "the text is shown");
        assert!(!page.contains("<script"), "and is no script");
    }

    #[test]
    fn a_page_says_what_a_rule_of_the_ledger_says() {
        let case = Case {
            suite: "conform".to_owned(),
            name: "a trace".to_owned(),
            state: State::Failed,
            findings: vec![Finding::error("l.3.2", "what is wrong")],
        };
        let page = text("conform", &[case]);
        for part in ["1 failed", "href=\"#case-1\"", "ACK(z) from a learner", "what is wrong"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
