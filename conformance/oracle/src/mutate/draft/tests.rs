use zab_trace::{Lint, Located, MessageType};

use super::*;
use crate::mutate::messages::sends;
use crate::walk::{Walk, walk};

fn run(seed: u64) -> (zab_trace::Header, Vec<Event>) {
    walk(seed, &Walk { faults: 10, ..Walk::default() })
}

/// The sentences of the lint's errors.
fn errors(header: &zab_trace::Header, events: &[Event]) -> Vec<String> {
    let mut lint = Lint::default();
    lint.file("trace", header);
    for (line, event) in (2..).zip(events) {
        lint.event(&Located::new(line, event.clone()));
    }
    lint.finish().findings.iter().map(ToString::to_string).collect()
}

#[test]
fn an_unchanged_draft_is_the_trace() {
    for seed in 0..20 {
        let (_, events) = run(seed);
        assert_eq!(Draft::new(&events).finish(), events, "seed {seed}");
    }
}

#[test]
fn a_message_goes_at_both_ends_and_the_numbers_close_up() {
    let mut rng = Rng::new(3);
    for seed in 0..20 {
        let (header, events) = run(seed);
        assert_eq!(errors(&header, &events), [""; 0], "seed {seed}");
        let mut draft = Draft::new(&events);
        let sent = draft.any(&mut rng, |draft, at| draft.other_end(at).is_some());
        let Some(at) = sent else { continue };
        draft.remove_both(vec![at]);
        let fewer = draft.finish();
        assert_eq!(fewer.len(), events.len() - 2, "seed {seed}");
        assert_eq!(errors(&header, &fewer), [""; 0], "seed {seed}");
    }
}

#[test]
fn what_is_said_arrives_in_order() {
    let mut rng = Rng::new(4);
    let mut said = 0;
    for seed in 0..20 {
        let (header, events) = run(seed);
        let mut draft = Draft::new(&events);
        let place = draft.any(&mut rng, |draft, at| sends(draft, at, MessageType::Proposal));
        let Some(at) = place else { continue };
        draft.say(at, at, Message::UpToDate).expect("the server runs");
        let more = draft.finish();
        assert_eq!(errors(&header, &more), [""; 0], "seed {seed}");
        said += 1;
    }
    assert!(said > 3, "{said} opportunities only");
}

#[test]
fn lines_that_change_places_do_so_at_both_ends() {
    let mut rng = Rng::new(5);
    for seed in 0..20 {
        let (header, events) = run(seed);
        let mut draft = Draft::new(&events);
        let place = draft.any(&mut rng, |draft, at| {
            let next = draft.after(at);
            let same = next.is_some_and(|next| draft.link(next) == draft.link(at));
            same && draft.sends(at) && draft.sends(next.unwrap_or(at))
        });
        let Some(at) = place else { continue };
        let next = draft.after(at).expect("there is one");
        draft.swap(at, next);
        let changed = draft.finish();
        let received = |events: &[Event]| {
            let lines = events.iter().filter(|event| matches!(event.kind, EventKind::Received(_)));
            lines.count()
        };
        assert_eq!(received(&changed), received(&events), "seed {seed}");
        assert_eq!(errors(&header, &changed), [""; 0], "seed {seed}");
        let mut back = Draft::new(&changed);
        back.swap(at, next);
        let plain = |events: &[Event]| -> Vec<EventKind> {
            events.iter().map(|event| event.kind.clone()).collect()
        };
        assert_eq!(plain(&back.finish()), plain(&events), "seed {seed}");
    }
}
