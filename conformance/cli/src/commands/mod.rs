//! One file per command; each prints its result and says how it ended.

pub(crate) mod lint;
pub(crate) mod record;
