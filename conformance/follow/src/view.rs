//! What a capture has of one server: the packets that it sent and those that were sent to it, by life
//! and by link, in the words of the model.

mod restarts;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use zab_capture::Item;
use zab_capture::What;
use zab_capture::raw::Event;
use zab_capture::raw::Port;
use zab_model::Message as Any;
use zab_model::Role;
use zab_model::ServerId;
use zab_model::Wide;
use zab_model::Zxid;

use crate::translate::Translator;
use crate::voters::Voters;

/// What is followed: servers of traces, at grain `threads`.
pub(crate) type Message = Any<Wide>;

/// Something that was sent: its place in the capture, and what it is.
pub(crate) type Sent = (usize, Message);

/// One connection of the quorum port, as one of its ends sees it.
#[derive(Debug)]
pub(crate) struct Link {
    /// The other end.
    pub(crate) peer: ServerId,
    /// Whether the other end is a learner, which dialled this server.
    pub(crate) leads: bool,
    /// What this server sent.
    pub(crate) out: Vec<Sent>,
    /// What was sent to it.
    pub(crate) into: Vec<Sent>,
}

/// What was said on the election port between this server and one peer, whatever the connection.
#[derive(Debug, Default)]
pub(crate) struct Votes {
    /// What this server sent.
    pub(crate) out: Vec<Sent>,
    /// What was sent to it.
    pub(crate) into: Vec<Sent>,
}

impl Votes {
    /// Whether a vote of this server is the same as the one before it. Such a one may be sent again
    /// without a step of the server: by the sender thread of a new connection (`zk.link.resend`) or after
    /// a silence (`zk.fle.resend`).
    fn repeats(&self, number: usize) -> bool {
        let vote = |number: usize| self.out.get(number).map(|(_, vote)| vote);
        number.checked_sub(1).is_some_and(|before| vote(before) == vote(number))
    }

    /// What this server sends next after so many votes: repetitions, which it need not send, and the
    /// first that is none, each with its number.
    pub(crate) fn next(&self, sent: usize) -> impl Iterator<Item = (usize, Sent)> + '_ {
        let last = (sent..self.out.len()).find(|number| !self.repeats(*number));
        let end = last.map_or(self.out.len(), |last| last + 1);
        (sent..end).filter_map(|number| Some((number, *self.out.get(number)?)))
    }

    /// The next vote that this server has to send after so many.
    pub(crate) fn owed(&self, sent: usize) -> Option<Sent> {
        let owed = (sent..self.out.len()).find(|number| !self.repeats(*number))?;
        self.out.get(owed).copied()
    }
}

/// One process of a server, from its start to its end.
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// The connections of the quorum port, in the order in which they were opened.
    pub(crate) links: Vec<Link>,
    /// The election port, by peer.
    pub(crate) votes: BTreeMap<ServerId, Votes>,
    /// A place after everything that this process sent, at or after which the next one starts.
    pub(crate) end: usize,
}

/// One server in a capture.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) id: ServerId,
    /// Its processes; at least one.
    pub(crate) lives: Vec<Life>,
    /// What the model has no words for, if something is.
    pub(crate) unsaid: BTreeSet<String>,
    /// Whether the capture tells that the first process was started.
    pub(crate) is_started: bool,
}

/// Where a connection belongs.
#[derive(Clone, Copy)]
enum Home {
    /// The election port: the life, the peer.
    Votes(usize, ServerId),
    /// The quorum port: the life, the link in it.
    Link(usize, usize),
}

struct Builder<'a> {
    voters: &'a Voters,
    translator: &'a Translator<'a>,
    view: View,
    homes: BTreeMap<u64, Home>,
    /// Where processes start that no mark tells of.
    unmarked: Vec<usize>,
    /// The place at which the present process was seen to be dead, if it was. That it is being killed
    /// (`kill9`, `kill_on_ack`) does not say when it is dead.
    killed: Option<usize>,
}

impl View {
    /// What a capture has of a server.
    pub(crate) fn of(
        items: &[Item],
        voters: &Voters,
        id: ServerId,
        translator: &Translator<'_>,
    ) -> Self {
        let lives = vec![Life::default()];
        let view = Self { id, lives, unsaid: BTreeSet::new(), is_started: false };
        let unmarked = restarts::unmarked(items, voters, id);
        let homes = BTreeMap::new();
        let mut builder = Builder { voters, translator, view, homes, unmarked, killed: None };
        for (place, item) in items.iter().enumerate() {
            if builder.unmarked.contains(&place) {
                builder.restarted(place);
            }
            builder.item(place, &item.what);
        }
        builder.end_life(items.len());
        builder.view
    }

    /// Why nothing can be said from the beginning on: the first process starts with a disk that is not
    /// empty, or was started before the capture begins.
    pub(crate) fn begins_late(&self) -> Option<String> {
        let first_life = self.lives.first()?;
        let dialled = first_life.links.iter().filter(|link| !link.leads);
        let registered =
            dialled.filter_map(|link| link.out.first()).min_by_key(|(place, _)| *place);
        if let Some((_, Any::ObserverInfo { accepted_epoch: 1.. })) = registered {
            return Some("it starts with a disk that is not empty".to_owned());
        }
        let votes = first_life.votes.values().filter_map(|votes| votes.out.first());
        let (_, first) = votes.min_by_key(|(place, _)| *place)?;
        let Any::Notification(vote) = first else { return None };
        let is_first = vote.role == Role::Looking && vote.round == 1;
        if !self.is_started && !is_first {
            return Some("it runs already when the capture begins".to_owned());
        }
        let is_empty = vote.vote.zxid == Zxid::default() && vote.vote.peer_epoch == 0;
        let is_own = vote.vote.leader == self.id && vote.role == Role::Looking;
        (is_own && !is_empty).then(|| "it starts with a disk that is not empty".to_owned())
    }

    /// Whether, before a place, this server had a new connection of a learner while an older one of that
    /// learner was still in use.
    pub(crate) fn serves_twice(&self, place: usize) -> bool {
        let overlaps = |older: &Link, newer: &Link| {
            let begins = newer.into.first().map_or(usize::MAX, |(at, _)| *at);
            let mut used = older.out.iter().chain(&older.into);
            let is_same = older.leads && newer.leads && older.peer == newer.peer;
            is_same && begins < place && used.any(|(at, _)| *at > begins)
        };
        self.lives.iter().any(|life| {
            let links = || life.links.iter().enumerate();
            links().any(|(index, older)| {
                life.links.iter().skip(index + 1).any(|newer| overlaps(older, newer))
            })
        })
    }
}

impl Builder<'_> {
    fn item(&mut self, place: usize, what: &What) {
        match what {
            What::Sent { connection, from, message, .. } => {
                self.sent(place, *connection, *from, message);
            }
            What::Other(Event::Open(side)) => {
                let (from, to) = (self.voters.number(side.from), self.voters.number(side.to));
                if let (Some(from), Some(to)) = (from, to) {
                    self.opened(side.connection, side.port, from, to);
                }
            }
            What::Other(event) => {
                if let Some(server) = event.killed() {
                    self.killed(place, server);
                }
                if event.started().is_some_and(|server| self.is_me(server)) {
                    self.started(place);
                }
            }
            What::Lost { from, to, .. } if self.is_me(*from) || self.is_me(*to) => {
                self.view.unsaid.insert("some of its bytes are no message".to_owned());
            }
            What::Lost { .. } => {}
        }
    }

    fn is_me(&self, server: i64) -> bool {
        self.voters.number(server) == Some(self.view.id)
    }

    fn killed(&mut self, place: usize, server: i64) {
        if self.is_me(server) {
            self.killed = Some(place);
        }
    }

    fn started(&mut self, place: usize) {
        if self.view.is_started {
            self.restarted(place);
        }
        self.view.is_started = true;
        self.killed = None;
    }

    /// The next process begins here.
    fn restarted(&mut self, place: usize) {
        let end = self.killed.take().unwrap_or(place);
        self.end_life(end);
        self.view.lives.push(Life::default());
    }

    /// The present process ends here, or where it was last heard of, if that is later.
    fn end_life(&mut self, place: usize) {
        if let Some(life) = self.view.lives.last_mut() {
            life.end = life.end.max(place);
        }
    }

    fn opened(&mut self, connection: u64, port: Port, from: ServerId, to: ServerId) {
        let me = self.view.id;
        let peer = if from == me { to } else { from };
        if from != me && to != me || from == to {
            return;
        }
        let number = self.view.lives.len() - 1;
        let Some(life) = self.view.lives.last_mut() else { return };
        let home = match port {
            // What observers vote counts nowhere, and what they are told decides only whom they follow
            // (`zk.fle.observe`).
            Port::Election if ![from, to].iter().all(|id| self.voters.votes(*id)) => return,
            Port::Election => Home::Votes(number, peer),
            Port::Quorum => {
                let leads = to == me;
                life.links.push(Link { peer, leads, out: Vec::new(), into: Vec::new() });
                Home::Link(number, life.links.len() - 1)
            }
        };
        self.homes.insert(connection, home);
    }

    fn sent(&mut self, place: usize, connection: u64, from: i64, message: &zab_capture::Message) {
        let Some(home) = self.homes.get(&connection).copied() else { return };
        let is_mine = self.is_me(from);
        let message = match self.translator.message(message, is_mine) {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(why) => {
                self.view.unsaid.insert(why);
                return;
            }
        };
        let (Home::Votes(life, _) | Home::Link(life, _)) = home;
        let Some(life) = self.view.lives.get_mut(life) else { return };
        if is_mine {
            life.end = life.end.max(place + 1);
        }
        match home {
            Home::Votes(_, peer) => {
                let votes = life.votes.entry(peer).or_default();
                let list = if is_mine { &mut votes.out } else { &mut votes.into };
                list.push((place, message));
            }
            Home::Link(_, index) => {
                if let Some(link) = life.links.get_mut(index) {
                    let list = if is_mine { &mut link.out } else { &mut link.into };
                    list.push((place, message));
                }
            }
        }
    }
}
