//! How far a bug is looked for: counts for the whole run, and whom each of them is about.

use std::fmt;

use zab_model::explore::{self, Bounds, SERVERS_MAX};
use zab_model::{ServerId, ServerSet};

/// Everything that the environment may do while a bug is looked for, and who is elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The counts, each for the whole run.
    pub bounds: Bounds,
    /// To whom each of [`COUNTS`] may happen; nobody named means any server.
    who: [ServerSet; COUNTS.len()],
    /// Who may join a leader that leads already; nobody named means any server.
    joiners: ServerSet,
    /// How many servers at most take part in an election, the leader included.
    electors: u8,
    /// Whether what a server has appended is durable before anything else happens.
    prompt_disks: bool,
    /// Who wins each election, in order; nobody means any server.
    leaders: [ServerId; LEADERS_MAX],
}

/// Elections whose winner can be said.
const LEADERS_MAX: usize = 4;

/// Something that the environment may do, and that happens to one server.
#[derive(Clone, Copy, Debug)]
struct Count {
    /// Its name, as commands have it.
    name: &'static str,
    /// How often it may happen.
    of: fn(&mut Bounds) -> &mut u8,
    /// How often it still may.
    left: fn(&explore::Budget) -> u8,
}

/// Requests reach the server that is named; a broken connection is that of the learner. All but the
/// first are faults.
const COUNTS: [Count; 7] = [
    Count { name: "requests", of: |b| &mut b.requests, left: |b| b.requests },
    Count { name: "crashes", of: |b| &mut b.crashes, left: |b| b.crashes },
    Count { name: "kills", of: |b| &mut b.kills, left: |b| b.kills },
    Count { name: "lost-disks", of: |b| &mut b.lost_disks, left: |b| b.lost_disks },
    Count { name: "failed-appends", of: |b| &mut b.failed_appends, left: |b| b.failed_appends },
    Count { name: "timeouts", of: |b| &mut b.timeouts, left: |b| b.timeouts },
    Count { name: "disconnects", of: |b| &mut b.disconnects, left: |b| b.disconnects },
];

/// The name of the count of elections, which is of no server.
const ROUNDS: &str = "rounds";

/// The name of all counts that are faults, for [`Budget::amount`].
const FAULTS: &str = "faults";

/// The name of the elections with their winners, in order.
const LEADERS: &str = "leaders";

/// The name of the number of servers, which is 3 unless it is given.
const SERVERS: &str = "servers";

/// The name of those who may join a leader that leads already: who is not named follows a leader only
/// if it takes part in its election.
const JOINERS: &str = "joiners";

/// The name of how many servers at most take part in an election, the leader included.
const ELECTORS: &str = "electors";

/// What a server has appended is durable before anything else happens: no disk is slow.
const PROMPT_DISKS: &str = "disks=prompt";

impl Budget {
    /// Reads a budget such as `requests=2 rounds=3 crashes=1@3 timeouts=2@1,2`: numbers, and
    /// behind `@` the servers that it may happen to.
    ///
    /// # Errors
    /// Which word is wrong, and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut budget = Self {
            bounds: Bounds::CALM,
            who: Default::default(),
            joiners: ServerSet::default(),
            electors: u8::MAX,
            prompt_disks: false,
            leaders: [ServerId::NOBODY; LEADERS_MAX],
        };
        for word in text.split_whitespace() {
            budget.read(word).ok_or_else(|| {
                let names = COUNTS.map(|count| count.name).join(", ");
                format!(
                    "{word:?}: expected NAME=NUMBER, or NAME=NUMBER@SERVERS such as crashes=1@3; \
                     the names are {ROUNDS} (which has no servers), {names}, and {SERVERS}, of which \
                     there are 2 to {SERVERS_MAX}; a number is at most {NUMBER_MAX}, and servers are 1 \
                     to {SERVERS_MAX}; or {JOINERS}=SERVERS, {ELECTORS}=NUMBER, {PROMPT_DISKS}, and \
                     in place of {ROUNDS} {LEADERS} with the winner of each election in order, such as \
                     {LEADERS}=3,1 (at most {LEADERS_MAX})"
                )
            })?;
        }
        Ok(budget)
    }

    fn read(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=')?;
        if word == PROMPT_DISKS {
            self.prompt_disks = true;
            return Some(());
        }
        if name == JOINERS {
            self.joiners = servers_of(value)?;
            return Some(());
        }
        if name == LEADERS {
            let ids: Option<Vec<ServerId>> = value.split(',').map(server_of).collect();
            let ids = ids.filter(|ids| ids.len() <= LEADERS_MAX)?;
            self.leaders[..ids.len()].copy_from_slice(&ids);
            self.bounds.rounds = u8::try_from(ids.len()).ok()?;
            return Some(());
        }
        let (number, servers) = match value.split_once('@') {
            Some((number, servers)) => (number, servers_of(servers)?),
            None => (value, ServerSet::default()),
        };
        let number = number.parse().ok().filter(|number| *number <= NUMBER_MAX)?;
        if name == ROUNDS && servers.is_empty() {
            self.bounds.rounds = number;
            return Some(());
        }
        if name == SERVERS && servers.is_empty() {
            self.bounds.servers =
                (2..=SERVERS_MAX).contains(&usize::from(number)).then_some(number)?;
            return Some(());
        }
        if name == ELECTORS && servers.is_empty() {
            self.electors = number;
            return Some(());
        }
        let place = COUNTS.iter().position(|count| count.name == name)?;
        *(COUNTS[place].of)(&mut self.bounds) = number;
        self.who[place] = servers;
        Some(())
    }

    /// The name of a count, and how much of it there is: elections, requests, faults.
    fn amounts(&self) -> impl Iterator<Item = (&'static str, u8)> + use<> {
        let bounds = self.bounds;
        let counts = COUNTS.into_iter().map(move |count| {
            let mut bounds = bounds;
            (count.name, *(count.of)(&mut bounds))
        });
        [(ROUNDS, bounds.rounds)].into_iter().chain(counts)
    }

    /// How many there are of one of these, or of all [`FAULTS`].
    #[must_use]
    pub fn amount(&self, name: &str) -> Option<u8> {
        let mut all = self.amounts().chain([(FAULTS, self.faults())]);
        all.find(|(known, _)| *known == name).map(|(_, number)| number)
    }

    /// How many faults a run may have.
    #[must_use]
    pub fn faults(&self) -> u8 {
        let mut bounds = self.bounds;
        COUNTS.iter().skip(1).map(|count| *(count.of)(&mut bounds)).fold(0, u8::saturating_add)
    }

    /// How many faults a run has had that has this left.
    #[must_use]
    pub fn spent(&self, left: &explore::Budget) -> u8 {
        let left = COUNTS.iter().skip(1).map(|count| (count.left)(left));
        self.faults().saturating_sub(left.fold(0, u8::saturating_add))
    }

    /// Whether this server may join a leader that leads already.
    pub(crate) fn may_join(&self, server: ServerId) -> bool {
        self.joiners.is_empty() || self.joiners.contains(server)
    }

    /// How many servers at most take part in an election, the leader included.
    pub(crate) fn electors(&self) -> usize {
        self.electors.into()
    }

    /// Whether no disk is slow.
    pub(crate) fn has_prompt_disks(&self) -> bool {
        self.prompt_disks
    }

    /// Whether this server may be the one to which something happened between two states.
    pub(crate) fn allows(
        &self,
        server: ServerId,
        before: &explore::Budget,
        after: &explore::Budget,
    ) -> bool {
        let left = usize::from(before.rounds);
        let round = usize::from(self.bounds.rounds).saturating_sub(left);
        let winner = self.leaders.get(round).filter(|winner| **winner != ServerId::NOBODY);
        let is_won = after.rounds == before.rounds || winner.is_none_or(|id| *id == server);
        is_won
            && COUNTS.iter().zip(self.who).all(|(count, who)| {
                (count.left)(after) == (count.left)(before)
                    || who.is_empty()
                    || who.contains(server)
            })
    }
}

/// More of anything is out of reach.
const NUMBER_MAX: u8 = 9;

/// Ids with commas between them.
fn servers_of(text: &str) -> Option<ServerSet> {
    let mut set = ServerSet::default();
    for word in text.split(',') {
        set.insert(server_of(word)?);
    }
    Some(set)
}

fn server_of(word: &str) -> Option<ServerId> {
    let id = word.parse().ok().filter(|id| (1..=SERVERS_MAX).contains(&usize::from(*id)))?;
    Some(ServerId(id))
}

/// Ids with commas between them, and with something before the first.
fn servers(f: &mut fmt::Formatter<'_>, before: &str, set: ServerSet) -> fmt::Result {
    for (place, id) in set.iter().enumerate() {
        write!(f, "{}{id}", if place == 0 { before } else { "," })?;
    }
    Ok(())
}

/// What [`Budget::parse`] reads; what does not happen is left out.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bounds.servers != Bounds::CALM.servers {
            write!(f, "{SERVERS}={} ", self.bounds.servers)?;
        }
        let winners = self.leaders.iter().take_while(|id| **id != ServerId::NOBODY);
        let winners: Vec<String> = winners.map(ToString::to_string).collect();
        match winners.as_slice() {
            [] => write!(f, "{ROUNDS}={}", self.bounds.rounds)?,
            winners => write!(f, "{LEADERS}={}", winners.join(","))?,
        }
        let counts = self.amounts().skip(1).zip(self.who);
        for ((name, number), who) in counts.filter(|((_, number), _)| *number > 0) {
            write!(f, " {name}={number}")?;
            servers(f, "@", who)?;
        }
        if !self.joiners.is_empty() {
            write!(f, " {JOINERS}")?;
            servers(f, "=", self.joiners)?;
        }
        if self.electors < u8::MAX {
            write!(f, " {ELECTORS}={}", self.electors)?;
        }
        if self.prompt_disks { write!(f, " {PROMPT_DISKS}") } else { Ok(()) }
    }
}
