//! What the lines of a server say of their own order, read beforehand.
//!
//! A line is a *meeting point* when every other line of its incarnation is before it or after it.
//! There the states of a server that is only partially ordered are known as well as those of one
//! that is totally ordered: all that is before has been taken, nothing that comes later can still
//! come before. Between two meeting points lies a segment, whose lines are truly unordered.
//!
//! Meeting points are found in two passes over one linear extension. Forwards, the maximal lines so
//! far are kept: a line removes those that it directly follows, and if it is then the only one, all
//! earlier lines are before it (a maximal line that is before it at all is directly before it, or it
//! would not be maximal). Backwards the same with the minimal lines. Both passes are linear in lines
//! and `after` entries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use zab_trace::{Chain, Event, ReadError, ServerId};

use crate::trace::input::{At, Inputs, Line, RECORDER, in_turn};

/// Why the order of a server with several chains is not known.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// A line is missing.
    Gap { server: ServerId, incarnation: u32, chain: Chain, seq: u64 },
    /// A number is used twice.
    RepeatedSeq,
    /// Lines wait for each other.
    Knot,
    /// An end does not come after all lines of its incarnation.
    Unvouched { server: ServerId, incarnation: u32, chain: Chain, seq: u64 },
}

/// The orders of all servers whose lines are in more than one chain.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    partial: BTreeSet<ServerId>,
    /// By life and chain: which lines are meeting points.
    meeting: HashMap<(ServerId, u32), HashMap<Chain, Vec<bool>>>,
    problem: Option<(At, Problem)>,
}

impl Orders {
    /// Reads the order of all lines of a trace.
    ///
    /// # Errors
    /// When the trace cannot be read to its end.
    pub(crate) fn scan<I: Inputs + ?Sized>(inputs: &I) -> Result<Self, ReadError> {
        let mut lives: BTreeMap<(ServerId, u32), Life> = BTreeMap::new();
        for line in in_turn(inputs.open()?) {
            let Line { at, event } = line?;
            if event.server != RECORDER {
                lives.entry((event.server, event.incarnation)).or_default().note(at, &event);
            }
        }
        let mut orders = Self::default();
        for ((server, _), life) in &lives {
            if life.chains.iter().any(|chain| is_foreign(&chain.name)) {
                orders.partial.insert(*server);
            }
        }
        for ((server, incarnation), life) in lives {
            if orders.partial.contains(&server) {
                orders.add(server, incarnation, &life);
            }
        }
        Ok(orders)
    }

    fn add(&mut self, server: ServerId, incarnation: u32, life: &Life) {
        if let Some((at, found)) = &life.broken {
            let chain = life.chains[found.0].name.clone();
            let (seq, repeated) =
                (life.chains[found.0].lines, found.1 < life.chains[found.0].lines);
            let gap = Problem::Gap { server, incarnation, chain, seq };
            self.blame(*at, if repeated { Problem::RepeatedSeq } else { gap });
            return;
        }
        let Some(sequence) = life.sequence() else {
            if let Some(at) = life.last {
                self.blame(at, Problem::Knot);
            }
            return;
        };
        let (mut meeting, last) = life.forwards(&sequence);
        life.backwards(&sequence, &mut meeting);
        if let Some((at, _)) = life.ends.first()
            && let Some((chain, seq)) = life.loose(&last)
        {
            self.blame(*at, Problem::Unvouched { server, incarnation, chain, seq });
        }
        let names = life.chains.iter().map(|chain| chain.name.clone());
        self.meeting.insert((server, incarnation), names.zip(meeting).collect());
    }

    fn blame(&mut self, at: At, problem: Problem) {
        if self.problem.as_ref().is_none_or(|(other, _)| at < *other) {
            self.problem = Some((at, problem));
        }
    }

    /// The servers whose lines are in more than one chain.
    pub(crate) fn partial(&self) -> &BTreeSet<ServerId> {
        &self.partial
    }

    /// Whether some server's lines are in more than one chain.
    pub(crate) fn any_partial(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Whether this server's lines are in more than one chain.
    pub(crate) fn is_partial(&self, server: ServerId) -> bool {
        self.partial.contains(&server)
    }

    /// Why the order of some server is not known, and the first line that says so.
    pub(crate) fn problem(&self) -> Option<&(At, Problem)> {
        self.problem.as_ref()
    }

    /// Whether every other line of the incarnation is before this one or after it.
    pub(crate) fn is_meeting_point(&self, event: &Event) -> bool {
        let life = self.meeting.get(&(event.server, event.incarnation));
        let chain = life.and_then(|life| life.get(&event.chain));
        let seq = usize::try_from(event.seq).ok();
        chain.and_then(|chain| chain.get(seq?)).is_some_and(|meets| *meets)
    }
}

/// Whether a chain is neither the main one nor the recorder's.
pub(crate) fn is_foreign(chain: &Chain) -> bool {
    !chain.is_main() && !chain.is_harness()
}

/// A line within a life: the index of its chain, and its number.
type Spot = (usize, u64);

/// One chain of a life.
#[derive(Debug)]
struct ChainLines {
    name: Chain,
    /// How many lines were read.
    lines: u64,
    /// What the lines name in `after`, by number; nothing for lines that name nothing.
    after: HashMap<u64, Vec<Spot>>,
}

/// One incarnation of a server.
#[derive(Debug, Default)]
struct Life {
    chains: Vec<ChainLines>,
    index: HashMap<Chain, usize>,
    ends: Vec<(At, Spot)>,
    /// The first line whose number is not the next of its chain.
    broken: Option<(At, Spot)>,
    last: Option<At>,
}

impl Life {
    fn lines(&self) -> usize {
        let total: u64 = self.chains.iter().map(|chain| chain.lines).sum();
        usize::try_from(total).unwrap_or(usize::MAX)
    }

    fn chain(&mut self, name: &Chain) -> usize {
        if let Some(index) = self.index.get(name) {
            return *index;
        }
        let index = self.chains.len();
        self.chains.push(ChainLines { name: name.clone(), lines: 0, after: HashMap::new() });
        self.index.insert(name.clone(), index);
        index
    }

    fn note(&mut self, at: At, event: &Event) {
        let index = self.chain(&event.chain);
        if !event.after.is_empty() {
            let after: Vec<Spot> =
                event.after.iter().map(|(chain, seq)| (self.chain(chain), *seq)).collect();
            self.chains[index].after.insert(event.seq, after);
        }
        // The lines of a chain come in their order.
        if self.chains[index].lines != event.seq || self.broken.is_some() {
            self.broken.get_or_insert((at, (index, event.seq)));
            return;
        }
        self.chains[index].lines += 1;
        self.last = Some(at);
        if event.kind.ends_incarnation() {
            self.ends.push((at, (index, event.seq)));
        }
    }

    /// The lines that are directly before a line: in its chain, by `after`, and the beginning of
    /// the main chain before every other chain.
    fn before(&self, (chain, seq): Spot) -> impl Iterator<Item = Spot> {
        let own = seq.checked_sub(1).map(|seq| (chain, seq));
        let named = self.chains[chain].after.get(&seq).into_iter().flatten().copied();
        let main = self.index.get(&Chain::MAIN).copied();
        let begin = main.filter(|main| seq == 0 && *main != chain).map(|main| (main, 0));
        own.into_iter().chain(named).chain(begin)
    }

    /// A kill that names nothing comes after everything.
    fn is_last_resort(&self, (chain, seq): Spot) -> bool {
        let is_harness = self.chains[chain].name.is_harness();
        is_harness && !self.chains[chain].after.contains_key(&seq)
    }

    /// A linear extension, as the indices of chains; none if lines are missing or wait for each
    /// other in a circle.
    fn sequence(&self) -> Option<Vec<usize>> {
        let total = self.lines();
        let mut sequence = Vec::with_capacity(total);
        let mut taken: Vec<u64> = vec![0; self.chains.len()];
        // By chain: those that wait for a line of it.
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); self.chains.len()];
        let mut ready: Vec<usize> = (0..self.chains.len()).rev().collect();
        let mut last_resort = Vec::new();
        while let Some(chain) = ready.pop() {
            while taken[chain] < self.chains[chain].lines {
                let spot = (chain, taken[chain]);
                if self.is_last_resort(spot) {
                    last_resort.push(chain);
                    break;
                }
                let missing = self.before(spot).find(|(other, seq)| taken[*other] <= *seq);
                if let Some((other, _)) = missing {
                    waiting[other].push(chain);
                    break;
                }
                sequence.push(chain);
                taken[chain] += 1;
                ready.append(&mut waiting[chain]);
            }
        }
        sequence.extend(last_resort);
        (sequence.len() == total).then_some(sequence)
    }

    /// By chain and number: whether all lines earlier in the sequence are before the line; and the
    /// maximal lines in the end.
    fn forwards(&self, sequence: &[usize]) -> (Vec<Vec<bool>>, Vec<Option<u64>>) {
        let mut meeting: Vec<Vec<bool>> = vec![Vec::new(); self.chains.len()];
        let mut maximal: Vec<Option<u64>> = vec![None; self.chains.len()];
        let mut count = 0_usize;
        for chain in sequence {
            let spot = (*chain, meeting[*chain].len() as u64);
            if self.is_last_resort(spot) {
                maximal.fill(None);
                count = 0;
            }
            for (other, seq) in self.before(spot) {
                if maximal[other] == Some(seq) {
                    maximal[other] = None;
                    count -= 1;
                }
            }
            maximal[spot.0] = Some(spot.1);
            count += 1;
            meeting[*chain].push(count == 1);
        }
        (meeting, maximal)
    }

    /// Takes the mark from lines that are not before all lines later in the sequence.
    fn backwards(&self, sequence: &[usize], meeting: &mut [Vec<bool>]) {
        let mut left: Vec<u64> = self.chains.iter().map(|chain| chain.lines).collect();
        let mut followers: HashMap<Spot, Vec<Spot>> = HashMap::new();
        for (index, chain) in self.chains.iter().enumerate() {
            for (seq, after) in &chain.after {
                for spot in after {
                    followers.entry(*spot).or_default().push((index, *seq));
                }
            }
        }
        let main = self.index.get(&Chain::MAIN).copied();
        let mut minimal: Vec<Option<u64>> = vec![None; self.chains.len()];
        let mut count = 0_usize;
        for chain in sequence.iter().rev() {
            left[*chain] -= 1;
            let spot = (*chain, left[*chain]);
            if self.is_last_resort(spot) {
                continue;
            }
            if Some(spot.0) == main && spot.1 == 0 {
                minimal.fill(None);
                count = 0;
            }
            let own = (spot.0, spot.1 + 1);
            for (other, seq) in followers.remove(&spot).into_iter().flatten().chain([own]) {
                if minimal[other] == Some(seq) {
                    minimal[other] = None;
                    count -= 1;
                }
            }
            minimal[spot.0] = Some(spot.1);
            count += 1;
            let place = usize::try_from(spot.1).unwrap_or(usize::MAX);
            if let Some(meets) = meeting[*chain].get_mut(place) {
                *meets &= count == 1;
            }
        }
    }

    /// A maximal line that is no end.
    fn loose(&self, maximal: &[Option<u64>]) -> Option<(Chain, u64)> {
        let mut last = maximal.iter().enumerate().filter_map(|(chain, seq)| Some((chain, (*seq)?)));
        let loose = last.find(|spot| self.ends.iter().all(|(_, end)| end != spot))?;
        Some((self.chains[loose.0].name.clone(), loose.1))
    }
}
