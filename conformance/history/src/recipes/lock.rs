//! Locks: `acquired` (value `shared` or `exclusive`, token), `released`.

use super::Marked;
use crate::events::Events;
use crate::findings::Findings;
use crate::outcome::Rule;

/// A time in which a lock was held.
#[derive(Clone, Copy)]
struct Hold<'a> {
    from: Marked<'a>,
    to: u64,
}

impl Hold<'_> {
    fn is_shared(&self) -> bool {
        self.from.value() == "shared"
    }
}

pub(super) fn check(events: &Events<'_>, marks: &[Marked<'_>], findings: &mut Findings) {
    let mut holds: Vec<Hold<'_>> = Vec::new();
    for marked in marks {
        match marked.mark.mark.as_str() {
            "acquired" => holds.push(Hold { from: *marked, to: u64::MAX }),
            "released" => {
                let own = holds.iter_mut().rev();
                let mut own = own.filter(|hold| hold.from.client() == marked.client());
                if let Some(hold) = own.next() {
                    hold.to = marked.mark.at;
                }
            }
            _ => {}
        }
    }
    for (place, later) in holds.iter().enumerate() {
        findings.ask(Rule::LockExclusion);
        findings.ask(Rule::LockToken);
        for earlier in holds[..place].iter().filter(|hold| !(hold.is_shared() && later.is_shared()))
        {
            exclusion(events, earlier, later, findings);
            token(earlier, later, findings);
        }
    }
}

/// Two hold it at once only if the first one's session had ended before the second could get it.
fn exclusion(events: &Events<'_>, earlier: &Hold<'_>, later: &Hold<'_>, findings: &mut Findings) {
    if later.from.mark.at > earlier.to || earlier.from.client() == later.from.client() {
        return;
    }
    let session = earlier.from.line.session.as_deref();
    let alive = session.and_then(|session| events.alive.get(session)).copied().unwrap_or_default();
    let seen = later.from.seen(events);
    if alive >= seen {
        let text = format!(
            "client {} got the lock {} at {seen}, and client {} holds it, whose session lived until \
             {alive} at least",
            later.from.client(),
            later.from.mark.name,
            earlier.from.client()
        );
        let related = [(earlier.from.index, "holds it")];
        findings.violation(Rule::LockExclusion, later.from.index, text, &related);
    }
}

/// What a lock protects can refuse the smaller of two tokens.
fn token(earlier: &Hold<'_>, later: &Hold<'_>, findings: &mut Findings) {
    let (old, new) = (earlier.from.token(), later.from.token());
    if new <= old {
        let text = format!(
            "client {} got the lock {} with token {new}, after client {} with token {old}",
            later.from.client(),
            later.from.mark.name,
            earlier.from.client()
        );
        let related = [(earlier.from.index, "had it before")];
        findings.violation(Rule::LockToken, later.from.index, text, &related);
    }
}
