//! The relay, between real sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpSocket;
use zab_ensemble::{Endpoint, JoinedConnection, Link, Relay, ReservedPorts};
use zab_trace::{
    ConnectionName, Event, EventKind, Header, Implementation, Lint, Located, Message, Packet, Port,
    Recovered, Source,
};

/// After this long a test fails rather than hangs; no machine is so slow.
const PATIENCE: Duration = Duration::from_secs(600);

/// Three servers behind a relay, none of which listens yet.
struct Ensemble {
    relay: Relay,
    /// What the relay tells.
    joined: Arc<Mutex<Vec<JoinedConnection>>>,
    targets: Vec<Endpoint>,
    _reserved: ReservedPorts,
}

impl Ensemble {
    fn new() -> Self {
        let reserved = ReservedPorts::reserve(6).expect("free ports");
        let addresses: Vec<_> = reserved.addresses().collect();
        let targets: Vec<_> = (1..)
            .zip(addresses.chunks(2))
            .map(|(server, ports)| Endpoint { server, election: ports[0], quorum: ports[1] })
            .collect();
        let joined = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&joined);
        let tell = move |connection: &JoinedConnection| {
            told.lock().expect("no panic").push(connection.clone());
        };
        let relay = Relay::start(&targets, tell).expect("a relay");
        Self { relay, joined, targets, _reserved: reserved }
    }

    fn joined(&self) -> Vec<JoinedConnection> {
        self.joined.lock().expect("no panic").clone()
    }

    fn real(&self, server: u64, port: Port) -> SocketAddr {
        let target = self.targets.iter().find(|target| target.server == server).expect("a server");
        match port {
            Port::Election => target.election,
            Port::Quorum => target.quorum,
        }
    }

    fn listen(&self, server: u64, port: Port) -> TcpListener {
        TcpListener::bind(self.real(server, port)).expect("the reserved port")
    }

    fn address(&self, from: u64, to: u64, port: Port) -> SocketAddr {
        self.relay.address(from, to, port).expect("a link")
    }

    /// A connection on a link: the dialler's end and the acceptor's.
    fn connect(&self, from: u64, to: u64, listener: &TcpListener) -> (TcpStream, TcpStream) {
        let port = if self.real(to, Port::Quorum) == listener.local_addr().expect("an address") {
            Port::Quorum
        } else {
            Port::Election
        };
        let dialler = dial(self.address(from, to, port));
        let (acceptor, _) = listener.accept().expect("a connection");
        acceptor.set_read_timeout(Some(PATIENCE)).expect("a socket");
        (dialler, acceptor)
    }
}

/// Dials until somebody listens.
fn dial(address: SocketAddr) -> TcpStream {
    let begin = Instant::now();
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
                return stream;
            }
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                assert!(begin.elapsed() < PATIENCE, "still refused");
                thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Nobody listens here, now.
fn refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Waits until nobody listens here any more.
fn wait_until_refused(address: SocketAddr) {
    let begin = Instant::now();
    while !refused(address) {
        assert!(begin.elapsed() < PATIENCE, "still accepted");
        thread::yield_now();
    }
}

fn exchange(from: &mut TcpStream, to: &mut TcpStream, text: &str) {
    from.write_all(text.as_bytes()).expect("an open connection");
    let mut read = vec![0; text.len()];
    to.read_exact(&mut read).expect("an open connection");
    assert_eq!(read, text.as_bytes());
}

/// How reading ends: the kind of the error, or none at an orderly end.
fn end(stream: &mut TcpStream) -> Option<ErrorKind> {
    stream.read_to_end(&mut Vec::new()).err().map(|error| error.kind())
}

#[test]
fn bytes_are_forwarded_both_ways_and_an_end_is_an_end() {
    let ensemble = Ensemble::new();
    let listener = ensemble.listen(3, Port::Quorum);
    let (mut one, mut three) = ensemble.connect(1, 3, &listener);
    exchange(&mut one, &mut three, "FOLLOWERINFO");
    exchange(&mut three, &mut one, "LEADERINFO");
    one.shutdown(std::net::Shutdown::Write).expect("an open connection");
    assert_eq!(end(&mut three), None);
    exchange(&mut three, &mut one, "one direction ends alone");
    drop(three);
    assert_eq!(end(&mut one), None);
}

#[test]
fn much_is_forwarded_in_both_directions_at_once() {
    const BYTES: usize = 4 << 20;
    let ensemble = Ensemble::new();
    let listener = ensemble.listen(2, Port::Election);
    let (one, two) = ensemble.connect(1, 2, &listener);
    let pattern = |salt: usize| (0..BYTES).map(move |i| (i * 31 + salt).to_le_bytes()[1]).collect();
    let pump = |stream: TcpStream, sent: Vec<u8>, expected: Vec<u8>| {
        let mut writing = stream.try_clone().expect("a socket");
        let writer = thread::spawn(move || writing.write_all(&sent).expect("an open connection"));
        let mut reading = stream;
        thread::spawn(move || {
            let mut read = vec![0; expected.len()];
            reading.read_exact(&mut read).expect("an open connection");
            writer.join().expect("a writer");
            assert!(read == expected);
        })
    };
    let pumps = [pump(one, pattern(1), pattern(2)), pump(two, pattern(2), pattern(1))];
    for pump in pumps {
        pump.join().expect("a pump");
    }
}

#[test]
fn a_link_listens_exactly_while_its_target_does() {
    let ensemble = Ensemble::new();
    let address = ensemble.address(1, 3, Port::Quorum);
    assert!(refused(address));
    for _ in 0..3 {
        let listener = ensemble.listen(3, Port::Quorum);
        let (mut one, mut three) = ensemble.connect(1, 3, &listener);
        drop(listener);
        wait_until_refused(address);
        // What is connected stays so.
        exchange(&mut one, &mut three, "PROPOSAL");
    }
    assert_eq!(ensemble.joined().len(), 3);
}

#[test]
fn a_reset_is_passed_on() {
    let ensemble = Ensemble::new();
    let listener = ensemble.listen(3, Port::Quorum);
    let (mut one, mut three) = ensemble.connect(1, 3, &listener);
    exchange(&mut one, &mut three, "x");
    // Closing a socket with unread bytes resets its connection, as the death of a process does.
    three.write_all(b"unread").expect("an open connection");
    assert_eq!(one.peek(&mut [0; 6]).expect("bytes"), 6);
    drop(one);
    assert_eq!(end(&mut three), Some(ErrorKind::ConnectionReset));
}

#[test]
fn a_cut_resets_and_refuses_until_it_is_healed() {
    let ensemble = Ensemble::new();
    let (relay, address) = (&ensemble.relay, ensemble.address(1, 3, Port::Quorum));
    let listener = ensemble.listen(3, Port::Quorum);
    for _ in 0..3 {
        let (mut one, mut three) = ensemble.connect(1, 3, &listener);
        exchange(&mut one, &mut three, "x");
        relay.cut(1, 3);
        assert!(refused(address));
        assert_eq!(end(&mut one), Some(ErrorKind::ConnectionReset));
        assert_eq!(end(&mut three), Some(ErrorKind::ConnectionReset));
        assert!(refused(address));
        relay.heal(1, 3);
    }
    let (mut one, mut three) = ensemble.connect(1, 3, &listener);
    exchange(&mut one, &mut three, "again");
}

#[test]
fn a_link_is_one_direction_of_dialling_to_one_port() {
    let ensemble = Ensemble::new();
    let quorum = ensemble.listen(3, Port::Quorum);
    let election = ensemble.listen(3, Port::Election);
    let own = ensemble.listen(1, Port::Quorum);
    let (mut one, _three) = ensemble.connect(1, 3, &quorum);
    let mut others = [
        ensemble.connect(1, 3, &election),
        ensemble.connect(3, 1, &own),
        ensemble.connect(2, 3, &quorum),
    ];
    let link = Link { from: 1, to: 3, port: Port::Quorum };
    ensemble.relay.cut_link(link);
    assert_eq!(end(&mut one), Some(ErrorKind::ConnectionReset));
    for (dialler, acceptor) in &mut others {
        exchange(dialler, acceptor, "still here");
    }
    assert!(refused(ensemble.address(1, 3, Port::Quorum)));
    ensemble.relay.heal_link(link);
    ensemble.connect(1, 3, &quorum);
}

#[test]
fn an_isolated_server_reaches_nobody_and_the_others_each_other() {
    let ensemble = Ensemble::new();
    let listeners: Vec<_> = (1..=3).map(|server| ensemble.listen(server, Port::Election)).collect();
    let between =
        |from: usize, to: usize| ensemble.connect(from as u64, to as u64, &listeners[to - 1]);
    let mut cut = [between(3, 1), between(1, 3), between(3, 2), between(2, 3)];
    let mut kept = [between(1, 2), between(2, 1)];
    ensemble.relay.isolate(3);
    for (dialler, acceptor) in &mut cut {
        assert_eq!(end(dialler), Some(ErrorKind::ConnectionReset));
        assert_eq!(end(acceptor), Some(ErrorKind::ConnectionReset));
    }
    for link in ensemble.relay.links().filter(|link| link.port == Port::Election) {
        if link.from == 3 || link.to == 3 {
            assert!(refused(ensemble.address(link.from, link.to, link.port)), "{link:?}");
        }
    }
    for (dialler, acceptor) in &mut kept {
        exchange(dialler, acceptor, "still here");
    }
    ensemble.relay.rejoin(3);
    let (mut three, mut one) = between(3, 1);
    exchange(&mut three, &mut one, "back");
}

#[test]
fn the_names_are_those_that_both_ends_see() {
    let ensemble = Ensemble::new();
    let listener = ensemble.listen(3, Port::Quorum);
    let (mut one, mut three) = ensemble.connect(1, 3, &listener);
    exchange(&mut one, &mut three, "x");
    let name = |dialler: std::io::Result<SocketAddr>, acceptor: std::io::Result<SocketAddr>| {
        ConnectionName::new(dialler.expect("an address"), acceptor.expect("an address"))
    };
    let joined = ensemble.joined();
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0].link, Link { from: 1, to: 3, port: Port::Quorum });
    assert_eq!(joined[0].left, name(one.local_addr(), one.peer_addr()));
    assert_eq!(joined[0].right, name(three.peer_addr(), three.local_addr()));
    assert_ne!(joined[0].left, joined[0].right);
}

/// What two ends wrote about the connections between them becomes one sound trace by the relay's
/// lines, and only by them.
#[test]
fn the_lines_of_the_relay_join_a_trace() {
    let ensemble = Ensemble::new();
    let listener = ensemble.listen(2, Port::Quorum);
    let recovered = Recovered::default();
    let mut lives: Vec<_> =
        (1..=2).map(|id| vec![Event::new(id, 1, 0, EventKind::Start { recovered })]).collect();
    // Open to the end, so that each has a name of its own.
    let mut open = Vec::new();
    for _ in 0..3 {
        let (mut one, mut two) = ensemble.connect(1, 2, &listener);
        exchange(&mut one, &mut two, "x");
        let packet =
            |connection, peer| Packet { connection, ordinal: 0, peer, message: Message::UpToDate };
        let left = ConnectionName::new(
            one.local_addr().expect("an address"),
            one.peer_addr().expect("an address"),
        );
        let right = ConnectionName::new(
            two.peer_addr().expect("an address"),
            two.local_addr().expect("an address"),
        );
        let seq = lives[0].len() as u64;
        lives[0].push(Event::new(1, 1, seq, EventKind::Sent(packet(left, 2))));
        lives[1].push(Event::new(2, 1, seq, EventKind::Received(packet(right, 1))));
        open.push((one, two));
    }
    for (id, life) in (1..).zip(&mut lives) {
        life.push(Event::new(id, 1, life.len() as u64, EventKind::Stop));
    }
    let implementation = Implementation { name: "test".to_owned(), version: "1".to_owned() };
    let header = Header::new(Source::Hand, implementation, vec![1, 2]);
    let is_sound = |files: &[&[Event]]| {
        let mut lint = Lint::default();
        for (file, events) in files.iter().enumerate() {
            lint.file(&file.to_string(), &header);
            for (line, event) in (2..).zip(*events) {
                lint.event(&Located::new(line, event.clone()));
            }
        }
        lint.finish().is_sound()
    };
    let events: Vec<Event> =
        (0..).zip(ensemble.joined()).map(|(seq, joined)| joined.event(seq)).collect();
    assert_eq!(events.len(), 3);
    assert!(is_sound(&[&lives[0], &lives[1], &events]));
    assert!(!is_sound(&[&lives[0], &lives[1], &events[..2]]));
    assert!(!is_sound(&[&lives[0], &lives[1], &events[1..]]));
}

#[test]
fn a_dropped_relay_leaves_nothing() {
    let ensemble = Ensemble::new();
    let listener = ensemble.listen(3, Port::Quorum);
    let (mut one, mut three) = ensemble.connect(1, 3, &listener);
    let address = ensemble.address(1, 3, Port::Quorum);
    // Its port stays ours without it: nobody else may listen there now. It can be bound only while
    // nobody listens.
    ensemble.relay.cut(1, 3);
    let held = TcpSocket::new_v4().expect("a socket");
    held.set_reuseaddr(true).expect("a socket");
    held.bind(address).expect("the reserved port");
    assert_eq!(end(&mut one), Some(ErrorKind::ConnectionReset));
    assert_eq!(end(&mut three), Some(ErrorKind::ConnectionReset));
    ensemble.relay.heal(1, 3);
    (one, three) = ensemble.connect(1, 3, &listener);
    drop(ensemble);
    assert!(refused(address));
    assert_eq!(end(&mut one), Some(ErrorKind::ConnectionReset));
    assert_eq!(end(&mut three), Some(ErrorKind::ConnectionReset));
}

#[test]
fn there_are_links_between_different_servers_only() {
    let ensemble = Ensemble::new();
    let links: Vec<_> = ensemble.relay.links().collect();
    assert_eq!(links.len(), 12);
    let ports: std::collections::BTreeSet<_> =
        links.iter().map(|link| ensemble.relay.port(link.from, link.to, link.port)).collect();
    assert_eq!(ports.len(), 12);
    assert_eq!(ensemble.relay.port(1, 1, Port::Quorum), None);
    assert_eq!(ensemble.relay.port(1, 4, Port::Quorum), None);
}
