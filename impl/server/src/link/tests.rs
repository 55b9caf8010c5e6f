use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Takes frames of one byte, or of what is announced as long.
struct Frames {
    is_long: bool,
}

impl Decode for Frames {
    type Item = usize;

    /// An item is a length in four bytes and so many more.
    fn take(&mut self, buffer: &mut BytesMut) -> Result<Option<usize>, String> {
        let Some(length) = buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length == u32::MAX as usize {
            return Err("no such length".to_owned());
        }
        self.is_long = length > 100;
        if buffer.len() < 4 + length {
            return Ok(None);
        }
        let _ = buffer.split_to(4 + length);
        Ok(Some(length))
    }

    fn is_long(&self) -> bool {
        self.is_long
    }
}

type Events = mpsc::Receiver<LinkEvent<usize>>;

/// A link, what it tells, and the other end.
async fn pair() -> (Link, Events, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (dialled, accepted) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let (events, told) = mpsc::channel(64);
    let socket = Socket::accepted(accepted.unwrap().0);
    let decode = Frames { is_long: false };
    let link = socket.start(&LinkIds::default(), decode, true, events, |_, event| event).unwrap();
    (link, told, dialled.unwrap())
}

fn bytes(length: usize, value: u8) -> Bytes {
    Bytes::from(vec![value; length])
}

#[tokio::test]
async fn messages_and_pieces_of_all_lengths_arrive_in_order() {
    let (mut link, mut told, mut other) = pair().await;
    let mut expected = Vec::new();
    let mut sent = 0;
    for (value, length) in (0_u8..).zip([1, 50_000, 3, 0, 1 << 20, 7, 1 << 14, (1 << 14) + 1]) {
        let parts = [bytes(2, value), bytes(length, value), bytes(1, value)];
        expected.extend(parts.concat());
        assert!(link.send(parts));
        let pieces: Vec<Bytes> = (0..4).map(|piece| bytes(length / 3, value ^ piece)).collect();
        expected.extend(pieces.concat());
        link.send_pieces(pieces.into_iter().map(Ok));
        let late = [bytes(length, !value)];
        expected.extend(late.concat());
        link.send_catching_up(late);
        // Short ones leave together, as one; what is sent after them lets them go.
        for part in 0..value {
            assert!(link.put(|out| out.extend_from_slice(&[value, part])));
            expected.extend([value, part]);
        }
        if value % 2 == 1 {
            link.flush();
        }
        sent += 2 + i32::from(value > 0);
    }
    link.flush();
    let reading = tokio::spawn(async move {
        let mut found = vec![0; expected.len()];
        other.read_exact(&mut found).await.unwrap();
        assert!(found == expected);
        other
    });
    let mut written = 0;
    while written < sent {
        match told.recv().await.unwrap() {
            LinkEvent::Written => written += 1,
            LinkEvent::Flowing => {}
            other @ (LinkEvent::Items(_) | LinkEvent::Ended(_)) => panic!("{other:?}"),
        }
    }
    reading.await.unwrap();
    assert_eq!(link.queued.bytes.load(Ordering::Relaxed), 0);
    assert!(link.queued.max.load(Ordering::Relaxed) > QUEUED_BYTES_MAX + (1 << 20));
}

/// What brings a learner up to date may be of any length; what comes after may not.
#[tokio::test]
async fn only_what_follows_is_counted_as_queued() {
    let (mut link, _told, _other) = pair().await;
    // Shared, so that it takes no memory.
    let much = bytes(1 << 20, 0);
    for _ in 0..QUEUED_BYTES_MAX / much.len() + 2 {
        link.send_catching_up([much.clone()]);
    }
    link.send_pieces(std::iter::repeat_n(much.clone(), 1000).map(Ok));
    assert!(link.send([bytes(1, 0)]));
    let mut fit = 0;
    while link.send([much.clone()]) {
        fit += 1;
    }
    assert_eq!(fit, QUEUED_BYTES_MAX / much.len());
}

/// What was written does not count as queued any more, although there is always more.
#[tokio::test]
async fn what_is_written_is_not_counted_while_more_is_queued() {
    let (mut link, mut told, mut other) = pair().await;
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    let long = bytes(1 << 20, 0);
    let mut found = vec![0; long.len()];
    for number in 0..QUEUED_BYTES_MAX / long.len() + 16 {
        assert!(link.send([long.clone()]), "{number}");
        if number > 8 {
            other.read_exact(&mut found).await.unwrap();
        }
    }
}

/// Pieces are made when they can be written, and not before.
#[tokio::test]
async fn pieces_wait_for_the_reader() {
    let (mut link, _told, mut other) = pair().await;
    let made = Arc::new(Mutex::new(0));
    let count = Arc::clone(&made);
    let pieces = std::iter::from_fn(move || {
        let mut made = count.lock().unwrap();
        *made += 1;
        (*made <= 200).then(|| Ok(bytes(1 << 20, 1)))
    });
    link.send_pieces(pieces);
    let mut first = [0];
    other.read_exact(&mut first).await.unwrap();
    // The system keeps some megabytes of a connection.
    assert!(*made.lock().unwrap() < 100);
    let mut rest = vec![0; 1 << 20];
    other.read_exact(&mut rest[1..]).await.unwrap();
    for _ in 1..200 {
        other.read_exact(&mut rest).await.unwrap();
    }
    assert_eq!(*made.lock().unwrap(), 201);
}

/// A long item is told of before it is whole.
#[tokio::test]
async fn a_long_item_flows() {
    let (_link, mut told, mut other) = pair().await;
    let length = 1 << 16;
    other.write_all(&u32::try_from(length).unwrap().to_be_bytes()).await.unwrap();
    let mut sent = 0;
    loop {
        other.write_all(&[0; 16]).await.unwrap();
        sent += 16;
        match tokio::time::timeout(Duration::from_millis(5), told.recv()).await {
            Ok(Some(LinkEvent::Flowing)) => break,
            Ok(other) => panic!("{other:?}"),
            Err(_) => assert!(sent < length, "the item is nearly whole"),
        }
    }
    other.write_all(&vec![0; length - sent]).await.unwrap();
    loop {
        match told.recv().await.unwrap() {
            LinkEvent::Flowing => {}
            LinkEvent::Items(found) => break assert_eq!(found, [length]),
            other @ (LinkEvent::Written | LinkEvent::Ended(_)) => panic!("{other:?}"),
        }
    }
}

/// Items that came together are told together, and what is wrong behind them after them.
#[tokio::test]
async fn items_come_before_what_is_wrong_behind_them() {
    let (_link, mut told, mut other) = pair().await;
    let mut sent = Vec::new();
    for length in 0..200_u32 {
        sent.extend(length.to_be_bytes());
        sent.extend(vec![0; length as usize]);
    }
    sent.extend(u32::MAX.to_be_bytes());
    other.write_all(&sent).await.unwrap();
    let mut found = Vec::new();
    loop {
        match told.recv().await.unwrap() {
            LinkEvent::Items(items) => {
                assert!((1..=ITEMS_MAX).contains(&items.len()));
                found.extend(items);
            }
            LinkEvent::Ended(reason) => break assert_eq!(reason, "no such length"),
            LinkEvent::Flowing => {}
            LinkEvent::Written => panic!("nothing was sent"),
        }
    }
    assert_eq!(found, (0..200).collect::<Vec<_>>());
}
