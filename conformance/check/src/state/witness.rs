//! What an accepted trace is accepted for: a run of the model, step by step, with the lines it
//! shows in between.

use std::io::{self, Write};

use zab_model::{Step, Wide};
use zab_trace::{Chain, Event, ServerId};

/// One entry of a server's run, in the order of that server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A step of the model. A received message is left out of it where only its sender knows it:
    /// the line that follows names it.
    Step(Step<Wide>),
    /// This line of the trace is shown here.
    Line {
        /// Of which life.
        incarnation: u32,
        /// Of which chain.
        chain: Chain,
        /// Its number in it.
        seq: u64,
    },
}

impl Entry {
    /// The line of this event.
    pub(crate) fn of(event: &Event) -> Self {
        let (incarnation, chain, seq) = (event.incarnation, event.chain.clone(), event.seq);
        Self::Line { incarnation, chain, seq }
    }
}

/// A run of the model: the entries of all servers, each server's in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// Server and entry.
    pub entries: Vec<(ServerId, Entry)>,
}

impl Witness {
    /// Writes one JSON object per line: `{"server":1,"step":"…"}` or
    /// `{"server":1,"incarnation":1,"chain":"main","seq":0}`.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        for (server, entry) in &self.entries {
            match entry {
                Entry::Step(step) => {
                    writeln!(out, "{{\"server\":{server},\"step\":\"{}\"}}", name(step))?;
                }
                Entry::Line { incarnation, chain, seq } => writeln!(
                    out,
                    "{{\"server\":{server},\"incarnation\":{incarnation},\"chain\":\"{chain}\",\
                     \"seq\":{seq}}}",
                )?,
            }
        }
        Ok(())
    }
}

/// A step in one line.
pub(crate) fn name(step: &Step<Wide>) -> String {
    match step {
        Step::Start { survived } => format!("Start survived={survived}"),
        Step::Crash => "Crash".to_owned(),
        Step::Connected { peer } => format!("Connected peer={peer}"),
        Step::Disconnected { peer } => format!("Disconnected peer={peer}"),
        Step::Receive { from, message } => format!("Receive from={from} {message}"),
        // Faults that only explorations have.
        Step::CutReturns => "CutReturns".to_owned(),
        Step::LoseDisk => "LoseDisk".to_owned(),
        Step::AppendFails => "AppendFails".to_owned(),
        Step::ZombieWrites => "ZombieWrites".to_owned(),
        // Grain `threads`.
        Step::Apply => "Apply".to_owned(),
        // Of observers, which traces do not have.
        Step::Observe { leader } => format!("Observe leader={leader}"),
        // Under profiles that serve an older connection.
        Step::ReceiveOlder { from, message } => format!("ReceiveOlder from={from} {message}"),
        Step::OlderEnds { peer } => format!("OlderEnds peer={peer}"),
        Step::Handler { learner } => format!("Handler learner={learner}"),
        Step::ProgramNext => "ProgramNext".to_owned(),
        Step::SyncLog { up_to } => format!("SyncLog upTo={up_to}"),
        Step::Settle => "Settle".to_owned(),
        Step::Resend => "Resend".to_owned(),
        Step::LeaveRole => "LeaveRole".to_owned(),
        Step::Request { payload } => format!("Request digest={payload:016x}"),
    }
}
