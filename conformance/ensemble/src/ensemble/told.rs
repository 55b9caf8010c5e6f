//! Stories, played with servers that write traces.

use zab_trace::{Event, EventKind, Message, Role, ServerId};

use super::Ensemble;
use crate::error::RecordError;
use crate::seen;
use crate::story::{Line, Story};

/// Writes of a line that has clients write.
const WRITES: usize = 3;

impl Ensemble<'_> {
    /// Plays a story. A line that does not come true ends it.
    pub(crate) fn tell(&mut self, story: &Story) -> Result<(), RecordError> {
        // How much each trace held before the last cut.
        let mut before = Vec::new();
        for (text, line) in story.lines().map_err(RecordError::Story)? {
            self.harness.note(format_args!("story: {text}"));
            if let Line::Cut(..) = line {
                before.clear();
                for server in self.servers() {
                    before.push((server, self.events(server)?.len()));
                }
            }
            self.play(&line, &before)?;
        }
        Ok(())
    }

    fn play(&mut self, line: &Line, before: &[(ServerId, usize)]) -> Result<(), RecordError> {
        match line {
            // The command has made so many; the traces show how many epochs there were.
            Line::Servers(_) | Line::Epochs(_) => Ok(()),
            Line::Start(server) => self.start(*server),
            Line::Cut(one, other) => {
                self.part(*one, *other);
                Ok(())
            }
            Line::Heal(one, other) => {
                self.join(*one, *other);
                Ok(())
            }
            Line::Write(server) => self.write(*server, WRITES),
            Line::Refused(server) => self.refuse(*server),
            Line::Read(servers) => self.read_back_from(servers),
            Line::Looking(servers) => {
                servers.iter().try_for_each(|server| self.await_not_serving(*server))
            }
            Line::Votes(server, leader) => self.await_events(*server, "vote", |events| {
                let sent = events.iter().any(|event| is_vote(event, *leader));
                sent.then_some(())
            }),
            Line::Told(server, leader) => {
                let known = before.iter().find(|(id, _)| id == server);
                let known = known.map_or(0, |(_, known)| *known);
                self.await_events(*server, "word of who leads", |events| {
                    let told = events.iter().skip(known).any(|event| is_word(event, *leader));
                    told.then_some(())
                })
            }
            Line::Leads(server) => self.await_leading(*server),
            Line::Follows(servers) => {
                servers.iter().try_for_each(|server| self.await_following(*server))
            }
        }
    }
}

/// Whether a looking server sends its vote for this one.
fn is_vote(event: &Event, wanted: ServerId) -> bool {
    let EventKind::Sent(packet) = &event.kind else { return false };
    matches!(packet.message, Message::Notification { role: Role::Looking, leader, .. } if leader == wanted)
}

/// Whether somebody who follows says that this one leads.
fn is_word(event: &Event, wanted: ServerId) -> bool {
    let EventKind::Received(packet) = &event.kind else { return false };
    matches!(packet.message, Message::Notification { role: Role::Following, leader, .. } if leader == wanted)
}

/// What the traces of a story must show.
pub(crate) fn shown(story: &Story, events: &[Event]) -> Result<(), String> {
    let (found, told) = (seen::epochs(events), story.epochs()?);
    if found == told {
        Ok(())
    } else {
        Err(format!("expected {told} established epochs, found {found}"))
    }
}
