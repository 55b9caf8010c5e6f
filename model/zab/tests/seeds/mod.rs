//! The stories of `traces/stories`, played by the rules of servers, in both shapes: fast leader
//! election with every notification, three and five servers, links that fail.
//!
//! What can be done without time passing is done first; only when nothing is left does a server
//! give up whom it cannot reach, or repeat its vote.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use zab_model::profile::RELEASES;
use zab_model::{
    Config, Enabled, Message, NoProbe, Phase, Profile, Role, ServerId, Shape, Small, Step, Wide,
    Zxid,
};

use crate::cluster::Cluster;

/// So many steps that only a story that is stuck makes more.
const STEPS_MAX: usize = 10_000;

/// A story as it is played.
struct Stage<S: Shape> {
    cluster: Cluster<S>,
    /// Pairs that cannot reach each other.
    cut: BTreeSet<(usize, usize)>,
    /// Whom each server has voted for while it was looking.
    votes: BTreeSet<(usize, usize)>,
    /// Since the last cut: who was told by a follower who leads.
    told: BTreeSet<(usize, usize)>,
    acknowledged: Vec<Zxid<S::Num>>,
    refused: Vec<Zxid<S::Num>>,
    requests: u8,
    epochs: BTreeSet<S::Num>,
}

impl<S: Shape<Payload: From<u8>, Num: From<u8>>> Stage<S> {
    fn new(voters: u8, profile: Profile) -> Self {
        let cfg = Config::<S>::new(voters).expect("the shape has room");
        let mut cluster = Cluster::new(cfg, 500);
        cluster.cfg.ensemble.profile = profile;
        let none = BTreeSet::new;
        let (cut, votes, told) = (none(), none(), none());
        let (acknowledged, refused) = (Vec::new(), Vec::new());
        let epochs = BTreeSet::new();
        Self { cluster, cut, votes, told, acknowledged, refused, requests: 0, epochs }
    }

    fn play(&mut self, line: &str) {
        let mut words = line.split(' ');
        let word = words.next().expect("a word");
        let ids: Vec<usize> = words.map(|id| id.parse::<usize>().expect("a number")).collect();
        let rows: Vec<usize> = ids.iter().map(|id| id - 1).collect();
        match (word, &*rows) {
            ("servers", [_]) => {}
            ("start", [me]) => self.take(*me, Step::Start { survived: S::Num::from(0) }),
            ("cut", [one, other]) => {
                self.cut.extend([(*one, *other), (*other, *one)]);
                self.told.clear();
            }
            ("heal", [one, other]) => {
                self.cut.retain(|pair| ![(*one, *other), (*other, *one)].contains(pair));
            }
            ("write", [me]) => self.write(*me, line),
            ("refused", [me]) => self.refuse(*me),
            ("read", rows) => rows.iter().for_each(|me| self.read(*me, line)),
            ("looking", rows) => {
                // Whoever cannot reach whom it needs has waited long enough.
                for me in rows {
                    if self.serves_as(*me, Role::Following) || self.serves_as(*me, Role::Leading) {
                        assert!(self.is_alone(*me), "{line}: it has what it needs");
                        self.take(*me, Step::LeaveRole);
                    }
                }
                self.rest();
                let looks = |me: &usize| self.cluster.servers[*me].role == Role::Looking;
                assert!(rows.iter().all(looks), "{line}");
            }
            ("votes", [me, leader]) => {
                self.until(line, |stage| stage.votes.contains(&(*me, *leader)));
            }
            ("told", [me, leader]) => {
                self.until(line, |stage| stage.told.contains(&(*me, *leader)));
            }
            ("leads", [me]) => self.until(line, |stage| stage.serves_as(*me, Role::Leading)),
            ("follows", rows) => rows.iter().for_each(|me| {
                self.until(line, |stage| stage.serves_as(*me, Role::Following));
            }),
            ("epochs", [_]) => assert_eq!(self.epochs.len(), ids[0], "{line}"),
            _ => panic!("a story has no line {line:?}"),
        }
    }

    /// One step, which must be possible.
    fn take(&mut self, me: usize, step: Step<S>) {
        assert_eq!(self.try_step(me, step), Enabled::Yes, "server {}: {step:?}", me + 1);
    }

    fn try_step(&mut self, me: usize, step: Step<S>) -> Enabled {
        if let Step::Receive { from, message: Message::Notification(note) } = step {
            let leader = note.vote.leader.row().unwrap_or_default();
            match note.role {
                Role::Looking => self.votes.insert((from.row().unwrap_or_default(), leader)),
                Role::Following => self.told.insert((me, leader)),
                Role::Leading | Role::Down => false,
            };
        }
        let enabled = self.cluster.take(me, step, &mut NoProbe).enabled;
        let server = &self.cluster.servers[me];
        if server.role == Role::Leading && server.phase == Phase::Broadcast {
            self.epochs.insert(server.current_epoch);
        }
        if self.cluster.cfg.ensemble.profile == Profile::FIXED {
            self.cluster.assert_sound();
        }
        enabled
    }

    fn reaches(&self, me: usize, from: ServerId) -> bool {
        from.row().is_some_and(|other| !self.cut.contains(&(me, other)))
    }

    /// Does something that takes no time, if there is anything: messages first, then disks, then
    /// the ends of elections.
    fn step(&mut self) -> bool {
        let mut choices = self.cluster.choices(false);
        choices.retain(|(me, step)| {
            if let Step::Receive { from: peer, .. }
            | Step::Connected { peer }
            | Step::Disconnected { peer } = step
            {
                return self.reaches(*me, *peer);
            }
            matches!(step, Step::ProgramNext | Step::SyncLog { .. } | Step::Settle)
        });
        let rank = |step: &Step<S>| {
            let (waits, talks) =
                (matches!(step, Step::Settle), matches!(step, Step::Receive { .. }));
            (waits, !talks)
        };
        choices.sort_by_key(|(_, step)| rank(step));
        choices.into_iter().any(|(me, step)| self.try_step(me, step) == Enabled::Yes)
    }

    /// Does all that takes no time.
    fn rest(&mut self) {
        let mut steps = 0;
        while self.step() {
            steps += 1;
            assert!(steps < STEPS_MAX, "the servers do not come to rest");
        }
    }

    /// Goes on until something is so.
    fn until(&mut self, line: &str, so: impl Fn(&Self) -> bool) {
        for _ in 0..STEPS_MAX {
            if so(self) {
                return;
            }
            assert!(self.step() || self.wait(), "{line}: this does not come true:{self}");
        }
        panic!("{line}: this does not come true:{self}");
    }

    /// Time passes: a follower gives up a leader that it cannot reach, or all repeat their votes.
    fn wait(&mut self) -> bool {
        let followers = 0..self.cluster.servers.len();
        let follows = |me: &usize| self.cluster.servers[*me].role == Role::Following;
        let alone = followers.filter(follows).find(|me| self.is_alone(*me));
        if let Some(me) = alone {
            self.take(me, Step::LeaveRole);
            return true;
        }
        let looking = (0..self.cluster.servers.len())
            .filter(|me| self.cluster.servers[*me].role == Role::Looking);
        let looking: Vec<usize> = looking.collect();
        looking.iter().for_each(|me| self.take(*me, Step::Resend));
        !looking.is_empty()
    }

    /// Whether a follower cannot reach its leader, or a leader no quorum.
    fn is_alone(&self, me: usize) -> bool {
        let server = &self.cluster.servers[me];
        match server.role {
            Role::Following => !self.reaches(me, server.vote.leader),
            Role::Leading => {
                let all = 0..self.cluster.servers.len();
                let reached = all.filter(|other| !self.cut.contains(&(me, *other))).count();
                reached < self.cluster.cfg.ensemble.quorum()
            }
            Role::Looking | Role::Down => false,
        }
    }

    fn serves_as(&self, me: usize, role: Role) -> bool {
        let server = &self.cluster.servers[me];
        server.role == role && server.phase == Phase::Broadcast
    }

    /// The zxid of the last transaction in a server's history.
    fn last(&self, me: usize) -> Zxid<S::Num> {
        let history = self.cluster.cfg.history(self.cluster.servers[me].history);
        history.zxid_at(S::length(&self.cluster.servers[me].history))
    }

    /// Whether a server has a transaction in the tree that its clients read.
    fn has(&self, me: usize, zxid: Zxid<S::Num>) -> bool {
        let tree = self.cluster.servers[me].delivered(&self.cluster.cfg);
        self.cluster.cfg.history(tree).length_at(zxid).is_some()
    }

    /// A leader makes a transaction; returns its zxid.
    fn request(&mut self, leader: usize) -> Zxid<S::Num> {
        self.requests += 1;
        self.take(leader, Step::Request { payload: S::Payload::from(self.requests) });
        self.last(leader)
    }

    /// A client writes at this server, which hands the request to its leader, and is told that it
    /// is done when the server has applied it.
    fn write(&mut self, me: usize, line: &str) {
        let leader = self.cluster.servers[me].vote.leader.row().expect("a leader");
        assert!(self.serves_as(leader, Role::Leading), "{line}: nobody leads");
        let zxid = self.request(leader);
        self.until(line, |stage| stage.has(me, zxid));
        self.acknowledged.push(zxid);
    }

    /// A leader that has no quorum logs a transaction, and never learns that it is committed.
    fn refuse(&mut self, me: usize) {
        let zxid = self.request(me);
        self.rest();
        assert!(self.serves_as(me, Role::Leading), "it still believes that it leads");
        assert_eq!(self.last(me), zxid, "it has logged the transaction");
        assert!(!self.has(me, zxid), "a transaction without a quorum is committed");
        self.refused.push(zxid);
    }

    fn read(&mut self, me: usize, line: &str) {
        for zxid in self.acknowledged.clone() {
            self.until(line, |stage| stage.has(me, zxid));
        }
        let found = self.refused.iter().find(|zxid| self.has(me, **zxid));
        assert!(found.is_none(), "{line}: server {} has {found:?}, which was refused", me + 1);
    }
}

impl<S: Shape> fmt::Display for Stage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " {}", self.cluster.cfg.ensemble.profile)?;
        let all = &self.cluster.servers;
        all.iter().try_for_each(|server| write!(f, "\n{}", server.projection(&self.cluster.cfg)))
    }
}

/// Tells a story to one shape, with `fixed` and with every release since 3.8. (With 3.4.10 the
/// deposed leader joins and leaves again for ever: what it is sent does not fit its tail.)
fn tell<S: Shape<Payload: From<u8>, Num: From<u8>>>(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/stories");
    let text = fs::read_to_string(folder.join(format!("{name}.txt"))).expect("a story");
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let voters = lines[0].strip_prefix("servers ").expect("a number of servers");
    let releases = RELEASES.iter().filter(|release| release.name != "3.4.10");
    let releases = releases.map(|release| release.profile);
    for profile in releases.chain([Profile::FIXED]) {
        let mut stage = Stage::<S>::new(voters.parse().expect("a number"), profile);
        lines.iter().for_each(|line| stage.play(line));
    }
}

fn tell_both(name: &str) {
    tell::<Small<5, 12>>(name);
    tell::<Wide>(name);
}

#[test]
fn three_in_order() {
    tell_both("three-in-order");
}

#[test]
fn five_in_order() {
    tell_both("five-in-order");
}

#[test]
fn isolated_follower() {
    tell_both("isolated-follower");
}

#[test]
fn deposed_leader() {
    tell_both("deposed-leader");
}

/// A story that is not what the rules do does not come true.
#[test]
fn what_does_not_come_true_is_told() {
    for wrong in ["leads 1", "follows 2", "epochs 2", "looking 2"] {
        let told = std::panic::catch_unwind(|| {
            let mut stage = Stage::<Wide>::new(3, Profile::FIXED);
            ["start 1", "start 2", "leads 2", wrong].iter().for_each(|line| stage.play(line));
        });
        let why = told.expect_err(wrong);
        let why = why.downcast_ref::<String>().expect("a message");
        assert!(why.contains(wrong), "{wrong}: {why}");
    }
}
