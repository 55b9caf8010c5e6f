//! Explicit-state engines for any [`stateright::Model`] whose state can be kept as bytes: because it
//! is plain bytes ([`FlatState`]), or because it says which ([`StoredState`]). They know nothing of
//! the protocol.
//!
//! [`check`] visits every reachable state and checks `always` and `sometimes` properties, with
//! shortest counterexamples. stateright's own checkers remain for its Explorer and as a second
//! witness on small models.
//!
//! [`StateGraph::explore`] keeps the graph of all states and steps, on which
//! [`StateGraph::judge`] decides `<>P`, `[]<>P`, `<>[]P` and `P ~> Q` under weak and strong fairness,
//! with a fair run that breaks the claim if there is one.
//!
//! [`walk`] takes random walks where there are too many states; what it does not find may be there.
//!
//! `README.md` goes from a protocol to its verdicts: the code of `examples/lock`, a lock with a race
//! and its repair. A model is an [`ExplorerModel`], its state a [`StoredState`]; a verdict comes in a
//! [`Report`] or a [`LiveReport`], a run as a [`Trace`] or a [`Lasso`], and what a model did wrong as
//! a [`Fault`].
//!
//! [`Reduction`] takes many states of a model for one, so that a model without bounds may have
//! finitely many; [`Reduced`] is the model of what is left, for all engines.
//!
//! ```
//! use zab_explorer::{Options, TwoPhase, check};
//!
//! let model = TwoPhase::new(3).expect("few resource managers");
//! let report = check(&model, &Options::default(), &mut |_| {})?;
//! assert!(report.complete());
//! assert_eq!((report.distinct, report.generated), (288, 1146));
//! # Ok::<(), zab_explorer::Refused>(())
//! ```

mod checkpoint;
mod disk;
mod fault;
mod hash;
mod live;
mod log;
mod model;
mod options;
mod rebuilt;
mod reduction;
mod report;
mod safety;
mod search;
mod stop;
mod stored;
mod table;
mod trace;
mod two_phase;
mod walks;

pub use fault::Fault;
pub use live::{
    Claim, Condition, Fairness, Lasso, LiveProperty, LiveReport, LiveVerdict, Met, Predicate,
    StateGraph, Strength,
};
pub use model::ExplorerModel;
pub use options::{Checkpoint, Options, Refused, Visited, memory_available};
pub use reduction::{ActionOf, Reduced, ReducedAction, Reduction, StateOf};
pub use report::{Identity, Memory, Progress, PropertyReport, Report, Verdict};
pub use safety::check;
pub use stop::Stop;
pub use stored::{FlatState, StoredState};
pub use trace::Trace;
pub use two_phase::TwoPhase;
pub use walks::{WalkOptions, WalkReport, Walked, WalkedProperty, walk};
