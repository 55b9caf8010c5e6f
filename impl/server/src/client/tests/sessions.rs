//! Sessions: made, taken up again, moved, closed; and what becomes of them when serving stops.

use zab_wire::{Txn, TxnBody, TxnHeader};

use super::*;
use crate::tree::ENSEMBLE;

#[tokio::test]
async fn a_session_is_a_transaction_and_ends_with_one() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    assert_eq!(
        bench.service.read(|tree| tree.session_timeout_ms(client.session)),
        Some(SESSION_MS)
    );
    assert_eq!(client.session >> 56, 1);
    let header = RequestHeader { xid: 1, op: OpCode::CloseSession.number() };
    client.send(&header.to_bytes()).await;
    // Nothing is taken up after a session's end.
    client.ask(2, OpCode::Create, &create("/a")).await;
    bench.commit_next().await;
    assert_eq!(client.answer().await, (1, ErrorCode::Ok, Bytes::new()));
    assert_eq!(client.receive().await, None);
    assert!(bench.submissions.try_next().is_none());
    assert_eq!(bench.service.read(Tree::session_count), 0);
}

#[tokio::test]
async fn a_session_is_taken_up_again_and_the_connection_before_ends() {
    let mut bench = Bench::serving().await;
    let mut first = bench.client().await;
    let mut second = bench.again(&first).await;
    assert_eq!((second.session, &second.password), (first.session, &first.password));
    assert_eq!(first.receive().await, None);
    second.ping().await;
}

/// Clients may count from one again when they come back.
#[tokio::test]
async fn an_answer_is_not_taken_for_that_to_a_later_request_of_the_same_number() {
    let mut bench = Bench::serving().await;
    let mut first = bench.client().await;
    first.ask(1, OpCode::Create, &create("/a")).await;
    let before = bench.write().await;
    let mut second = bench.again(&first).await;
    second.ask(1, OpCode::Create, &create("/a")).await;
    let after = bench.write().await;
    bench.commit(&before);
    bench.commit(&after);
    assert_eq!(second.answer().await, (1, ErrorCode::NodeExists, Bytes::new()));
}

/// As above, with the earlier request made at another server: there the client's number may be
/// anything, and here the client counts from one.
#[tokio::test]
async fn an_answer_to_what_was_asked_elsewhere_is_not_taken_for_ones_own() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    client.ask(1, OpCode::Create, &create("/a")).await;
    let own = bench.write().await;
    for cxid in [1, own.cxid ^ (3 << 24)] {
        let elsewhere = ForwardedRequest { cxid, payload: Bytes::new(), ..own.clone() };
        bench.commit(&elsewhere);
    }
    bench.commit(&own);
    assert_eq!(client.answer().await.1, ErrorCode::Ok);
}

#[tokio::test]
async fn a_session_that_does_not_live_is_said_to_be_expired() {
    let mut bench = Bench::serving().await;
    let client = bench.client().await;
    let mut wrong = Client::dial(bench.port).await;
    wrong.greet(client.session, &[7; 16], 0).await;
    let response = wrong.greeting().await.unwrap();
    assert_eq!((response.session, response.timeout_ms), (0, 0));
    assert_eq!(wrong.receive().await, None);

    let mut unknown = Client::dial(bench.port).await;
    unknown.greet(5, &crate::session::password(5), 0).await;
    let Submission::Revalidate { session: 5, done, .. } = bench.next().await else { panic!() };
    done.send(bench.service.revalidate(5, SESSION_MS, 1)).unwrap();
    assert_eq!(unknown.greeting().await.unwrap().session, 0);
}

#[tokio::test]
async fn a_client_that_has_seen_more_is_sent_away() {
    let mut bench = Bench::serving().await;
    let client = bench.client().await;
    let mut ahead = Client::dial(bench.port).await;
    ahead.greet(client.session, &client.password, bench.zxid + 1).await;
    assert_eq!(ahead.greeting().await, None);
    let mut level = Client::dial(bench.port).await;
    level.greet(client.session, &client.password, bench.zxid).await;
    assert!(matches!(bench.next().await, Submission::Revalidate { .. }));
}

#[tokio::test]
async fn when_serving_stops_clients_go_and_what_they_wanted_is_forgotten() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    client.ask(1, OpCode::Create, &create("/lost")).await;
    client.ask(2, OpCode::Exists, &read("/lost")).await;
    client.ping().await;
    bench.service.stop_serving();
    assert_eq!(client.receive().await, None);
    let mut early = Client::dial(bench.port).await;
    early.greet(client.session, &client.password, 0).await;
    assert_eq!(early.greeting().await, None);

    bench.service.start_serving(Mode::Leader);
    let mut back = bench.again(&client).await;
    back.ask(1, OpCode::Exists, &read("/lost")).await;
    assert_eq!(back.answer().await, (1, ErrorCode::NoNode, Bytes::new()));
    back.ask(2, OpCode::Create, &create("/kept")).await;
    // Not the one of the time before.
    assert_eq!(bench.write().await.payload, create("/kept").to_bytes());
}

#[tokio::test]
async fn serving_that_stops_and_starts_at_once_ends_connections_too() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    bench.service.stop_serving();
    bench.service.start_serving(Mode::Follower);
    assert_eq!(client.receive().await, None);
    assert_eq!(bench.service.mode(), Some(Mode::Follower));
}

#[tokio::test]
async fn only_a_leader_prepares() {
    let bench = Bench::new().await;
    let payload = Bytes::new();
    let request = ForwardedRequest { session: 1, cxid: 1, op: 1, payload };
    assert_eq!(bench.service.prepare(&request, &[], 1, 1), None);
    bench.service.start_serving(Mode::Follower);
    assert_eq!(bench.service.prepare(&request, &[], 1, 1), None);
    bench.service.start_serving(Mode::Leader);
    assert!(bench.service.prepare(&request, &[], 1, 1).is_some());
}

/// At a follower the housekeeping of a leader does nothing: whom it has heard of is for the leader.
#[tokio::test]
async fn a_follower_keeps_for_its_leader_whom_it_has_heard_of() {
    let mut bench = Bench::serving().await;
    bench.service.stop_serving();
    bench.service.start_serving(Mode::Follower);
    let mut client = Client::dial(bench.port).await;
    client.greet(0, &[0; 16], 0).await;
    let request = bench.write().await;
    bench.zxid += 1;
    let header = TxnHeader {
        session: request.session,
        cxid: request.cxid,
        zxid: bench.zxid,
        time: 1,
        kind: request.op,
    };
    let body = TxnBody::CreateSession(SESSION_MS);
    bench.service.apply(&Txn { header, body, digest: None }.to_bytes()).unwrap();
    let mut client = client.welcome().await;
    for _ in 0..2 {
        client.ping().await;
        assert!(bench.service.chores().is_empty());
        assert_eq!(bench.service.take_heard(), [(client.session, SESSION_MS)]);
        assert_eq!(bench.service.take_heard(), []);
    }
}

/// Who is heard of lives on; who is not is closed, once, by a request of the ensemble.
#[tokio::test]
async fn a_leader_closes_sessions_that_nobody_hears_of() {
    let mut bench = Bench::serving().await;
    let silent = bench.client_for(20).await;
    let spoken = bench.client_for(SESSION_MS).await;
    let expired = loop {
        // This server's clock runs.
        let chores = bench.service.chores();
        if !chores.is_empty() {
            break chores;
        }
        tokio::task::yield_now().await;
    };
    let [close] = &expired[..] else { panic!("{expired:?}") };
    assert_eq!((close.session, close.op), (silent.session, OpCode::CloseSession.number()));
    bench.zxid += 1;
    let txn = bench.service.prepare(close, &[], ENSEMBLE, bench.zxid).unwrap();
    bench.service.apply(&txn).unwrap();
    assert!(bench.service.chores().is_empty(), "once");
    let (mut silent, mut spoken) = (silent, spoken);
    assert_eq!(silent.receive().await, None, "its connection ends with it");
    spoken.ping().await;
}
