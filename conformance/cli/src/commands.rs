//! One file per command; each prints its result and says how it ended.

pub(crate) mod bench;
pub(crate) mod bugs;
pub(crate) mod check;
pub(crate) mod complete;
pub(crate) mod conform;
pub(crate) mod decode;
pub(crate) mod diagnose;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod explore;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod lint;
pub(crate) mod mutations;
pub(crate) mod profiles;
pub(crate) mod record;
pub(crate) mod releases;
pub(crate) mod replay;
pub(crate) mod selftest;
mod steps;
pub(crate) mod verify;
pub(crate) mod wire;
mod wrong_captures;
