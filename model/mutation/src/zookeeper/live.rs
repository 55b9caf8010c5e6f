//! Whether a mutant of the `zookeeper` family breaks what must come about.

use std::sync::OnceLock;

use zab_explorer::{LiveVerdict, Options};

use crate::explore::quietly;
use crate::list::Mutant;
use crate::schema::{Asked, noting};
use crate::verdict::Verdict;
use crate::zab::WINDOW_DEFAULT;
use crate::zab::explore::liveness::{Live, STATEMENTS};
use crate::zab::explore::{Bounds, Zab, after_first_epoch};

/// Bytes that one run may take.
const MEMORY: u64 = 1 << 30;

/// Different states at which the run of a mutant ends; the protocol has fewer.
const STATES_MAX: u64 = 1_000_000;

const PAIR: Bounds = Bounds { servers: 2, requests: 1, ..Bounds::CALM };

/// Where liveness is judged, with names.
const PLACES: [(&str, Bounds); 5] = [
    ("live-pair-link", Bounds { disconnects: 1, ..PAIR }),
    ("live-pair-crash", Bounds { crashes: 1, ..PAIR }),
    ("live", Bounds { servers: 3, ..PAIR }),
    ("live-after-link", Bounds { servers: 3, disconnects: 1, ..PAIR }),
    ("live-after-crash", Bounds { servers: 3, crashes: 1, ..PAIR }),
];

/// The verdict of a mutant that breaks a claim which the protocol keeps.
pub(crate) fn broken(mutant: &Mutant) -> Option<Verdict> {
    /// By place: the claims that the protocol keeps there, and what its rules are asked.
    static KEPT: OnceLock<[(Vec<usize>, Asked); PLACES.len()]> = OnceLock::new();
    let kept = KEPT.get_or_init(|| {
        PLACES.map(|(_, bounds)| {
            let all: Vec<usize> = (0..STATEMENTS.len()).collect();
            let (verdicts, asked) = noting(|| judge(bounds, &all));
            let kept = (0..).zip(verdicts).filter(|(_, holds)| *holds == Some(true));
            (kept.map(|(number, _)| number).collect(), asked)
        })
    });
    let mut asked = PLACES.iter().zip(kept).filter(|(_, (_, asked))| asked.differs(mutant));
    asked.find_map(|((place, bounds), (kept, _))| {
        let verdicts = quietly(Some(mutant), || judge(*bounds, kept)).unwrap_or_default();
        let broken = kept.iter().zip(verdicts).find(|(_, holds)| *holds == Some(false));
        broken.map(|(claim, _)| Verdict::NotLive {
            claim: STATEMENTS[*claim].0,
            place: (*place).to_owned(),
        })
    })
}

/// Whether each of some claims holds; `None` where nothing in a run speaks of it, or not all was seen.
fn judge(bounds: Bounds, claims: &[usize]) -> Vec<Option<bool>> {
    let mut zab = Zab::new(bounds, WINDOW_DEFAULT).expect("bounds that fit");
    if bounds.servers == 3 && bounds.crashes + bounds.disconnects > 0 {
        zab.starts = vec![after_first_epoch()];
    }
    let live = Live::new(&zab).expect("an election in one step");
    let options =
        Options { memory_max: Some(MEMORY), states_max: STATES_MAX, ..Options::default() };
    let graph = live.explore(&options, &mut |_| {}).expect("a run that may begin");
    let fairness = live.fairness();
    let judged = |number: &usize| match graph
        .judge(*number, &fairness)
        .expect("classes of this model")
        .verdict
    {
        LiveVerdict::Holds => Some(true),
        LiveVerdict::Violated(_) => Some(false),
        LiveVerdict::Vacuous | LiveVerdict::Unknown => None,
    };
    claims.iter().map(judged).collect()
}
