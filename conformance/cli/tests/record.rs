//! Recording: whatever ends a run, what was recorded until then can be checked.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use support::{assert_exit, stdout, zabcheck};
use tempfile::TempDir;

/// After this long a test fails rather than hangs; no machine is so slow.
const PATIENCE: Duration = Duration::from_secs(600);

/// A recording that is under way.
struct Recording {
    folder: TempDir,
    child: Child,
}

impl Recording {
    /// A recording that stands still where `reached` holds and the journal has no word of what must
    /// not have begun. If this process came too late to see that, another recording is started.
    fn held(scenario: &str, reached: impl Fn(&Self) -> bool, too_late: &str) -> Self {
        let begin = Instant::now();
        loop {
            let mut recording = Self::start(scenario);
            recording.until(&reached);
            recording.freeze();
            let journal = recording.journal();
            if !journal.contains(too_late) {
                return recording;
            }
            assert!(begin.elapsed() < PATIENCE, "always too late:\n{journal}");
        }
    }

    fn start(scenario: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let child = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
            .args(["record", "--scenario", scenario, "--out"])
            .arg(folder.path().join("run"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("zabcheck runs");
        Self { folder, child }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// What the recorder says that it has done so far.
    fn journal(&self) -> String {
        fs::read_to_string(self.out().join("recorder.log")).unwrap_or_default()
    }

    /// Whether the trace of this server's first life holds an event, after the header.
    fn has_begun(&self, server: u64) -> bool {
        let trace = self.out().join(format!("server-{server}-1.ndjson"));
        fs::read(trace).is_ok_and(|text| text.iter().filter(|byte| **byte == b'\n').count() > 1)
    }

    /// Waits until this holds.
    fn until(&mut self, reached: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !reached(self) {
            let ended = self.child.try_wait().expect("its status");
            let fine = ended.is_none() || reached(self);
            assert!(fine, "it ended ({ended:?}) after:\n{}", self.journal());
            assert!(begin.elapsed() < PATIENCE, "nothing more after:\n{}", self.journal());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    /// Stops the recorder where it is, and the relay in it; returns when it stands still.
    fn freeze(&mut self) {
        if self.child.try_wait().expect("its status").is_some() {
            return;
        }
        self.signal("STOP");
        // Z: it ended a moment before.
        self.until(|recording| matches!(recording.state(), 'T' | 'Z'));
    }

    /// The state of the recorder's process, as in proc(5).
    fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
        fields.chars().next().expect("a state")
    }

    /// Lets a recorder that stands still go on, and waits for its end.
    fn end(&mut self) -> ExitStatus {
        self.signal("CONT");
        self.child.wait().expect("it ends")
    }

    /// The trace is whole, and what was recorded conforms.
    fn assert_conforms(&self) {
        let out = self.out();
        assert_exit(&zabcheck(&[Path::new("lint"), &out]), 0);
        let output = zabcheck(&[Path::new("conform"), &out]);
        assert!(stdout(&output).starts_with("CONFORMS"), "{}", stdout(&output));
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // It kills its servers; there is nothing to do if it has ended.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal("TERM");
            self.signal("CONT");
            let _ = self.child.wait();
        }
    }
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// The process that writes the trace of this server's first life: it has the file open.
fn writer_of(recording: &Recording, server: u64) -> u32 {
    let trace = recording.out().canonicalize().expect("the run");
    let trace = trace.join(format!("server-{server}-1.ndjson"));
    let mut processes = fs::read_dir("/proc").expect("Linux").filter_map(|entry| {
        let process: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        // The recorder reads it.
        if process == recording.child.id() {
            return None;
        }
        let mut files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten();
        let writes = files.any(|file| fs::read_link(file.path()).is_ok_and(|to| to == trace));
        writes.then_some(process)
    });
    processes.next().expect("a server that runs")
}

#[test]
fn five_servers_are_recorded_and_conform() {
    for scenario in ["start-in-order", "leader-cut"] {
        let folder = TempDir::new().expect("a folder");
        let out = folder.path().join("run");
        let to = out.to_str().expect("a plain name");
        let arguments = ["record", "--scenario", scenario, "--servers", "5", "--out", to];
        assert_exit(&zabcheck(&arguments), 0);
        assert_exit(&zabcheck(&[Path::new("conform"), &out]), 0);
    }
}

#[test]
fn an_interrupted_run_has_all_ends_and_conforms() {
    for signal in ["INT", "TERM", "HUP"] {
        let killed = |recording: &Recording| recording.journal().contains(" killed\n");
        let mut recording = Recording::held("leader-kill", killed, " stopped");
        recording.signal(signal);
        assert_eq!(recording.end().code(), Some(2), "{signal}");
        recording.assert_conforms();
    }
}

#[test]
fn a_server_that_ends_by_itself_ends_the_run_which_says_how() {
    // The journal tells of a start before the server's life begins.
    let all_began = |recording: &Recording| (1..=3).all(|server| recording.has_begun(server));
    // Until then nothing else ends a server.
    let mut recording = Recording::held("all-freeze", all_began, " frozen");
    // As if it had run out of memory.
    signal("KILL", writer_of(&recording, 2));
    assert_eq!(recording.end().code(), Some(2));
    let journal = recording.journal();
    assert!(journal.contains("server 2 ended by itself: signal: 9 (SIGKILL)\n"), "{journal}");
    let harness = fs::read_to_string(recording.out().join("harness.ndjson")).expect("its lines");
    for server in 1..=3 {
        let end =
            format!("{{\"server\":{server},\"incarnation\":1,\"seq\":0,\"chain\":\"harness\"");
        assert_eq!(harness.matches(&end).count(), 1, "server {server}: {harness}");
    }
    recording.assert_conforms();
}
