//! A server of somebody else: any program that reads a `zoo.cfg`, given as a command.

use std::env;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::process::Signal;

use crate::life;
use crate::process::Launch;
use crate::target::{Life, Target};

/// What may stand in a command, and what it is replaced by.
pub const PLACEHOLDERS: [(&str, &str); 6] = [
    ("{cfg}", "the path of this server's zoo.cfg"),
    ("{dir}", "this server's folder, with zoo.cfg and data/myid"),
    ("{id}", "the number of the server, as in data/myid"),
    ("{life}", "which start of this server it is, from 1: the trace's incarnation"),
    ("{trace}", "the file that the trace of this life goes to"),
    ("{traces}", "the folder of the traces; the file is server-{id}-{life}.ndjson in it"),
];

/// The exit code of a Java program that SIGTERM ended, and that a shell gives for it.
const ENDED_BY_SIGTERM: i32 = 143;

/// A server that is started by a command. It runs where this program runs.
#[derive(Clone, Debug)]
pub struct CommandServer {
    program: PathBuf,
    args: Vec<String>,
    folder: PathBuf,
    writes_traces: bool,
}

/// Why a command starts no server.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The quotes do not match.
    #[error("a quote is not closed")]
    Quotes,
    /// There is no word in it.
    #[error("the command is empty: expected a program and its arguments")]
    Empty,
    /// The program is not there.
    #[error("there is no program {program:?} to start: {source}")]
    NoProgram {
        /// Its name or path.
        program: String,
        /// Why it was not found.
        source: which::Error,
    },
    /// A word in braces that stands for nothing.
    #[error("{{{0}}} is no placeholder: expected one of {known}", known = known())]
    Unknown(String),
    /// The server would not know what to do.
    #[error("the command names no {0}")]
    Lacks(&'static str),
    /// The folder that this program runs in is gone.
    #[error("cannot tell in which folder this program runs: {0}")]
    NoFolder(io::Error),
}

fn known() -> String {
    PLACEHOLDERS.map(|(name, _)| name).join(", ")
}

impl CommandServer {
    /// The server that this command starts; the command is split into words as a shell does it.
    /// A server that writes no trace can be run too; nothing is then said about its steps.
    ///
    /// # Errors
    /// When the command has no program, an unknown placeholder, or lacks one that it needs.
    pub fn new(command: &str, writes_traces: bool) -> Result<Self, CommandError> {
        let words = shlex::split(command).ok_or(CommandError::Quotes)?;
        let (program, args) = words.split_first().ok_or(CommandError::Empty)?;
        let mut used = Vec::new();
        for arg in args {
            used.extend(placeholders(arg));
        }
        if let Some(unknown) = used.iter().find(|word| !is_known(word)) {
            return Err(CommandError::Unknown((*unknown).to_owned()));
        }
        if !used.iter().any(|word| ["cfg", "dir"].contains(word)) {
            return Err(CommandError::Lacks("configuration: add {cfg} (or {dir})"));
        }
        if writes_traces && !used.iter().any(|word| ["trace", "traces"].contains(word)) {
            return Err(CommandError::Lacks(
                "trace: add {trace} (or {traces}), or run it with --no-trace",
            ));
        }
        let folder = env::current_dir().map_err(CommandError::NoFolder)?;
        let found = which::which_in(program, env::var_os("PATH"), &folder);
        let program =
            found.map_err(|source| CommandError::NoProgram { program: program.clone(), source })?;
        Ok(Self { program, args: args.to_vec(), folder, writes_traces })
    }

    /// The program that it starts.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// The words in braces, without them. `${NAME}` is left to a shell, and so is what is no name.
fn placeholders(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('{') {
        let Some((word, _)) = text[at + 1..].split_once('}') else { continue };
        let is_name = !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
        if is_name && !text[..at].ends_with('$') {
            found.push(word);
        }
    }
    found
}

fn is_known(word: &str) -> bool {
    PLACEHOLDERS.iter().any(|(name, _)| name.trim_matches(['{', '}']) == word)
}

impl Target for CommandServer {
    fn launch(&self, life: &Life<'_>) -> Launch {
        let trace = life::trace(life.traces, life.server, life.number);
        let values = [
            life.folder.join("zoo.cfg").display().to_string(),
            life.folder.display().to_string(),
            life.server.to_string(),
            life.number.to_string(),
            trace.display().to_string(),
            life.traces.display().to_string(),
        ];
        let fill = |arg: &String| {
            let pairs = PLACEHOLDERS.iter().zip(&values);
            pairs.fold(arg.clone(), |text, ((name, _), value)| text.replace(name, value)).into()
        };
        Launch {
            name: format!("server {}", life.server),
            program: self.program.clone(),
            args: self.args.iter().map(fill).collect(),
            folder: self.folder.clone(),
            log: life.folder.join("log"),
        }
    }

    fn writes_traces(&self) -> bool {
        self.writes_traces
    }

    fn stopped_well(&self, status: ExitStatus) -> bool {
        status.success()
            || status.code() == Some(ENDED_BY_SIGTERM)
            || status.signal() == Some(Signal::TERM.as_raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(command: &str, traced: bool) -> String {
        CommandServer::new(command, traced).expect_err(command).to_string()
    }

    #[test]
    fn a_command_is_split_as_in_a_shell_and_its_placeholders_are_filled() {
        let command =
            r#"sh -c 'exec x ${PATH} "$0" {id}' {cfg} {dir} --to={traces} {trace} {life}"#;
        let server = CommandServer::new(command, true).expect("a command");
        let life = Life {
            server: 2,
            number: 3,
            folder: Path::new("/run/server-2"),
            traces: Path::new("/run"),
        };
        let launch = server.launch(&life);
        assert_eq!(
            launch.args,
            [
                "-c",
                "exec x ${PATH} \"$0\" 2",
                "/run/server-2/zoo.cfg",
                "/run/server-2",
                "--to=/run",
                "/run/server-2-3.ndjson",
                "3"
            ]
        );
        assert!(launch.program.is_absolute() && launch.program.ends_with("sh"));
        assert_eq!(launch.log, Path::new("/run/server-2/log"));
    }

    #[test]
    fn what_cannot_start_a_server_is_refused_with_what_to_do() {
        assert_eq!(error("sh 'a", true), "a quote is not closed");
        assert_eq!(error(" ", true), "the command is empty: expected a program and its arguments");
        let unknown = "{config} is no placeholder: expected one of {cfg}, {dir}, {id}, {life}, \
                       {trace}, {traces}";
        assert_eq!(error("sh {config} {trace}", true), unknown);
        assert_eq!(
            error("sh {trace}", true),
            "the command names no configuration: add {cfg} (or {dir})"
        );
        assert!(error("sh {cfg}", true).contains("no trace: add {trace} (or {traces})"));
        assert!(CommandServer::new("sh {cfg}", false).is_ok());
        assert!(error("no-such-program {cfg}", false).contains("no program \"no-such-program\""));
        assert!(error("./no/such {cfg}", false).contains("no program \"./no/such\""));
    }
}
