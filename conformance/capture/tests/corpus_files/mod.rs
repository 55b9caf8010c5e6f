//! The captures that this crate has.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use zab_capture::properties::Members;
use zab_capture::raw::Header;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// The corpus: names without the ending, and files.
pub(crate) fn captures() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let all = files(&root).into_iter().filter(|path| path.is_dir()).flat_map(|path| files(&path));
    let named = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("below it").to_str().expect("UTF-8").to_owned();
        let name = name.strip_suffix(".raw.ndjson").expect("a capture").to_owned();
        (name, path)
    };
    let mut captures: Vec<_> = all.map(named).collect();
    captures.sort();
    captures
}

/// Who takes part; without a header servers 1, 2 and 3.
pub(crate) fn members(header: Option<&Header>) -> Members {
    let set = |ids: &[i64]| ids.iter().copied().collect::<BTreeSet<i64>>();
    header.map_or(Members { servers: [1, 2, 3].into(), observers: BTreeSet::new() }, |header| {
        Members { servers: set(&header.servers), observers: set(&header.observers) }
    })
}
