//! Certificates of two servers, whole and not, and what the program says of them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use lz4_flex::frame::FrameEncoder;
use zab_explorer::{Options, Visited, check};
use zab_paper::{Bounds, Epochs, Paper, Role, Rules, Seat, State, Unlimited, Violation};
use zerocopy::{IntoBytes, TryFromBytes};

/// The size that has room for two servers with one transaction, as the program has it.
type Small = State<2, 2, 0>;

const FORM: &str = "zabcheck certificate 1\n";
const BOUNDS: &str =
    "servers=2 txns=1 epochs=next failures=unlimited requests=unlimited symmetry\n";

/// The states of the closed set, by the engine.
fn closed() -> Vec<Small> {
    let bounds = Bounds { servers: 2, txns: 1, epochs: None, timeouts: 1, restarts: 1 };
    let paper = Paper::<2, 2, 0>::new(Rules::new(bounds)).expect("it fits");
    let all = Mutex::new(Vec::new());
    let visited = |bytes: &[u8]| all.lock().expect("nobody panics").extend_from_slice(bytes);
    let options =
        Options { symmetry: true, visited: Some(Visited(&visited)), ..Options::default() };
    let report = check(&Unlimited::new(&paper, Epochs::Next), &options, &mut |_| {});
    assert_eq!(report.expect("a run").distinct, 1487);
    let bytes = all.into_inner().expect("nobody panics");
    let states = bytes.chunks_exact(size_of::<Small>());
    states.map(|bytes| Small::try_read_from_bytes(bytes).expect("a state")).collect()
}

fn compressed(states: &[Small]) -> Vec<u8> {
    let mut frame = FrameEncoder::new(Vec::new());
    states.iter().for_each(|state| frame.write_all(state.as_bytes()).expect("memory"));
    frame.finish().expect("memory")
}

fn certificate(states: &[Small]) -> Vec<u8> {
    let last = format!("states {:016x}\n", states.len());
    [FORM.as_bytes(), BOUNDS.as_bytes(), &compressed(states), last.as_bytes()].concat()
}

/// What the program says of such a file, and its exit code before it.
fn said(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("a file");
    said_of(file.path())
}

fn said_of(path: &Path) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_zab-certify")).arg(path).output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("UTF-8");
    format!("{} {}", output.status.code().expect("a code"), text.trim_end())
}

#[test]
fn a_closed_set_is_confirmed() {
    let states = closed();
    let whole = said(&certificate(&states));
    assert!(whole.starts_with("0 closed: 2 servers, 1 transactions, "), "{whole}");
    assert!(whole.contains(" 1487 states; "), "{whole}");
    // In whatever order, and under whatever names.
    let mut renamed: Vec<Small> = states.iter().map(|state| state.renamed(&[1, 0])).collect();
    renamed.reverse();
    assert_eq!(said(&certificate(&renamed)), whole);
}

/// Every state is needed, since a step leads to each.
#[test]
fn a_set_without_one_of_its_states_is_not() {
    let states = closed();
    for at in (0..states.len()).step_by(37) {
        let mut less = states.clone();
        less.remove(at);
        let refuted = said(&certificate(&less));
        let why =
            if states[at] == Small::default() { "the initial state" } else { " leads out of" };
        assert!(refuted.starts_with("1 ") && refuted.contains(why), "{at}: {refuted}");
    }
}

#[test]
fn a_set_with_a_state_that_violates_something_is_not() {
    let states = closed();
    let noted = Small { violation: Violation::Ack, ..Small::default() };
    let mut follows_nobody_who_leads = Small::default();
    follows_nobody_who_leads.servers[0].role = Role::Following;
    follows_nobody_who_leads.servers[0].leader = Seat::of(1);
    let mut adopted_without_promise = states[states.len() / 2];
    adopted_without_promise.servers[1].accepted_epoch = 0;
    adopted_without_promise.servers[1].current_epoch = 3;
    for added in [noted, follows_nobody_who_leads, adopted_without_promise] {
        let mut more = states.clone();
        more.insert(700, added);
        let refuted = said(&certificate(&more));
        let is_told = refuted.contains(" is violated in ");
        assert!(refuted.starts_with("1 ") && is_told, "{refuted}");
    }
}

#[test]
fn files_that_are_no_certificates() {
    let states = closed();
    let whole = certificate(&states);
    let mut told = String::new();
    let mut tell = |name: &str, bytes: &[u8]| {
        writeln!(told, "{name}:\n    {}", said(bytes)).expect("a string");
    };
    let with = |old: &str, new: &str| {
        let line = BOUNDS.replace(old, new);
        [FORM.as_bytes(), line.as_bytes(), &whole[FORM.len() + BOUNDS.len()..]].concat()
    };
    let end = whole.len() - 24;
    tell("empty", &[]);
    tell("something else", b"#!/bin/sh\nexit 0\n");
    tell("another version", &[b"zabcheck certificate 2\n", &whole[FORM.len()..]].concat());
    for length in [FORM.len() - 1, FORM.len() + 9, whole.len() / 2, end, whole.len() - 1] {
        tell("cut short", &whole[..length]);
    }
    tell("cut short, with its last line", &[&whole[..end / 2], &whole[end..]].concat());
    let mut changed = whole.clone();
    changed[end / 2] ^= 1;
    tell("with a bit changed", &changed);
    tell("one state fewer than it says", &{
        let less = certificate(&states[1..]);
        [&less[..less.len() - 24], &whole[end..]].concat()
    });
    tell("without bounds", &with(BOUNDS, "\n"));
    tell("bounds in place of none", &with("failures=unlimited", "timeouts=1"));
    tell("any later epoch", &with("epochs=next", "epochs=any"));
    tell("another reading", &with("symmetry", "symmetry reading=epoch-first"));
    tell("other bounds than its states have", &with("servers=2", "servers=3"));
    tell("bounds that no model has", &with("servers=2", "servers=9"));
    let missing = said_of(Path::new("/nowhere/at/all"));
    writeln!(told, "no file:\n    {missing}").expect("a string");
    insta::assert_snapshot!(told);
}
