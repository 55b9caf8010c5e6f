mod zookeeper;

use super::words::PAPER;
use super::{Defaults, Form, Listing, Reason, Scan, Source, every_action, scan};

fn source(text: &str) -> Source<'_> {
    Source { name: "rules.rs", text }
}

fn scanned(text: &str) -> Result<Scan, String> {
    let readings = source("enum To { #[default] Offered, Synced }");
    let scans = scan(&[source(text)], &Defaults::of(readings)?, &PAPER)?;
    Ok(scans.into_iter().next().unwrap_or_default())
}

/// What a function with this body has, as its code with what it is, or why it is not broken.
fn found(body: &str) -> Vec<(String, Result<Form, Reason>)> {
    let text =
        format!("impl State {{ fn rule(&mut self, rules: &Rules) -> Option<()> {{ {body} }} }}");
    let scan = scanned(&text).expect("a body that is known");
    let of = |found: &super::Found| {
        (text[found.range.clone()].to_owned(), found.reason.map_or(Ok(found.form), Err))
    };
    scan.found.iter().map(of).collect()
}

fn is(code: &str, what: Result<Form, Reason>) -> (String, Result<Form, Reason>) {
    (code.to_owned(), what)
}

#[test]
fn chains_count_as_a_whole_and_by_operand() {
    let whole = "self.a == 1 && self.b.contains(x)";
    assert_eq!(
        found(&format!("({whole}).then(|| self.a = 2)")),
        [
            is("self.a == 1", Ok(Form::And)),
            is(whole, Ok(Form::Whole)),
            is("self.b.contains(x)", Ok(Form::And)),
            is("self.a = 2", Ok(Form::Statement)),
        ]
    );
    assert_eq!(
        found("if !(self.a < 1 || self.b > 2) { self.b += 1; } None"),
        [
            is("!(self.a < 1 || self.b > 2)", Ok(Form::Whole)),
            is("self.a < 1", Ok(Form::Or)),
            is("self.b > 2", Ok(Form::Or)),
            is("self.b += 1;", Ok(Form::Statement)),
        ]
    );
}

/// A name that is looked at twice is broken in both places, since they may be watched apart.
#[test]
fn a_named_condition_counts_once_unless_it_is_read_again() {
    let once = found("let early = self.a < 1; if early { self.a = 1; } None");
    assert_eq!(once[1], is("early", Err(Reason::Named)));
    let twice = found("let early = self.a < 1; if early { self.a = 1; } early.then_some(())");
    let names: Vec<_> = twice.iter().filter(|(code, _)| code == "early").collect();
    assert_eq!(names, [&is("early", Ok(Form::Whole)), &is("early", Ok(Form::Whole))]);
}

#[test]
fn observers_are_not_broken_but_effects_within_them_are() {
    let body = "let late = self.a > 1; let txn = self.b == 2;
        if self.queue.push(txn).is_none() { self.note_violation(Violation::NoRoom); }
        if late { self.note_violation(Violation::State); return None; }
        self.note_commit(1); self.ghost.establish(2); None";
    let live: Vec<_> = found(body).into_iter().filter(|(_, what)| what.is_ok()).collect();
    let expected = [is("self.b == 2", Ok(Form::Whole)), is("self.queue.push(txn)", Ok(Form::Push))];
    assert_eq!(live, expected);
    let observed = found(body).iter().filter(|(_, what)| *what == Err(Reason::Observer)).count();
    assert_eq!(observed, 7);
}

#[test]
fn other_readings_are_not_broken() {
    let body = "if rules.variant.late { self.a = 1; } else { self.a = 2; }
        if self.quick || rules.variant.late { self.b = 1; }
        let within = self.a < 3;
        if within || !rules.variant.strict { self.b = 2; }
        match rules.variant.to { To::Offered => self.c = 1, To::Synced if self.d > 1 => self.c = 2, }
        None";
    let live: Vec<_> = found(body).into_iter().filter(|(_, what)| what.is_ok()).collect();
    let expected = [
        is("self.a = 2;", Ok(Form::Statement)),
        is("self.quick", Ok(Form::Whole)),
        is("self.b = 1;", Ok(Form::Statement)),
        is("self.b = 2;", Ok(Form::Statement)),
        is("self.c = 1", Ok(Form::Statement)),
    ];
    assert_eq!(live, expected);
}

#[test]
fn effects_within_effects_are_found() {
    let body = "let old = std::mem::take(&mut self.a); self.b = Heard { senders: old, connected };
        for heard in [&mut self.c, &mut self.d] { heard.remove(1); }
        self.acks.iter_mut().for_each(|acks| acks.insert(2)); None";
    let expected = [
        is("&mut self.a", Ok(Form::Take)),
        is("self.b = Heard { senders: old, connected };", Ok(Form::Statement)),
        is("old", Ok(Form::Field)),
        is("connected", Ok(Form::FieldShorthand)),
        is("&mut self.c", Ok(Form::Element)),
        is("&mut self.d", Ok(Form::Element)),
        is("heard.remove(1);", Ok(Form::Statement)),
        is("self.acks.iter_mut().for_each(|acks| acks.insert(2));", Ok(Form::Statement)),
    ];
    assert_eq!(found(body), expected);
}

#[test]
fn what_is_not_known_is_refused() {
    let refused = |body: &str, words: &str| {
        let text = format!("impl State {{ fn rule(&mut self) {{ {body} }} }}");
        let error = scanned(&text).expect_err(words);
        assert!(error.contains(words), "{error}");
    };
    refused("let a = self.shrink();", "a call that is not known here");
    refused("self.shrink();", "a call for nothing");
    refused("let a = swap(&mut self.a);", "a place that is given away");
    refused("let a = self.a as u8;", "a form of expression");
    refused("panic!();", "an item or a macro");
    assert!(scanned("fn rule() {}").expect_err("a function").contains("more than methods"));
}

const GUARDED: &str = "impl State {
    fn rule(&mut self) -> Option<()> { let m = self.head(1)?; self.a = m; Some(()) }
    fn head(&self, i: usize) -> Option<u8> { (self.b > 1).then_some(1) }
}";

/// Everything that is inserted is on the line where it belongs.
#[test]
fn the_copy_asks_at_every_place() {
    let scans = [scanned(GUARDED).expect("rules")];
    let copy = Listing::of(&[source(GUARDED)], &scans).instrument(0);
    let expected = "impl State {
    fn rule(&mut self) -> Option<()> { let m = self.head(1, 1)?; \
        if crate::schema::kept(1) { self.a = m; } Some(()) }
    fn head(&self, i: usize, call: u32) -> Option<u8> { \
        (crate::schema::condition_in(call, 2, self.b > 1)).then_some(1) }
}";
    assert_eq!(copy, expected);
}

/// A guard that rules call is broken in each of them, and listed there.
#[test]
fn the_list_names_the_rule_whose_guard_is_broken() {
    let scans = [scanned(GUARDED).expect("rules")];
    let text = Listing::of(&[source(GUARDED)], &scans).text();
    let mutant = "Mutant { point: 2, call: 1, file: \"rules.rs\", line: 2, function: \"rule\", \
        via: Some(\"head\"), code: \"self.b > 1\", change: Change::Negated },";
    assert!(text.contains(mutant), "{text}");
    assert_eq!(text.matches("Mutant {").count(), 4);
}

#[test]
fn every_action_is_a_candidate() {
    let text = "impl Paper { fn for_each_candidate(&self, visit: V) { old(); } }";
    let copy = every_action(source(text), "first();", "last();").expect("one function");
    assert_eq!(copy, text.replace(" old(); ", " first(); old(); last(); "));
    assert!(every_action(source("impl Paper {}"), "", "").is_err());
}
