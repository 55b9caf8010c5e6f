//! The rules of `docs/src/rules.md`. Each is a method of the server in the middle of a step, named
//! by its id, and its documentation begins with the id.

mod broadcast;
mod discovery;
pub(crate) mod election;
mod failure;
mod faults;
mod guard;
mod handler;
mod node;
mod older;
mod program;
pub(crate) mod sync_plan;
mod synchronization;

pub(crate) use guard::{Guard, holds, is};
pub(crate) use node::{Node, Outcome, Refusal};
