//! Values of flags: what is wrong with one is said with what was expected.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use bytesize::ByteSize;
use clap::error::ErrorKind;
use clap::{Command, CommandFactory};

use super::Cli;

/// The least memory that any exploration begins with.
const MEMORY_MIN: ByteSize = ByteSize::mib(4);

/// A whole number within these limits; of anything else the limits are told.
pub(super) fn number<T>(limits: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| limits.contains(number));
        number.ok_or_else(|| {
            format!("expected a whole number from {} to {}", limits.start(), limits.end())
        })
    }
}

/// A size with its unit.
pub(super) fn memory(text: &str) -> Result<ByteSize, String> {
    let expected =
        format!("expected a size with its unit, such as 8GiB, and at least {MEMORY_MIN}");
    let size: ByteSize = text.parse().map_err(|_| expected.clone())?;
    if size < MEMORY_MIN {
        return Err(format!("{size} are too little: {expected}"));
    }
    Ok(size)
}

/// Where to listen.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected an address and a port, such as 127.0.0.1:3000";
    text.parse().map_err(|_| expected.to_owned())
}

/// The commands as they are parsed.
///
/// A negative number is a value that is out of range, not a flag that nobody knows. What `explore`
/// shares with `check`, but refuses with a reason, is not in its help.
pub(crate) fn command() -> Command {
    let command = Cli::command().mut_subcommands(|command| {
        command.mut_args(|argument| {
            let takes = argument.get_action().takes_values() && !argument.is_positional();
            if takes { argument.allow_negative_numbers(true) } else { argument }
        })
    });
    command.mut_subcommand("explore", |explore| {
        let names = ["symmetry", "liveness", "failures"];
        names
            .into_iter()
            .fold(explore, |explore, name| explore.mut_arg(name, |flag| flag.hide(true)))
    })
}

/// What is wrong with the flags of a command together, told as clap tells what is wrong with one.
pub(crate) fn conflict(name: &str, why: &str) -> clap::Error {
    let mut cli = command();
    // The usage then has the whole name.
    cli.build();
    match cli.find_subcommand_mut(name) {
        Some(command) => command.error(ErrorKind::ArgumentConflict, why),
        None => cli.error(ErrorKind::ArgumentConflict, why),
    }
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use super::*;

    /// The flags that take a number, each with what its command needs besides.
    fn numbers() -> Vec<(String, String)> {
        let types = [
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<i64>(),
            TypeId::of::<usize>(),
        ];
        let cli = command();
        let mut found = Vec::new();
        for command in cli.get_subcommands() {
            for argument in command.get_arguments() {
                let of = argument.get_value_parser().type_id();
                if types.iter().any(|number| of == *number) {
                    let flag = argument.get_long().expect("a number is given with a flag");
                    found.push((command.get_name().to_owned(), flag.to_owned()));
                }
            }
        }
        found
    }

    /// Whatever is offered as a number: what it was, and what is expected, are told.
    #[test]
    fn every_flag_with_a_number_says_what_it_expects() {
        let numbers = numbers();
        assert!(numbers.len() >= 28, "{numbers:?}");
        let offered =
            ["many", "-5", "", "1.5", "1e3", "0x10", "3 ", "99999999999999999999999", "NaN"];
        for (command, flag) in &numbers {
            for offered in offered {
                let line = ["zabcheck", command, &format!("--{flag}"), offered];
                let Err(error) = super::command().try_get_matches_from(line) else {
                    panic!("{command} --{flag} {offered:?} is accepted")
                };
                let said = error.to_string();
                let first = format!("error: invalid value '{offered}' for '--{flag} <");
                let expected = ["expected a whole number from ", "expected an odd number from "];
                assert!(said.starts_with(&first), "{command} --{flag}: {said}");
                assert!(expected.iter().any(|words| said.contains(words)), "{said}");
                assert!(said.contains("'--help'"), "what to do next: {said}");
            }
        }
    }
}
