//! The search for the states that explain a server: line by line, with the hidden steps between.

mod hidden;
mod lazy;
mod monitor;
mod narrow;
mod poset;
mod step;

pub(crate) use monitor::Monitor;
pub(crate) use poset::Poset;
pub(crate) use step::Stuck;
