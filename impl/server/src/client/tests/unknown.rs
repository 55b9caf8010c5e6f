//! Four-letter words, unknown operations, and bytes that mean nothing.

use super::*;

pub(super) async fn word(port: u16, word: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(word.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn srvr_says_what_this_server_is() {
    let mut bench = Bench::new().await;
    let silent = "This ZooKeeper instance is not currently serving requests\n";
    assert_eq!(word(bench.port, "srvr").await, silent);
    bench.service.start_serving(Mode::Leader);
    let _client = bench.client().await;
    let text = word(bench.port, "srvr\n").await;
    for line in ["Zxid: 0x100000001", "Mode: leader", "Node count: 4", "Outstanding: 0"] {
        assert!(text.lines().any(|have| have == line), "{line} in {text}");
    }
}

#[tokio::test]
async fn words_that_are_not_allowed_say_so() {
    let bench = Bench::serving().await;
    for refused in ["ruok", "mntr", "envi", "wchc"] {
        let expected = format!("{refused} is not executed because it is not in the whitelist.\n");
        assert_eq!(word(bench.port, refused).await, expected);
    }
}

#[tokio::test]
async fn what_is_not_implemented_is_said_to_be_so_and_the_connection_goes_on() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    for (xid, op) in [(1, OpCode::Check), (2, OpCode::Sasl), (3, OpCode::DeleteContainer)] {
        client.ask(xid, op, &0_i32).await;
        assert_eq!(client.answer().await, (xid, ErrorCode::Unimplemented, Bytes::new()));
    }
    let mut unknown = BytesMut::new();
    RequestHeader { xid: 3, op: 999 }.encode(&mut unknown);
    client.send(&unknown).await;
    assert_eq!(client.answer().await, (3, ErrorCode::Unimplemented, Bytes::new()));
    client.ask(4, OpCode::GetData, &0_i32).await;
    assert_eq!(client.answer().await, (4, ErrorCode::MarshallingError, Bytes::new()));
    client.ask(5, OpCode::Sync, &(-1_i32)).await;
    assert_eq!(client.answer().await, (5, ErrorCode::MarshallingError, Bytes::new()));
    client.ping().await;
}

#[tokio::test]
async fn an_authentication_fails_and_ends_the_connection() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    client.ask(-4, OpCode::Auth, &0_i32).await;
    assert_eq!(client.answer().await, (-4, ErrorCode::AuthFailed, Bytes::new()));
    assert_eq!(client.receive().await, None);
}

#[tokio::test]
async fn bytes_that_mean_nothing_end_their_connection_and_no_other() {
    let mut bench = Bench::serving().await;
    let mut client = bench.client().await;
    let hostile: [&[u8]; 6] = [
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\0",
        b"\0\0\0\x03abc",
        b"\0\0\0\x2c\0\0\0\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    for bytes in hostile {
        let mut other = Client::dial(bench.port).await;
        other.stream.write_all(bytes).await.unwrap();
        assert_eq!(other.receive().await, None, "{bytes:?}");
    }
    let mut second = bench.again(&client).await;
    assert_eq!(client.receive().await, None);
    // A frame that is too short for a header.
    second.send(b"abc").await;
    assert_eq!(second.receive().await, None);
}

#[tokio::test]
async fn an_address_has_no_more_connections_than_it_may() {
    let bench = Bench::serving().await;
    let mut clients = Vec::new();
    for _ in 0..60 {
        clients.push(Client::dial(bench.port).await);
    }
    let mut one_too_many = Client::dial(bench.port).await;
    assert_eq!(one_too_many.receive().await, None);
}
