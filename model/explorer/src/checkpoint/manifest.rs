//! The description of a checkpoint: one line of JSON, and one with its checksum.

use std::fs;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sync_folder;
use crate::disk::DiskError;
use crate::search::Saved;

const NAME: &str = "checkpoint.json";

/// What files of this form are called, with the version of the form.
const FORM: &str = "zab-explorer checkpoint 1";

/// What the first line holds.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    form: String,
    #[serde(flatten)]
    manifest: Manifest,
}

/// What the files are, and all that is in none of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// What the run is about.
    pub(super) identity: Vec<(String, String)>,
    /// The number of levels, which is in the names of files.
    pub(super) level: u64,
    /// The checksum of the visited states.
    pub(super) visited: u32,
    /// The file with the states of the level.
    pub(super) states: FileSum,
    /// By the thread that wrote it.
    pub(super) logs: Vec<LogSum>,
    pub(super) run: Saved,
}

/// How long a file is, and its checksum.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FileSum {
    pub(super) bytes: u64,
    pub(super) sum: u32,
}

/// How many entries a log has at the end of each level, and its checksum.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LogSum {
    pub(super) ends: Vec<usize>,
    pub(super) sum: u32,
}

impl Manifest {
    /// Replaces the one that is there.
    pub(super) fn write(self, folder: &Path) -> Result<(), DiskError> {
        let (path, new) = (folder.join(NAME), folder.join("checkpoint.new"));
        let write = || -> io::Result<()> {
            let line = Line { form: FORM.to_owned(), manifest: self };
            let line = serde_json::to_string(&line)?;
            let mut file = File::create(&new)?;
            writeln!(file, "{line}\ncrc32 {:08x}", crc32fast::hash(line.as_bytes()))?;
            file.sync_all()
        };
        write().map_err(|error| DiskError::new("write", &new, &error))?;
        // The names of the other files have to be on the disk before it is said that they are there.
        sync_folder(folder)?;
        fs::rename(&new, &path).map_err(|error| DiskError::new("write", &path, &error))?;
        sync_folder(folder)
    }

    /// The one that is there, if there is one.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, DiskError> {
        let path = folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DiskError::new("read", &path, &error)),
        };
        let wrong = |how: &str| Err(DiskError(format!("{} {how}", path.display())));
        if bytes.is_empty() {
            return wrong("is empty");
        }
        let text = String::from_utf8_lossy(&bytes);
        if !text.starts_with("{\"form\":\"zab-explorer checkpoint ") {
            return wrong("is not a checkpoint");
        }
        if !text.starts_with(&format!("{{\"form\":\"{FORM}\"")) {
            return wrong(&format!("is of another version; this program reads `{FORM}`"));
        }
        let sum = |line: &str| format!("crc32 {:08x}", crc32fast::hash(line.as_bytes()));
        let whole = text.strip_suffix('\n').and_then(|text| text.split_once('\n'));
        let Some((line, _)) = whole.filter(|(line, last)| *last == sum(line)) else {
            return wrong("is cut short or damaged: its checksum is another");
        };
        match serde_json::from_str::<Line>(line) {
            Ok(Line { manifest, .. }) => Ok(Some(manifest)),
            Err(error) => wrong(&format!("cannot be understood: {error}")),
        }
    }

    /// Refuses another run, with all that differs.
    pub(super) fn confirm_identity(&self, wanted: &[(String, String)]) -> Result<(), String> {
        let value = |of: &[(String, String)], name: &str| {
            let found = of.iter().find(|(known, _)| known == name);
            found.map_or_else(|| "nothing".to_owned(), |(_, value)| format!("`{value}`"))
        };
        let mut names: Vec<&String> = self.identity.iter().map(|(name, _)| name).collect();
        names.extend(wanted.iter().map(|(name, _)| name));
        names.dedup();
        let mut differences: Vec<String> = Vec::new();
        for name in names {
            let (saved, now) = (value(&self.identity, name), value(wanted, name));
            let difference = format!("{name}: {saved} then, {now} now");
            if saved != now && !differences.contains(&difference) {
                differences.push(difference);
            }
        }
        if differences.is_empty() {
            return Ok(());
        }
        Err(format!("the checkpoint is of another run: {}", differences.join("; ")))
    }
}
