//! The network between servers: quorum connections and election channels.
//!
//! A quorum connection joins a learner to its leader. It is FIFO each way, and each end knows on
//! its own whether it is up. A learner has at most one connection, but the leader of an older one
//! may not have noticed its end yet, so the two directions are kept apart: one queue per learner
//! for what comes down to it, one per (learner, leader) pair for what goes up.
//!
//! *Loss is decided late.* Once either end is closed, or the link is cut, nothing new enters the
//! connection. What is in flight may still be received, in order, until the receiving end notices.
//! So any suffix can be lost, and the cut itself needs no choice.
//!
//! Election channels hold at most [`NOTES_MAX`] notifications per ordered pair of servers; a newer
//! one then replaces the one queued last, as `QuorumCnxManager`'s send slot does. That capacity is
//! a bound of the exploration. What a server had sent before a crash can be received until it
//! starts again, and what was sent to it is lost at its crash.

use std::ops::{Index, IndexMut};

use zab_flat::flat;

use super::packet::{Note, Packet};
use super::sizes::{PAIRS, SERVERS};
use crate::shape::{Few, Queue};

/// Places for packets to a learner: header, NEWLEADER, UPTODATE, LEADERINFO, and a PROPOSAL and a
/// COMMIT for each of at most three transactions.
pub const DOWN_MAX: usize = 10;

/// Places for packets to a leader: ACKEPOCH, ACK-LD twice, and an ACK for each of at most three
/// transactions.
pub const UP_MAX: usize = 6;

/// Places in an election channel.
pub const NOTES_MAX: usize = 2;

/// The state of one end of a connection.
#[flat]
#[derive(Debug, Default)]
#[repr(u8)]
pub enum End {
    /// This end has no connection.
    #[default]
    Closed,
    /// The connection works.
    Open,
    /// The other end has closed, or the link is cut, and this end has not noticed.
    Severed,
}

impl End {
    fn sever(&mut self) {
        if *self == Self::Open {
            *self = Self::Severed;
        }
    }
}

/// The learner's end of its connection, and what is on its way to it.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Down {
    /// The learner's end.
    pub end: End,
    /// Index of the server at the other end; 0 while closed.
    pub leader: u8,
    /// Packets from the leader.
    pub queue: Few<Packet, DOWN_MAX>,
    /// How many of them, at the end, wait in the queue of the leader's handler and are not sent yet.
    pub held: u8,
}

impl Down {
    /// The packets that are sent, the next one first.
    #[must_use]
    pub fn sent(&self) -> &[Packet] {
        let all = self.queue.as_slice();
        &all[..all.len().saturating_sub(usize::from(self.held))]
    }

    /// The next packet, if it is sent.
    #[must_use]
    pub fn next(&self) -> Option<Packet> {
        self.sent().first().copied()
    }

    /// The handler ends, or the connection: what it has not sent is lost.
    fn drop_held(&mut self) {
        let sent = self.queue.as_slice().len() - usize::from(self.held);
        self.queue.cut(sent);
        self.held = 0;
    }
}

/// A leader's end of a learner's connection, and what is on its way to it.
#[flat]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Up {
    /// The leader's end.
    pub end: End,
    /// Packets from the learner.
    pub queue: Few<Packet, UP_MAX>,
    /// How many of them, at the front, came on the connection before this one, which the leader
    /// still serves (`zk.sync.fence`).
    pub older: u8,
    /// A newer connection of the learner, whose FOLLOWERINFO the leader has not received.
    pub newer: End,
    /// That FOLLOWERINFO; the default while `newer` is closed.
    pub hello: Packet,
}

impl Up {
    /// The next packet on the accepted connection, which is taken away.
    pub fn take(&mut self) -> Option<Packet> {
        self.take_at(usize::from(self.older))
    }

    /// The next packet on the connection before it, which is taken away.
    pub fn take_older(&mut self) -> Option<Packet> {
        self.older = self.older.checked_sub(1)?;
        self.take_at(0)
    }

    fn take_at(&mut self, place: usize) -> Option<Packet> {
        let packets = self.queue.as_mut_slice();
        let packet = packets.get(place).copied()?;
        packets[..=place].rotate_right(1);
        self.queue.pop();
        Some(packet)
    }

    /// Whether something can be read on the accepted connection.
    #[must_use]
    pub fn has_packet(&self) -> bool {
        self.queue.as_slice().len() > usize::from(self.older)
    }

    /// What is unread on the connection before the accepted one is lost.
    pub fn forget_older(&mut self) {
        while self.take_older().is_some() {}
    }
}

/// One value for each ordered pair of different servers, by their indices.
#[flat]
#[derive(Debug)]
#[repr(transparent)]
pub struct Pairs<T, const N: usize = SERVERS, const P: usize = PAIRS>([T; P]);

impl<T: Copy + Default, const N: usize, const P: usize> Default for Pairs<T, N, P> {
    fn default() -> Self {
        const { assert!(P == N * (N - 1), "a place for each ordered pair") };
        Self([T::default(); P])
    }
}

/// The place of a pair: each first server has a row with a place for every other server.
fn place<const N: usize>((from, to): (usize, usize)) -> usize {
    assert!(from != to, "a server has no channel to itself");
    from * (N - 1) + to - usize::from(to > from)
}

impl<T, const N: usize, const P: usize> Index<(usize, usize)> for Pairs<T, N, P> {
    type Output = T;

    fn index(&self, pair: (usize, usize)) -> &T {
        &self.0[place::<N>(pair)]
    }
}

impl<T, const N: usize, const P: usize> IndexMut<(usize, usize)> for Pairs<T, N, P> {
    fn index_mut(&mut self, pair: (usize, usize)) -> &mut T {
        &mut self.0[place::<N>(pair)]
    }
}

/// All channels of the system.
#[flat]
#[derive(Debug)]
#[repr(C)]
pub struct Links<const N: usize = SERVERS, const P: usize = PAIRS> {
    /// By learner.
    pub down: [Down; N],
    /// By learner and leader.
    pub up: Pairs<Up, N, P>,
    /// By sender and receiver.
    pub notes: Pairs<Few<Note, NOTES_MAX>, N, P>,
}

impl<const N: usize, const P: usize> Default for Links<N, P> {
    fn default() -> Self {
        Self { down: [Down::default(); N], up: Pairs::default(), notes: Pairs::default() }
    }
}

impl<const N: usize, const P: usize> Links<N, P> {
    /// A connection from `learner` to `leader` comes up; FOLLOWERINFO is the first packet on it.
    ///
    /// The FOLLOWERINFO of an older connection that the leader has not accepted yet is lost.
    pub fn connect(&mut self, learner: usize, leader: usize, hello: Packet) {
        let (number, up) = (index_byte(leader), &mut self.up[(learner, leader)]);
        self.down[learner] = Down { end: End::Open, leader: number, ..Down::default() };
        up.newer = End::Open;
        up.hello = hello;
        up.end.sever();
    }

    /// A packet from a learner to its leader. `false` when the queue is too small.
    #[must_use]
    pub fn send_up(&mut self, learner: usize, leader: usize, packet: Packet) -> bool {
        let up = &mut self.up[(learner, leader)];
        // Only the newest connection carries packets, and only once the leader has accepted it;
        // before that a learner waits for LEADERINFO.
        let carries = self.down[learner].end == End::Open && up.end == End::Open;
        !carries || up.queue.push(packet)
    }

    /// A packet from a leader to a learner that is connected, before all that its handler has
    /// queued. `false` when the queue is too small.
    #[must_use]
    pub fn send_down(&mut self, leader: usize, learner: usize, packet: Packet) -> bool {
        let carries = self.up[(learner, leader)].end == End::Open;
        if !carries {
            return true;
        }
        let down = &mut self.down[learner];
        let fits = down.queue.push(packet);
        let behind = usize::from(down.held) + usize::from(fits);
        let packets = down.queue.as_mut_slice();
        let first = packets.len() - behind;
        packets[first..].rotate_right(usize::from(fits));
        fits
    }

    /// A leader's handler queues a packet for its learner. `false` when the queue is too small.
    #[must_use]
    pub fn hold_down(&mut self, leader: usize, learner: usize, packet: Packet) -> bool {
        let carries = self.up[(learner, leader)].end == End::Open;
        if !carries {
            return true;
        }
        let down = &mut self.down[learner];
        let fits = down.queue.push(packet);
        down.held += u8::from(fits);
        fits
    }

    /// A leader's handler starts to send what it has queued.
    pub fn start_sending(&mut self, leader: usize, learner: usize) {
        if self.up[(learner, leader)].end == End::Open {
            self.down[learner].held = 0;
        }
    }

    /// The leader receives FOLLOWERINFO on the newer connection. What is unread on the older one
    /// stays, and is lost on one before that.
    pub fn accept(&mut self, learner: usize, leader: usize) -> Packet {
        let up = &mut self.up[(learner, leader)];
        up.forget_older();
        let Up { newer, hello, queue, .. } = *up;
        let older = index_byte(queue.as_slice().len());
        *up = Up { end: newer, queue, older, ..Up::default() };
        hello
    }

    /// The learner closes its end, or its process ends.
    pub fn learner_closes(&mut self, learner: usize) {
        if self.down[learner].end != End::Closed {
            self.cut(learner);
            self.down[learner] = Down::default();
        }
    }

    /// The leader closes its end of the accepted connection. What is in flight down stays.
    pub fn leader_closes(&mut self, leader: usize, learner: usize) {
        let up = &mut self.up[(learner, leader)];
        up.queue.cut(usize::from(up.older));
        // With a newer connection the learner's end belongs to that one.
        if up.end == End::Open && up.newer == End::Closed {
            self.down[learner].end.sever();
            self.down[learner].drop_held();
        }
        up.end = End::Closed;
    }

    /// A server stops leading, or its process ends: its listener and all its connections close.
    pub fn listener_closes(&mut self, leader: usize) {
        for learner in others::<N>(leader) {
            self.leader_closes(leader, learner);
            if self.up[(learner, leader)].newer == End::Open {
                self.down[learner].end.sever();
            }
            self.up[(learner, leader)] = Up::default();
        }
    }

    /// The learner's connection carries nothing from here on; neither end has noticed.
    pub fn cut(&mut self, learner: usize) {
        let down = &mut self.down[learner];
        if down.end == End::Open {
            down.end = End::Severed;
            down.drop_held();
            let up = &mut self.up[(learner, usize::from(down.leader))];
            match up.newer {
                End::Closed => up.end.sever(),
                End::Open | End::Severed => up.newer.sever(),
            }
        }
    }

    /// Everything that ends with a server's process.
    pub fn crash(&mut self, server: usize) {
        self.learner_closes(server);
        self.listener_closes(server);
        for sender in others::<N>(server) {
            self.notes[(sender, server)] = Few::default();
        }
    }

    /// What was in flight from a server's earlier process is lost when it starts again.
    pub fn start(&mut self, server: usize) {
        for receiver in others::<N>(server) {
            self.notes[(server, receiver)] = Few::default();
        }
    }
}

/// The indices of all servers but one.
fn others<const N: usize>(server: usize) -> impl Iterator<Item = usize> {
    (0..N).filter(move |other| *other != server)
}

/// A server's index as the byte that is kept in states.
fn index_byte(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}

/// Queues a notification; when the channel is full it replaces the one queued last.
pub(super) fn queue_note(queue: &mut Few<Note, NOTES_MAX>, note: Note) {
    if !queue.push(note)
        && let Some(last) = queue.as_mut_slice().last_mut()
    {
        *last = note;
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Links, NOTES_MAX, Note, Packet, Up, queue_note};
    use crate::explore::sizes::SERVERS;
    use crate::message::{Message, Notification};
    use crate::shape::{Few, Queue};
    use crate::types::{Role, Vote};

    const LEARNER: usize = 0;
    const LEADER: usize = 2;

    fn packet(epoch: u8) -> Packet {
        Packet::encode::<SERVERS>(&Message::LeaderInfo { epoch }).unwrap_or_default()
    }

    /// A connection that both ends have.
    fn connected() -> Links {
        let mut links = Links::default();
        links.connect(LEARNER, LEADER, packet(1));
        assert_eq!(links.accept(LEARNER, LEADER), packet(1));
        links
    }

    fn on_the_way_down(links: &Links) -> &[Packet] {
        links.down[LEARNER].queue.as_slice()
    }

    #[test]
    fn what_is_in_flight_when_a_link_is_cut_can_still_arrive_and_nothing_else() {
        let mut links = connected();
        assert!(links.send_down(LEADER, LEARNER, packet(2)));
        assert!(links.send_up(LEARNER, LEADER, packet(3)));
        links.cut(LEARNER);
        assert!(links.send_down(LEADER, LEARNER, packet(4)));
        assert!(links.send_up(LEARNER, LEADER, packet(5)));
        assert_eq!(on_the_way_down(&links), [packet(2)]);
        assert_eq!(links.up[(LEARNER, LEADER)].queue.as_slice(), [packet(3)]);
        assert_eq!(links.down[LEARNER].end, End::Severed);
        assert_eq!(links.up[(LEARNER, LEADER)].end, End::Severed);
    }

    #[test]
    fn each_end_notices_on_its_own() {
        let mut links = connected();
        assert!(links.send_up(LEARNER, LEADER, packet(2)));
        links.learner_closes(LEARNER);
        assert_eq!(links.down[LEARNER].end, End::Closed);
        let up = &links.up[(LEARNER, LEADER)];
        assert_eq!((up.end, up.queue.as_slice()), (End::Severed, &[packet(2)][..]));
        links.leader_closes(LEADER, LEARNER);
        assert_eq!(links, Links::default(), "nothing is left of the connection");
    }

    #[test]
    fn a_new_connection_does_not_carry_for_the_old_one() {
        let mut links = connected();
        assert!(links.send_up(LEARNER, LEADER, packet(2)));
        links.learner_closes(LEARNER);
        links.connect(LEARNER, LEADER, packet(3));
        // The leader still has the old end: what it sends there reaches nobody.
        assert!(links.send_down(LEADER, LEARNER, packet(4)));
        assert!(on_the_way_down(&links).is_empty());
        // It notices that the old one has ended; the new one is not touched.
        links.leader_closes(LEADER, LEARNER);
        assert_eq!(links.down[LEARNER].end, End::Open);
        assert_eq!(links.accept(LEARNER, LEADER), packet(3));
        assert!(links.send_down(LEADER, LEARNER, packet(5)));
        assert_eq!(on_the_way_down(&links), [packet(5)]);
    }

    #[test]
    fn what_is_unread_on_the_old_connection_is_read_beside_the_new_one() {
        let mut links = connected();
        assert!(links.send_up(LEARNER, LEADER, packet(2)));
        links.learner_closes(LEARNER);
        links.connect(LEARNER, LEADER, packet(3));
        assert_eq!(links.accept(LEARNER, LEADER), packet(3));
        assert!(links.send_up(LEARNER, LEADER, packet(4)));
        let up = &mut links.up[(LEARNER, LEADER)];
        assert_eq!((up.end, up.queue.as_slice()), (End::Open, &[packet(2), packet(4)][..]));
        let mut fenced = *up;
        fenced.forget_older();
        assert_eq!((fenced.older, fenced.queue.as_slice()), (0, &[packet(4)][..]));
        assert_eq!(up.take(), Some(packet(4)));
        assert!(!up.has_packet());
        assert_eq!((up.take(), up.take_older(), up.take_older()), (None, Some(packet(2)), None));
        assert_eq!(*up, Up { end: End::Open, ..Up::default() });
    }

    #[test]
    fn a_leader_that_is_gone_severs_accepted_and_waiting_learners() {
        let mut links = connected();
        links.connect(1, LEADER, packet(2));
        links.listener_closes(LEADER);
        assert_eq!(links.down.map(|down| down.end), [End::Severed, End::Severed, End::Closed]);
        assert_eq!(links.up[(LEARNER, LEADER)].end, End::Closed);
        assert_eq!(links.up[(1, LEADER)].newer, End::Closed);
    }

    #[test]
    fn what_a_handler_queues_is_behind_what_it_sends_and_comes_when_it_starts() {
        let mut links = connected();
        assert!(links.hold_down(LEADER, LEARNER, packet(2)));
        assert!(links.hold_down(LEADER, LEARNER, packet(3)));
        assert_eq!(links.down[LEARNER].next(), None, "nothing is sent");
        assert!(links.send_down(LEADER, LEARNER, packet(1)));
        assert_eq!(on_the_way_down(&links), [packet(1), packet(2), packet(3)]);
        assert_eq!((links.down[LEARNER].next(), links.down[LEARNER].held), (Some(packet(1)), 2));
        links.down[LEARNER].queue.pop();
        assert_eq!(links.down[LEARNER].next(), None, "the rest is not sent");
        links.start_sending(LEADER, LEARNER);
        assert!(links.send_down(LEADER, LEARNER, packet(4)));
        assert_eq!(on_the_way_down(&links), [packet(2), packet(3), packet(4)]);
        assert_eq!(links.down[LEARNER].next(), Some(packet(2)));
    }

    #[test]
    fn what_a_handler_has_queued_is_lost_with_its_connection() {
        let mut held = connected();
        assert!(held.send_down(LEADER, LEARNER, packet(1)));
        assert!(held.hold_down(LEADER, LEARNER, packet(2)));
        let ends: [fn(&mut Links); 2] =
            [|links| links.cut(LEARNER), |links| links.leader_closes(LEADER, LEARNER)];
        for end in ends {
            let mut links = held;
            end(&mut links);
            links.start_sending(LEADER, LEARNER);
            assert_eq!(on_the_way_down(&links), [packet(1)]);
            assert_eq!(links.down[LEARNER].held, 0);
        }
    }

    #[test]
    fn a_newer_notification_takes_the_place_of_the_last_one_in_a_full_channel() {
        let note = |round| {
            let note = Notification { role: Role::Looking, vote: Vote::default(), round };
            Note::encode(note).unwrap_or_default()
        };
        let mut queue = Few::<Note, NOTES_MAX>::default();
        for round in 1..=3 {
            queue_note(&mut queue, note(round));
        }
        assert_eq!(queue.as_slice(), [note(1), note(3)]);
    }
}
