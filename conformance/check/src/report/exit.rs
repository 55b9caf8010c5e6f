//! How a command exits: one table, the same for every command.

use std::process::ExitCode;

/// How a command ended. Nothing but [`Exit::Good`] is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for was done, and holds.
    Good = 0,
    /// A trace diverges, a property is violated, a defect was not found.
    Bad = 1,
    /// No verdict: a gap, a cut trace, a budget that ran out, a bound too small to mean anything.
    Unknown = 2,
    /// Bad input or usage, or a result that could not be written.
    Usage = 3,
    /// A program that the command runs is not installed.
    Missing = 4,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The worse of two outcomes that were both asked for: what is missing or bad, then a
    /// violation, then doubt.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Good => 0,
            Self::Unknown => 1,
            Self::Bad => 2,
            Self::Usage => 3,
            Self::Missing => 4,
        };
        if rank(self) >= rank(other) { self } else { other }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_not_hidden_by_doubt_nor_doubt_by_success() {
        assert_eq!(Exit::Good.and(Exit::Unknown), Exit::Unknown);
        assert_eq!(Exit::Bad.and(Exit::Unknown), Exit::Bad);
        assert_eq!(Exit::Good.and(Exit::Good), Exit::Good);
        assert_eq!(Exit::Bad.and(Exit::Usage), Exit::Usage);
    }
}
