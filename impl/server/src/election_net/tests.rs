//! Server 2 against somebody who plays server 1.

use std::net::Ipv4Addr;

use tokio::net::TcpStream;
use zab_core::{Role, Vote};
use zab_ensemble::ReservedPorts;

use super::*;
use crate::config::Options;
use crate::zxid::Zxid;

/// Server 2, and the port of server 1, which the test holds.
struct Pair {
    net: ElectionNet,
    events: mpsc::Receiver<ElectionEvent>,
    other: TcpListener,
    own: (Ipv4Addr, u16),
    sent: Vec<u64>,
    _reserved: ReservedPorts,
}

impl Pair {
    async fn new() -> Self {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let other_port = other.local_addr().unwrap().port();
        let reserved = ReservedPorts::reserve(1).unwrap();
        let own_port = reserved.ports()[0];
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("myid"), "2").unwrap();
        let text = format!(
            "dataDir={}\nclientPort=1\ninitLimit=1\nsyncLimit=1\n\
             server.1=127.0.0.1:2:{other_port}\nserver.2=127.0.0.1:3:{own_port}\n\
             server.3=127.0.0.1:4:5\n",
            dir.path().display()
        );
        std::fs::write(dir.path().join("zoo.cfg"), text).unwrap();
        let config = Config::load(&dir.path().join("zoo.cfg"), Options::default()).unwrap();
        let (sender, events) = mpsc::channel(16);
        let net = ElectionNet::start(&config, None, 2, LinkIds::default(), sender).await.unwrap();
        let own = (Ipv4Addr::LOCALHOST, own_port);
        Self { net, events, other, own, sent: Vec::new(), _reserved: reserved }
    }

    fn notify(&mut self, round: u64) {
        let vote = Vote { leader: 2, zxid: Zxid::ZERO, peer_epoch: 0 };
        self.net.notify(1, Notification { role: Role::Looking, vote, round });
        self.pump();
    }

    fn pump(&mut self) {
        let sent = &mut self.sent;
        self.net.pump(|_, to, notification| {
            assert_eq!(to, 1);
            sent.push(notification.round);
        });
    }

    /// Takes in the next event.
    async fn next(&mut self) -> Vec<Change> {
        let event = self.events.recv().await.unwrap();
        let changes = self.net.on_event(event);
        self.pump();
        changes
    }

    /// Takes in events until one changes something.
    async fn change(&mut self) -> Vec<Change> {
        loop {
            let changes = self.next().await;
            if !changes.is_empty() {
                return changes;
            }
        }
    }

    /// Server 1 is dialled, and told who dials.
    async fn accept(&self) -> Socket {
        let mut socket = Socket::accepted(self.other.accept().await.unwrap().0);
        loop {
            if let Some(first) = InitialMessage::take(&mut socket.rest).unwrap() {
                assert_eq!(first.server, 2);
                return socket;
            }
            assert_ne!(socket.stream.read_buf(&mut socket.rest).await.unwrap(), 0, "closed");
        }
    }

    /// Server 1 dials.
    async fn dial(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.own).await.unwrap();
        let address = Some("127.0.0.1:1".to_owned());
        stream.write_all(&InitialMessage { server: 1, address }.to_bytes()).await.unwrap();
        stream
    }
}

/// The round of the next notification that arrives at server 1.
async fn receive(socket: &mut Socket) -> i64 {
    loop {
        if let Some(taken) = wire::Notification::take(&mut socket.rest).unwrap() {
            return taken.unwrap().election_epoch;
        }
        assert_ne!(socket.stream.read_buf(&mut socket.rest).await.unwrap(), 0, "closed");
    }
}

#[tokio::test]
async fn a_newer_notification_replaces_one_that_waits() {
    let mut pair = Pair::new().await;
    pair.notify(1);
    pair.notify(2);
    let mut other = pair.accept().await;
    assert!(matches!(pair.change().await[..], [Change::Opened(..)]));
    assert_eq!(receive(&mut other).await, 2);
    // The socket has taken it: the next one may go, and one more waits.
    pair.next().await;
    pair.notify(3);
    pair.notify(4);
    pair.notify(5);
    assert_eq!(receive(&mut other).await, 3);
    pair.next().await;
    assert_eq!(receive(&mut other).await, 5);
    assert_eq!(pair.sent, [2, 3, 5]);
}

#[tokio::test]
async fn a_smaller_server_that_dials_is_dialled_back_and_told_the_last_again() {
    let mut pair = Pair::new().await;
    pair.notify(7);
    let mut first = pair.accept().await;
    pair.change().await;
    assert_eq!(receive(&mut first).await, 7);
    // It comes back: its own connection is closed, and server 2 dials.
    let mut dialled = pair.dial().await;
    pair.next().await;
    let changes = tokio::join!(pair.change(), async { dialled.read(&mut [0]).await.unwrap() });
    assert_eq!(changes.1, 0, "the smaller one's connection is closed");
    let mut second = pair.accept().await;
    assert!(matches!(changes.0[..], [Change::Ended(_), Change::Opened(..)]));
    assert_eq!(receive(&mut second).await, 7);
    assert_eq!(first.stream.read(&mut [0]).await.unwrap(), 0, "the older connection is closed");
    assert_eq!(pair.sent, [7, 7]);
}

/// Somebody else may have taken its place at the smaller server, which dials only if it has
/// something to say.
#[tokio::test]
async fn the_greater_server_dials_again_when_its_connection_ends() {
    let mut pair = Pair::new().await;
    pair.notify(1);
    let mut other = pair.accept().await;
    pair.change().await;
    assert_eq!(receive(&mut other).await, 1);
    drop(other);
    assert!(matches!(pair.change().await[..], [Change::Ended(_)]));
    let mut other = pair.accept().await;
    pair.change().await;
    assert_eq!(receive(&mut other).await, 1);
}

/// A vote in the name of server 3, as it comes after the greeting.
fn vote_of_3() -> Vec<u8> {
    let first = InitialMessage { server: 3, address: Some("127.0.0.1:1".to_owned()) };
    let mut bytes = BytesMut::from(&first.to_bytes()[..]);
    let vote = Vote { leader: 3, zxid: Zxid::ZERO, peer_epoch: 0 };
    let notification = Notification { role: Role::Looking, vote, round: 1 };
    convert::notification_to_wire(&notification, &Bytes::new()).put(&mut bytes);
    bytes.to_vec()
}

/// A name alone takes nobody's place; and many who only have a name keep nobody out.
#[tokio::test]
async fn a_connection_counts_once_a_vote_has_come_on_it() {
    let mut pair = Pair::new().await;
    let bytes = vote_of_3();
    let mut real = TcpStream::connect(pair.own).await.unwrap();
    real.write_all(&bytes).await.unwrap();
    let changes = pair.change().await;
    let [Change::Opened(first, _)] = changes[..] else { panic!("{changes:?}") };
    assert!(matches!(pair.change().await[..], [Change::Notification { from: 3, .. }]));

    let mut silent = Vec::new();
    for cut in [bytes.len() - 1, 30, 3, 0] {
        let mut stream = TcpStream::connect(pair.own).await.unwrap();
        stream.write_all(&bytes[..cut]).await.unwrap();
        silent.push(stream);
    }
    assert_eq!(pair.net.peers[&3].link.as_ref().unwrap().id, first);

    let mut second = TcpStream::connect(pair.own).await.unwrap();
    second.write_all(&bytes).await.unwrap();
    let changes = pair.change().await;
    assert!(
        matches!(changes[..], [Change::Ended(old), Change::Opened(..)] if old == first),
        "{changes:?}"
    );
}
