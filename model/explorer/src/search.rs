//! Level-synchronous parallel breadth-first search: what the engines share.
//!
//! A level is a list of states; threads claim ranges of it, expand them, and append what is new to
//! lists of their own, which together are the next level; there each begins with its own list. The
//! table of fingerprints is all that they share. When it is nearly full they finish their ranges and
//! pause, it grows, and they go on; what a thread had generated and not yet looked up waits in its
//! batch.
//!
//! Lists are made of blocks. A block is given up as soon as its states are expanded; and once half
//! of the memory is in use, new blocks are packed until it is their turn.

mod claims;
mod driver;
mod failures;
mod fired;
mod level;
mod list;
mod pack;
mod saved;
mod shared;
mod spill;
mod suspects;
mod worker;

pub(crate) use driver::{Driver, Found, Setup};
pub(crate) use failures::{At, Failed};
pub(crate) use level::{Dead, Place};
pub(crate) use list::Spot;
pub(crate) use saved::{Saved, SavedLevel};
pub(crate) use worker::{Edge, NOWHERE, Recorder, Worker};
