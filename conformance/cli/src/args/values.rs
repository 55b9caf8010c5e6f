//! Values of flags: what is wrong with one is said with what was expected.

use std::net::SocketAddr;

use bytesize::ByteSize;
use clap::Command;

/// The least memory that any exploration begins with.
const MEMORY_MIN: ByteSize = ByteSize::mib(4);

/// So many threads are never faster than fewer.
const THREADS_MAX: usize = 256;

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

/// A number of threads.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=THREADS_MAX).contains(number));
    number.ok_or_else(|| format!("expected a number from 1 to {THREADS_MAX}"))
}

/// Where to listen.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected an address and a port, such as 127.0.0.1:3000";
    text.parse().map_err(|_| expected.to_owned())
}

/// A negative number is a value that is out of range, not a flag that nobody knows.
pub(crate) fn with_negative_numbers(command: Command) -> Command {
    command.mut_subcommands(|command| {
        command.mut_args(|argument| {
            let takes = argument.get_action().takes_values() && !argument.is_positional();
            if takes { argument.allow_negative_numbers(true) } else { argument }
        })
    })
}
