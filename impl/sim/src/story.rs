//! Stories: runs through lines that say what happens and what is seen then. The lines are those of
//! `traces/stories`, which the model and real servers play as well.

use std::cell::RefCell;

use zab_core::{Phase, Role, ServerId};
use zab_trace::{Event, EventKind, Message, TxnDigest, txn_digest};

use crate::Run;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::schedule::Time;

/// How much virtual time anything that a story waits for may take, in microseconds.
const WAIT_MAX_US: Time = 60_000_000;

/// How a story is played: as many servers as it has, and nothing goes wrong but what it says.
///
/// # Errors
/// When the text does not begin with `servers`.
pub fn story_config(text: &str) -> Result<Config, String> {
    let first = lines(text).next().unwrap_or_default();
    let servers = first.strip_prefix("servers ").and_then(|number| number.parse().ok());
    let servers =
        servers.ok_or_else(|| format!("the story does not begin with servers: {first}"))?;
    Ok(Config { servers, window: 500, ..Config::calm() })
}

/// Plays a story: the seed decides how long everything takes.
///
/// # Errors
/// With the line that cannot be read or does not come true.
pub fn tell(seed: u64, text: &str) -> Result<Run, String> {
    let config = story_config(text)?;
    let events = RefCell::new(Vec::new());
    let mut sink = |event: &Event| events.borrow_mut().push(event.clone());
    let cluster = Cluster::down(seed, &config, &mut sink);
    let mut stage = Stage { cluster, events: &events, before_cut: 0, refused: Vec::new() };
    lines(text).try_for_each(|line| stage.play(line).map_err(|why| format!("{line}: {why}")))?;
    stage.until(|stage| stage.cluster.is_settled())?;
    let outcome = stage.cluster.end();
    Ok(Run { outcome, events: events.into_inner() })
}

/// The lines of a story; those that begin with `#` are for people.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

struct Stage<'a> {
    cluster: Cluster<'a>,
    events: &'a RefCell<Vec<Event>>,
    /// How many lines the trace had before the last cut.
    before_cut: usize,
    /// What clients asked for and cannot get any more.
    refused: Vec<TxnDigest>,
}

impl Stage<'_> {
    fn play(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split(' ');
        let word = words.next().unwrap_or_default();
        let ids: Result<Vec<ServerId>, _> = words.map(str::parse).collect();
        let ids = ids.map_err(|error| error.to_string())?;
        match (word, &*ids) {
            ("servers", [_]) => Ok(()),
            ("start", [id]) => {
                self.cluster.start(*id);
                Ok(())
            }
            ("cut", [one, other]) => {
                self.before_cut = self.events.borrow().len();
                self.cluster.stats.cuts += 1;
                self.cluster.network.cut(*one, *other);
                Ok(())
            }
            ("heal", [one, other]) => {
                self.cluster.heal(*one, *other);
                Ok(())
            }
            ("write", [id]) => self.write(*id),
            ("refused", [id]) => self.refuse(*id),
            ("read", ids) => ids.iter().try_for_each(|id| self.read(*id)),
            ("looking", ids) => ids.iter().try_for_each(|id| {
                self.until(|stage| !stage.is(*id, |_, phase| phase == Phase::Broadcast))
            }),
            ("votes", [id, leader]) => self.until(|stage| {
                let events = stage.events.borrow();
                events.iter().any(|event| event.server == *id && is_vote(event, *leader))
            }),
            ("told", [id, leader]) => self.until(|stage| {
                let events = stage.events.borrow();
                let mut since = events.iter().skip(stage.before_cut);
                since.any(|event| event.server == *id && is_word(event, *leader))
            }),
            ("leads", [id]) => self.until(|stage| stage.serves_as(*id, Role::Leading)),
            ("follows", ids) => ids
                .iter()
                .try_for_each(|id| self.until(|stage| stage.serves_as(*id, Role::Following))),
            ("epochs", [epochs]) => {
                let found = self.cluster.stats.established;
                let right = found == *epochs;
                right.then_some(()).ok_or_else(|| format!("{found} epochs were established"))
            }
            _ => Err("a story has no such line".to_owned()),
        }
    }

    /// Lets the cluster go on until something is so.
    fn until(&mut self, so: impl Fn(&Self) -> bool) -> Result<(), String> {
        let end = self.cluster.schedule.now() + WAIT_MAX_US;
        while !so(self) {
            if !self.cluster.step() || self.cluster.schedule.now() > end {
                return Err("this does not come true".to_owned());
            }
        }
        Ok(())
    }

    fn is(&self, id: ServerId, so: impl Fn(Role, Phase) -> bool) -> bool {
        let life = self.cluster.servers.get(&id).and_then(|server| server.life.as_ref());
        life.is_some_and(|life| so(life.peer.role(), life.peer.phase()))
    }

    fn serves_as(&self, id: ServerId, wanted: Role) -> bool {
        self.is(id, |role, phase| role == wanted && phase == Phase::Broadcast)
    }

    /// A client of this server asks for a transaction, and learns that it is done. Servers in the
    /// simulator forward nothing, so the leader is asked.
    fn write(&mut self, id: ServerId) -> Result<(), String> {
        let reaches = |stage: &Self, leader: ServerId| {
            stage.serves_as(leader, Role::Leading)
                && (leader == id || !stage.cluster.network.is_cut(leader, id))
        };
        let ids: Vec<ServerId> = self.cluster.servers.keys().copied().collect();
        let leader = ids.into_iter().find(|leader| reaches(self, *leader));
        let who = leader.and_then(|leader| self.cluster.who(leader)).ok_or("nobody leads")?;
        let digest = txn_digest(&self.cluster.ask(who));
        self.until(|stage| stage.cluster.ledger.acknowledged().iter().any(|one| one.1 == digest))?;
        self.read(id)
    }

    /// A client asks a server that believes that it leads, and learns nothing.
    fn refuse(&mut self, id: ServerId) -> Result<(), String> {
        let who = self.cluster.who(id).filter(|_| self.serves_as(id, Role::Leading));
        let who = who.ok_or("this server does not believe that it leads")?;
        let digest = txn_digest(&self.cluster.ask(who));
        self.refused.push(digest);
        self.until(|stage| stage.has(id, digest))
    }

    /// The server has all that was acknowledged, applied, and nothing that was refused.
    fn read(&mut self, id: ServerId) -> Result<(), String> {
        let last = self.cluster.ledger.acknowledged().last().map(|one| one.0);
        self.until(|stage| {
            let life = stage.cluster.servers.get(&id).and_then(|server| server.life.as_ref());
            life.map(|life| life.applied) >= last
        })?;
        let acknowledged = self.cluster.ledger.acknowledged();
        if let Some((zxid, _)) = acknowledged.iter().find(|one| !self.has(id, one.1)) {
            return Err(format!("server {id} does not have {zxid}, which was acknowledged"));
        }
        let wrong = self.refused.iter().any(|digest| self.has(id, *digest));
        let missing = self.refused.iter().any(|one| acknowledged.iter().any(|(_, a)| a == one));
        if wrong || missing {
            return Err(format!(
                "server {id} has what was refused, or a client was told that it is done"
            ));
        }
        Ok(())
    }

    fn has(&self, id: ServerId, digest: TxnDigest) -> bool {
        let history = self.cluster.servers.get(&id).map(|server| server.disk.history());
        history.is_some_and(|txns| txns.iter().any(|txn| txn_digest(&txn.payload) == digest))
    }
}

/// Whether a looking server sends its vote for this one.
fn is_vote(event: &Event, wanted: ServerId) -> bool {
    let EventKind::Sent(packet) = &event.kind else { return false };
    let Message::Notification { role, leader, .. } = packet.message else { return false };
    role == Role::Looking && leader == wanted
}

/// Whether somebody who follows says that this one leads.
fn is_word(event: &Event, wanted: ServerId) -> bool {
    let EventKind::Received(packet) = &event.kind else { return false };
    let Message::Notification { role, leader, .. } = packet.message else { return false };
    role == Role::Following && leader == wanted
}
