//! The bytes of one connection, in both directions.

use std::io;
use std::time::Instant;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio::try_join;

use super::tap::{Connected, Controls, Flow, Order, Passage};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// How many orders may wait for their delivery. A sender is not read while there are so many.
const QUEUE: usize = 1024;

/// What the reader of a direction gives to its writer.
enum Next {
    Order(Order, Instant),
    /// The sender has ended in peace.
    End,
}

/// Forwards until both ends have ended in peace.
///
/// # Errors
/// When one of them did not: both are to be reset.
pub(super) async fn forward(
    dialler: &mut TcpStream,
    acceptor: &mut TcpStream,
    connected: &mut Connected,
) -> io::Result<()> {
    let (from_dialler, to_dialler) = dialler.split();
    let (from_acceptor, to_acceptor) = acceptor.split();
    try_join!(
        direction(from_dialler, to_acceptor, &mut *connected.by_dialler),
        direction(from_acceptor, to_dialler, &mut *connected.by_acceptor),
    )?;
    Ok(())
}

async fn direction(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    passage: &mut dyn Passage,
) -> io::Result<()> {
    let (orders, waiting) = mpsc::channel(QUEUE);
    let controls = passage.controls();
    let off = controls.sender_is_off.clone();
    try_join!(read(from, passage, off, orders), write(to, controls, waiting))?;
    Ok(())
}

/// Reads what the sender sends. When its side is broken off, nothing of it is passed on any more, not
/// even its end.
async fn read(
    mut from: ReadHalf<'_>,
    passage: &mut dyn Passage,
    mut off: watch::Receiver<bool>,
    orders: mpsc::Sender<Next>,
) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(CHUNK);
    loop {
        buffer.reserve(CHUNK);
        let read = tokio::select! {
            biased;
            _ = off.wait_for(|off| *off) => break passage.ended("cut"),
            read = from.read_buf(&mut buffer) => read,
        };
        match read {
            Ok(0) => {
                passage.ended("eof");
                // The writer is gone only if the connection is.
                let _ = orders.send(Next::End).await;
                return Ok(());
            }
            Ok(_) => {
                let now = Instant::now();
                for order in passage.read(buffer.split().freeze()) {
                    let _ = orders.send(Next::Order(order, now)).await;
                }
            }
            Err(error) => {
                passage.ended(&error.kind().to_string());
                return Err(error);
            }
        }
    }
    drop(orders);
    // Whatever it still says, and however it ends, is nobody's business.
    while from.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
        buffer.clear();
    }
    Ok(())
}

/// Delivers to the receiver.
async fn write(
    mut to: WriteHalf<'_>,
    mut controls: Controls,
    mut waiting: mpsc::Receiver<Next>,
) -> io::Result<()> {
    let mut off = controls.receiver_is_off.clone();
    let delivered = tokio::select! {
        biased;
        _ = off.wait_for(|off| *off) => None,
        delivered = deliver(&mut to, &mut controls, &mut waiting) => Some(delivered),
    };
    if let Some(delivered) = delivered {
        return delivered;
    }
    to.shutdown().await?;
    while let Some(next) = waiting.recv().await {
        if let Next::Order(Order::Deliver(bytes), _) = next {
            controls.told.dropped(bytes.len());
        }
    }
    Ok(())
}

async fn deliver(
    to: &mut WriteHalf<'_>,
    controls: &mut Controls,
    waiting: &mut mpsc::Receiver<Next>,
) -> io::Result<()> {
    let (mut is_late, mut has_dropped) = (false, false);
    while let Some(next) = waiting.recv().await {
        match next {
            Next::Order(Order::Deliver(bytes), at) => {
                let way = way(controls, at).await;
                is_late |= way == Way::Late;
                if way == Way::Nowhere {
                    has_dropped = true;
                    controls.told.dropped(bytes.len());
                    continue;
                }
                if has_dropped {
                    // What follows a hole is nonsense.
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                if std::mem::take(&mut is_late) {
                    controls.told.late(bytes.len());
                }
                to.write_all(&bytes).await?;
            }
            Next::Order(Order::Wait(mut until), _) => {
                is_late = true;
                // The sender of the watch is gone only if the recorder is.
                let _ = until.wait_for(|now| *now).await;
            }
            Next::Order(Order::Act(act), _) => act(),
            Next::End => {
                let passes = |flow: &Flow| matches!(flow, Flow::Pass | Flow::Delay(_));
                let _ = controls.flow.wait_for(passes).await;
                return to.shutdown().await;
            }
        }
    }
    Ok(())
}

/// How something reaches its receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    AtOnce,
    Late,
    Nowhere,
}

/// Waits until what was read then may be delivered.
async fn way(controls: &mut Controls, read: Instant) -> Way {
    let mut way = Way::AtOnce;
    loop {
        let flow = *controls.flow.borrow_and_update();
        match flow {
            Flow::Pass => return way,
            Flow::Drop => return Way::Nowhere,
            Flow::Delay(time) => {
                sleep_until((read + time).into()).await;
                return Way::Late;
            }
            Flow::Hold => {
                way = Way::Late;
                if controls.flow.changed().await.is_err() {
                    return way;
                }
            }
        }
    }
}
