//! What clients may take of the server's memory, together.

use super::super::budget::{SMALL_MAX, Sizes};
use super::*;

const BIG: usize = 2 * SMALL_MAX;

fn big(path: &str) -> CreateRequest {
    CreateRequest { data: Some(Bytes::from(vec![7; BIG])), ..create(path) }
}

/// A server with room for two big requests, and for one that has not arrived whole.
async fn narrow() -> Bench {
    let sizes = Sizes { unfinished: BIG + 1000, large: 2 * BIG + 2000, small: 100_000 };
    let (service, submissions) =
        Service::with_sizes(&config(), Shares::of_process(3), Tree::default(), sizes);
    let bench = Bench::on_a_port(service, submissions).await;
    bench.service.start_serving(Mode::Leader);
    bench
}

/// Waits until the server has given out the room for a frame that does not arrive whole.
async fn until_short(bench: &Bench) {
    within(async {
        while !bench.service.limits().budget().is_short() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_long_first_frame_is_refused_before_it_arrives() {
    let mut bench = narrow().await;
    for length in [-1, 1025, 100_000, 0xf_ffff, i32::MAX] {
        let mut client = Client::dial(bench.port).await;
        client.stream.write_all(&i32::to_be_bytes(length)).await.unwrap();
        assert_eq!(client.receive().await, None, "length {length}");
    }
    // One that is short may come in parts, and be longer than is needed.
    let mut client = Client::dial(bench.port).await;
    client.stream.write_all(&1024_i32.to_be_bytes()).await.unwrap();
    for _ in 0..4 {
        client.stream.write_all(&[0; 256]).await.unwrap();
    }
    assert_eq!(bench.write().await.op, OpCode::CreateSession.number());
}

#[tokio::test]
async fn requests_without_room_wait_until_others_are_answered() {
    let mut bench = narrow().await;
    let (mut first, mut second) = (bench.client().await, bench.client().await);
    let mut small = bench.client().await;
    for path in ["/a", "/b", "/c"] {
        first.ask(1, OpCode::Create, &big(path)).await;
    }
    let [a, b] = [bench.write().await, bench.write().await];
    second.ask(1, OpCode::Create, &big("/d")).await;
    // Who writes little is served meanwhile.
    small.ask(1, OpCode::Create, &create("/small")).await;
    let request = bench.write().await;
    assert!(request.payload.len() < 100, "the others wait");
    bench.commit(&request);
    assert_eq!(small.answer().await.1, ErrorCode::Ok);
    small.ping().await;
    assert!(bench.submissions.try_next().is_none());

    bench.commit(&a);
    let c = bench.write().await;
    assert!(bench.submissions.try_next().is_none());
    bench.commit(&b);
    let d = bench.write().await;
    bench.commit(&c);
    bench.commit(&d);
    for _ in 0..3 {
        assert_eq!(first.answer().await.1, ErrorCode::Ok);
    }
    assert_eq!(second.answer().await.1, ErrorCode::Ok);
}

#[tokio::test]
async fn a_write_takes_its_room_until_it_is_applied_though_its_client_is_gone() {
    let mut bench = narrow().await;
    let (mut next, mut small) = (bench.client().await, bench.client().await);
    for _ in 0..3 {
        let mut client = bench.client().await;
        client.ask(1, OpCode::Create, &big("/a")).await;
        client.ask(2, OpCode::Create, &big("/b")).await;
        let gone = [bench.write().await, bench.write().await];
        // Another connection of the session waits until the first is gone.
        let again = bench.again(&client).await;
        next.ask(1, OpCode::Create, &big("/c")).await;
        small.ping().await;
        assert!(bench.submissions.try_next().is_none());
        bench.commit(&gone[0]);
        let waited = bench.write().await;
        bench.commit(&gone[1]);
        bench.commit(&waited);
        next.answer().await;
        drop(again);
    }
}

#[tokio::test]
async fn frames_that_do_not_arrive_whole_take_no_more_than_their_room() {
    let mut bench = narrow().await;
    let (mut stalled, mut waiting) = (bench.client().await, bench.client().await);
    let mut small = bench.client().await;
    let length = i32::try_from(BIG).unwrap();
    stalled.stream.write_all(&length.to_be_bytes()).await.unwrap();
    stalled.stream.write_all(&[0; 10]).await.unwrap();
    until_short(&bench).await;
    waiting.ask(1, OpCode::Create, &big("/a")).await;
    // Small ones need no such room.
    small.ask(1, OpCode::Create, &create("/small")).await;
    let request = bench.write().await;
    assert!(request.payload.len() < 100);
    bench.commit(&request);
    assert_eq!(small.answer().await.1, ErrorCode::Ok);
    assert!(bench.submissions.try_next().is_none());
    drop(stalled);
    bench.commit_next().await;
    assert_eq!(waiting.answer().await.1, ErrorCode::Ok);
}

#[tokio::test]
async fn pipelined_requests_of_all_sizes_are_answered_in_order() {
    let mut bench = narrow().await;
    let mut client = bench.client().await;
    let stream = std::mem::replace(
        &mut client.stream,
        TcpStream::connect(("127.0.0.1", bench.port)).await.unwrap(),
    );
    let (read_half, mut write_half) = stream.into_split();
    let lengths = [0, 1, SMALL_MAX - 200, SMALL_MAX, SMALL_MAX + 1, BIG, 10, BIG - 1, 300, BIG];
    let writing = tokio::spawn(async move {
        for (number, length) in lengths.into_iter().enumerate() {
            let request = CreateRequest {
                data: Some(Bytes::from(vec![7; length])),
                ..create(&format!("/{number}"))
            };
            let mut out = BytesMut::new();
            frame::put(&mut out, |out| {
                let xid = i32::try_from(number).unwrap();
                RequestHeader { xid, op: OpCode::Create.number() }.encode(out);
                request.encode(out);
            });
            write_half.write_all(&out).await.unwrap();
        }
        write_half
    });
    for _ in lengths {
        bench.commit_next().await;
    }
    let write_half = writing.await.unwrap();
    client.stream = read_half.reunite(write_half).unwrap();
    for number in 0..10 {
        let (xid, error, _) = client.answer().await;
        assert_eq!((xid, error), (number, ErrorCode::Ok));
    }
}
