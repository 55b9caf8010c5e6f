//! The network between servers: quorum connections and election channels.
//!
//! A quorum connection joins a learner to its leader. It is FIFO each way, and each end knows on
//! its own whether it is up. A learner has at most one connection, but the leader of an older one
//! may not have noticed its end yet, so the two directions are kept apart: one queue per learner
//! for what comes down to it, one per (learner, leader) pair for what goes up.
//!
//! *Loss is lazy.* Once either end is closed, or the link is cut, nothing new enters the
//! connection; what is in flight may still be received, in order, until the receiving end notices.
//! So any suffix can be lost, without a choice at the moment of the cut.
//!
//! Election channels hold at most [`NOTES_MAX`] notifications per ordered pair of servers; a newer
//! one then replaces the one queued last, as `QuorumCnxManager`'s send slot does. That capacity is
//! a bound of the exploration. What a server had sent before a crash can be received until it
//! starts again, and what was sent to it is lost at its crash.

use zerocopy::{Immutable, IntoBytes};

use super::packet::{Note, Packet};
use super::state::SERVERS_MAX;
use crate::shape::{Few, Queue};

/// Places for packets to a learner: header, NEWLEADER, UPTODATE, LEADERINFO, and a PROPOSAL and a
/// COMMIT for each of at most three transactions.
pub const DOWN_MAX: usize = 10;

/// Places for packets to a leader: ACKEPOCH, ACK-LD twice, and an ACK for each of at most three
/// transactions.
pub const UP_MAX: usize = 6;

/// Places in an election channel.
pub const NOTES_MAX: usize = 2;

/// What one end of a connection knows, and whether that is still so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, IntoBytes, Immutable)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, IntoBytes, Immutable)]
#[repr(C)]
pub struct Down {
    /// The learner's end.
    pub end: End,
    /// Index of the server at the other end; 0 while closed.
    pub leader: u8,
    /// Packets from the leader.
    pub queue: Few<Packet, DOWN_MAX>,
}

/// A leader's end of a learner's connection, and what is on its way to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, IntoBytes, Immutable)]
#[repr(C)]
pub struct Up {
    /// The leader's end.
    pub end: End,
    /// Packets from the learner.
    pub queue: Few<Packet, UP_MAX>,
    /// A newer connection of the learner, whose FOLLOWERINFO the leader has not received.
    pub newer: End,
    /// That FOLLOWERINFO; the default while `newer` is closed.
    pub hello: Packet,
}

/// All channels of the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, IntoBytes, Immutable)]
#[repr(C)]
pub struct Links {
    /// By learner.
    pub down: [Down; SERVERS_MAX],
    /// By learner, then leader; nothing on the diagonal.
    pub up: [[Up; SERVERS_MAX]; SERVERS_MAX],
    /// By sender, then receiver; nothing on the diagonal.
    pub notes: [[Few<Note, NOTES_MAX>; SERVERS_MAX]; SERVERS_MAX],
}

impl Links {
    /// A connection from `learner` to `leader` comes up; FOLLOWERINFO is the first packet on it.
    ///
    /// A packet of an older connection that the leader has not even accepted is lost.
    pub fn connect(&mut self, learner: usize, leader: usize, hello: Packet) {
        let (number, up) = (index_byte(leader), &mut self.up[learner][leader]);
        self.down[learner] = Down { end: End::Open, leader: number, queue: Few::default() };
        up.newer = End::Open;
        up.hello = hello;
        up.end.sever();
    }

    /// A packet from a learner to its leader. `false` when the queue is too small.
    #[must_use]
    pub fn send_up(&mut self, learner: usize, leader: usize, packet: Packet) -> bool {
        let up = &mut self.up[learner][leader];
        // Only the newest connection carries packets, and only once the leader has accepted it;
        // before that a learner waits for LEADERINFO.
        let carries = self.down[learner].end == End::Open && up.end == End::Open;
        !carries || up.queue.push(packet)
    }

    /// A packet from a leader to a learner that is connected. `false` when the queue is too small.
    #[must_use]
    pub fn send_down(&mut self, leader: usize, learner: usize, packet: Packet) -> bool {
        let carries = self.up[learner][leader].end == End::Open;
        !carries || self.down[learner].queue.push(packet)
    }

    /// The leader receives FOLLOWERINFO on the newer connection, which ends the older one.
    pub fn accept(&mut self, learner: usize, leader: usize) -> Packet {
        let up = &mut self.up[learner][leader];
        let hello = up.hello;
        *up = Up { end: up.newer, ..Up::default() };
        hello
    }

    /// The learner closes its end, or is gone.
    pub fn learner_closes(&mut self, learner: usize) {
        if self.down[learner].end != End::Closed {
            self.cut(learner);
            self.down[learner] = Down::default();
        }
    }

    /// The leader closes its end of the accepted connection. What is in flight down stays.
    pub fn leader_closes(&mut self, leader: usize, learner: usize) {
        let up = &mut self.up[learner][leader];
        up.queue = Few::default();
        // With a newer connection the learner's end belongs to that one.
        if up.end == End::Open && up.newer == End::Closed {
            self.down[learner].end.sever();
        }
        up.end = End::Closed;
    }

    /// A server stops to lead, or is gone: its listener and all its connections close.
    pub fn listener_closes(&mut self, leader: usize) {
        for learner in 0..SERVERS_MAX {
            self.leader_closes(leader, learner);
            if self.up[learner][leader].newer == End::Open {
                self.down[learner].end.sever();
            }
            self.up[learner][leader] = Up::default();
        }
    }

    /// The learner's connection carries nothing from here on; neither end has noticed.
    pub fn cut(&mut self, learner: usize) {
        let down = &mut self.down[learner];
        if down.end == End::Open {
            down.end = End::Severed;
            let up = &mut self.up[learner][usize::from(down.leader)];
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
        for sender in &mut self.notes {
            sender[server] = Few::default();
        }
    }

    /// What was in flight from a server's earlier process is lost when it starts again.
    pub fn start(&mut self, server: usize) {
        for queue in &mut self.notes[server] {
            *queue = Few::default();
        }
    }
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
