//! The rules of `docs/src/rules.md`, each a function whose documentation begins with its id.

pub(crate) mod broadcast;
pub(crate) mod discovery;
pub(crate) mod election;
pub(crate) mod failure;
mod node;
pub(crate) mod plan;
pub(crate) mod synchronization;

pub(crate) use node::Node;
