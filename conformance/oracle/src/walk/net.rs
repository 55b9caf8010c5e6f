//! Connections between the servers of a random run.

use std::collections::VecDeque;

use zab_trace::ConnectionName;

use zab_check::convert::ModelMessage;

/// One connection of either port.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) name: ConnectionName,
    /// Rows of the dialler and the acceptor.
    pub(super) ends: [usize; 2],
    /// Whether this end still holds it.
    pub(super) up: [bool; 2],
    /// Whether this end has shown that it has it.
    pub(super) shown: [bool; 2],
    pub(super) election: bool,
    /// What is on its way to each end.
    pub(super) queue: [VecDeque<(u64, ModelMessage)>; 2],
    /// How many messages each end has sent.
    pub(super) sent: [u64; 2],
}

impl Link {
    /// Which end a server is, if it is one.
    pub(super) fn end(&self, row: usize) -> Option<usize> {
        self.ends.iter().position(|end| *end == row)
    }

    /// Puts a message on its way from this end; returns its ordinal.
    pub(super) fn send(&mut self, end: usize, model_message: ModelMessage) -> u64 {
        let ordinal = self.sent[end];
        self.sent[end] += 1;
        if self.up[1 - end] {
            self.queue[1 - end].push_back((ordinal, model_message));
        }
        ordinal
    }

    /// This end has nothing to do with the connection any more.
    pub(super) fn drop_end(&mut self, end: usize) {
        self.up[end] = false;
        self.queue[end].clear();
    }
}

/// All connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Net {
    pub(super) links: Vec<Link>,
}

impl Net {
    /// The name of a connection between two servers that has ended at both ends.
    pub(super) fn free_name(
        &self,
        ends: [usize; 2],
        election: bool,
        is_held: impl Fn(usize) -> bool,
    ) -> Option<ConnectionName> {
        let in_use = |name: &ConnectionName| {
            let links = self.links.iter().enumerate();
            links
                .filter(|(_, link)| link.name == *name)
                .any(|(index, link)| link.up != [false; 2] || is_held(index))
        };
        let alike = self.links.iter().filter(|link| link.ends == ends && link.election == election);
        alike.map(|link| &link.name).find(|name| !in_use(name)).cloned()
    }

    /// A new connection, of this name if one is given.
    pub(super) fn open(
        &mut self,
        [dialler, acceptor]: [usize; 2],
        election: bool,
        name: Option<ConnectionName>,
    ) -> usize {
        let index = self.links.len();
        let port = if election { 3888 } else { 2888 };
        let name = name.unwrap_or_else(|| {
            ConnectionName::new(
                format_args!("10.0.0.{}:{}", dialler + 1, 40_000 + index),
                format_args!("10.0.0.{}:{port}", acceptor + 1),
            )
        });
        self.links.push(Link {
            name,
            ends: [dialler, acceptor],
            up: [true; 2],
            shown: [election; 2],
            election,
            queue: Default::default(),
            sent: [0; 2],
        });
        index
    }

    /// The election connection between two servers, if both ends hold one.
    pub(super) fn election(&self, a: usize, b: usize) -> Option<usize> {
        self.links.iter().position(|link| {
            link.election && link.up == [true; 2] && link.end(a).is_some() && link.end(b).is_some()
        })
    }

    /// A server's process ends: so do its ends of connections.
    pub(super) fn lose(&mut self, row: usize) {
        for link in &mut self.links {
            if let Some(end) = link.end(row) {
                link.drop_end(end);
                if link.election {
                    // The other end notices at once; what was on its way is lost.
                    link.drop_end(1 - end);
                }
            }
        }
    }
}
