use super::*;

fn packet(name: &str, ordinal: u64, peer: ServerId) -> Packet {
    let connection = ConnectionName::parse(name).unwrap();
    Packet { connection, ordinal, peer, message: vote() }
}

fn vote() -> Message {
    let (role, zxid) = (zab_trace::Role::Looking, zab_trace::Zxid::ZERO);
    Message::Notification { role, leader: 1, zxid, round: 1, peer_epoch: 0 }
}

fn links() -> Links<()> {
    Links::new(&Contract::full(), BTreeSet::new(), None)
}

fn send(links: &mut Links<()>, name: &str, from: ServerId, ordinal: u64, to: ServerId) {
    let packet = packet(name, ordinal, to);
    links.sending(from, &packet).unwrap();
    let at = At { file: 0, line: 2 };
    links.send(from, &packet, InFlight { message: vote(), at, contents: vec![()] });
}

fn receives(links: &mut Links<()>, name: &str, to: ServerId, ordinal: u64, from: ServerId) -> bool {
    let packet = packet(name, ordinal, from);
    links.is_sent(to, &packet) && links.receive(to, &packet).is_ok()
}

#[test]
fn a_kill_loses_only_what_is_on_connections_of_that_life() {
    let mut links = links();
    send(&mut links, "a>b", 1, 0, 2);
    send(&mut links, "a>b", 2, 0, 1);
    send(&mut links, "c>b", 1, 0, 2);
    send(&mut links, "c>b", 1, 1, 2);
    assert!(receives(&mut links, "c>b", 2, 0, 1));
    // The next life of server 2 accepts this one, and the kill is merged only now.
    send(&mut links, "d>b", 1, 0, 2);
    links.ended(2);
    assert!(!receives(&mut links, "a>b", 2, 0, 1));
    assert!(!receives(&mut links, "c>b", 2, 1, 1));
    assert!(receives(&mut links, "d>b", 2, 0, 1));
}

#[test]
fn each_life_of_a_name_begins_at_0() {
    let mut links = links();
    for _ in 0..3 {
        send(&mut links, "a>b", 1, 0, 2);
        assert!(!links.is_sent(2, &packet("a>b", 1, 1)));
        assert!(receives(&mut links, "a>b", 2, 0, 1));
        links.ended(1);
        links.ended(2);
    }
    let late = links.sending(1, &packet("a>b", 1, 2));
    assert_eq!(late, Err(Fault::Ordinal { expected: 0 }));
}

#[test]
fn what_closed_lines_needed_is_given_back() {
    let mut links = links();
    for number in 0..1000 {
        let name = format!("a:{number}>b");
        send(&mut links, &name, 1, 0, 2);
        assert!(receives(&mut links, &name, 2, 0, 1));
        links.ended(1);
        links.ended(2);
    }
    assert!(
        links.routes.iter().all(HashMap::is_empty) && links.channels.len() == 1,
        "{}",
        links.channels.len()
    );
}

#[test]
fn a_name_joined_again_is_one_line() {
    let mut links = links();
    let name = |text: &str| ConnectionName::parse(text).unwrap();
    links.join(&name("a>r"), &name("s>b"));
    links.join(&name("a>r"), &name("t>b"));
    for right in ["s>b", "t>b"] {
        send(&mut links, "a>r", 1, 0, 2);
        assert!(receives(&mut links, right, 2, 0, 1), "{right}");
        links.ended(1);
        links.ended(2);
    }
}

#[test]
fn an_end_has_one_peer() {
    let mut links = links();
    send(&mut links, "a>b", 1, 0, 2);
    let other = links.sending(1, &packet("a>b", 1, 3));
    assert_eq!(other, Err(Fault::Peer { known: 2 }));
    send(&mut links, "a>b", 2, 0, 1);
    assert!(receives(&mut links, "a>b", 1, 0, 2));
    assert!(links.contradicts(1, &packet("a>b", 1, 3)));
    assert!(!links.contradicts(1, &packet("a>b", 1, 2)));
}
