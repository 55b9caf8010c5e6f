//! Why a merge cannot go on: what is missing, or which lines wait for each other in a circle.

use std::collections::{BTreeSet, HashMap, HashSet};

use zab_trace::{Chain, EventKind, Packet, ServerId};

use super::{ChainKey, Merge, Next};
use crate::trace::input::{At, Line, RECORDER};
use crate::trace::links::{ChannelId, Links};

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
        line: Box<Line>,
        /// Where the message is sent: later than it is received.
        sent: At,
    },
    /// A number of a chain is used twice.
    Repeated {
        /// The second line.
        at: At,
    },
    /// Lines wait for each other in a circle without a message: what they name in `after` comes
    /// later.
    Knot {
        /// One of the lines.
        at: At,
    },
    /// Too many lines had to be put aside.
    Budget {
        /// How many.
        lines: usize,
        /// How many bytes were allowed.
        bytes_max: usize,
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
        line: Box<Line>,
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

/// All files have been read to their end, and nothing is ready.
struct Still<'m, 'a, C> {
    merge: &'m Merge<'a>,
    links: &'m Links<C>,
    /// Chains of which lines are put aside.
    waiting: BTreeSet<ChainKey>,
    /// Where the sends are that were put aside.
    sends: HashMap<SendKey, (ChainKey, At)>,
}

impl Merge<'_> {
    /// Explains why nothing is ready. All files have been read to their end.
    pub(super) fn stalled<C>(&self, links: &Links<C>) -> Next {
        let chains = self.chains.iter().filter(|(_, progress)| !progress.aside.is_empty());
        let mut first: Vec<(At, &ChainKey)> = chains
            .filter_map(|(key, progress)| {
                progress.aside.first_key_value().map(|(_, line)| (line.at, key))
            })
            .collect();
        first.sort_unstable_by_key(|(at, _)| *at);
        let waiting = first.iter().map(|(_, key)| (*key).clone()).collect();
        let mut still = Still { merge: self, links, waiting, sends: HashMap::new() };
        still.sends = still.sends_aside();
        let order = first.into_iter().map(|(_, key)| key);
        Next::Stalled(still.explain(order))
    }
}

impl<C> Still<'_, '_, C> {
    /// Follows what each chain waits for, to something that is missing or back to itself.
    fn explain<'k>(&self, order: impl Iterator<Item = &'k ChainKey>) -> Stall {
        let mut first: Option<(At, Missing)> = None;
        let mut knot: Option<At> = None;
        let mut seen: HashSet<ChainKey> = HashSet::new();
        for key in order {
            let mut path: Vec<ChainKey> = Vec::new();
            let mut here = key.clone();
            // What was seen on the way from an earlier chain leads where that led.
            let back = loop {
                if !seen.insert(here.clone()) {
                    break path.iter().position(|key| *key == here);
                }
                path.push(here.clone());
                let Some((at, cause)) = self.cause(&here) else { break None };
                match cause {
                    Cause::Chain(next) => here = next,
                    Cause::Missing(missing) => {
                        if first.as_ref().is_none_or(|(other, _)| at < *other) {
                            first = Some((at, missing));
                        }
                        break None;
                    }
                }
            };
            if let Some(begin) = back {
                if let Some(stall) = self.circle(&path[begin..]) {
                    return stall;
                }
                knot = knot.or_else(|| self.place(&here));
            }
        }
        match (first, knot) {
            (Some((at, missing)), _) => Stall::Missing { at, missing },
            (None, Some(at)) => Stall::Knot { at },
            (None, None) => self.merge.aside.budget(),
        }
    }

    fn place(&self, key: &ChainKey) -> Option<At> {
        self.merge.chains[key].aside.first_key_value().map(|(_, line)| line.at)
    }

    fn sends_aside(&self) -> HashMap<SendKey, (ChainKey, At)> {
        let mut sends = HashMap::new();
        for key in &self.waiting {
            for line in self.merge.chains[key].aside.values() {
                if let EventKind::Sent(packet) = &line.event.kind {
                    let of = self.links.find(packet);
                    let name = of.map_or_else(|| Err(packet.connection.clone()), Ok);
                    sends.insert((name, line.event.server, packet.ordinal), (key.clone(), line.at));
                }
            }
        }
        sends
    }

    fn cause(&self, key: &ChainKey) -> Option<(At, Cause)> {
        let progress = &self.merge.chains[key];
        let (seq, line) = progress.aside.first_key_value()?;
        let at = line.at;
        let (server, incarnation, chain) = key.clone();
        if *seq != progress.next {
            let seq = progress.next;
            let missing = Missing::Line { server, incarnation, chain, seq };
            return Some((at, Cause::Missing(missing)));
        }
        for (chain, seq) in &line.event.after {
            let other = (server, incarnation, chain.clone());
            let next = self.merge.done(&other);
            if next <= *seq {
                let chain = chain.clone();
                let missing = Missing::Line { server, incarnation, chain, seq: next };
                return Some((at, self.chain_or(other, missing)));
            }
        }
        if server != RECORDER
            && incarnation > self.merge.life(server).incarnation
            && let Some(cause) = self.before_life(server, incarnation, chain.is_main())
        {
            return Some((at, cause));
        }
        let EventKind::Received(packet) = &line.event.kind else { return None };
        let cause = match self.sends.get(&self.send_key(packet)) {
            Some((other, _)) => Cause::Chain(other.clone()),
            None => {
                let (line, packet) = (Box::new(line.clone()), packet.clone());
                Cause::Missing(Missing::Sent { line, packet })
            }
        };
        Some((at, cause))
    }

    fn send_key(&self, packet: &Packet) -> SendKey {
        let name = self.links.find(packet);
        let name = name.map_or_else(|| Err(packet.connection.clone()), Ok);
        (name, packet.peer, packet.ordinal)
    }

    /// What a chain of an incarnation that has not begun waits for; none if it can begin it.
    fn before_life(&self, server: ServerId, incarnation: u32, is_main: bool) -> Option<Cause> {
        let life = self.merge.life(server);
        if life.incarnation + 1 == incarnation && (life.incarnation == 0 || life.ended) {
            if is_main {
                return None;
            }
            // It may begin, but only its main chain can begin it.
            let main = (server, incarnation, Chain::MAIN);
            let missing = Missing::Line { server, incarnation, chain: Chain::MAIN, seq: 0 };
            return Some(self.chain_or(main, missing));
        }
        let earlier = (server, 0, Chain::MAIN)..(server, incarnation, Chain::MAIN);
        Some(match self.waiting.range(earlier).next() {
            Some(key) => Cause::Chain(key.clone()),
            None => Cause::Missing(Missing::End { server, incarnation: incarnation - 1 }),
        })
    }

    fn chain_or(&self, key: ChainKey, missing: Missing) -> Cause {
        if self.waiting.contains(&key) { Cause::Chain(key) } else { Cause::Missing(missing) }
    }

    /// These chains wait for each other in a circle: of a message, if one is part of it.
    fn circle(&self, chains: &[ChainKey]) -> Option<Stall> {
        let received = chains.iter().filter_map(|key| {
            let progress = &self.merge.chains[key];
            let line = progress.aside.get(&progress.next)?;
            let EventKind::Received(packet) = &line.event.kind else { return None };
            let (_, sent) = self.sends.get(&self.send_key(packet))?;
            Some((line, *sent))
        });
        let (line, sent) = received.min_by_key(|(line, _)| line.at)?;
        Some(Stall::Circle { line: Box::new(line.clone()), sent })
    }
}

/// A message's identity; a connection that was never used is known by its name only.
type SendKey = (Result<ChannelId, zab_trace::ConnectionName>, ServerId, u64);
