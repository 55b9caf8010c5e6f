//! One direction of a connection: written down, searched for packets that are waited for, delivered.

use std::sync::Arc;

use bytes::Bytes;
use zab_capture::raw::{Event, Link as RawLink};
use zab_capture::{Message, Stream};
use zab_trace::ServerId;

use crate::relay::Link;
use crate::relay::tap::{Controls, Flow, Order, Passage, Told};

use super::watch::{Passing, Reaction, Who};
use super::{Recorder, Sides, id, lock, raw_port, side};

/// What one end of a connection sends.
pub(super) struct Direction {
    recorder: Arc<Recorder>,
    sides: Arc<Sides>,
    connection: u64,
    link: Link,
    by_dialler: bool,
    stream: Stream,
    has_ended: bool,
}

impl Direction {
    pub(super) fn new(
        recorder: Arc<Recorder>,
        sides: Arc<Sides>,
        connection: u64,
        link: Link,
        by_dialler: bool,
    ) -> Self {
        let stream = Stream::new(raw_port(link.port), by_dialler);
        Self { recorder, sides, connection, link, by_dialler, stream, has_ended: false }
    }

    fn ends(&self) -> (ServerId, ServerId) {
        let Link { from, to, .. } = self.link;
        if self.by_dialler { (from, to) } else { (to, from) }
    }

    /// What is to be done at a message, if it is waited for.
    fn reaction(
        &self,
        message: &Message,
    ) -> Option<(Reaction, tokio::sync::watch::Receiver<bool>)> {
        let (from, to) = self.ends();
        let (connection, port) = (self.connection, self.link.port);
        let passing = Passing { connection, port, from, to, message };
        let mut watches = lock(&self.recorder.watches);
        let found = watches.iter().position(|watch| (watch.matches)(&passing))?;
        let watch = watches.remove(found);
        watch.saw(&passing);
        Some((watch.reaction, watch.released))
    }

    fn kill(&self, who: Who, message: &Message) -> impl FnOnce() + Send + 'static {
        let (from, to) = self.ends();
        let victim = if who == Who::Sender { from } else { to };
        let is_own_ack = who == Who::Sender && message.name().starts_with("ACK");
        let recorder = Arc::clone(&self.recorder);
        move || recorder.kill(victim, is_own_ack)
    }
}

impl Passage for Direction {
    fn read(&mut self, bytes: Bytes) -> Vec<Order> {
        let side = side(self.connection, self.link, self.by_dialler);
        self.recorder.file.write(Event::Data { side, bytes: bytes.to_vec() });
        self.stream.push(&bytes);
        let (mut orders, mut start, mut delivered) = (Vec::new(), 0, 0);
        // What is no message is delivered like everything else.
        while let Ok(Some(message)) = self.stream.take() {
            let end = bytes.len().saturating_sub(self.stream.waiting());
            match self.reaction(&message) {
                None | Some((Reaction::Tell, _)) => {}
                Some((Reaction::KillBefore(who), _)) => self.kill(who, &message)(),
                Some((Reaction::KillAfter(who), _)) => {
                    orders.push(Order::Deliver(bytes.slice(delivered..end)));
                    orders.push(Order::Act(Box::new(self.kill(who, &message))));
                    delivered = end;
                }
                Some((Reaction::Hold, released)) => {
                    orders.push(Order::Deliver(bytes.slice(delivered..start)));
                    orders.push(Order::Wait(released));
                    delivered = start;
                }
            }
            start = end;
        }
        orders.push(Order::Deliver(bytes.slice(delivered..)));
        orders.retain(|order| !matches!(order, Order::Deliver(bytes) if bytes.is_empty()));
        orders
    }

    fn ended(&mut self, why: &str) {
        if !std::mem::replace(&mut self.has_ended, true) {
            let side = side(self.connection, self.link, self.by_dialler);
            self.recorder.file.write(Event::Eof { side, why: Some(why.to_owned()) });
        }
    }

    fn controls(&self) -> Controls {
        let (from, to) = self.ends();
        let flow = self.recorder.flows.get(&(from, to, self.link.port));
        let (dialler, acceptor) = (&self.sides.dialler_is_off, &self.sides.acceptor_is_off);
        let (sender, receiver) =
            if self.by_dialler { (dialler, acceptor) } else { (acceptor, dialler) };
        Controls {
            flow: flow.map_or_else(
                || tokio::sync::watch::Sender::new(Flow::Pass).subscribe(),
                tokio::sync::watch::Sender::subscribe,
            ),
            sender_is_off: sender.subscribe(),
            receiver_is_off: receiver.subscribe(),
            told: Box::new(Late {
                recorder: Arc::clone(&self.recorder),
                link: RawLink { port: raw_port(self.link.port), from: id(from), to: id(to) },
            }),
        }
    }
}

/// Tells of what is delivered late or never.
struct Late {
    recorder: Arc<Recorder>,
    link: RawLink,
}

impl Told for Late {
    fn late(&self, bytes: usize) {
        let (link, bytes) = (self.link.clone(), bytes as u64);
        self.recorder.file.write(Event::DeliveredLate { link, bytes });
    }

    fn dropped(&self, bytes: usize) {
        let (link, bytes) = (self.link.clone(), bytes as u64);
        self.recorder.file.write(Event::Dropped { link, bytes });
    }
}
