//! Exit codes: one table, the same for every command.

use std::process::ExitCode;

use zab_presets::Ending;

/// How a command ended. Nothing but [`Exit::Good`] is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0: everything that was asked for was done, and holds.
    Good,
    /// 1: a trace diverges, a property is violated, a defect was not found.
    Bad,
    /// 2: no verdict: a gap, a cut trace, a budget that ran out, a bound too small to mean anything.
    Unknown,
    /// 3: bad input or usage, or a result that could not be written.
    Usage,
}

/// The table of exit codes, as `--help` shows it.
pub(crate) const TABLE: &str = "\
Exit codes, the same for every command:
  0  conforms, holds, done
  1  diverges from the model, or a property is violated
  2  inconclusive: a gap, a cut trace, a budget that ran out
  3  bad input or usage, or the output could not be written (a reader that closed its end,
     as in `| head -1`, has seen enough: the code is that of the verdict)";

impl Exit {
    /// The worse of two outcomes that were both asked for: bad input, then a violation, then doubt.
    pub(crate) fn and(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Good => 0,
            Self::Unknown => 1,
            Self::Bad => 2,
            Self::Usage => 3,
        };
        if rank(self) >= rank(other) { self } else { other }
    }
}

impl From<Ending> for Exit {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Holds => Self::Good,
            Ending::Violated => Self::Bad,
            Ending::Vacuous | Ending::Incomplete => Self::Unknown,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Good => Self::SUCCESS,
            Exit::Bad => Self::from(1),
            Exit::Unknown => Self::from(2),
            Exit::Usage => Self::from(3),
        }
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
