//! Why a merge cannot go on: what is missing, or which lines wait for each other in a circle.

use std::collections::{HashMap, HashSet};

use zab_trace::{Chain, EventKind, Packet, ServerId};

use super::{ChainKey, Merge, Next};
use crate::{
    input::{At, Item, RECORDER},
    links::{LineId, Links},
};

/// Why no line is ready although lines are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stall {
    /// A line needs something that is nowhere in the trace.
    Missing {
        /// The line that waits.
        at: At,
        /// What for.
        missing: Missing,
    },
    /// Lines wait for each other in a circle: each would have to come before itself. A message
    /// was received before it was sent.
    Circle {
        /// The line of the circle that names the received message.
        item: Box<Item>,
        /// Where the message is sent: later than it is received.
        sent: At,
    },
    /// A number of a chain is used twice.
    Repeated {
        /// The second line.
        at: At,
    },
    /// Too many lines had to be put aside.
    Budget {
        /// How many.
        lines: usize,
    },
}

/// What is not in the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A line of the same chain, or one that `after` names.
    Line {
        /// Whose.
        server: ServerId,
        /// Of which life.
        incarnation: u32,
        /// Of which chain.
        chain: Chain,
        /// Its number.
        seq: u64,
    },
    /// The `Sent` line of a received message.
    Sent {
        /// The line that receives it.
        item: Box<Item>,
        /// The message.
        packet: Packet,
    },
    /// The `Stop` or `Killed` line of the incarnation before.
    End {
        /// Whose.
        server: ServerId,
        /// Of which life.
        incarnation: u32,
    },
}

/// What a blocked line waits for.
enum Cause {
    /// Another chain, in which the awaited line is put aside.
    Chain(ChainKey),
    /// Something that is not there.
    Missing(Missing),
}

impl Merge<'_> {
    /// Explains why nothing is ready. All files have been read to their end.
    pub(super) fn stalled<C>(&self, links: &Links<C>) -> Next {
        let sends = self.sends_aside(links);
        let mut first: Option<(At, Missing)> = None;
        for key in &self.waiting {
            let mut path = Vec::new();
            let mut seen = HashSet::new();
            let mut here = key.clone();
            loop {
                if !seen.insert(here.clone()) {
                    if let Some(stall) = self.circle(&here, &path, &sends, links) {
                        return Next::Stalled(stall);
                    }
                    break;
                }
                path.push(here.clone());
                let Some((at, cause)) = self.cause(&here, &sends, links) else { break };
                match cause {
                    Cause::Chain(next) => here = next,
                    Cause::Missing(missing) => {
                        if first.as_ref().is_none_or(|(other, _)| at < *other) {
                            first = Some((at, missing));
                        }
                        break;
                    }
                }
            }
        }
        Next::Stalled(match first {
            Some((at, missing)) => Stall::Missing { at, missing },
            None => Stall::Budget { lines: self.aside },
        })
    }

    /// Where the sends are that were put aside.
    fn sends_aside<C>(&self, links: &Links<C>) -> HashMap<SendKey, (ChainKey, At)> {
        let mut sends = HashMap::new();
        for key in &self.waiting {
            for item in self.chains[key].aside.values() {
                if let EventKind::Sent(packet) = &item.event.kind {
                    let of = links.find(&packet.connection);
                    let name = of.map_or_else(|| Err(packet.connection.clone()), Ok);
                    sends.insert((name, item.event.server, packet.ordinal), (key.clone(), item.at));
                }
            }
        }
        sends
    }

    fn cause<C>(
        &self,
        key: &ChainKey,
        sends: &HashMap<SendKey, (ChainKey, At)>,
        links: &Links<C>,
    ) -> Option<(At, Cause)> {
        let progress = &self.chains[key];
        let (seq, item) = progress.aside.first_key_value()?;
        let at = item.at;
        let (server, incarnation, chain) = key.clone();
        if *seq != progress.next {
            let seq = progress.next;
            let missing = Missing::Line { server, incarnation, chain, seq };
            return Some((at, Cause::Missing(missing)));
        }
        for (chain, seq) in &item.event.after {
            let other = (server, incarnation, chain.clone());
            let next = self.chains.get(&other).map_or(0, |progress| progress.next);
            if next <= *seq {
                let chain = chain.clone();
                let missing = Missing::Line { server, incarnation, chain, seq: next };
                return Some((at, self.chain_or(other, missing)));
            }
        }
        if server != RECORDER
            && incarnation > self.life(server).incarnation
            && let Some(cause) = self.before_life(server, incarnation, chain.is_main())
        {
            return Some((at, cause));
        }
        let EventKind::Received(packet) = &item.event.kind else { return None };
        let name =
            links.find(&packet.connection).map_or_else(|| Err(packet.connection.clone()), Ok);
        let cause = match sends.get(&(name, packet.peer, packet.ordinal)) {
            Some((other, _)) => Cause::Chain(other.clone()),
            None => {
                let (item, packet) = (Box::new(item.clone()), packet.clone());
                Cause::Missing(Missing::Sent { item, packet })
            }
        };
        Some((at, cause))
    }

    /// What a chain of an incarnation that has not begun waits for; none if it can begin it.
    fn before_life(&self, server: ServerId, incarnation: u32, is_main: bool) -> Option<Cause> {
        let life = self.life(server);
        if life.incarnation + 1 == incarnation && (life.incarnation == 0 || life.ended) {
            if is_main {
                return None;
            }
            // It may begin, but only its main chain can begin it.
            let main = (server, incarnation, Chain::MAIN);
            let missing = Missing::Line { server, incarnation, chain: Chain::MAIN, seq: 0 };
            return Some(self.chain_or(main, missing));
        }
        let end = |(s, _, _): &&ChainKey| *s == server;
        let earlier = self.waiting.iter().filter(end).find(|(_, i, _)| *i < incarnation);
        Some(match earlier {
            Some(key) => Cause::Chain(key.clone()),
            None => Cause::Missing(Missing::End { server, incarnation: incarnation - 1 }),
        })
    }

    fn chain_or(&self, key: ChainKey, missing: Missing) -> Cause {
        if self.waiting.contains(&key) { Cause::Chain(key) } else { Cause::Missing(missing) }
    }

    /// The circle that ends at `here`, if a message is part of it.
    fn circle<C>(
        &self,
        here: &ChainKey,
        path: &[ChainKey],
        sends: &HashMap<SendKey, (ChainKey, At)>,
        links: &Links<C>,
    ) -> Option<Stall> {
        let begin = path.iter().position(|key| key == here)?;
        let received = path[begin..].iter().filter_map(|key| {
            let progress = &self.chains[key];
            let item = progress.aside.get(&progress.next)?;
            let EventKind::Received(packet) = &item.event.kind else { return None };
            let name =
                links.find(&packet.connection).map_or_else(|| Err(packet.connection.clone()), Ok);
            let (_, sent) = sends.get(&(name, packet.peer, packet.ordinal))?;
            Some((item, *sent))
        });
        let (item, sent) = received.min_by_key(|(item, _)| item.at)?;
        Some(Stall::Circle { item: Box::new(item.clone()), sent })
    }
}

/// A message's identity; a connection that was never used is known by its name only.
type SendKey = (Result<LineId, zab_trace::ConnectionName>, ServerId, u64);
