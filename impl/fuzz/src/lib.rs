//! Arbitrary bytes for everything that takes bytes from outside, and for the protocol core.
//!
//! A [`Target`] is a function that must neither panic nor run for long, whatever it is given. One
//! list serves two drivers: `tests/short.rs` runs each target on random changes of its seeds, with
//! any compiler; `fuzz_targets/target.rs` runs one under libFuzzer, which follows the coverage:
//!
//! ```text
//! cargo install cargo-fuzz
//! ZAB_FUZZ=core cargo +nightly fuzz run --fuzz-dir impl/fuzz --features libfuzzer -s none target
//! ```

mod captures;
mod core;
pub mod mutate;
mod server;
mod traces;
mod wire;

/// What is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, for `ZAB_FUZZ`.
    pub name: &'static str,
    /// Takes any bytes, and must return.
    pub run: fn(&[u8]),
    /// Bytes that get far, to be changed.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "core", run: core::run, seeds: core::seeds },
    Target { name: "wire-streams", run: wire::streams, seeds: wire::stream_seeds },
    Target { name: "wire-records", run: wire::records, seeds: wire::record_seeds },
    Target { name: "wire-files", run: wire::files, seeds: wire::file_seeds },
    Target { name: "captures", run: captures::run, seeds: captures::seeds },
    Target { name: "traces", run: traces::run, seeds: traces::seeds },
    Target { name: "server-packets", run: server::packets, seeds: wire::stream_seeds },
    Target { name: "server-tree", run: server::tree, seeds: server::tree_seeds },
    Target { name: "server-requests", run: server::requests, seeds: server::request_seeds },
    Target { name: "server-config", run: server::config, seeds: server::config_seeds },
];

/// The target of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
