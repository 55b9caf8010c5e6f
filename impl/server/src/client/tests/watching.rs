//! Watches as a client sees them, identities, and the words that tell of both.

use zab_wire::client::{
    AddWatchRequest, AuthPacket, GetAclRequest, GetAclResponse, MODE_PERSISTENT_RECURSIVE,
    SetDataRequest, SetWatches, SetWatches2, WatcherEvent, WatchesRequest, WhoAmIResponse,
    XID_NOTIFICATION,
};

use super::unknown::word;
use super::*;

fn watch(path: &str) -> ReadRequest {
    ReadRequest { path: path.to_owned(), watch: true }
}

impl Client {
    /// The next frame must be an event.
    async fn event(&mut self) -> (i32, String) {
        let (xid, outcome, record) = self.answer().await;
        assert_eq!((xid, outcome), (XID_NOTIFICATION, ErrorCode::Ok));
        let WatcherEvent { kind, state, path } = WatcherEvent::from_bytes(&record).unwrap();
        assert_eq!(state, 3);
        (kind, path)
    }

    async fn outcome(&mut self, xid: i32, op: OpCode, record: &impl Record) -> ErrorCode {
        self.ask(xid, op, record).await;
        let (answered, outcome, _) = self.answer().await;
        assert_eq!(answered, xid);
        outcome
    }
}

/// The guarantee that everything is built on: a client hears of a change before it sees it.
#[tokio::test]
async fn an_event_comes_before_every_answer_that_shows_the_change() {
    let mut bench = Bench::serving().await;
    let (mut one, mut other) = (bench.client().await, bench.client().await);
    assert_eq!(one.outcome(1, OpCode::Exists, &watch("/a")).await, ErrorCode::NoNode);
    other.ask(1, OpCode::Create, &create("/a")).await;
    bench.commit_next().await;
    // It reads, and does not look at its socket before that.
    one.ask(2, OpCode::GetData, &watch("/a")).await;
    assert_eq!(one.event().await, (1, "/a".to_owned()));
    assert_eq!(one.answer().await.0, 2);
    // A write of its own: the event of its own watch comes before the answer.
    let set = SetDataRequest { path: "/a".to_owned(), data: None, version: -1 };
    one.ask(3, OpCode::SetData, &set).await;
    bench.commit_next().await;
    assert_eq!(one.event().await, (3, "/a".to_owned()));
    assert_eq!(one.answer().await.0, 3);
    // Without a request, it comes too.
    one.outcome(4, OpCode::GetChildren, &watch("/a")).await;
    other.ask(2, OpCode::Create, &create("/a/b")).await;
    bench.commit_next().await;
    assert_eq!(one.event().await, (4, "/a".to_owned()));
    one.ping().await;
}

#[tokio::test]
async fn watches_are_set_removed_and_asked_for() {
    let mut bench = Bench::serving().await;
    let (mut one, mut other) = (bench.client().await, bench.client().await);
    let add = AddWatchRequest { path: "/".to_owned(), mode: MODE_PERSISTENT_RECURSIVE };
    assert_eq!(one.outcome(1, OpCode::AddWatch, &add).await, ErrorCode::Ok);
    let unknown = AddWatchRequest { mode: 2, ..add };
    assert_eq!(one.outcome(2, OpCode::AddWatch, &unknown).await, ErrorCode::MarshallingError);
    for (xid, path) in [(1, "/a"), (2, "/a/b")] {
        other.ask(xid, OpCode::Create, &create(path)).await;
        bench.commit_next().await;
        assert_eq!(one.event().await, (1, path.to_owned()));
        assert_eq!(other.answer().await.0, xid);
    }
    let of = |kind| WatchesRequest { path: "/".to_owned(), kind };
    assert_eq!(one.outcome(3, OpCode::CheckWatches, &of(1)).await, ErrorCode::NoWatcher);
    assert_eq!(one.outcome(4, OpCode::CheckWatches, &of(3)).await, ErrorCode::Ok);
    assert_eq!(other.outcome(4, OpCode::CheckWatches, &of(3)).await, ErrorCode::NoWatcher);
    assert_eq!(one.outcome(5, OpCode::RemoveWatches, &of(3)).await, ErrorCode::Ok);
    assert_eq!(one.outcome(6, OpCode::RemoveWatches, &of(3)).await, ErrorCode::NoWatcher);
    other.ask(5, OpCode::Create, &create("/b")).await;
    bench.commit_next().await;
    one.ping().await;
}

/// A client that comes back sets its watches again, and is told what it missed.
#[tokio::test]
async fn watches_that_are_set_again_tell_what_happened_meanwhile() {
    let mut bench = Bench::serving().await;
    let mut one = bench.client().await;
    for (xid, path) in [(1, "/same"), (2, "/changed"), (3, "/parent")] {
        one.ask(xid, OpCode::Create, &create(path)).await;
        bench.commit_next().await;
        one.answer().await;
    }
    let seen = bench.zxid;
    let set = SetDataRequest { path: "/changed".to_owned(), data: None, version: -1 };
    one.ask(4, OpCode::SetData, &set).await;
    bench.commit_next().await;
    one.answer().await;
    one.ask(5, OpCode::Create, &create("/parent/new")).await;
    bench.commit_next().await;
    one.answer().await;

    let mut again = bench.again(&one).await;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let standard = SetWatches {
        relative_zxid: seen,
        data: names(&["/same", "/changed", "/gone"]),
        exist: names(&["/parent/new", "/not-yet"]),
        child: names(&["/parent", "/same"]),
    };
    let all = SetWatches2 { standard, persistent: names(&["/p"]), recursive: names(&["/r"]) };
    again.ask(-8, OpCode::SetWatches2, &all).await;
    let expected = [(3, "/changed"), (2, "/gone"), (1, "/parent/new"), (4, "/parent")];
    for (kind, path) in expected {
        assert_eq!(again.event().await, (kind, path.to_owned()));
    }
    assert_eq!(again.answer().await.0, -8);
    let count = bench.service.watches().count();
    // "/same" for data and for children, "/not-yet", and the two that stay.
    assert_eq!((count.connections, count.paths), (1, 4));
    drop(again);
}

#[tokio::test]
async fn a_client_says_who_it_is_and_is_not_shown_secrets() {
    let mut bench = Bench::serving().await;
    let (mut one, mut other) = (bench.client().await, bench.client().await);
    let auth = |scheme: &str, secret: &'static str| AuthPacket {
        kind: 0,
        scheme: scheme.to_owned(),
        auth: Some(Bytes::from_static(secret.as_bytes())),
    };
    assert_eq!(one.outcome(-4, OpCode::Auth, &auth("digest", "ann:pw")).await, ErrorCode::Ok);
    one.ask(1, OpCode::WhoAmI, &0_i32).await;
    let (_, _, record) = one.answer().await;
    let who = WhoAmIResponse::from_bytes(&record).unwrap().clients;
    let who: Vec<_> = who.iter().map(|info| (&*info.scheme, &*info.user)).collect();
    assert_eq!(who, [("ip", "127.0.0.1"), ("digest", "ann")]);

    // Everything to its creator, reading to everyone.
    let mut acl = Acl::open();
    acl[0].perms = 1;
    let mut own = acl[0].clone();
    (own.perms, own.id.scheme, own.id.id) = (31, "auth".to_owned(), String::new());
    acl.push(own);
    one.ask(2, OpCode::Create, &CreateRequest { acl, ..create("/a") }).await;
    bench.commit_next_with_identities().await;
    assert_eq!(one.answer().await.1, ErrorCode::Ok);
    let get = GetAclRequest { path: "/a".to_owned() };
    for (client, shown) in [(&mut other, "ann:x"), (&mut one, "ann:")] {
        client.ask(3, OpCode::GetAcl, &get).await;
        let (_, _, record) = client.answer().await;
        let list = GetAclResponse::from_bytes(&record).unwrap().acl;
        assert!(list[1].id.id.starts_with(shown), "{list:?}");
        assert_eq!(list[1].id.id == "ann:x", shown == "ann:x");
    }
    let set = SetDataRequest { path: "/a".to_owned(), data: None, version: -1 };
    other.ask(4, OpCode::SetData, &set).await;
    bench.commit_next_with_identities().await;
    assert_eq!(other.answer().await.1, ErrorCode::NoAuth);
    assert_eq!(other.outcome(-4, OpCode::Auth, &auth("digest", "super:test")).await, ErrorCode::Ok);
    other.ask(5, OpCode::SetData, &set).await;
    bench.commit_next_with_identities().await;
    assert_eq!(other.answer().await.1, ErrorCode::Ok);

    assert_eq!(other.outcome(-4, OpCode::Auth, &auth("sasl", "")).await, ErrorCode::AuthFailed);
    assert_eq!(other.receive().await, None);
}

#[tokio::test]
async fn words_tell_of_connections_sessions_and_watches() {
    let mut bench = Bench::with(FourLetterWords::All).await;
    let mut client = bench.client().await;
    client.ask(1, OpCode::Create, &CreateRequest { flags: 1, ..create("/e") }).await;
    bench.commit_next().await;
    client.answer().await;
    client.outcome(2, OpCode::GetData, &watch("/e")).await;
    let session = format!("0x{:x}", client.session);
    for (asked, expected) in [
        ("envi", "zookeeper.version=3.8.0-zab-server-".to_owned()),
        ("ruok", "imok".to_owned()),
        ("isro", "rw".to_owned()),
        ("mntr", "zk_ephemerals_count\t1\n".to_owned()),
        ("mntr", "zk_watch_count\t1\n".to_owned()),
        ("mntr", "zk_server_state\tleader\n".to_owned()),
        ("stat", "[1](queued=0,recved=2,sent=2)".to_owned()),
        ("conf", "serverId=1\n".to_owned()),
        ("cons", format!(",sid={session},lop=GETD,")),
        ("dump", format!("Sessions with Ephemerals (1):\n{session}:\n\t/e\n")),
        ("wchs", "1 connections watching 1 paths\nTotal watches:1\n".to_owned()),
        ("wchc", format!("{session}\n\t/e\n")),
        ("wchp", format!("/e\n\t{session}\n")),
        ("dirs", "datadir_size: 0\nlogdir_size: 0\n".to_owned()),
        ("crst", "Connection stats reset.\n".to_owned()),
        ("cons", "recved=0".to_owned()),
        ("srst", "Server stats reset.\n".to_owned()),
        ("srvr", "Received: 0\n".to_owned()),
        ("gtmk", "not implemented".to_owned()),
    ] {
        let answer = word(bench.port, asked).await;
        assert!(answer.contains(&expected), "{asked}: {expected} in {answer}");
    }
    bench.service.stop_serving();
    for asked in ["cons", "dump", "mntr", "wchs", "stat"] {
        assert!(word(bench.port, asked).await.contains("not currently serving"), "{asked}");
    }
    assert_eq!(word(bench.port, "isro").await, "null");
    assert_eq!(word(bench.port, "ruok").await, "imok");
}
