//! The captures of the corpus, decoded.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use zab_capture::Item;
use zab_capture::Summary;
use zab_capture::decode;
use zab_capture::properties::Members;
use zab_capture::raw::Header;
use zab_model::Profile;

/// A capture, and who takes part in it.
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
    pub(crate) items: Vec<Item>,
    pub(crate) members: Members,
    pub(crate) software: String,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// Every capture of the corpus, in order of the names.
pub(crate) fn corpus() -> Vec<Capture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/corpus");
    let all = files(&root).into_iter().filter(|path| path.is_dir()).flat_map(|path| files(&path));
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("below it").to_str().expect("UTF-8");
        let name = name.strip_suffix(".raw.ndjson").expect("a capture").to_owned();
        capture(name, fs::read(&path).expect("the capture"))
    };
    let mut captures: Vec<Capture> = all.map(read).collect();
    captures.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(captures.len() > 30, "{} captures", captures.len());
    captures
}

/// A capture from its text.
pub(crate) fn capture(name: String, text: Vec<u8>) -> Capture {
    let (items, summary) = decoded(&text);
    let Header { servers, observers, software, .. } = summary.header.expect("a header");
    let members = Members {
        servers: servers.into_iter().collect(),
        observers: observers.into_iter().collect(),
    };
    Capture { name, text, items, members, software: software.expect("it is named") }
}

/// The messages of a capture.
pub(crate) fn decoded(text: &[u8]) -> (Vec<Item>, Summary) {
    let mut items = Vec::new();
    let summary = decode(text, |item| items.push(item.clone())).expect("a capture");
    (items, summary)
}

impl Capture {
    /// Whether there are three voters.
    pub(crate) fn is_small(&self) -> bool {
        self.members.servers.difference(&self.members.observers).count() == 3
    }

    /// The rules that a server follows, by the header.
    pub(crate) fn rules(&self, server: i64) -> Profile {
        let name = zab_follow::release_of(&self.software, server).expect("a release");
        Profile::named(name).expect("a profile")
    }
}
