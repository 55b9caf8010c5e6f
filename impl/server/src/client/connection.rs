//! One client connection: a task that reads frames and writes answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use zab_wire::{MAX_BUFFER, Record as _, frame};

use super::handshake::{self, Greeting};
use super::pipeline::Pipeline;
use super::requests::Request;
use super::service::{Service, Serving};
use crate::four_letter;

/// Bytes of answers that are collected before they are written.
const WRITE_AT: usize = 64 * 1024;

/// How long a client may take to close its end after it was told that this is the end.
const LINGER: Duration = Duration::from_secs(1);

/// Why a connection ends. Nobody is told: the client sees the end, and connects again.
#[derive(Debug)]
pub(super) struct Gone;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// Serves one connection to its end.
pub(super) async fn run(service: &Arc<Service>, stream: TcpStream, address: IpAddr) {
    // Without it, answers wait for the client's delayed acknowledgements; it may be missing.
    let _ = stream.set_nodelay(true);
    let mut wire = Wire { stream, input: BytesMut::new() };
    let limit = service.limits().timeout_max;
    let Ok(Ok(Some(first))) = timeout(limit, first_frame(service, &mut wire)).await else { return };
    let mut watch = service.watch_serving();
    let Some(serving) = *watch.borrow_and_update() else { return };
    tokio::select! {
        _ = watch.wait_for(|now| *now != Some(serving)) => {}
        _ = greet_and_talk(service, serving, &mut wire, &first, address) => {}
    }
}

/// The first frame; `None` if the connection was about a four-letter word.
async fn first_frame(service: &Service, wire: &mut Wire) -> Result<Option<Bytes>, Gone> {
    while wire.input.len() < 4 {
        wire.receive().await?;
    }
    let mut first = [0; 4];
    first.copy_from_slice(&wire.input[..4]);
    if let Some(word) = four_letter::parse(first) {
        wire.stream.write_all(four_letter::answer(word, service).as_bytes()).await?;
        wire.finish().await?;
        return Ok(None);
    }
    loop {
        if let Some(frame) = wire.take()? {
            return Ok(Some(frame));
        }
        wire.receive().await?;
    }
}

async fn greet_and_talk(
    service: &Arc<Service>,
    serving: Serving,
    wire: &mut Wire,
    first: &Bytes,
    address: IpAddr,
) -> Result<(), Gone> {
    let mut greeting = BytesMut::new();
    let session = match handshake::greet(service, serving, first, address).await {
        Greeting::Welcome(session) => session,
        Greeting::Expired { knows_read_only } => {
            let response = handshake::expired(knows_read_only);
            frame::put(&mut greeting, |out| response.encode(out));
            wire.stream.write_all(&greeting).await?;
            return wire.finish().await;
        }
        Greeting::Refused => return Err(Gone),
    };
    // Held to the end of the connection.
    let (_place, kicked) = service.sessions.enter(session.id).await;
    frame::put(&mut greeting, |out| handshake::welcome(session).encode(out));
    let limit = Duration::from_millis(u64::try_from(session.timeout).unwrap_or(0));
    let mut pipeline = Pipeline::new(service, serving, session.id, address, greeting);
    tokio::select! {
        _ = kicked => Err(Gone),
        talked = talk(wire, &mut pipeline, limit) => talked,
    }
}

/// Requests in, answers out, until either end has had enough. A client that says nothing for
/// `limit`, or does not read its answers for so long, is as good as gone.
async fn talk(wire: &mut Wire, pipeline: &mut Pipeline<'_>, limit: Duration) -> Result<(), Gone> {
    let mut silent_until = Instant::now() + limit;
    loop {
        while pipeline.takes_more() && pipeline.output().len() < WRITE_AT {
            let Some(frame) = wire.take()? else { break };
            silent_until = Instant::now() + limit;
            pipeline.take_up(Request::decode(&frame).map_err(|_| Gone)?).await?;
        }
        if !pipeline.output().is_empty() {
            let written = wire.stream.write_all(pipeline.output());
            timeout(limit, written).await.map_err(|_| Gone)??;
            pipeline.output().clear();
            // There may be more frames than this round had room for.
            continue;
        }
        if pipeline.is_finished() {
            return wire.finish().await;
        }
        let takes_more = pipeline.takes_more();
        tokio::select! {
            settled = pipeline.settled() => pipeline.settle(settled?).await?,
            received = wire.receive(), if takes_more => received?,
            () = sleep_until(silent_until), if takes_more => return Err(Gone),
        }
    }
}

/// The socket, and bytes that came and were not taken yet.
struct Wire {
    stream: TcpStream,
    input: BytesMut,
}

impl Wire {
    /// Waits for more bytes.
    async fn receive(&mut self) -> Result<(), Gone> {
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(Gone),
            _ => Ok(()),
        }
    }

    /// Takes a frame that is there already.
    fn take(&mut self) -> Result<Option<Bytes>, Gone> {
        frame::take(&mut self.input, MAX_BUFFER).map_err(|_| Gone)
    }

    /// Says that nothing more will come, and waits a moment for the other end to close: a socket
    /// that is closed over bytes that nobody read takes the last answer back with it.
    async fn finish(&mut self) -> Result<(), Gone> {
        self.stream.shutdown().await?;
        let closed = async {
            while self.receive().await.is_ok() {
                self.input.clear();
            }
        };
        // However it ends, it ends here.
        let _ = timeout(LINGER, closed).await;
        Ok(())
    }
}
