//! Liveness under fairness, on the graph of all reachable states.
//!
//! A *run* is an infinite walk from an initial state; in a state without steps it stutters for
//! ever, and with [`StateGraph::stuttering`] it may do so in every state. A run is *fair* if it
//! meets every condition of a [`Fairness`], where a step counts only when it changes the state:
//! neither enables nor takes a class by standing still. A claim holds when every fair run meets it.
//!
//! A run that breaks a claim ends up going round within a strongly connected part of the graph. So
//! the search is for a part that lies where the claim is not met, can be reached, and is fair: it
//! has a step of each class that would otherwise be neglected. States on no cycle, most of them as a
//! rule, are found and judged by all threads; components are searched for in the rest. A part that
//! neglects a strongly fair class is searched again without the states that enable it.
//!
//! Fairness may also say that a run takes steps of some classes finitely often only
//! ([`Fairness::finitely`]): failures, in a model that has no bound on them. From some time on the run
//! takes none of them; so they count for what can be reached, and the part that it stays in is one of
//! the graph without them.
//!
//! A step that the boundary leaves out leads to a node of which nothing is known: it is enabled, and
//! no run is known to take it. So a run that breaks a claim is one of the model without a boundary,
//! too; and where none is found, a claim that runs over the boundary may decide is unknown.

mod acyclic;
mod claim;
mod components;
mod explore;
mod graph;
mod judge;
mod lasso;
mod lasting;
mod rebuild;

pub use claim::{Claim, Condition, Fairness, LiveProperty, Predicate, Strength};
pub use graph::StateGraph;
pub use judge::{LiveReport, LiveVerdict};
pub use lasso::{Lasso, Met};
