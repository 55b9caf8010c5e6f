//! Tests that start processes do not run beside tests that listen.
//!
//! A process that is being started has, for a moment, a copy of every socket of the program that
//! starts it. Meanwhile a port that a test has stopped listening on is still taken.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static STARTING: RwLock<()> = RwLock::new(());

/// While this is held, no test of this program listens.
pub(crate) fn starts_processes() -> RwLockWriteGuard<'static, ()> {
    STARTING.write().unwrap_or_else(PoisonError::into_inner)
}

/// While this is held, no test of this program starts a process.
pub(crate) fn listens() -> RwLockReadGuard<'static, ()> {
    STARTING.read().unwrap_or_else(PoisonError::into_inner)
}
