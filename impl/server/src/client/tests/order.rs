//! What a session asks for is done and answered in the order in which it asked.

use zab_wire::client::{AuthPacket, SetDataRequest, XID_NOTIFICATION};

use super::*;

#[tokio::test]
async fn a_read_waits_for_the_writes_before_it() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    client.ask(1, OpCode::Create, &create("/a")).await;
    client.ask(2, OpCode::GetData, &read("/a")).await;
    // Both have been taken up, and neither could be answered.
    client.ping().await;
    bench.commit_next().await;
    let (xid, outcome, path) = client.answer().await;
    assert_eq!((xid, outcome), (1, ErrorCode::Ok));
    assert_eq!(String::from_bytes(&path).unwrap(), "/a");
    let (xid, outcome, record) = client.answer().await;
    assert_eq!((xid, outcome), (2, ErrorCode::Ok));
    assert_eq!(GetDataResponse::from_bytes(&record).unwrap().data.unwrap(), "data");
}

/// The deletion is on its way and applied before the read is answered, which does not see it.
#[tokio::test]
async fn reads_do_not_see_a_write_that_has_overtaken_them() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    client.ask(1, OpCode::Create, &create("/a")).await;
    client.ask(2, OpCode::Exists, &read("/a")).await;
    client.ask(3, OpCode::GetData, &read("/a")).await;
    let delete = DeleteRequest { path: "/a".to_owned(), version: -1 };
    client.ask(4, OpCode::Delete, &delete).await;
    client.ask(5, OpCode::Exists, &read("/a")).await;
    client.ping().await;
    let requests = [bench.write().await, bench.write().await];
    for request in &requests {
        bench.commit(request);
    }
    for xid in 1..=4 {
        let (answered, outcome, _) = client.answer().await;
        assert_eq!((answered, outcome), (xid, ErrorCode::Ok));
    }
    assert_eq!(client.answer().await, (5, ErrorCode::NoNode, Bytes::new()));
}

/// More reads between writes than states may be kept, and more to be sent than is sent at once.
#[tokio::test]
async fn reads_between_many_writes_see_what_was_written_before_them() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    client.ask(1, OpCode::Create, &create("/a")).await;
    bench.commit_next().await;
    assert_eq!(client.answer().await.1, ErrorCode::Ok);
    let data = |number: i32| vec![number.to_be_bytes()[3]; 30_000];
    let numbers: Vec<i32> = (0..20).collect();
    for number in &numbers {
        let data = Some(data(*number).into());
        let set = SetDataRequest { path: "/a".to_owned(), data, version: *number };
        client.ask(10 * number + 2, OpCode::SetData, &set).await;
        for read_xid in 3..8 {
            client.ask(10 * number + read_xid, OpCode::GetData, &read("/a")).await;
        }
    }
    let committing = async {
        for _ in &numbers {
            bench.commit_next().await;
        }
        bench
    };
    let answering = async {
        for number in &numbers {
            assert_eq!(client.answer().await.0, 10 * number + 2);
            for read_xid in 3..8 {
                let (xid, outcome, record) = client.answer().await;
                assert_eq!((xid, outcome), (10 * number + read_xid, ErrorCode::Ok));
                let answer = GetDataResponse::from_bytes(&record).unwrap();
                assert_eq!(answer.data.unwrap(), data(*number));
                assert_eq!(answer.stat.version, number + 1);
            }
        }
    };
    let _bench = tokio::join!(committing, answering).0;
}

/// A watch is set on what there is now, so nothing may be written before it is.
#[tokio::test]
async fn a_write_waits_for_a_read_before_it_that_sets_a_watch() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    client.ask(1, OpCode::Create, &create("/a")).await;
    client.ask(2, OpCode::Exists, &ReadRequest { watch: true, ..read("/a") }).await;
    let delete = DeleteRequest { path: "/a".to_owned(), version: -1 };
    client.ask(3, OpCode::Delete, &delete).await;
    client.ping().await;
    let first = bench.write().await;
    // If the deletion were on its way, the read could come too late to see the node.
    assert!(bench.submissions.try_next().is_none());
    bench.commit(&first);
    bench.commit_next().await;
    for xid in [1, 2, XID_NOTIFICATION, 3] {
        let (answered, outcome, _) = client.answer().await;
        assert_eq!((answered, outcome), (xid, ErrorCode::Ok));
    }
}

#[tokio::test]
async fn writes_are_under_way_together() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    for (xid, path) in [(1, "/a"), (2, "/a/b"), (3, "/a/b")] {
        client.ask(xid, OpCode::Create2, &create(path)).await;
    }
    let requests = [bench.write().await, bench.write().await, bench.write().await];
    for request in &requests {
        bench.commit(request);
    }
    for (xid, expected) in [(1, ErrorCode::Ok), (2, ErrorCode::Ok), (3, ErrorCode::NodeExists)] {
        let (answered, outcome, _) = client.answer().await;
        assert_eq!((answered, outcome), (xid, expected));
    }
}

#[tokio::test]
async fn one_session_does_not_wait_for_another() {
    let mut bench = Bench::serving().await;
    let (mut slow, mut quick) = (bench.client().await, bench.client().await);
    slow.ask(1, OpCode::Create, &create("/a")).await;
    let waiting = bench.write().await;
    quick.ask(1, OpCode::Exists, &read("/a")).await;
    assert_eq!(quick.answer().await, (1, ErrorCode::NoNode, Bytes::new()));
    bench.commit(&waiting);
    assert_eq!(slow.answer().await.1, ErrorCode::Ok);
}

#[tokio::test]
async fn a_read_waits_for_the_sync_before_it() {
    let mut bench = Bench::serving().await;
    let (mut reader, mut writer) = (bench.client().await, bench.client().await);
    reader.ask(1, OpCode::Sync, &SyncRecord { path: "/a".to_owned() }).await;
    reader.ask(2, OpCode::Exists, &read("/a")).await;
    reader.ping().await;
    let Submission::Sync { request, done, .. } = bench.next().await else { panic!() };
    assert_eq!(request.op, OpCode::Sync.number());
    writer.ask(1, OpCode::Create, &create("/a")).await;
    bench.commit_next().await;
    done.send(bench.zxid).unwrap();
    let (xid, outcome, record) = reader.answer().await;
    assert_eq!((xid, outcome), (1, ErrorCode::Ok));
    assert_eq!(SyncRecord::from_bytes(&record).unwrap().path, "/a");
    assert_eq!(reader.answer().await.1, ErrorCode::Ok);
}

#[tokio::test]
async fn more_requests_than_a_connection_may_have_are_answered_all_the_same() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    let requests = 3000;
    let mut out = BytesMut::new();
    for xid in 1..=requests {
        frame::put(&mut out, |out| {
            RequestHeader { xid, op: OpCode::Create.number() }.encode(out);
            create(&format!("/{xid}")).encode(out);
        });
    }
    let (mut from, mut to) = client.stream.split();
    let ask = to.write_all(&out);
    let commit = async {
        for _ in 0..requests {
            bench.commit_next().await;
        }
    };
    let answer = async {
        for xid in 1..=requests {
            let length = from.read_i32().await.unwrap();
            let mut frame = vec![0; usize::try_from(length).unwrap()];
            from.read_exact(&mut frame).await.unwrap();
            let header: ReplyHeader = Reader::new(&frame).read().unwrap();
            assert_eq!((header.xid, header.err), (xid, 0));
        }
    };
    let (asked, (), ()) = tokio::join!(ask, commit, answer);
    asked.unwrap();
}

/// Those that only look are answered together, and nothing goes ahead of them.
#[tokio::test]
async fn requests_that_came_together_are_answered_in_their_order() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    let look = || (OpCode::Exists, read("/a").to_bytes());
    let write = (OpCode::Create, create("/a").to_bytes());
    let asked =
        [(1, look()), (2, look()), (-2, (OpCode::Ping, Bytes::new())), (3, write), (4, look())];
    client.ask_together(asked.map(|(xid, (op, record))| (xid, op, record))).await;
    bench.commit_next().await;
    let (none, fine) = (ErrorCode::NoNode, ErrorCode::Ok);
    for expected in [(1, none), (2, none), (-2, fine), (3, fine), (4, fine)] {
        let (xid, outcome, _) = client.answer().await;
        assert_eq!((xid, outcome), expected);
    }
}

/// More than is sent at once.
#[tokio::test]
async fn all_reads_behind_a_write_are_answered_however_long_the_answers_are() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    let data = Some(Bytes::from(vec![7; 10_000]));
    let create = CreateRequest { data: data.clone(), ..create("/a") };
    let reads = (2..=400).map(|xid| (xid, OpCode::GetData, read("/a").to_bytes()));
    let asked = [(1, OpCode::Create, create.to_bytes())].into_iter().chain(reads);
    client.ask_together(asked).await;
    bench.commit_next().await;
    assert_eq!(client.answer().await.0, 1);
    for expected in 2..=400 {
        let (xid, outcome, record) = client.answer().await;
        assert_eq!((xid, outcome), (expected, ErrorCode::Ok));
        assert_eq!(GetDataResponse::from_bytes(&record).unwrap().data, data);
    }
    let now = bench.service.stats().now();
    // The request for the session is none that a client of ZooKeeper counts.
    assert_eq!((now.received, now.sent, now.outstanding), (400, 400, 0));
}

#[tokio::test]
async fn what_was_asked_before_an_authentication_is_asked_by_who_it_was_then() {
    let mut bench = Bench::serving().await;
    let (mut owner, mut client) = (bench.client().await, bench.client().await);
    let auth = || {
        let auth = Some(Bytes::from_static(b"ann:pw"));
        AuthPacket { kind: 0, scheme: "digest".to_owned(), auth }.to_bytes()
    };
    owner.ask_together([(-4, OpCode::Auth, auth())]).await;
    assert_eq!(owner.answer().await.1, ErrorCode::Ok);
    let mut acl = Acl::open();
    (acl[0].id.scheme, acl[0].id.id) = ("auth".to_owned(), String::new());
    owner.ask(1, OpCode::Create, &CreateRequest { acl, ..create("/a") }).await;
    bench.commit_next_with_identities().await;
    assert_eq!(owner.answer().await.1, ErrorCode::Ok);
    let look = || (OpCode::GetData, read("/a").to_bytes());
    let asked = [(1, look()), (-4, (OpCode::Auth, auth())), (2, look())];
    client.ask_together(asked.map(|(xid, (op, record))| (xid, op, record))).await;
    let (refused, fine) = (ErrorCode::NoAuth, ErrorCode::Ok);
    for expected in [(1, refused), (-4, fine), (2, fine)] {
        let (xid, outcome, _) = client.answer().await;
        assert_eq!((xid, outcome), expected);
    }
}

/// However much has been applied since (`FinalRequestProcessor`).
#[tokio::test]
async fn the_answer_to_a_write_has_its_own_zxid() {
    let mut bench = Bench::serving().await;
    let (mut one, mut other) = (bench.client().await, bench.client().await);
    let before = bench.zxid;
    one.ask(1, OpCode::Create, &create("/a")).await;
    let first = bench.write().await;
    // This one fails, and has a zxid all the same.
    one.ask(2, OpCode::Create, &create("/a")).await;
    let second = bench.write().await;
    other.ask(1, OpCode::Create, &create("/b")).await;
    let foreign = bench.write().await;
    one.ask(3, OpCode::Exists, &read("/b")).await;
    // Nothing was answered yet, whatever has been applied.
    one.ask_ping().await;
    assert_eq!(one.stamp().await, (-2, 0));
    for request in [&first, &foreign, &second] {
        bench.commit(request);
    }
    assert_eq!(one.stamp().await, (1, before + 1));
    assert_eq!(one.stamp().await, (2, before + 3));
    assert_eq!(one.stamp().await, (3, before + 3));
    assert_eq!(other.stamp().await, (1, before + 2));
    // Nothing is on its way: the zxid of the tree.
    one.ask_ping().await;
    assert_eq!(one.stamp().await, (-2, before + 3));
}

/// An event comes before the answers that are later than it, and after those that are not.
#[tokio::test]
async fn events_and_answers_come_in_the_order_of_their_zxids() {
    let mut bench = Bench::serving().await;
    let (mut one, mut other) = (bench.client().await, bench.client().await);
    one.ask(1, OpCode::Create, &create("/a")).await;
    bench.commit_next().await;
    one.answer().await;
    let watch = ReadRequest { path: "/a".to_owned(), watch: true };
    one.ask(2, OpCode::GetData, &watch).await;
    one.answer().await;
    let before = bench.zxid;
    let set = SetDataRequest { path: "/a".to_owned(), data: None, version: -1 };
    one.ask(3, OpCode::Create, &create("/b")).await;
    let first = bench.write().await;
    one.ask(4, OpCode::Sync, &SyncRecord { path: "/a".to_owned() }).await;
    let Submission::Sync { done, .. } = bench.next().await else { panic!() };
    other.ask(1, OpCode::SetData, &set).await;
    let changes = bench.write().await;
    one.ask(5, OpCode::Create, &create("/c")).await;
    let last = bench.write().await;
    bench.commit(&first);
    done.send(bench.zxid).unwrap();
    bench.commit(&changes);
    bench.commit(&last);
    for (xid, zxid) in [(3, 1), (4, 1), (XID_NOTIFICATION, 2), (5, 3)] {
        assert_eq!(one.stamp().await, (xid, before + zxid));
    }
}
