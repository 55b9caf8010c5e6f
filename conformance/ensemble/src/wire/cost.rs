//! What the recorder costs: how many writes an ensemble takes with it and without it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::run::Run;
use super::{WireRecording, WireScenario};
use crate::client::{Client, ClientError};
use crate::error::RecordError;

/// How many sessions write at once.
const SESSIONS: usize = 3;
/// How many writes of a session are under way at once.
const UNDER_WAY: usize = 200;
/// How long the answers may take.
const ANSWERS_MAX: Duration = Duration::from_secs(120);

/// Writes a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// The servers dial each other.
    pub direct: f64,
    /// They dial the recorder.
    pub recorded: f64,
}

/// An ensemble that is written to.
struct Loaded<'a> {
    run: Run<'a>,
    sessions: Vec<Client<'a>>,
    written: usize,
    time: Duration,
}

impl<'a> Loaded<'a> {
    fn begin(mut run: Run<'a>) -> Result<Self, RecordError> {
        run.start_all()?;
        let servers = run.servers().into_iter().take(SESSIONS);
        let sessions: Result<_, RecordError> = servers.map(|server| run.session(server)).collect();
        Ok(Self { run, sessions: sessions?, written: 0, time: Duration::ZERO })
    }

    /// Writes so much in every session.
    fn write(&mut self, name: &str, writes: usize) -> Result<(), RecordError> {
        let (sessions, time) = write(std::mem::take(&mut self.sessions), name, writes)?;
        self.written += writes * sessions.len();
        self.sessions = sessions;
        self.time += time;
        Ok(())
    }

    /// Writes a second.
    fn end(mut self) -> Result<f64, RecordError> {
        self.run.end()?;
        #[expect(clippy::cast_precision_loss, reason = "a number of writes")]
        let written = self.written as f64;
        Ok(written / self.time.as_secs_f64())
    }
}

impl WireRecording<'_> {
    /// Measures pipelined writes to two ensembles in turn, one with the recorder and one without, so
    /// that both see the same of what else the machine does.
    ///
    /// # Errors
    /// As [`WireRecording::run`].
    pub fn cost(&self, out: &Path, slices: usize, writes: usize) -> Result<Cost, RecordError> {
        let mut direct = Loaded::begin(Run::prepare_direct(self, &out.join("direct"))?)?;
        let mut recorded = Loaded::begin(Run::prepare(self, &out.join("recorded"))?)?;
        // The first writes meet code that was never run before.
        direct.write("warm", writes)?;
        recorded.write("warm", writes)?;
        for loaded in [&mut direct, &mut recorded] {
            (loaded.written, loaded.time) = (0, Duration::ZERO);
        }
        for slice in 0..slices {
            let name = format!("n{slice}");
            let both = if slice % 2 == 0 {
                [&mut direct, &mut recorded]
            } else {
                [&mut recorded, &mut direct]
            };
            for loaded in both {
                loaded.write(&name, writes)?;
            }
        }
        Ok(Cost { direct: direct.end()?, recorded: recorded.end()? })
    }
}

/// Every session creates so many nodes. The sessions, and how long it took.
fn write<'a>(
    sessions: Vec<Client<'a>>,
    name: &str,
    writes: usize,
) -> Result<(Vec<Client<'a>>, Duration), RecordError> {
    let begin = Instant::now();
    let written: Vec<Result<Client<'a>, ClientError>> = thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .into_iter()
            .enumerate()
            .map(|(number, session)| {
                scope.spawn(move || write_one(session, &format!("/{name}-{number}"), writes))
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let time = begin.elapsed();
    let sessions: Result<Vec<Client<'a>>, ClientError> = written.into_iter().collect();
    Ok((sessions?, time))
}

fn write_one<'a>(
    mut session: Client<'a>,
    name: &str,
    writes: usize,
) -> Result<Client<'a>, ClientError> {
    let mut under_way = std::collections::VecDeque::new();
    for number in 0..writes {
        if under_way.len() == UNDER_WAY
            && let Some(first) = under_way.pop_front()
        {
            session.is_answered(first, ANSWERS_MAX)?;
        }
        under_way.push_back(session.send_create(&format!("{name}-{number}"), &[b'x'; 100])?);
    }
    if let Some(last) = under_way.pop_back() {
        session.is_answered(last, ANSWERS_MAX)?;
    }
    Ok(session)
}

/// The scenario of a measurement: nothing happens.
pub const UNDISTURBED: &WireScenario = &super::WIRE_SCENARIOS[0];
