//! The mutants of the `zookeeper` family: where they are looked for, and what becomes of them.
//!
//! The rules of profile `fixed` are broken, at both grains. In the copy the model tries, besides the
//! actions that it preselects, every action about which rules alone decide (`actions`). A mutant is
//! compared with the protocol on every rung of the [`LADDER`] (`compare`), and explored where it differs
//! (`explore`), until a property is violated, one that says what must be reachable is not reached, or
//! the system stops where it should go on. Then liveness is judged (`live`), with elections in one step
//! and at grain `writes`, and at last the normal form of states (`form`). What nothing of this notices
//! needs a stated reason (`explained/zookeeper.rs`).

mod actions;
mod climb;
mod compare;
mod explore;
mod form;
mod ladder;
mod live;

pub(crate) use actions::add_actions;
pub use climb::{confirm, run};
pub use ladder::{LADDER, Rung};
