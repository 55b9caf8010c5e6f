//! Connections to a leader that name a server which is connected already.
//!
//! Such a server has connected again and this end has not noticed yet, or somebody else uses its
//! name. Only the older connection can tell: a follower that serves answers PINGs, and one that is
//! on its way answers what it is told. So the newcomer waits, unread, until the older connection
//! has ended or has been silent.

use std::collections::{BTreeMap, VecDeque};

use zab_core::{Input, ServerId};

use super::Driver;
use crate::error::ServerError;
use crate::link::Socket;

/// Most newcomers that wait in the name of one server; the oldest leaves for one more.
const WAITING_MAX: usize = 4;

/// For how many ticks the connection of a server that does not serve yet may be silent while a
/// newcomer waits. One that serves is closed by the core, after `syncLimit`.
const SILENT_MAX: u32 = 1;

/// The newcomers that wait, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    waiting: BTreeMap<ServerId, VecDeque<Socket>>,
}

impl Newcomers {
    /// A connection has come whose other end says that it is this server.
    pub(super) fn arrive(&mut self, server: ServerId, socket: Socket) {
        let waiting = self.waiting.entry(server).or_default();
        if waiting.len() == WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(socket);
    }

    /// The role is left: nobody needs to wait any more.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// One in the name of a server for whom this holds: the newest, because a server that has
    /// connected again has just done so, and others may have been waiting for long.
    fn next(&mut self, may_enter: impl Fn(ServerId) -> bool) -> Option<(ServerId, Socket)> {
        let (server, waiting) = self
            .waiting
            .iter_mut()
            .find(|(server, waiting)| !waiting.is_empty() && may_enter(**server))?;
        Some((*server, waiting.pop_back()?))
    }
}

impl Driver {
    /// Opens the connection of every newcomer that need not wait any more.
    pub(super) async fn admit_newcomers(&mut self) -> Result<(), ServerError> {
        loop {
            let (links, peer) = (&self.state.links, &self.peer);
            let holds_its_place = |server: ServerId| {
                links.iter().any(|(connection, learner)| {
                    learner.server == server
                        && (peer.has_acknowledged(*connection)
                            || learner.silent_ticks <= SILENT_MAX)
                })
            };
            let newcomer = self.state.newcomers.next(|server| !holds_its_place(server));
            let Some((server, socket)) = newcomer else { return Ok(()) };
            if let Some(connection) = self.open(socket, server) {
                self.step(Input::Accepted { connection }).await?;
            }
        }
    }
}
