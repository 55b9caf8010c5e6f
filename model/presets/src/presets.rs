//! The explorations that commands, tests and CI run by name, over both families.

use std::fmt;

use zab_model::explore::{Bounds, Election, Largest, Zab, uneven_starts};
use zab_model::{Grain, Profile, WINDOW_DEFAULT};
use zab_paper::{self as paper, LateAckLd, NewLeaderWrites, Variant};

/// A named set of explorations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// For every commit: well under 20 seconds on two cores.
    Quick,
    /// Before a merge: under 5 minutes. Everything of [`Preset::Quick`], and more.
    Merge,
    /// For the night: up to an hour. Everything of [`Preset::Merge`], and more.
    Nightly,
}

/// What is explored.
#[derive(Clone, Debug)]
pub enum Family {
    /// ZAB as ZooKeeper implements it; it is explored in the smallest size that has room.
    Zookeeper(Largest),
    /// ZAB as published.
    Paper(PaperRun),
}

/// How the `paper` family is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaperRun {
    /// How far, and which reading of the paper.
    pub rules: paper::Rules,
    /// Whether one state stands for all that differ by a permutation of the servers.
    pub symmetry: bool,
    /// Whether states remember what the properties over whole runs need.
    pub ghosts: bool,
    /// Whether liveness is checked too; not together with symmetry. Without a bound on failures: of
    /// what comes about after the last one.
    pub liveness: bool,
    /// Without a bound on failures, requests and epochs, if this is given: which epochs a leader may
    /// decide. The bounds on failures then say nothing, and there are no ghosts.
    pub unlimited: Option<paper::Epochs>,
}

/// One exploration.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// Its name, unique in its preset.
    pub name: &'static str,
    /// What it covers.
    pub covers: &'static str,
    /// What is explored.
    pub family: Family,
    /// Of the `zookeeper` family: whether liveness is judged too. The other one says it itself
    /// ([`PaperRun::liveness`]).
    pub liveness: bool,
}

impl PaperRun {
    /// The same in another reading.
    fn read(self, variant: Variant) -> Self {
        Self { rules: paper::Rules { variant, ..self.rules }, ..self }
    }
}

impl Family {
    /// Whether there is no bound on failures.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        matches!(self, Self::Paper(PaperRun { unlimited: Some(_), .. }))
    }

    /// The family's name, as commands know it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Zookeeper(_) => "zookeeper",
            Self::Paper(_) => "paper",
        }
    }
}

/// The bounds, and what else changes the counts: two explorations that read the same have the same.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zookeeper(model) => {
                write!(f, "{} window={}", model.bounds, model.ensemble.window)?;
                if model.ensemble.profile != Profile::FIXED {
                    write!(f, " profile={}", model.ensemble.profile)?;
                }
                if model.ensemble.grain != Grain::default() {
                    write!(f, " grain={}", model.ensemble.grain)?;
                }
                if model.starts.len() > 1 {
                    write!(f, " starts={}", model.starts.len())?;
                }
                Ok(())
            }
            Self::Paper(run) => {
                let bounds = run.rules.bounds;
                match run.unlimited {
                    None => write!(f, "{bounds}")?,
                    Some(epochs) => {
                        let (servers, txns) = (bounds.servers, bounds.txns);
                        write!(f, "servers={servers} txns={txns} epochs={epochs}")?;
                        write!(f, " failures=unlimited requests=unlimited")?;
                    }
                }
                for reading in run.rules.variant.readings() {
                    write!(f, " reading={}", reading.name)?;
                }
                let flags = [
                    ("symmetry", run.symmetry),
                    ("ghosts", run.ghosts),
                    ("liveness", run.liveness),
                ];
                for (name, _) in flags.iter().filter(|(_, set)| *set) {
                    write!(f, " {name}")?;
                }
                Ok(())
            }
        }
    }
}

impl Preset {
    /// All of them, the smallest first.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Merge, Self::Nightly];

    /// Its name, as commands know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Merge => "merge",
            Self::Nightly => "nightly",
        }
    }

    /// The explorations of the preset, those of smaller presets first.
    #[must_use]
    pub fn explorations(self) -> Vec<Exploration> {
        let zookeeper = match self {
            Self::Quick => vec![zookeeper_quick()],
            Self::Merge => vec![zookeeper_quick(), zookeeper_merge()],
            Self::Nightly => vec![zookeeper_quick(), zookeeper_merge(), zookeeper_nightly()],
        };
        let paper = match self {
            Self::Quick => vec![paper_quick()],
            Self::Merge => vec![paper_quick(), paper_merge()],
            Self::Nightly => vec![paper_quick(), paper_merge(), paper_nightly()],
        };
        zookeeper.into_iter().chain(paper).flatten().collect()
    }
}

/// One request, and no fault.
const CALM: Bounds = Bounds { requests: 1, ..Bounds::CALM };

/// Bounds of an election among three servers that do nothing else.
const ELECTION: Bounds = Bounds { requests: 0, rounds: 0, election: Election::FleOnly, ..CALM };

fn zookeeper_quick() -> Vec<Exploration> {
    let crash = Bounds { requests: 2, crashes: 1, rounds: 2, ..CALM };
    let crash_and_link = Bounds { crashes: 1, disconnects: 1, rounds: 2, ..CALM };
    let link = Bounds { requests: 2, disconnects: 1, rounds: 2, ..CALM };
    let timeout = Bounds { timeouts: 1, rounds: 2, ..CALM };
    let crashes = Bounds { crashes: 2, rounds: 3, ..CALM };
    let anybody = Bounds { crashes: 1, rounds: 2, election: Election::Anybody, ..CALM };
    let whole = Bounds { requests: 0, rounds: 0, election: Election::Fle, ..CALM };
    let resend = Bounds { resends: 1, ..ELECTION };
    let again = Bounds { rounds: 1, timeouts: 1, ..ELECTION };
    let restart = Bounds { crashes: 1, ..ELECTION };
    let explorations = [
        replication("crash", "two requests, one crash", crash),
        replication("crashes", "one request, two crashes, three elections", crashes),
        replication("crash-link", "one request, one crash, one broken link", crash_and_link),
        replication("link", "two requests, one broken link", link),
        replication("timeout", "one request, one server that gives up", timeout),
        replication("anybody", "one request, one crash, whoever may win", anybody),
        replication("all-phases", "election with messages up to broadcast, no fault", whole),
        elections("election", "one election with all its messages, one repeated", resend),
        elections("re-election", "an election, a server that gives up, another one", again),
        elections("restart", "an election, and a server that crashes and joins it", restart),
    ];
    explorations.into_iter().flatten().collect()
}

fn zookeeper_merge() -> Vec<Exploration> {
    let crash = Bounds { requests: 2, crashes: 1, timeouts: 1, rounds: 2, ..CALM };
    let crashes = Bounds { requests: 2, crashes: 2, rounds: 3, ..CALM };
    let faults = Bounds { crashes: 1, timeouts: 1, disconnects: 1, rounds: 2, ..CALM };
    let anybody =
        Bounds { crashes: 1, disconnects: 1, rounds: 3, election: Election::Anybody, ..CALM };
    let whole = Bounds { rounds: 0, election: Election::Fle, ..CALM };
    let whole_crash = Bounds { requests: 0, crashes: 1, ..whole };
    let again = Bounds { rounds: 1, timeouts: 1, resends: 1, ..ELECTION };
    let restart = Bounds { rounds: 1, crashes: 1, ..ELECTION };
    let explorations = [
        replication("crash-timeout", "two requests, a crash, a server that gives up", crash),
        replication("crashes-requests", "two requests, two crashes, three elections", crashes),
        replication("faults", "one request, one fault of each kind", faults),
        replication(
            "anybody-link",
            "one request, one crash, one broken link, whoever may win",
            anybody,
        ),
        replication("all-phases-commit", "election with messages to a commit, no fault", whole),
        replication(
            "all-phases-crash",
            "election with messages to broadcast, a crash",
            whole_crash,
        ),
        elections("re-election-resend", "two elections, one vote repeated", again),
        elections("re-election-crash", "two elections, one crash", restart),
    ];
    explorations.into_iter().flatten().collect()
}

fn zookeeper_nightly() -> Vec<Exploration> {
    let crashes = Bounds { crashes: 2, disconnects: 1, rounds: 3, ..CALM };
    let faults = Bounds { requests: 2, crashes: 1, timeouts: 1, disconnects: 1, rounds: 2, ..CALM };
    let requests = Bounds { requests: 3, crashes: 1, disconnects: 1, rounds: 2, ..CALM };
    let explorations = [
        replication("crashes-link", "one request, two crashes, one broken link", crashes),
        replication("faults-requests", "two requests, one fault of each kind", faults),
        replication("three-requests", "three requests, one crash, one broken link", requests),
    ];
    explorations.into_iter().flatten().collect()
}

fn replication(name: &'static str, covers: &'static str, bounds: Bounds) -> Option<Exploration> {
    let model = Largest::sized(bounds, WINDOW_DEFAULT)?;
    Some(Exploration { name, covers, family: Family::Zookeeper(model), liveness: false })
}

fn elections(name: &'static str, covers: &'static str, bounds: Bounds) -> Option<Exploration> {
    let model = Zab { starts: uneven_starts(), ..Zab::new(bounds, WINDOW_DEFAULT)? };
    Some(Exploration { name, covers, family: Family::Zookeeper(model.largest()), liveness: false })
}

/// The reading in which an epoch does not stand still.
fn late_ack_ld_commits() -> Variant {
    Variant { late_ack_ld: LateAckLd::Commits, ..Variant::default() }
}

/// A run of the `paper` family without reductions or ghosts.
fn plain(servers: u8, txns: u8, timeouts: u8, restarts: u8) -> PaperRun {
    let bounds = paper::Bounds { servers, txns, epochs: None, timeouts, restarts };
    let rules = paper::Rules::new(bounds);
    PaperRun { rules, symmetry: false, ghosts: false, liveness: false, unlimited: None }
}

/// A run of the `paper` family without a bound on failures, with symmetry.
fn closed(servers: u8, txns: u8) -> PaperRun {
    let unlimited = Some(paper::Epochs::Next);
    PaperRun { unlimited, symmetry: true, ..plain(servers, txns, 0, 0) }
}

fn paper(name: &'static str, covers: &'static str, run: PaperRun) -> Exploration {
    Exploration { name, covers, family: Family::Paper(run), liveness: false }
}

fn paper_quick() -> Vec<Exploration> {
    let orbits = PaperRun { symmetry: true, ..plain(3, 2, 2, 1) };
    let whole_runs = PaperRun { symmetry: true, ghosts: true, ..plain(3, 2, 1, 1) };
    let live = PaperRun { liveness: true, ..plain(3, 1, 1, 0).read(late_ack_ld_commits()) };
    vec![
        paper("paper-live", "a leader that keeps its quorum makes progress", live),
        paper("paper-pair", "two servers, two transactions, two failures", plain(2, 2, 1, 1)),
        paper("paper-three", "three servers, one transaction, a crash", plain(3, 1, 0, 1)),
        paper("paper-runs", "whole runs: nothing lost, every step is abstract", whole_runs),
        paper("paper-published", "bounds not exhausted when published", orbits),
        paper("paper-closed-pair", "no bound on failures: two servers", closed(2, 2)),
        paper("paper-closed-three", "no bound on failures: three servers", closed(3, 1)),
    ]
}

fn paper_merge() -> Vec<Exploration> {
    let whole_runs = PaperRun { symmetry: true, ghosts: true, ..plain(3, 2, 2, 1) };
    let live = PaperRun { liveness: true, ..plain(3, 2, 1, 1).read(late_ack_ld_commits()) };
    let lives = |servers, txns| PaperRun {
        symmetry: false,
        liveness: true,
        ..closed(servers, txns).read(late_ack_ld_commits())
    };
    let writes = Variant { new_leader: NewLeaderWrites::HistoryFirst, ..Variant::default() };
    let writes = PaperRun { symmetry: true, ghosts: true, ..plain(3, 2, 1, 1).read(writes) };
    vec![
        paper("paper-runs-three", "whole runs with three failures", whole_runs),
        paper("paper-live-restart", "progress after a crash and a broken connection", live),
        paper("paper-writes", "NEWLEADER's history written before its epoch", writes),
        paper("paper-closed-live-pair", "progress after any number of failures: two", lives(2, 2)),
        paper(
            "paper-closed-live-three",
            "progress after any number of failures: three",
            lives(3, 1),
        ),
    ]
}

fn paper_nightly() -> Vec<Exploration> {
    let three = PaperRun { symmetry: true, ..plain(3, 2, 3, 2) };
    let five = PaperRun { symmetry: true, ..plain(5, 2, 2, 0) };
    let four = PaperRun { symmetry: true, ..plain(4, 2, 2, 2) };
    vec![
        paper("paper-closed-txns", "no bound on failures: two transactions", closed(3, 2)),
        paper("paper-five-failures", "three servers, two transactions, five failures", three),
        paper("paper-four-servers", "four servers, two transactions, four failures", four),
        paper("paper-five-servers", "five servers, two broken connections", five),
    ]
}
