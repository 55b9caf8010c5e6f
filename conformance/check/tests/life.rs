//! Connections have a life: a name that is used again is a new connection.

use std::collections::BTreeMap;

use zab_check::{Exit, Options, Verdict, check, project};
use zab_sim::{Config, header, simulate};
use zab_trace::{
    Chain, ConnectionName, Event, EventKind, Header, Message, Packet, Recovered, Role, ServerId,
    Zxid,
};

fn verdict(header: &Header, events: &[Event]) -> Verdict {
    check(&(header.clone(), events.to_vec()), &Options::default()).verdict
}

/// Where a connection's life at each end begins and ends.
type Life = BTreeMap<ServerId, (usize, usize)>;

/// The lives of all connections, in the order in which they begin. On the quorum port an end that
/// shows no `Disconnected` is open until its process ends.
fn lives(events: &mut [Event]) -> Vec<(ConnectionName, Life)> {
    let mut lives: Vec<(ConnectionName, Life)> = Vec::new();
    let mut open: Vec<(ServerId, usize)> = Vec::new();
    for (index, event) in events.iter_mut().enumerate() {
        let server = event.server;
        if event.kind.ends_incarnation() {
            for (_, at) in open.iter().filter(|(owner, _)| *owner == server) {
                if let Some((_, end)) = lives[*at].1.get_mut(&server) {
                    *end = index;
                }
            }
            open.retain(|(owner, _)| *owner != server);
            continue;
        }
        let closes = matches!(event.kind, EventKind::Disconnected { .. });
        let opens = matches!(event.kind, EventKind::Connected { .. });
        let Some(name) = event.kind.connection().cloned() else { continue };
        let at = lives.iter().position(|(other, _)| *other == name).unwrap_or(lives.len());
        if at == lives.len() {
            lives.push((name, Life::new()));
        }
        lives[at].1.entry(server).or_insert((index, index)).1 = index;
        if opens {
            open.push((server, at));
        } else if closes {
            open.retain(|other| *other != (server, at));
        }
    }
    lives
}

/// Gives every connection between two servers the name of the first one, as far as their lives do
/// not overlap at either end. Returns how often the most used name is used.
fn use_names_again(events: &mut [Event]) -> usize {
    // The port of the dialler is what the operating system gives out again.
    let pair = |name: &ConnectionName| {
        let (dialler, acceptor) = name.as_str().split_once('>').expect("a name");
        let host = dialler.split_once(':').map_or(dialler, |(host, _)| host);
        format!("{host}>{acceptor}")
    };
    let mut groups: BTreeMap<String, Vec<(ConnectionName, Life)>> = BTreeMap::new();
    for (name, life) in lives(events) {
        groups.entry(pair(&name)).or_default().push((name, life));
    }
    let mut renamed = BTreeMap::new();
    let mut most = 0;
    for lives in groups.values() {
        let mut last: Option<(ConnectionName, Life)> = None;
        let mut uses = 0;
        for (name, life) in lives {
            let apart = last.as_ref().is_some_and(|(_, before)| {
                let both = before.iter().all(|(server, (_, end))| {
                    life.get(server).is_some_and(|(begin, _)| end < begin)
                });
                both && before.len() == 2 && life.len() == 2
            });
            let first = last.take().filter(|_| apart).map_or_else(|| name.clone(), |(n, _)| n);
            uses = if apart { uses + 1 } else { 1 };
            most = most.max(uses);
            renamed.insert(name.clone(), first.clone());
            last = Some((first, life.clone()));
        }
    }
    for name in events.iter_mut().filter_map(|event| event.kind.connection_mut()) {
        name.clone_from(&renamed[&name.clone()]);
    }
    most
}

#[test]
fn names_may_be_used_again() {
    let mut most = 0;
    for seed in 0..40 {
        let config = Config { events: 500, ..Config::default() };
        let (header, mut events) = (header(seed, &config), simulate(seed, &config).events);
        most = most.max(use_names_again(&mut events));
        let contracts = [
            zab_check::everything(),
            zab_check::no_state(),
            zab_check::sends_and_receives(),
            zab_check::silent(1 + seed % 3),
        ];
        for contract in contracts {
            let (header, events) = project(&header, &events, &contract);
            let verdict = verdict(&header, &events);
            assert_eq!(verdict.exit(), Exit::Good, "seed {seed}, {contract:?}: {verdict}");
        }
    }
    assert!(most >= 3, "a name is used {most} times");
}

// Two servers that look for a leader, over the election port.

fn election(servers: &[ServerId]) -> Header {
    let config = Config::default();
    Header { servers: servers.to_vec(), contract: zab_check::no_state(), ..header(0, &config) }
}

/// Lines of some servers, numbered as they come.
#[derive(Default)]
struct Hand {
    events: Vec<Event>,
    lives: BTreeMap<ServerId, (u32, u64)>,
}

impl Hand {
    fn line(&mut self, server: ServerId, kind: EventKind) {
        let (incarnation, seq) = self.lives.entry(server).or_insert((1, 0));
        self.events.push(Event::new(server, *incarnation, *seq, kind));
        *seq += 1;
    }

    fn start(&mut self, server: ServerId) {
        let recovered = Recovered { log_length: Some(0), ..Recovered::default() };
        self.line(server, EventKind::Start { recovered });
        self.line(server, EventKind::Looking { round: 1 });
    }

    fn end(&mut self, server: ServerId, killed: bool) {
        if killed {
            let (incarnation, seq) = self.lives[&server];
            let last = vec![(Chain::MAIN, seq - 1)];
            self.events.push(Event::killed(server, incarnation, 0, last));
        } else {
            self.line(server, EventKind::Stop);
        }
        let life = self.lives.get_mut(&server).expect("it has started");
        *life = (life.0 + 1, 0);
    }

    fn resent(&mut self, server: ServerId) {
        self.line(server, EventKind::Resent);
    }

    /// `of` tells whose vote it is.
    fn vote(
        &mut self,
        (server, sends): (ServerId, bool),
        name: &str,
        ordinal: u64,
        (peer, of): (ServerId, ServerId),
    ) {
        let message = Message::Notification {
            role: Role::Looking,
            leader: of,
            zxid: Zxid::ZERO,
            round: 1,
            peer_epoch: 0,
        };
        let connection = ConnectionName::parse(name).expect("a name");
        let packet = Packet { connection, ordinal, peer, message };
        let kind = if sends { EventKind::Sent(packet) } else { EventKind::Received(packet) };
        self.line(server, kind);
    }

    fn sent(&mut self, from: ServerId, name: &str, ordinal: u64, to: ServerId) {
        self.vote((from, true), name, ordinal, (to, from));
    }

    fn received(&mut self, to: ServerId, name: &str, ordinal: u64, from: ServerId) {
        self.vote((to, false), name, ordinal, (from, from));
    }

    fn verdict(&self, servers: &[ServerId]) -> Verdict {
        verdict(&election(servers), &self.events)
    }
}

const LINK: &str = "10.0.0.2:40001>10.0.0.1:3888";

/// Both servers live three times and use one name each time.
fn three_lives(killed: bool, ordinals: [u64; 3]) -> Hand {
    let mut hand = Hand::default();
    for ordinal in ordinals {
        hand.start(1);
        hand.start(2);
        hand.sent(1, LINK, ordinal, 2);
        hand.sent(2, LINK, 0, 1);
        hand.received(2, LINK, ordinal, 1);
        hand.end(1, killed);
        hand.end(2, !killed);
    }
    hand
}

#[test]
fn a_name_is_used_in_three_lives() {
    for killed in [false, true] {
        let verdict = three_lives(killed, [0, 0, 0]).verdict(&[1, 2]);
        assert_eq!(verdict.exit(), Exit::Good, "{verdict}");
    }
}

#[test]
fn ordinals_do_not_go_on_in_the_next_life() {
    let verdict = three_lives(true, [0, 1, 0]).verdict(&[1, 2]);
    assert_eq!(verdict.rule(), Some("links"), "{verdict}");
    // The vote in the second life of server 1.
    assert_eq!(verdict.place().map(|place| place.line), Some(15), "{verdict}");
}

/// The receiver of the first use was killed before it read anything. That there is a second one
/// shows only in lines that stand behind those of the receiver.
#[test]
fn a_name_is_used_again_after_a_use_of_which_one_end_shows_nothing() {
    let other = "10.0.0.3:40001>10.0.0.2:3888";
    let mut hand = Hand::default();
    hand.start(3);
    hand.sent(3, other, 0, 2);
    hand.start(2);
    hand.received(2, other, 0, 3);
    hand.vote((2, true), LINK, 0, (1, 3));
    hand.end(2, true);
    hand.start(1);
    hand.received(1, LINK, 0, 2);
    hand.start(2);
    hand.sent(2, LINK, 0, 1);
    for server in [1, 2, 3] {
        hand.end(server, true);
    }
    let verdict = hand.verdict(&[1, 2, 3]);
    assert_eq!(verdict.exit(), Exit::Good, "{verdict}");
}

#[test]
fn a_name_is_used_again_within_a_life() {
    let mut hand = Hand::default();
    hand.start(1);
    for life in 0..3 {
        hand.start(2);
        if life > 0 {
            hand.resent(1);
        }
        hand.sent(1, LINK, 0, 2);
        hand.received(2, LINK, 0, 1);
        hand.end(2, life == 1);
    }
    hand.end(1, false);
    let verdict = hand.verdict(&[1, 2]);
    assert_eq!(verdict.exit(), Exit::Good, "{verdict}");
}

/// Server 2 shows nothing of the first use: it ended before it read anything.
fn first_use_unseen(received_of: ServerId) -> Hand {
    let mut hand = Hand::default();
    hand.start(1);
    hand.start(2);
    hand.end(2, true);
    hand.sent(1, LINK, 0, 2);
    // A third server tells server 1 of a better candidate.
    hand.start(3);
    hand.sent(3, "10.0.0.3:40002>10.0.0.1:3888", 0, 1);
    hand.received(1, "10.0.0.3:40002>10.0.0.1:3888", 0, 3);
    hand.start(2);
    hand.vote((1, true), LINK, 0, (2, 3));
    hand.vote((2, false), LINK, 0, (1, received_of));
    for server in [1, 2, 3] {
        hand.end(server, true);
    }
    hand
}

#[test]
fn an_end_may_show_nothing_of_a_use() {
    let verdict = first_use_unseen(3).verdict(&[1, 2, 3]);
    assert_eq!(verdict.exit(), Exit::Good, "{verdict}");
    // The first vote may have been received as well: no line says in which life it arrived.
    let verdict = first_use_unseen(1).verdict(&[1, 2, 3]);
    assert_eq!(verdict.exit(), Exit::Good, "{verdict}");
    // Nobody sent this one.
    let verdict = first_use_unseen(2).verdict(&[1, 2, 3]);
    assert!(matches!(verdict, Verdict::Diverges(_)), "{verdict}");
}

/// What was sent in one use is not received in the next.
#[test]
fn a_message_does_not_outlive_its_connection() {
    let mut hand = three_lives(false, [0, 0, 0]);
    // In its second life server 1 sends nothing, and server 2 receives a vote.
    hand.events.retain(|event| {
        !(event.server == 1 && event.incarnation >= 2 && matches!(event.kind, EventKind::Sent(_)))
    });
    for event in hand.events.iter_mut().filter(|e| e.server == 1 && e.incarnation >= 2) {
        event.seq = event.seq.min(2);
    }
    let verdict = hand.verdict(&[1, 2]);
    assert_eq!(verdict.exit(), Exit::Unknown, "{verdict}");
}

/// Thousands of lives and of connections: each costs as much as the first.
#[test]
fn many_short_lives_are_checked() {
    let mut hand = Hand::default();
    hand.start(1);
    for life in 0..5_000 {
        let name = format!("10.0.0.2:{}>10.0.0.1:3888", 10_000 + life % 7_000);
        hand.start(2);
        hand.sent(2, &name, 0, 1);
        hand.received(1, &name, 0, 2);
        hand.end(2, life % 2 == 0);
    }
    hand.end(1, false);
    let verdict = hand.verdict(&[1, 2]);
    assert_eq!(verdict.exit(), Exit::Good, "{verdict}");
}
