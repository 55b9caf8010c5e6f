//! Stories, played with servers that are known by their packets.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use zab_capture::Message;
use zab_trace::ServerId;
use zab_wire::election::ServerState;

use super::run::Run;
use crate::client::Mode;
use crate::error::RecordError;
use crate::recorder::{Passing, Reaction};
use crate::story::{Line, Story};

/// Writes of a line that has clients write.
const WRITES: usize = 3;

/// Votes that were sent: by whom, to whom, whether the sender was looking, for whom.
type Votes = Arc<Mutex<BTreeSet<(ServerId, ServerId, bool, i64)>>>;

/// Plays a story. A line that does not come true ends it.
pub(super) fn tell(run: &mut Run<'_>, story: &Story) -> Result<(), RecordError> {
    let votes = Votes::default();
    let seen = Arc::clone(&votes);
    // It waits for nothing, and only looks.
    run.watch(
        move |passing| {
            note(&seen, passing);
            false
        },
        Reaction::Tell,
    );
    for (text, line) in story.lines().map_err(RecordError::Story)? {
        run.mark("story", serde_json::json!({ "line": text }));
        play(run, &votes, text, &line)?;
    }
    Ok(())
}

fn note(votes: &Votes, passing: &Passing<'_>) {
    let Message::Notification(notification) = passing.message else { return };
    let looks = notification.state == ServerState::Looking;
    let vote = (passing.from, passing.to, looks, notification.leader);
    votes.lock().unwrap_or_else(PoisonError::into_inner).insert(vote);
}

fn play(run: &mut Run<'_>, votes: &Votes, text: &str, line: &Line) -> Result<(), RecordError> {
    match line {
        // The command has made so many; the packets show how many epochs there were.
        Line::Servers(_) | Line::Epochs(_) => Ok(()),
        Line::Start(server) => run.start(*server),
        Line::Cut(one, other) => {
            votes.lock().unwrap_or_else(PoisonError::into_inner).clear();
            run.part(*one, *other);
            Ok(())
        }
        Line::Heal(one, other) => {
            run.join(*one, *other);
            Ok(())
        }
        Line::Write(server) => run.write(*server, WRITES),
        Line::Refused(server) => run.refuse(*server),
        Line::Read(servers) => {
            run.read_back(servers)?;
            run.find_refused(servers)
        }
        Line::Looking(servers) => {
            servers.iter().try_for_each(|server| run.await_not_serving(*server))
        }
        Line::Votes(server, leader) => await_vote(run, votes, text, |&(from, _, looks, voted)| {
            from == *server && looks && voted.cast_unsigned() == *leader
        }),
        Line::Told(server, leader) => await_vote(run, votes, text, |&(_, to, looks, voted)| {
            to == *server && !looks && voted.cast_unsigned() == *leader
        }),
        Line::Leads(server) => await_mode(run, text, *server, Mode::Leader),
        Line::Follows(servers) => {
            servers.iter().try_for_each(|server| await_mode(run, text, *server, Mode::Follower))
        }
    }
}

fn await_vote(
    run: &mut Run<'_>,
    votes: &Votes,
    text: &str,
    wanted: impl Fn(&(ServerId, ServerId, bool, i64)) -> bool,
) -> Result<(), RecordError> {
    run.wait(&format!("vote on the wires as the story says, {text:?}"), |_| {
        let votes = votes.lock().unwrap_or_else(PoisonError::into_inner);
        votes.iter().any(&wanted).then_some(())
    })
}

fn await_mode(
    run: &mut Run<'_>,
    text: &str,
    server: ServerId,
    mode: Mode,
) -> Result<(), RecordError> {
    run.wait(&format!("server {server} as the story says, {text:?}"), |run| {
        (run.mode(server) == mode).then_some(())
    })
}
