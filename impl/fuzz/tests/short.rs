//! Every target on its seeds and on random changes of them, for a short while.
//!
//! `ZAB_RUNS` sets how many changes are tried, as everywhere. The first random number is fixed, so
//! that a failure comes again; `ZAB_SEED` sets another one.

use std::panic::catch_unwind;
use std::str::FromStr;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use zab_fuzz::mutate::mutate;
use zab_fuzz::{TARGETS, Target};

fn variable<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs a target, and shows the bytes if it panics.
fn run(target: &Target, bytes: &[u8]) {
    let run = target.run;
    if catch_unwind(|| run(bytes)).is_err() {
        panic!("{} panics on b\"{}\"", target.name, bytes.escape_ascii());
    }
}

fn short(name: &str) {
    let target = zab_fuzz::named(name).expect("a target");
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds.iter().for_each(|seed| run(target, seed));
    let mut random = SmallRng::seed_from_u64(variable("ZAB_SEED", 1));
    for _ in 0..variable("ZAB_RUNS", 5_000) {
        run(target, &mutate(&seeds, &mut random));
    }
}

#[test]
fn every_target_has_a_test() {
    let text = include_str!("short.rs");
    for target in TARGETS {
        assert!(text.contains(&format!("short(\"{}\")", target.name)), "{}", target.name);
    }
}

#[test]
fn core() {
    short("core");
}

#[test]
fn wire_streams() {
    short("wire-streams");
}

#[test]
fn wire_records() {
    short("wire-records");
}

#[test]
fn wire_files() {
    short("wire-files");
}

#[test]
fn captures() {
    short("captures");
}

#[test]
fn traces() {
    short("traces");
}

#[test]
fn server_packets() {
    short("server-packets");
}

#[test]
fn server_tree() {
    short("server-tree");
}

#[test]
fn server_config() {
    short("server-config");
}

#[test]
fn server_requests() {
    short("server-requests");
}
