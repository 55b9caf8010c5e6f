//! The recorder, between real sockets: what it writes down, and what it does at chosen packets.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;
use zab_capture::raw::Header;
use zab_ensemble::{
    Endpoint, Flow, Launch, Process, Reaction, Recorder, Relay, ReservedPorts, Watched, Who,
};
use zab_trace::Port;
use zab_wire::PacketType::{self, Ack, Commit, Proposal};
use zab_wire::{QuorumPacket, Record};

/// After this long a test fails rather than hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A leader, 1, and a learner, 2, that has dialled its quorum port through the recorder.
struct Two {
    recorder: Arc<Recorder>,
    _relay: Relay,
    leader: TcpStream,
    learner: TcpStream,
    folder: TempDir,
    listener: TcpListener,
    address: SocketAddr,
    _reserved: ReservedPorts,
}

impl Two {
    fn new() -> Self {
        let reserved = ReservedPorts::reserve(4).expect("free ports");
        let addresses: Vec<_> = reserved.addresses().collect();
        let targets: Vec<_> = (1..)
            .zip(addresses.chunks(2))
            .map(|(server, ports)| Endpoint { server, election: ports[0], quorum: ports[1] })
            .collect();
        let folder = TempDir::new().expect("a folder");
        let header = Header {
            capture: 1,
            servers: vec![1, 2],
            observers: Vec::new(),
            software: None,
            note: None,
        };
        let file = folder.path().join("a.raw.ndjson");
        let recorder = Recorder::create(&file, &header, &[1, 2]).expect("a file");
        let relay = recorder.relay(&targets).expect("a relay");
        let listener = TcpListener::bind(targets[0].quorum).expect("the reserved port");
        let address = relay.address(2, 1, Port::Quorum).expect("a link");
        let (learner, leader) = connect(address, &listener);
        Self {
            recorder,
            _relay: relay,
            leader,
            learner,
            folder,
            listener,
            address,
            _reserved: reserved,
        }
    }

    /// What `decode` shows of the capture, without line, time and connection.
    fn capture(&self) -> Vec<String> {
        self.recorder.end();
        let file = File::open(self.folder.path().join("a.raw.ndjson")).expect("the capture");
        let mut shown = Vec::new();
        let summary = zab_capture::decode(BufReader::new(file), |item| {
            let text = item.what.to_string();
            shown.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
        });
        assert_eq!(summary.expect("a capture").errors, 0);
        shown
    }

    fn watch(&self, kind: PacketType, reaction: Reaction) -> Watched {
        self.recorder.watch(move |packet| packet.is(kind), reaction)
    }
}

fn connect(address: SocketAddr, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let begin = Instant::now();
    let dialler = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) if begin.elapsed() > PATIENCE => panic!("{error}"),
            Err(_) => thread::yield_now(),
        }
    };
    let (acceptor, _) = listener.accept().expect("a connection");
    for stream in [&dialler, &acceptor] {
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    }
    (dialler, acceptor)
}

fn packet(kind: PacketType, zxid: i64) -> Vec<u8> {
    QuorumPacket::bare(kind, zxid).to_bytes().to_vec()
}

fn send(stream: &mut TcpStream, kind: PacketType, zxid: i64) {
    stream.write_all(&packet(kind, zxid)).expect("sent");
}

fn receive(stream: &mut TcpStream, kind: PacketType, zxid: i64) {
    let mut bytes = vec![0; packet(kind, zxid).len()];
    stream.read_exact(&mut bytes).expect("delivered");
    assert_eq!(bytes, packet(kind, zxid));
}

/// Whether nothing is there to be read now.
fn has_nothing(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let read = stream.peek(&mut [0]);
    stream.set_nonblocking(false).expect("a socket");
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn passed(watched: &Watched) {
    let begin = Instant::now();
    while watched.passed().is_none() {
        assert!(begin.elapsed() < PATIENCE, "the packet does not pass");
        thread::yield_now();
    }
}

#[test]
fn everything_is_written_down_in_order() {
    let mut two = Two::new();
    send(&mut two.learner, Ack, 5);
    // Whatever comes to a reader was written down before: the mark comes after it.
    receive(&mut two.leader, Ack, 5);
    two.recorder.mark("start", json!({ "sid": 1 }));
    send(&mut two.leader, Commit, 5);
    receive(&mut two.learner, Commit, 5);
    let shown = two.capture();
    let expected = [
        "2 -> 1 quorum can be dialled",
        "2 -> 1 quorum #1 opened",
        "2 -> 1 quorum #1 ACK 0.5",
        "mark: start sid=1",
        "1 -> 2 quorum #1 COMMIT 0.5",
        "recorder: quit",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn what_is_held_is_recorded_and_delivered_when_it_is_released() {
    let mut two = Two::new();
    let (tell, later) = (two.watch(Commit, Reaction::Tell), two.watch(Ack, Reaction::Tell));
    two.recorder.set_flow(1, 2, &[Port::Quorum], Flow::Hold);
    send(&mut two.leader, Commit, 5);
    passed(&tell);
    // The other direction goes on; so whatever the recorder does for the first, it has done.
    send(&mut two.learner, Ack, 6);
    receive(&mut two.leader, Ack, 6);
    passed(&later);
    assert!(has_nothing(&two.learner));
    two.recorder.set_flow(1, 2, &[Port::Quorum], Flow::Pass);
    receive(&mut two.learner, Commit, 5);
    let shown = two.capture();
    let at = |text: &str| shown.iter().position(|line| line.contains(text)).expect(text);
    assert!(at("COMMIT 0.5") < at("bytes delivered late"), "{shown:?}");
    assert!(at("recorder: hold") < at("COMMIT 0.5"), "{shown:?}");
}

#[test]
fn what_is_dropped_is_recorded_and_its_connection_is_reset_afterwards() {
    let mut two = Two::new();
    let tell = two.watch(Commit, Reaction::Tell);
    two.recorder.set_flow(1, 2, &[Port::Quorum], Flow::Drop);
    send(&mut two.leader, Commit, 5);
    passed(&tell);
    let begin = Instant::now();
    while !std::fs::read_to_string(two.folder.path().join("a.raw.ndjson"))
        .is_ok_and(|text| text.contains("\"dropped\""))
    {
        assert!(begin.elapsed() < PATIENCE, "nothing is dropped");
        thread::yield_now();
    }
    two.recorder.set_flow(1, 2, &[Port::Quorum], Flow::Pass);
    send(&mut two.leader, Commit, 6);
    let end = two.learner.read(&mut [0]);
    assert!(end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    let shown = two.capture();
    assert!(shown.iter().any(|line| line.contains("20 bytes dropped")), "{shown:?}");
}

#[test]
fn what_is_delayed_comes_later() {
    let mut two = Two::new();
    let time = Duration::from_millis(300);
    two.recorder.set_flow(1, 2, &[Port::Quorum], Flow::Delay(time));
    let begin = Instant::now();
    send(&mut two.leader, Commit, 5);
    receive(&mut two.learner, Commit, 5);
    assert!(begin.elapsed() >= time);
}

#[test]
fn one_packet_is_held_and_what_came_before_it_is_not() {
    let mut two = Two::new();
    let held = two.watch(Commit, Reaction::Hold);
    // In one write, so that the recorder has to cut between them.
    let both = [packet(Proposal, 5), packet(Commit, 5), packet(Proposal, 6)].concat();
    two.leader.write_all(&both).expect("sent");
    receive(&mut two.learner, Proposal, 5);
    passed(&held);
    assert!(has_nothing(&two.learner));
    two.recorder.release(&held);
    receive(&mut two.learner, Commit, 5);
    receive(&mut two.learner, Proposal, 6);
}

/// A server that can be killed.
fn victim(folder: &TempDir) -> Process {
    let launch = Launch {
        name: "victim".to_owned(),
        program: which::which("sleep").expect("sleep"),
        args: vec!["1000".into()],
        folder: folder.path().to_owned(),
        log: "log".into(),
    };
    Process::start(&launch).expect("a process")
}

#[test]
fn a_packet_kills_its_sender_or_its_receiver_before_or_after_it_is_delivered() {
    for (who, victim_is) in [(Who::Sender, 2), (Who::Receiver, 1)] {
        for reaction in [Reaction::KillBefore(who), Reaction::KillAfter(who)] {
            let mut two = Two::new();
            let process = victim(&two.folder);
            two.recorder.set_process(victim_is, Some(process.id()));
            two.watch(Ack, reaction);
            send(&mut two.learner, Proposal, 4);
            receive(&mut two.leader, Proposal, 4);
            two.recorder.mark("alive", json!({}));
            send(&mut two.learner, Ack, 5);
            process.await_end(PATIENCE).expect("it is killed");
            // Returns when the kill is written down.
            two.recorder.set_process(victim_is, None);
            receive(&mut two.leader, Ack, 5);
            let shown = two.capture();
            let at = |text: &str| shown.iter().position(|line| line.starts_with(text));
            assert!(at("mark: alive") < at("mark: killed"), "{shown:?}");
            let by_ack = at("recorder: kill 2 on its ACK").is_some();
            assert_eq!(by_ack, who == Who::Sender, "{shown:?}");
        }
    }
}

/// The old connection of a learner stays open for its leader, and what was on its way there comes
/// after the new connection was used.
#[test]
fn a_packet_of_an_old_connection_comes_after_the_new_one_was_used() {
    let mut two = Two::new();
    let held = two.watch(Ack, Reaction::Hold);
    send(&mut two.learner, Ack, 5);
    passed(&held);
    two.recorder.break_dialler(held.passed().expect("it passed").connection);
    assert_eq!(two.learner.read(&mut [0]).expect("an orderly end"), 0);
    let (mut again, mut leader) = connect(two.address, &two.listener);
    send(&mut again, Ack, 6);
    receive(&mut leader, Ack, 6);
    assert!(has_nothing(&two.leader));
    two.recorder.release(&held);
    receive(&mut two.leader, Ack, 5);
}

#[test]
fn a_capture_does_not_replace_a_file() {
    let two = Two::new();
    let file = two.folder.path().join("a.raw.ndjson");
    let header =
        Header { capture: 1, servers: vec![1], observers: Vec::new(), software: None, note: None };
    let error = Recorder::create(&file, &header, &[1]).err().expect("it is there");
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}
