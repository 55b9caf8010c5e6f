//! One client connection: a task that reads frames and writes answers.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, sleep_until, timeout};
use zab_wire::{MAX_BUFFER, Record as _, frame};

use super::answers::{Answers, WRITE_AT};
use super::budget::{Budget, Room, SMALL_MAX, Wish};
use super::handshake::{self, Greeting};
use super::pipeline::Pipeline;
use super::places::Place;
use super::reads;
use super::requests::Request;
use super::roster::Entry;
use super::service::{Service, Serving, now_ms};
use super::wire::Wire;
use crate::auth;
use crate::four_letter;
use crate::transport::Transport;

/// Longest first frame: whoever has no session yet has nothing long to say.
const FIRST_MAX: usize = 1024;

/// How long a frame that is not small may take to arrive while room for others is short.
const ARRIVAL: Duration = Duration::from_secs(10);

/// Why a connection ends. Nobody is told: the client sees the end, and connects again.
#[derive(Debug)]
pub(super) struct Gone;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// Serves one connection to its end.
pub(super) async fn run(service: &Arc<Service>, stream: Transport, address: SocketAddr) {
    // Without it, answers wait for the client's delayed acknowledgements; it may be missing.
    let _ = stream.set_nodelay(true);
    let mut wire = Wire::new(stream);
    // Held to the end of the connection.
    let listed = service.roster().enter(address, now_ms());
    let limit = service.limits().timeout_max;
    let Ok(Ok(Some(first))) = timeout(limit, first_frame(service, &mut wire)).await else { return };
    let mut watch = service.watch_serving();
    let Some(serving) = *watch.borrow_and_update() else { return };
    tokio::select! {
        _ = watch.wait_for(|now| *now != Some(serving)) => {}
        _ = greet_and_talk(service, serving, &mut wire, &first, listed.entry()) => {}
    }
}

/// The first frame; `None` if the connection was about a four-letter word.
async fn first_frame(service: &Service, wire: &mut Wire) -> Result<Option<Bytes>, Gone> {
    while wire.input.len() < 4 {
        wire.receive_up_to(FIRST_MAX).await?;
    }
    let mut first = [0; 4];
    first.copy_from_slice(&wire.input[..4]);
    if let Some(word) = four_letter::parse(first) {
        wire.send(four_letter::answer(word, service).as_bytes()).await?;
        wire.finish().await?;
        return Ok(None);
    }
    loop {
        if let Some(frame) = wire.take(FIRST_MAX)? {
            return Ok(Some(frame));
        }
        wire.receive_up_to(FIRST_MAX).await?;
    }
}

async fn greet_and_talk(
    service: &Arc<Service>,
    serving: Serving,
    wire: &mut Wire,
    first: &Bytes,
    entry: Arc<Entry>,
) -> Result<(), Gone> {
    let mut greeting = BytesMut::new();
    let ids = Arc::from([auth::of_address(entry.address.ip())]);
    let session = match handshake::greet(service, serving, first, &ids).await {
        Greeting::Welcome(session) => session,
        Greeting::Expired { knows_read_only } => {
            let response = handshake::expired(knows_read_only);
            frame::put(&mut greeting, |out| response.encode(out));
            wire.send(&greeting).await?;
            return wire.finish().await;
        }
        Greeting::Refused => return Err(Gone),
    };
    // Held to the end of the connection.
    let (place, kicked) = service.sessions.enter(session.id, session.timeout_ms).await;
    entry.welcome(session.id, session.timeout_ms);
    frame::put(&mut greeting, |out| handshake::welcome(session).encode(out));
    let limit = Duration::from_millis(u64::try_from(session.timeout_ms).unwrap_or(0));
    let watching = service.watches().join(session.id, Arc::clone(&ids));
    let answers =
        Answers { service, serving, output: greeting, watching, last_zxid: 0, seen_zxid: 0 };
    let reader = reads::Session { id: session.id, ids };
    let mut pipeline = Pipeline::new(answers, reader, entry);
    tokio::select! {
        _ = kicked => Err(Gone),
        talked = talk(wire, &mut pipeline, &place, limit) => talked,
    }
}

/// Reads requests and writes answers until the connection ends. A client that sends nothing for
/// `limit`, or does not read its answers for that time, is taken for gone.
async fn talk(
    wire: &mut Wire,
    pipeline: &mut Pipeline<'_>,
    place: &Place,
    limit: Duration,
) -> Result<(), Gone> {
    let budget = pipeline.service().limits().budget();
    let mut arrival = Arrival::default();
    let mut wish = Wish::default();
    let mut gathering = Gathering::default();
    let mut silent_until = Instant::now() + limit;
    // It is set again when it runs out, and not with everything that comes.
    let mut silence = pin!(sleep_until(silent_until));
    loop {
        pipeline.begin();
        let came = take_up(wire, pipeline, &mut wish).await?;
        if came > 0 {
            arrival = Arrival::default();
            place.hear();
        }
        pipeline.advance().await?;
        pipeline.tell();
        if came > 0 {
            silent_until = Instant::now() + limit;
        }
        if gathering.waits(came, pipeline) {
            let reads = pipeline.takes_more() && !wish.is_asking() && wire.wanted() <= SMALL_MAX;
            gather(wire, pipeline, reads).await?;
            continue;
        }
        if !pipeline.output().is_empty() {
            let written = wire.send(pipeline.output());
            timeout(limit, written).await.map_err(|_| Gone)??;
            pipeline.output().clear();
            // The loop may have stopped because the output was full: there may be more whole frames.
            continue;
        }
        if pipeline.is_finished() {
            return wire.finish().await;
        }
        let takes_more = pipeline.takes_more() && !wish.is_asking();
        let reads = takes_more && arrival.has_room(budget, wire.wanted());
        let late = arrival.until;
        tokio::select! {
            happened = pipeline.happened() => pipeline.take(happened?)?,
            received = wire.receive(), if reads => received?,
            () = wish.granted(), if wish.is_asking() => {}
            () = arrival.wish.granted(), if takes_more && !reads => {
                // The client was not silent: this server did not read.
                silent_until = Instant::now() + limit;
            }
            () = &mut silence, if reads => {
                if Instant::now() >= silent_until {
                    return Err(Gone);
                }
                silence.as_mut().reset(silent_until);
            }
            () = reached(late), if reads => {
                if budget.is_short() {
                    return Err(Gone);
                }
                arrival.until = None;
            }
        }
    }
}

/// Takes the requests that have come whole, as many as there is room for; how many.
async fn take_up(
    wire: &mut Wire,
    pipeline: &mut Pipeline<'_>,
    wish: &mut Wish,
) -> Result<usize, Gone> {
    let budget = pipeline.service().limits().budget();
    let (mut came, mut looks) = (0, pipeline.is_empty());
    while pipeline.takes_more() && pipeline.output().len() < WRITE_AT {
        if !wire.has_frame(MAX_BUFFER)? {
            break;
        }
        // Those that nothing is before are answered before anything else is read.
        looks = looks && wish.is_idle() && wire.has_look();
        let room =
            if looks { Some(Room::UNNEEDED) } else { wish.unanswered(budget, wire.wanted()) };
        let Some(room) = room else { break };
        let Some(frame) = wire.take(MAX_BUFFER)? else { break };
        let request = Request::decode(&frame, room).map_err(|_| Gone)?;
        pipeline.take_up(request).await?;
        came += 1;
    }
    Ok(came)
}

/// Lets others have their turn, and takes in what has come meanwhile.
async fn gather(wire: &mut Wire, pipeline: &mut Pipeline<'_>, reads: bool) -> Result<(), Gone> {
    tokio::task::yield_now().await;
    tokio::select! {
        biased;
        // If this is the end of the connection, it is found again when the answers have been sent.
        _ = wire.receive(), if reads => Ok(()),
        happened = pipeline.happened() => pipeline.take(happened?),
        () = std::future::ready(()) => Ok(()),
    }
}

/// Answers to a client that has many requests under way are sent together: each write to a socket
/// costs more than several answers. They wait for the others that are ready to run, and for no time;
/// again, if there are more answers after that.
#[derive(Default)]
struct Gathering {
    /// For so many times more the client is taken for one that has.
    turns: u8,
    /// How often the answers have waited.
    waited: u8,
    /// How many bytes they had when they last did.
    length: usize,
}

impl Gathering {
    /// Answers of so many bytes are enough.
    const ENOUGH: usize = 16 * 1024;

    /// A client that has once asked for two things at once may soon do so again.
    const TURNS: u8 = 16;

    /// Answers wait no more often than this.
    const WAITS_MAX: u8 = 8;

    /// Whether the answers, if there are any, wait; so many requests have just come.
    fn waits(&mut self, came: usize, pipeline: &mut Pipeline<'_>) -> bool {
        if came > 1 || !pipeline.is_empty() {
            self.turns = Self::TURNS;
        }
        let length = pipeline.output().len();
        let may_wait = self.turns > 0 && self.waited < Self::WAITS_MAX && length < Self::ENOUGH;
        let waits = may_wait && length > self.length;
        if waits && self.waited == 0 {
            self.turns -= 1;
        }
        (self.waited, self.length) = if waits { (self.waited + 1, length) } else { (0, 0) };
        waits
    }
}

/// The room of a frame that is not small, while it arrives.
#[derive(Default)]
struct Arrival {
    wish: Wish,
    room: Option<Room>,
    /// When it should be there.
    until: Option<Instant>,
}

impl Arrival {
    /// Whether a frame of this length may be read on; otherwise the wish is to be waited for.
    fn has_room(&mut self, budget: &Budget, length: usize) -> bool {
        if length <= SMALL_MAX || self.room.is_some() {
            return true;
        }
        self.room = self.wish.arriving(budget, length);
        self.until = self.room.is_some().then(|| Instant::now() + ARRIVAL);
        self.room.is_some()
    }
}

/// Waits for a time, for ever if there is none.
async fn reached(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
