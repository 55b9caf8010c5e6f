//! Lives of servers: incarnations, their chains, how they begin and end.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::size_of;

use super::{About, Findings, Place, Severity, vouch};
use crate::{Chain, Epoch, Event, EventKind, Persisted, ServerId};

/// What names a chain: server, incarnation, chain.
pub(super) type Key = (ServerId, u32, Chain);

/// All incarnations of all servers.
#[derive(Debug, Default)]
pub(super) struct Lives {
    /// Whether the contract hides where lives begin.
    start_hidden: bool,
    lives: BTreeMap<(ServerId, u32), Life>,
    /// Chains of which lines are held.
    waiting: BTreeSet<Key>,
    held_bytes: usize,
}

/// One incarnation. The recorder's events about it are not counted among its own.
#[derive(Debug, Default)]
pub(super) struct Life {
    first: Option<Place>,
    started: bool,
    /// Where it stops, and the chain that shows it.
    stop: Option<(Place, Chain)>,
    killed: Option<(Place, Vec<(Chain, u64)>)>,
    pub(super) chains: BTreeMap<Chain, Progress>,
}

/// How far a chain was read.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The number that is due: one more than the last.
    pub(super) next: u64,
    pub(super) last: Place,
    accepted_epoch: Epoch,
    current_epoch: Epoch,
    /// Lines that came before their turn, by number.
    held: BTreeMap<u64, (Place, Event)>,
    /// The last event that lines of other chains name as coming before them.
    pub(super) named: Option<Named>,
}

/// An event that `after` names.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) seq: u64,
    /// The chains that name it.
    pub(super) by: Vec<Chain>,
    /// A line that names it.
    pub(super) place: Place,
}

/// Whether it is a line's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// It is held until the lines before it have come.
    Later,
    /// Its number was used before.
    Never,
}

/// The chain of an event.
pub(super) fn key(event: &Event) -> Key {
    (event.server, event.incarnation, event.chain.clone())
}

/// What it takes to hold an event.
fn bytes(event: &Event) -> usize {
    size_of::<(u64, Place, Event)>() + event.after.len() * size_of::<(Chain, u64)>()
}

impl Lives {
    pub(super) fn new(start_hidden: bool) -> Self {
        Self { start_hidden, ..Self::default() }
    }

    /// Whether this server has an event of its own.
    pub(super) fn has(&self, server: ServerId) -> bool {
        let mut lives = self.lives.range((server, 0)..=(server, u32::MAX));
        lives.any(|(_, life)| life.first.is_some())
    }

    /// How much memory the lines take that are held.
    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Whether all lines of its chain before this one have come. A line that is too early is held.
    pub(super) fn turn(&mut self, place: Place, event: &Event, findings: &mut Findings) -> Turn {
        let life = self.lives.entry((event.server, event.incarnation)).or_default();
        let progress = match life.chains.get_mut(&event.chain) {
            Some(progress) => progress,
            None => life.chains.entry(event.chain.clone()).or_default(),
        };
        if event.seq == progress.next {
            return Turn::Now;
        }
        if event.seq < progress.next || progress.held.contains_key(&event.seq) {
            let (seq, chain) = (event.seq, &event.chain);
            let sentence = format!("seq {seq} in chain {chain} of {} a second time", name(event));
            findings.add(place, Severity::Error, About::Chain, sentence);
            return Turn::Never;
        }
        progress.held.insert(event.seq, (place, event.clone()));
        self.held_bytes += bytes(event);
        if progress.held.len() == 1 {
            self.waiting.insert(key(event));
        }
        Turn::Later
    }

    /// The line of this chain whose turn it is, if it is held.
    pub(super) fn next_held(&mut self, key: &Key) -> Option<(Place, Event)> {
        let life = self.lives.get_mut(&(key.0, key.1))?;
        let progress = life.chains.get_mut(&key.2)?;
        let (place, event) = progress.held.remove(&progress.next)?;
        self.held_bytes -= bytes(&event);
        if progress.held.is_empty() {
            self.waiting.remove(key);
        }
        Some((place, event))
    }

    /// Gives up the lines that are missing before those that are held of one chain.
    pub(super) fn skip_gap(&mut self, findings: &mut Findings) -> Option<Key> {
        let key = self.waiting.first()?.clone();
        let (server, incarnation, chain) = &key;
        let progress = self.lives.get_mut(&(*server, *incarnation))?.chains.get_mut(chain)?;
        let (seq, place) =
            progress.held.first_key_value().map(|(seq, (place, _))| (*seq, *place))?;
        let next = std::mem::replace(&mut progress.next, seq);
        let of = format!("chain {chain} of incarnation {incarnation} of server {server}");
        let sentence = format!("seq {seq} in {of}, expected {next}: {} missing", seq - next);
        findings.add(place, Severity::Error, About::Chain, sentence);
        Some(key)
    }

    /// Looks at the event whose turn it is.
    pub(super) fn take(&mut self, place: Place, event: &Event, findings: &mut Findings) {
        let life = self.lives.entry((event.server, event.incarnation)).or_default();
        let progress = match life.chains.get_mut(&event.chain) {
            Some(progress) => progress,
            None => life.chains.entry(event.chain.clone()).or_default(),
        };
        progress.next = event.seq.saturating_add(1);
        progress.last = place;
        if !event.chain.is_harness() {
            progress.check_epochs(place, event, findings);
            life.check_bounds(place, event, self.start_hidden, findings);
        }
        for (chain, seq) in &event.after {
            life.note_named(place, &event.chain, chain, *seq);
        }
        if !matches!(event.kind, EventKind::Killed) {
            return;
        }
        if !event.chain.is_harness() {
            let sentence = "Killed outside the chain harness: a killed process writes nothing";
            findings.error(place, sentence.to_owned());
        } else if life.killed.is_some() {
            findings.error(place, format!("{} was killed before", name(event)));
        } else {
            life.killed = Some((place, event.after.clone()));
        }
    }

    pub(super) fn finish(&self, end_hidden: bool, findings: &mut Findings) {
        let mut before: Option<(ServerId, u32)> = None;
        for ((server, incarnation), life) in &self.lives {
            if *server == 0 {
                continue;
            }
            let expected = match before {
                Some((other, last)) if other == *server => last.saturating_add(1),
                Some(_) | None => 1,
            };
            let who = format!("incarnation {incarnation} of server {server}");
            if *incarnation != expected {
                let sentence = format!("{who}, but {expected} is not in the trace");
                findings.add(life.place(), Severity::Error, About::Member, sentence);
            }
            before = Some((*server, *incarnation));
            life.finish(&who, self.start_hidden, end_hidden, findings);
        }
    }
}

impl Progress {
    /// Epochs do not go back within a chain of a life, neither as shown nor on disk.
    fn check_epochs(&mut self, place: Place, event: &Event, findings: &mut Findings) {
        let state = event.state.unwrap_or_default();
        let (mut accepted, mut current) = (state.accepted_epoch, state.current_epoch);
        if let EventKind::Start { recovered } = &event.kind {
            (accepted, current) = (Some(recovered.accepted_epoch), Some(recovered.current_epoch));
        } else if let EventKind::Persisted(Persisted::AcceptedEpoch(epoch)) = event.kind {
            accepted = accepted.or(Some(epoch));
        } else if let EventKind::Persisted(Persisted::CurrentEpoch(epoch)) = event.kind {
            current = current.or(Some(epoch));
        }
        for (field, now, before) in [
            ("acceptedEpoch", accepted, &mut self.accepted_epoch),
            ("currentEpoch", current, &mut self.current_epoch),
        ] {
            let Some(now) = now else { continue };
            if now < *before {
                let sentence =
                    format!("{field} of {} goes back from {before} to {now}", name(event));
                findings.warning(place, sentence);
            }
            *before = now;
        }
    }
}

impl Life {
    fn place(&self) -> Place {
        let killed = self.killed.as_ref().map(|(place, _)| *place);
        self.first.or(killed).unwrap_or(Place { file: 0, line: 1 })
    }

    /// Start is the first event of the main chain, Stop the last of its own.
    fn check_bounds(
        &mut self,
        place: Place,
        event: &Event,
        start_hidden: bool,
        findings: &mut Findings,
    ) {
        let is_start = matches!(event.kind, EventKind::Start { .. });
        let is_first = event.chain.is_main() && event.seq == 0;
        self.first = Some(self.first.map_or(place, |first| first.min(place)));
        if is_first && !is_start && !start_hidden {
            let what = event.kind.name();
            findings.error(place, format!("{} begins with {what}, expected Start", name(event)));
        }
        if is_start && self.started {
            findings.error(place, format!("a second Start of {}", name(event)));
        } else if is_start && !is_first {
            let (seq, chain) = (event.seq, &event.chain);
            let sentence = format!("Start of {} is event {seq} of chain {chain}", name(event));
            findings.error(place, format!("{sentence}, expected event 0 of chain main"));
        }
        if let Some((_, chain)) = &self.stop {
            let is_stop = event.kind == EventKind::Stop;
            if *chain == event.chain || is_stop {
                let sentence = format!("{} after the Stop of {}", event.kind.name(), name(event));
                findings.error(place, sentence);
            }
        } else if event.kind == EventKind::Stop {
            self.stop = Some((place, event.chain.clone()));
        }
        self.started |= is_start;
    }

    /// A line of the chain `by` says that an event of another chain came before it.
    fn note_named(&mut self, place: Place, by: &Chain, chain: &Chain, seq: u64) {
        let named = &mut self.chains.entry(chain.clone()).or_default().named;
        match named {
            Some(named) if seq < named.seq => {}
            Some(named) if seq == named.seq => {
                if named.by.last() != Some(by) {
                    named.by.push(by.clone());
                }
            }
            Some(_) | None => *named = Some(Named { seq, by: vec![by.clone()], place }),
        }
    }

    fn finish(&self, who: &str, start_hidden: bool, end_hidden: bool, findings: &mut Findings) {
        let main = self.chains.get(&Chain::MAIN).map_or(0, |main| main.next);
        if main == 0 && !start_hidden {
            let sentence = format!("{who} has no Start: its chain main has no events");
            findings.add(self.place(), Severity::Error, About::Chain, sentence);
        }
        match (&self.killed, &self.stop) {
            (None, None) if !end_hidden => {
                let last = self.chains.values().map(|progress| progress.last).max();
                let place = last.unwrap_or(self.place());
                let sentence = format!("{who} has no end: neither Stop nor Killed");
                findings.add(place, Severity::Error, About::Chain, sentence);
            }
            (Some((place, _)), Some(_)) => {
                findings.error(*place, format!("{who} has two ends: Stop and Killed"));
            }
            (Some((place, after)), None) => {
                vouch::killed(self, who, *place, after, findings);
            }
            (None, Some((place, chain))) => vouch::stopped(self, who, *place, chain, findings),
            (None, None) => {}
        }
        vouch::dangling(self, who, findings);
    }
}

fn name(event: &Event) -> String {
    format!("incarnation {} of server {}", event.incarnation, event.server)
}
