//! Files that a disk damaged: readers end, and never panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zab_wire::{log, snapshot};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(scan) = log::scan(bytes) {
        assert!(scan.end <= bytes.len());
    }
    let _ = snapshot::read_file(bytes, drop);
});
