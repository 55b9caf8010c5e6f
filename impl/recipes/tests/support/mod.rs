//! Servers as processes, clients whose history is recorded, and the verdict on it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use zab_ensemble::{ClientRelay, Launch, Process, ReservedPorts, ZabServer};
use zab_history::{Clock, Header, History, Line, Mark, Recorder, Report, What, check};
use zab_trace::Zxid;
use zookeeper_client::Client;

/// A limit against a hang; no machine is so slow.
const DEADLINE: Duration = Duration::from_secs(240);
/// How long a session lives without a word: longer than a loaded machine needs for an election.
const SESSION: Duration = Duration::from_secs(15);

/// Which servers run.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// This project's.
    Zab,
    /// Apache ZooKeeper's, with this class path.
    Apache(String),
}

impl Target {
    /// What the environment asks for: `ZAB_APACHE` is the class path of Apache ZooKeeper.
    pub(crate) fn asked() -> Self {
        std::env::var("ZAB_APACHE").map_or(Self::Zab, Self::Apache)
    }

    fn launch(&self, number: usize, folder: PathBuf) -> Launch {
        let (program, args) = match self {
            Self::Zab => {
                // Cargo is asked once whether it is up to date.
                static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
                let found = || {
                    let server = ZabServer::find(&AtomicBool::new(false), &mut |_| {});
                    server.expect("zab-server").program().to_owned()
                };
                (PROGRAM.get_or_init(found).clone(), vec!["zoo.cfg".into()])
            }
            Self::Apache(path) => {
                let class = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
                let args = ["-Xmx256m", "-cp", path, class, "zoo.cfg"].map(Into::into).to_vec();
                ("java".into(), args)
            }
        };
        Launch { name: format!("server {number}"), program, args, folder, log: "log".into() }
    }
}

/// Runs the work of clients, which must end.
pub(crate) async fn in_time(work: impl Future<Output = ()>) {
    tokio::time::timeout(DEADLINE, work).await.expect("the work ends");
}

/// Servers, and the history of their clients.
pub(crate) struct World {
    target: Target,
    folder: TempDir,
    clients: Vec<SocketAddr>,
    processes: Vec<Option<Process>>,
    recorder: Arc<Recorder<File>>,
    _ports: ReservedPorts,
}

impl World {
    /// So many servers, all started.
    pub(crate) fn start(target: Target, servers: usize) -> Self {
        let folder = TempDir::new().expect("a folder");
        let ports = ReservedPorts::reserve(servers * 3).expect("ports");
        let all: Vec<SocketAddr> = ports.addresses().collect();
        let mut lines = String::new();
        if servers > 1 {
            for server in 0..servers {
                let (quorum, election) = (all[servers + server], all[2 * servers + server]);
                let (quorum, election) = (quorum.port(), election.port());
                let _ = writeln!(lines, "server.{}=127.0.0.1:{quorum}:{election}", server + 1);
            }
        }
        for (server, address) in all[..servers].iter().enumerate() {
            let own = folder.path().join(format!("server-{}", server + 1));
            let data = own.join("data");
            fs::create_dir_all(&data).expect("a folder");
            fs::write(data.join("myid"), (server + 1).to_string()).expect("written");
            let port = address.port();
            let config = format!(
                "tickTime=200\ninitLimit=50\nsyncLimit=20\nmaxSessionTimeout=60000\n\
                 admin.enableServer=false\nclientPortAddress=127.0.0.1\nclientPort={port}\n\
                 dataDir={}\n{lines}",
                data.display()
            );
            fs::write(own.join("zoo.cfg"), config).expect("written");
        }
        let header = Header {
            zab_history: zab_history::VERSION,
            source: "zab-recipes".to_owned(),
            clock: Clock::Shared,
            since: Zxid::ZERO,
            timely: None,
            note: format!("{target:?}"),
        };
        let file = File::create(folder.path().join("history.ndjson")).expect("a file");
        let recorder = Arc::new(Recorder::new(file, &header).expect("written"));
        let clients = all[..servers].to_vec();
        let processes = (0..servers).map(|_| None).collect();
        let mut world = Self { target, folder, clients, processes, recorder, _ports: ports };
        (0..servers).for_each(|server| world.restart(server));
        world
    }

    fn restart(&mut self, server: usize) {
        let folder = self.folder.path().join(format!("server-{}", server + 1));
        let launch = self.target.launch(server + 1, folder);
        self.processes[server] = Some(Process::start(&launch).expect("it starts"));
    }

    /// A client with this number, through a relay of its own.
    pub(crate) async fn client(&self, number: u32) -> Actor {
        let relay =
            ClientRelay::start(number, &self.clients, &self.recorder).await.expect("a relay");
        let client = loop {
            let connector = Client::connector().with_session_timeout(SESSION);
            let connected =
                tokio::time::timeout(DEADLINE, connector.connect(&relay.connect_string())).await;
            match connected.expect("servers serve in the end") {
                Ok(client) => break client,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        Actor { number, relay: Arc::new(relay), client, recorder: Arc::clone(&self.recorder) }
    }

    /// Runs the work of clients, and meanwhile kills one server after the other and starts it again.
    /// The next one is killed when all serve: without a quorum for long, clients give up sessions.
    pub(crate) async fn with_kills(&mut self, work: impl Future<Output = ()>) {
        let done = AtomicBool::new(false);
        let kills = async {
            // Sessions end only under a leader that lasts, so the kills do too.
            for round in 0..4 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                if done.load(Ordering::SeqCst) {
                    break;
                }
                let server = round % self.processes.len();
                // Dropping it kills it.
                self.processes[server] = None;
                tokio::time::sleep(Duration::from_millis(700)).await;
                self.restart(server);
                for client in &self.clients {
                    while !done.load(Ordering::SeqCst) && !serves(*client).await {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        };
        let work = async {
            in_time(work).await;
            done.store(true, Ordering::SeqCst);
        };
        tokio::join!(kills, work);
    }

    /// The verdict on what the clients saw; the history is kept if `ZAB_KEEP` names a folder.
    pub(crate) fn judge(self, name: &str) -> (History, Report) {
        let path = self.folder.path().join("history.ndjson");
        if let Some(keep) = std::env::var_os("ZAB_KEEP") {
            let kept = PathBuf::from(keep).join(format!("{name}.ndjson"));
            fs::copy(&path, kept).expect("kept");
        }
        drop(self.processes);
        let history = History::load(&[path]).unwrap_or_else(|error| panic!("{error}"));
        let report = check(&history);
        (history, report)
    }
}

/// Whether clients are served at this port.
async fn serves(port: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(port).await else { return false };
    let mut answer = String::new();
    let asked = stream.write_all(b"srvr").await.is_ok();
    asked && stream.read_to_string(&mut answer).await.is_ok() && answer.contains("Mode: ")
}

/// A client that leaves marks.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) number: u32,
    pub(crate) relay: Arc<ClientRelay>,
    pub(crate) client: Client,
    recorder: Arc<Recorder<File>>,
}

impl Actor {
    pub(crate) fn mark(
        &self,
        (recipe, name): (&str, &str),
        mark: &str,
        value: Option<&str>,
        token: Option<i64>,
        size: Option<u64>,
    ) {
        let zxid = |number: i64| {
            let number = u64::try_from(number).expect("a zxid");
            let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).expect("32 bits");
            Zxid::new(half(number >> 32), half(number))
        };
        let mark = Mark {
            at: self.recorder.moment(),
            recipe: recipe.to_owned(),
            mark: mark.to_owned(),
            name: name.to_owned(),
            value: value.map(str::to_owned),
            token: token.map(zxid),
            size,
        };
        let (client, session) = (self.number, self.relay.session());
        let line = Line { client, session, server: None, what: What::Mark(mark) };
        self.recorder.line(&line).expect("written");
    }
}
