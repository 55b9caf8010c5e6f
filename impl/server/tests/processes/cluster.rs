//! Starts, kills and stops servers, and waits for what they say.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use zab_ensemble::ReservedPorts;
use zab_trace::{
    Chain, Event, EventKind, Header, Implementation, Located, ReadError, ReadErrorKind, Reader,
    Source, Writer,
};

/// After this long a test fails rather than hangs; no machine is so slow.
const PATIENCE: Duration = Duration::from_secs(600);
/// What every server is configured with unless a test says otherwise. Ticks are short, so that a
/// leader notices soon that its quorum is gone. The limits are long, so that a server that the
/// machine holds up is not taken for a silent one, and no client for an idle one.
const DEFAULTS: [&str; 4] = ["tickTime=200", "initLimit=50", "syncLimit=50", SESSIONS];
const SESSIONS: &str = "maxSessionTimeout=600000";

/// Tries `condition` until it gives something.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for: {what}");
        // Nothing wakes this thread: it looks again after a moment, and leaves the processor to
        // the servers until then.
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The ports of one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) client: u16,
    pub(crate) quorum: u16,
    pub(crate) election: u16,
}

/// An ensemble of processes in a folder of its own.
pub(crate) struct Cluster {
    dir: tempfile::TempDir,
    pub(crate) ports: BTreeMap<u64, Ports>,
    running: BTreeMap<u64, Child>,
    incarnations: BTreeMap<u64, u32>,
    harness: Writer<File>,
    /// Held so that nobody else takes the servers' ports.
    _reserved: ReservedPorts,
    /// `ulimit -n` of servers that are started from now on.
    pub(crate) descriptors: Option<u32>,
}

impl Cluster {
    /// Three servers that are not started. `extra` is added to every `zoo.cfg`.
    pub(crate) fn new(extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let reserved = ReservedPorts::reserve(9).unwrap();
        let ports: BTreeMap<u64, Ports> = (1..=3)
            .zip(reserved.ports().chunks(3))
            .map(|(id, of)| (id, Ports { client: of[0], quorum: of[1], election: of[2] }))
            .collect();
        let trace = dir.path().join("trace");
        std::fs::create_dir(&trace).unwrap();
        let implementation =
            Implementation { name: "processes".to_owned(), version: "1".to_owned() };
        let mut header = Header::new(Source::Harness, implementation, vec![1, 2, 3]);
        if let Some(window) = extra.lines().find_map(|line| line.strip_prefix("commitLogCount=")) {
            header.window = window.parse().unwrap();
        }
        let file = File::create_new(trace.join("harness.ndjson")).unwrap();
        let harness = Writer::new(file, &header).unwrap();
        let (running, incarnations) = (BTreeMap::new(), BTreeMap::new());
        let (_reserved, descriptors) = (reserved, None);
        let cluster = Self { dir, ports, running, incarnations, harness, _reserved, descriptors };
        for id in 1..=3 {
            cluster.configure(id, extra);
        }
        cluster
    }

    /// Three servers that serve.
    pub(crate) fn started() -> Self {
        let mut cluster = Self::new("");
        for id in 1..=3 {
            cluster.start(id);
        }
        cluster.all_serve();
        cluster
    }

    fn configure(&self, id: u64, extra: &str) {
        let folder = self.folder(id);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("myid"), id.to_string()).unwrap();
        let mut text = format!(
            "dataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\n4lw.commands.whitelist=*\n",
            folder.display(),
            self.ports[&id].client
        );
        for (id, ports) in &self.ports {
            let (quorum, election) = (ports.quorum, ports.election);
            text.push_str(&format!("server.{id}=127.0.0.1:{quorum}:{election}\n"));
        }
        for default in DEFAULTS {
            let key = default.split('=').next().unwrap();
            if !extra.contains(key) {
                text.push_str(&format!("{default}\n"));
            }
        }
        std::fs::write(folder.join("zoo.cfg"), text + extra).unwrap();
    }

    /// The data directory of a server.
    pub(crate) fn folder(&self, id: u64) -> PathBuf {
        self.dir.path().join(format!("server-{id}"))
    }

    /// Starts a process, and returns without waiting for anything.
    pub(crate) fn start(&mut self, id: u64) {
        let folder = self.folder(id);
        let log = File::options().create(true).append(true).open(folder.join("stderr")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_zab-server"));
        if let Some(limit) = self.descriptors {
            command = Command::new("sh");
            let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
            command.args(["-c", &script, env!("CARGO_BIN_EXE_zab-server")]);
        }
        let child = command
            .arg(folder.join("zoo.cfg"))
            .arg("--trace")
            .arg(self.trace())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.incarnations.entry(id).or_default() += 1;
        assert!(self.running.insert(id, child).is_none(), "server {id} runs already");
    }

    /// SIGKILL, noted in the trace.
    pub(crate) fn kill(&mut self, id: u64) {
        let mut child = self.running.remove(&id).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let incarnation = self.incarnations[&id];
        self.cut_half_line(id, incarnation);
        let last = self.events(id, incarnation).last().map(|located| located.event.seq);
        let after = last.map(|seq| (Chain::MAIN, seq)).into_iter().collect();
        let killed = Event::killed(id, incarnation, 0, after);
        self.harness.write(&killed).unwrap();
    }

    /// A kill may interrupt a write(2) between two pages. What the line announces has not happened.
    fn cut_half_line(&self, id: u64, incarnation: u32) {
        let path = self.trace().join(format!("server-{id}-{incarnation}.ndjson"));
        let Ok(bytes) = std::fs::read(&path) else { return };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        File::options().write(true).open(&path).unwrap().set_len(whole as u64).unwrap();
    }

    /// SIGTERM; how the process ended.
    pub(crate) fn stop(&mut self, id: u64) -> ExitStatus {
        let mut child = self.running.remove(&id).unwrap();
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::TERM).unwrap();
        until("the process to stop", || child.try_wait().unwrap())
    }

    /// Waits for a process that ends by itself.
    pub(crate) fn exit(&mut self, id: u64) -> ExitStatus {
        let mut child = self.running.remove(&id).unwrap();
        until("the process to end", || child.try_wait().unwrap())
    }

    /// What a server answers to a four-letter word; `None` if it cannot be asked.
    pub(crate) fn word(&self, id: u64, word: &str) -> Option<String> {
        let mut stream = connect(self.ports[&id].client)?;
        stream.write_all(word.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// `leader` or `follower` while a server serves.
    pub(crate) fn mode(&self, id: u64) -> Option<String> {
        let answer = self.word(id, "srvr")?;
        answer.lines().find_map(|line| line.strip_prefix("Mode: ")).map(str::to_owned)
    }

    /// Waits until this server serves.
    pub(crate) fn serves(&self, id: u64) -> String {
        until(&format!("server {id} to serve"), || self.mode(id))
    }

    /// Waits until every server serves; the leader.
    pub(crate) fn all_serve(&self) -> u64 {
        until("one leader and two followers", || {
            let modes: Vec<String> = (1..=3).filter_map(|id| self.mode(id)).collect();
            let leader = modes.iter().position(|mode| mode == "leader")? as u64 + 1;
            let followers = modes.iter().filter(|mode| *mode == "follower").count();
            (followers == 2).then_some(leader)
        })
    }

    /// What a server wrote to standard error in all its lives.
    pub(crate) fn stderr(&self, id: u64) -> String {
        std::fs::read_to_string(self.folder(id).join("stderr")).unwrap_or_default()
    }

    /// The folder of the trace.
    pub(crate) fn trace(&self) -> PathBuf {
        self.dir.path().join("trace")
    }

    /// The events of one life of a server, so far. A line that is being written does not count.
    pub(crate) fn events(&self, id: u64, incarnation: u32) -> Vec<Located> {
        let path = self.trace().join(format!("server-{id}-{incarnation}.ndjson"));
        let Ok(reader) = Reader::open(&path) else { return Vec::new() };
        let is_cut = |error: &ReadError| matches!(error.kind, ReadErrorKind::Cut);
        reader
            .take_while(|located| !located.as_ref().is_err_and(is_cut))
            .map(|located| located.unwrap_or_else(|error| panic!("{error}")))
            .collect()
    }

    /// What has happened in the present life of a server.
    pub(crate) fn present_life(&self, id: u64) -> Vec<EventKind> {
        let events = self.events(id, self.incarnations[&id]);
        events.into_iter().map(|located| located.event.kind).collect()
    }

    /// Whether the present life of a server has an event like this.
    pub(crate) fn has_event(&self, id: u64, wanted: impl Fn(&EventKind) -> bool) -> bool {
        self.present_life(id).iter().any(wanted)
    }

    /// Stops what still runs, and checks that the trace of everything is sound.
    pub(crate) fn finish(mut self) {
        let running: Vec<u64> = self.running.keys().copied().collect();
        for id in running {
            assert_eq!(self.stop(id).code(), Some(0), "server {id} stops cleanly");
        }
        let report = zab_trace::lint(&[self.trace()]).unwrap();
        assert!(report.is_sound(), "{:#?}", report.findings);
        keep_trace(&self.trace());
    }
}

/// The newest log file in a server's data directory.
pub(crate) fn newest_log(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder.join("version-2")).unwrap();
    let zxid_and_path = entries.filter_map(|entry| {
        let path = entry.unwrap().path();
        let zxid = path.file_name()?.to_str()?.strip_prefix("log.")?;
        Some((u64::from_str_radix(zxid, 16).unwrap(), path))
    });
    zxid_and_path.max().unwrap().1
}

/// With `KEEP_TRACES=folder`, the traces of all tests are copied there, each into a folder of the
/// test's name.
fn keep_trace(trace: &Path) {
    let Some(folder) = std::env::var_os("KEEP_TRACES") else { return };
    let name = std::thread::current().name().unwrap_or("unknown").replace("::", "-");
    let folder = Path::new(&folder).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(trace).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for id in 1..=3 {
                eprintln!("server {id} said:\n{}", self.stderr(id));
            }
        }
    }
}

/// A connection to a port of this machine; `None` if nobody listens there.
pub(crate) fn connect(port: u16) -> Option<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    Some(stream)
}
