//! What is found in rules that are written like those of the `zookeeper` family.

use super::super::words::ZOOKEEPER;
use super::super::{Defaults, Form, Listing, Reason, Scan, programs, scan};
use super::{is, source};

const SWITCHES: &str = "switches! {
    /// How.
    \"rule\" how: How {
        /// So.
        So = \"so\",
        /// Otherwise.
        Otherwise = \"otherwise\",
    }
}";

/// Functions that the rules below call.
const OTHERS: &str = "fn require(&mut self, guard: Guard) -> Outcome { todo() }
    fn check(&mut self, guard: Guard) -> bool { todo() }
    fn require_looking(&mut self, rule: Rule) -> Outcome {
        self.require(is(self.role, rule))
    }
    fn f_1_1(&mut self) -> Outcome { Ok(()) }
    fn otherwise(&self) -> bool {
        match self.profile().how { How::So => false, How::Otherwise => true }
    }";

fn scanned(text: &str) -> Result<Scan, String> {
    let defaults = Defaults::of_switches(source(SWITCHES));
    let scans = scan(&[source(text)], &defaults, &ZOOKEEPER)?;
    Ok(scans.into_iter().next().unwrap_or_default())
}

/// What a function with this body has, as its code with what it is, or why it is not broken.
fn found(body: &str) -> Vec<(String, Result<Form, Reason>)> {
    let text = format!("impl Node {{ fn rule(&mut self) -> Outcome {{ {body} }} {OTHERS} }}");
    let scan = scanned(&text).expect("a body that is known");
    let of_rule = scan.found.iter().filter(|found| found.function == "rule");
    let of = |found: &super::super::Found| {
        (text[found.range.clone()].to_owned(), found.reason.map_or(Ok(found.form), Err))
    };
    of_rule.map(of).collect()
}

#[test]
fn a_comparison_is_broken_where_it_is_made() {
    let body = "let guard = at_most(self.a, self.b); self.require(guard)?;
        self.require(holds(self.c > 1))?; self.require(Guard::new(false, self.a, self.b))?;
        if !self.check(is(self.a, 1)) { self.a = 1; } Ok(())";
    let expected = [
        is("at_most(self.a, self.b)", Ok(Form::Compared)),
        is("self.c > 1", Ok(Form::Whole)),
        is("false", Ok(Form::Never)),
        is("is(self.a, 1)", Ok(Form::Compared)),
        is("self.a = 1;", Ok(Form::Statement)),
    ];
    assert_eq!(found(body), expected);
}

#[test]
fn what_may_be_refused_is_an_effect() {
    let body = "self.f_1_1()?; if self.a > 1 { return self.f_1_1(); } self.f_1_1()";
    let expected = [
        is("self.f_1_1()?;", Ok(Form::Statement)),
        is("self.a > 1", Ok(Form::Whole)),
        is("self.f_1_1()", Ok(Form::Refusable)),
        is("self.f_1_1()", Ok(Form::Refusable)),
    ];
    assert_eq!(found(body), expected);
}

#[test]
fn other_profiles_are_not_broken_and_neither_is_the_grain() {
    let body = "if self.otherwise() { self.a = 1; }
        let so = match self.profile().how { How::So => true, How::Otherwise => self.a > 1 };
        if so { self.b = 1; } else { self.b = 2; }
        let defect = self.profile().how == How::Otherwise && self.c > 1;
        self.require(is(self.a, 1).or(defect))?;
        match self.grain() { Grain::Writes => self.d = 1, Grain::Threads => self.d = 2, }
        if self.grain() == Grain::Threads && self.a < 9 && self.b < 9 { self.fired(1); self.c = 3; }
        self.out.push(Effect::Persisted(1)); self.out.push(Effect::Closed(1)); Ok(())";
    let live: Vec<_> = found(body).into_iter().filter(|(_, what)| what.is_ok()).collect();
    let expected = [
        is("self.b = 1;", Ok(Form::Statement)),
        is("is(self.a, 1)", Ok(Form::Compared)),
        is("self.d = 1", Ok(Form::Statement)),
        is("self.d = 2", Ok(Form::Statement)),
        is("self.a < 9", Ok(Form::And)),
        is("self.b < 9", Ok(Form::And)),
        is("self.c = 3;", Ok(Form::Statement)),
        is("self.out.push(Effect::Closed(1));", Ok(Form::Statement)),
    ];
    assert_eq!(live, expected);
}

/// A guard that several rules share is broken in each of them.
#[test]
fn a_shared_guard_is_broken_by_call() {
    let text = format!(
        "impl Node {{ fn one(&mut self) -> Outcome {{ self.require_looking(1)?; Ok(()) }}
        fn two(&mut self) -> Outcome {{ self.require_looking(2)?; Ok(()) }} {OTHERS} }}"
    );
    let scans = [scanned(&text).expect("rules")];
    let listing = Listing::of(&[source(&text)], &scans);
    for (function, call) in [("one", 1), ("two", 2)] {
        let mutant = format!(
            "call: {call}, file: \"rules.rs\", line: {call}, function: \"{function}\", via: \
             Some(\"require_looking\"), code: \"is(self.role, rule)\", change: Change::True }},"
        );
        assert!(listing.text().contains(&mutant), "{}", listing.text());
    }
    let copy = listing.instrument(0);
    let asked =
        "let mut guard = is(self.role, rule); guard.holds = crate::schema::condition_in(call, 1";
    assert!(copy.contains(asked) && copy.contains("self.require_looking(2, 2)?"), "{copy}");
}

#[test]
fn a_program_is_broken_by_item() {
    let text = "impl Name { fn items(self) -> &'static [Item] { use Item::{A, B};
        match self { Self::None => &[], Self::One => &[A, B], Self::Other => &[B] } } }";
    let run = ["One".to_owned()];
    let scans = [programs(source(text), &run).expect("programs")];
    let listing = Listing::of(&[source(text)], &scans);
    let copy = listing.instrument(0);
    assert!(
        copy.contains(
            "Self::One => crate::schema::items(1, &[A, B], &[&[B], &[A]]), Self::Other => &[B]"
        ),
        "{copy}"
    );
    assert_eq!(listing.text().matches("Mutant {").count(), 2);
    let refused = programs(source(text), &["None".to_owned()]).expect_err("no items");
    assert!(refused.contains("no program None, or it is empty"), "{refused}");
}
