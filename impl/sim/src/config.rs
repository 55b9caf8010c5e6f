//! What a run is like: how many servers, how much happens, what goes wrong how often.

use crate::defect::{Defect, DriverMutant};
use crate::rng::Rng;

/// A run's shape. The same seed and configuration give the same run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Voting members, with ids from 1.
    pub servers: u16,
    /// How many committed transactions a leader keeps for learners; small, so that learners
    /// fall out of it and SNAP happens.
    pub window: u32,
    /// After this many trace lines faults and requests stop, links heal, killed servers start.
    pub events: u64,
    /// The run ends once all servers are in broadcast with nothing under way, or this much virtual
    /// time after the faults stopped, in microseconds.
    pub settle_us: u64,
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// The mean time between two requests of clients, in microseconds of virtual time.
    pub request_interval_us: u64,
    /// Out of 1000: how often clients pause for fifty times as long. A tail that no quorum has is
    /// cut only if its server is back before the new epoch has transactions.
    pub pauses_per_mille: u32,
    /// What is wrong with the servers, if anything.
    pub defect: Option<Defect>,
}

impl Default for Config {
    /// Three servers, a few hundred lines, and faults of every kind.
    fn default() -> Self {
        Self {
            servers: 3,
            window: 3,
            events: 400,
            settle_us: 20_000_000,
            faults: Faults::default(),
            request_interval_us: 30_000,
            pauses_per_mille: 60,
            defect: None,
        }
    }
}

impl Config {
    /// Five servers, more requests than faults, and as many lines as asked for: what the
    /// checker's benchmark reads.
    #[must_use]
    pub fn long(events: u64) -> Self {
        let faults =
            Faults { interval_us: 2_000_000, kill_between_per_mille: 0, ..Faults::default() };
        Self {
            servers: 5,
            window: 500,
            events,
            faults,
            request_interval_us: 1_000,
            pauses_per_mille: 0,
            ..Self::default()
        }
    }

    /// Nothing goes wrong.
    #[must_use]
    pub fn calm() -> Self {
        Self { faults: Faults::none(), ..Self::default() }
    }

    /// What is wrong with what surrounds the cores.
    pub(crate) fn driver_mutant(&self) -> Option<DriverMutant> {
        match self.defect? {
            Defect::Driver(mutant) => Some(mutant),
            Defect::Core(_) => None,
        }
    }

    /// The configuration that a seed stands for where many seeds are run: all fault profiles.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        use FaultProfile::{Cuts, Disks, Kills, Mixed};
        // Another stream than those of the run and of `of`.
        let mut rng = Rng::new(seed.rotate_left(32) ^ 1);
        Self::of(rng.pick(&[Mixed, Mixed, Kills, Disks, Cuts]).unwrap_or(Mixed), seed)
    }

    /// The configuration that a seed stands for in this fault profile: mostly three servers, windows
    /// from 1 to 500; faults come often or seldom, requests likewise.
    #[must_use]
    pub fn of(profile: FaultProfile, seed: u64) -> Self {
        // Another stream than the run's own, which begins with the same seed.
        let mut rng = Rng::new(!seed);
        let servers = if rng.chance(150) { 5 } else { 3 };
        let window = rng.pick(&[1, 2, 3, 5, 20, 500]).unwrap_or(500);
        let pace = rng.pick(&[40, 100, 250]).unwrap_or(100);
        let request_interval_us = rng.pick(&[5_000, 20_000, 60_000]).unwrap_or(20_000);
        let faults = profile.faults();
        let paced = Faults { interval_us: faults.interval_us * pace / 100, ..faults.clone() };
        let config = Self { servers, window, request_interval_us, ..Self::default() };
        match profile {
            FaultProfile::Mixed | FaultProfile::Kills => Self { faults: paced, ..config },
            FaultProfile::Cuts => Self { faults: paced, pauses_per_mille: 200, ..config },
            // Only few moments let an old acknowledgement count. These numbers were measured to give
            // the most such moments.
            FaultProfile::Disks => Self {
                faults,
                events: 800,
                request_interval_us: 30_000,
                pauses_per_mille: 0,
                ..config
            },
        }
    }
}

/// A mixture of faults, in which some defects show sooner than in others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultProfile {
    /// Faults of every kind.
    Mixed,
    /// Servers are killed, often in the middle of a step; links hold.
    Kills,
    /// Disks are slow and connections break, so that acknowledgements are late, and old.
    Disks,
    /// Leaders are cut off while clients go on, and are back with tails that nobody has.
    Cuts,
}

impl FaultProfile {
    /// Its faults.
    #[must_use]
    pub fn faults(self) -> Faults {
        let any = Faults::default();
        match self {
            Self::Mixed => any,
            Self::Kills => Faults {
                cut: 1,
                isolate: 0,
                isolate_leader: 0,
                reset: 0,
                slow_leader_disk: 0,
                kill_between_per_mille: 20,
                ..any
            },
            Self::Disks => Faults {
                interval_us: 30_000,
                kill: 0,
                kill_leader: 0,
                cut: 0,
                isolate: 0,
                isolate_leader: 0,
                reset: 6,
                slow_link: 1,
                slow_disk: 6,
                slow_leader_disk: 6,
                ..any
            },
            Self::Cuts => Faults {
                interval_us: 1_000_000,
                kill: 1,
                kill_leader: 1,
                isolate: 0,
                isolate_leader: 20,
                reset: 1,
                slow_link: 1,
                slow_leader_disk: 1,
                ..any
            },
        }
    }
}

/// What goes wrong. Weights are relative to each other; a weight of 0 means never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The mean time between two faults, in microseconds of virtual time; 0 means no faults.
    pub interval_us: u64,
    /// Weight of killing a server at a random moment.
    pub kill: u32,
    /// Weight of killing the leader, if there is one.
    pub kill_leader: u32,
    /// Weight of cutting a link between two servers.
    pub cut: u32,
    /// Weight of cutting one server off from all others.
    pub isolate: u32,
    /// Weight of cutting the leader off from all others, while it still takes requests.
    pub isolate_leader: u32,
    /// Weight of resetting the connections between two servers.
    pub reset: u32,
    /// Weight of a link becoming slow for a while.
    pub slow_link: u32,
    /// Weight of a disk becoming slow for a while.
    pub slow_disk: u32,
    /// Weight of the leader's disk becoming slow for a while.
    pub slow_leader_disk: u32,
    /// Out of 1000: how often a server is killed before one given effect of a step that writes; of
    /// a step that only sends, a quarter as often.
    pub kill_between_per_mille: u32,
    /// How long a killed server stays down at most, in microseconds.
    pub down_us_max: u64,
    /// How long a cut or slowness lasts at most, in microseconds.
    pub lasting_us_max: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            interval_us: 400_000,
            kill: 3,
            kill_leader: 3,
            cut: 3,
            isolate: 1,
            isolate_leader: 3,
            reset: 3,
            slow_link: 2,
            slow_disk: 1,
            slow_leader_disk: 2,
            kill_between_per_mille: 4,
            down_us_max: 1_500_000,
            lasting_us_max: 1_500_000,
        }
    }
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self { interval_us: 0, kill_between_per_mille: 0, ..Self::default() }
    }
}
