//! A server's end of the link to another election port, as `QuorumCnxManager` has it: one message
//! waits at most, a newer one replaces it, and a new connection repeats the last one.

use zab_core::ConnectionId;

/// What one server keeps for sending notifications to one other.
#[derive(Debug)]
pub(crate) struct ElectionLink<M> {
    connection: Option<ConnectionId>,
    waiting: Option<M>,
    last: Option<M>,
    writing: bool,
}

impl<M: Clone> ElectionLink<M> {
    /// No connection, nothing said yet.
    pub(crate) fn new() -> Self {
        Self { connection: None, waiting: None, last: None, writing: false }
    }

    /// The connection in use.
    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }

    /// Wants `message` sent; true if the caller has to schedule a write.
    pub(crate) fn offer(&mut self, message: M) -> bool {
        self.waiting = Some(message);
        self.wants_write()
    }

    /// Uses a new connection, and repeats the last message if none waits; true if the caller has
    /// to schedule a write.
    pub(crate) fn attach(&mut self, connection: ConnectionId) -> bool {
        self.connection = Some(connection);
        if self.waiting.is_none() {
            self.waiting.clone_from(&self.last);
        }
        self.wants_write()
    }

    /// Forgets `connection` if it is the one in use.
    pub(crate) fn detach(&mut self, connection: ConnectionId) {
        if self.connection == Some(connection) {
            self.connection = None;
        }
    }

    /// Takes what is to be written now, with its connection. Without a connection the message
    /// keeps waiting.
    pub(crate) fn write(&mut self) -> Option<(ConnectionId, M)> {
        self.writing = false;
        let connection = self.connection?;
        let message = self.waiting.take()?;
        self.last = Some(message.clone());
        Some((connection, message))
    }

    fn wants_write(&mut self) -> bool {
        let wants = self.connection.is_some() && self.waiting.is_some() && !self.writing;
        self.writing |= wants;
        wants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_message_replaces_the_one_that_waits() {
        let mut link = ElectionLink::new();
        assert!(!link.offer(1));
        assert!(link.attach(ConnectionId(7)));
        assert!(!link.offer(2));
        assert_eq!(link.write(), Some((ConnectionId(7), 2)));
        assert_eq!(link.write(), None);
    }

    #[test]
    fn a_new_connection_repeats_the_last_message() {
        let mut link = ElectionLink::new();
        link.attach(ConnectionId(7));
        link.offer(1);
        link.write();
        link.detach(ConnectionId(7));
        assert!(link.attach(ConnectionId(8)));
        assert_eq!(link.write(), Some((ConnectionId(8), 1)));
    }
}
