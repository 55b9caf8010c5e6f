//! Exit codes: one table, the same for every command.

use zab_presets::Ending;

pub(crate) use zab_check::Exit;

/// The table of exit codes, as `--help` shows it.
pub(crate) const TABLE: &str = "\
Exit codes, the same for every command:
  0  conforms, holds, done
  1  diverges from the model, or a property is violated
  2  inconclusive: a gap, a cut trace, a budget that ran out, a sample, an interruption
  3  bad input or usage, or the output could not be written (a reader that closed its end,
     as in `| head -1`, has seen enough: the code is that of the verdict)
  4  a program that the command runs is not installed: Java, ZooKeeper, strace";

/// How a command ends of which an exploration ended like this.
pub(crate) const fn of(ending: Ending) -> Exit {
    match ending {
        Ending::Holds => Exit::Good,
        Ending::Violated => Exit::Bad,
        Ending::Vacuous | Ending::Incomplete => Exit::Unknown,
    }
}
