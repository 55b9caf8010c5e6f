//! Lives of servers: incarnations, their chains, how they begin and end.

use std::collections::BTreeMap;

use super::{Findings, Place};
use crate::{Chain, Epoch, Event, EventKind, Persisted, ServerId};

/// All incarnations of all servers.
#[derive(Debug, Default)]
pub(super) struct Lives {
    /// Whether the contract hides where lives begin.
    start_hidden: bool,
    lives: BTreeMap<(ServerId, u32), Life>,
}

/// One incarnation. The recorder's events about it are not counted among its own.
#[derive(Debug, Default)]
struct Life {
    first: Option<Place>,
    started: bool,
    stopped: bool,
    killed: Option<Killed>,
    chains: BTreeMap<Chain, Progress>,
}

#[derive(Debug)]
struct Killed {
    place: Place,
    after: Vec<(Chain, u64)>,
}

/// How far a chain was read.
#[derive(Debug)]
struct Progress {
    next: u64,
    last: Place,
    accepted_epoch: Epoch,
    current_epoch: Epoch,
}

impl Lives {
    pub(super) fn new(start_hidden: bool) -> Self {
        Self { start_hidden, lives: BTreeMap::new() }
    }

    /// Whether this server has an event of its own.
    pub(super) fn has(&self, server: ServerId) -> bool {
        let mut lives = self.lives.range((server, 0)..=(server, u32::MAX));
        lives.any(|(_, life)| life.first.is_some())
    }

    pub(super) fn event(&mut self, place: Place, event: &Event, findings: &mut Findings) {
        let life = self.lives.entry((event.server, event.incarnation)).or_default();
        life.check_sequence(place, event, findings);
        if event.chain != Chain::harness() {
            life.check_bounds(place, event, self.start_hidden, findings);
            life.check_epochs(place, event, findings);
        }
        if !matches!(event.kind, EventKind::Killed) {
            return;
        }
        if event.chain != Chain::harness() {
            let sentence = "Killed outside the chain harness: a killed process writes nothing";
            findings.error(place, sentence.to_owned());
        } else if life.killed.is_some() {
            findings.error(place, format!("{} was killed before", name(event)));
        } else {
            life.killed = Some(Killed { place, after: event.after.clone() });
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
            if *incarnation != expected {
                let what = format!("incarnation {incarnation} of server {server}");
                let sentence = format!("{what}, but {expected} is not in the trace");
                findings.error(life.place(), sentence);
            }
            before = Some((*server, *incarnation));
            life.finish(
                &format!("incarnation {incarnation} of server {server}"),
                end_hidden,
                findings,
            );
        }
    }
}

impl Life {
    fn place(&self) -> Place {
        let killed = self.killed.as_ref().map(|killed| killed.place);
        self.first.or(killed).unwrap_or(Place { file: 0, line: 1 })
    }

    /// `seq` is gap-free, in the order of the lines, in one file.
    fn check_sequence(&mut self, place: Place, event: &Event, findings: &mut Findings) {
        let (seq, chain) = (event.seq, &event.chain);
        let progress = self.chains.entry(chain.clone()).or_insert(Progress {
            next: 0,
            last: place,
            accepted_epoch: 0,
            current_epoch: 0,
        });
        if progress.last.file != place.file {
            let sentence = format!("chain {chain} of {} is in two files", name(event));
            findings.error(place, sentence);
        }
        let next = progress.next;
        if seq > next {
            let sentence =
                format!("seq {seq} in chain {chain} of {}, expected {next}", name(event));
            findings.error(place, format!("{sentence}: {} missing", seq - next));
        } else if seq < next {
            let sentence = format!("seq {seq} in chain {chain} of {} again", name(event));
            findings.error(place, format!("{sentence}, expected {next}"));
        }
        progress.next = next.max(seq.saturating_add(1));
        progress.last = place;
    }

    /// Start is the first event of a life, Stop the last.
    fn check_bounds(
        &mut self,
        place: Place,
        event: &Event,
        start_hidden: bool,
        findings: &mut Findings,
    ) {
        let is_start = matches!(event.kind, EventKind::Start { .. });
        if self.first.is_none() {
            self.first = Some(place);
            if !is_start && !start_hidden {
                let what = event.kind.name();
                findings
                    .error(place, format!("{} begins with {what}, expected Start", name(event)));
            }
        }
        if is_start && self.started {
            findings.error(place, format!("a second Start of {}", name(event)));
        }
        if self.stopped {
            let sentence = format!("{} after the Stop of {}", event.kind.name(), name(event));
            findings.error(place, sentence);
        }
        self.started |= is_start;
        self.stopped |= matches!(event.kind, EventKind::Stop);
    }

    /// Epochs do not go back within a chain of a life, neither as shown nor on disk.
    fn check_epochs(&mut self, place: Place, event: &Event, findings: &mut Findings) {
        let Some(progress) = self.chains.get_mut(&event.chain) else { return };
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
            ("acceptedEpoch", accepted, &mut progress.accepted_epoch),
            ("currentEpoch", current, &mut progress.current_epoch),
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

    fn finish(&self, who: &str, end_hidden: bool, findings: &mut Findings) {
        let last = self.chains.values().map(|progress| progress.last).max();
        match (&self.killed, self.stopped) {
            (None, false) if !end_hidden => {
                let place = last.unwrap_or(self.place());
                findings.error(place, format!("{who} has no end: neither Stop nor Killed"));
            }
            (Some(killed), true) => {
                findings.error(killed.place, format!("{who} has two ends: Stop and Killed"));
            }
            (Some(killed), false) => self.check_killed(who, killed, findings),
            (None, _) => {}
        }
    }

    /// Killed names the last event of every chain, so that a cut tail is told from the kill.
    fn check_killed(&self, who: &str, killed: &Killed, findings: &mut Findings) {
        for (chain, progress) in &self.chains {
            if *chain == Chain::harness() || killed.after.iter().any(|(named, _)| named == chain) {
                continue;
            }
            let sentence = format!("Killed of {who} does not say where its chain {chain} ends");
            findings.error(killed.place, format!("{sentence}: found up to {}", progress.next - 1));
        }
        for (chain, seq) in &killed.after {
            let progress = self.chains.get(chain);
            let next = progress.map_or(0, |progress| progress.next);
            let place = progress.map_or(killed.place, |progress| progress.last);
            let end = format!("chain {chain} of {who} ends at seq {seq}, says Killed");
            if next <= *seq {
                findings.error(place, format!("{end}, but the file before that: its tail is cut"));
            } else if next - 1 > *seq {
                findings.error(place, format!("{end}, but it goes on to {}", next - 1));
            }
        }
    }
}

fn name(event: &Event) -> String {
    format!("incarnation {} of server {}", event.incarnation, event.server)
}
