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

/// Writes a second in one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// The servers dial each other.
    pub direct: f64,
    /// They dial the recorder.
    pub recorded: f64,
}

impl WireRecording<'_> {
    /// Measures pipelined writes, once without the recorder and once with it.
    ///
    /// # Errors
    /// As [`WireRecording::run`].
    pub fn cost(&self, out: &Path, writes: usize) -> Result<Cost, RecordError> {
        let direct = self.throughput(&out.join("direct"), writes, true)?;
        let recorded = self.throughput(&out.join("recorded"), writes, false)?;
        Ok(Cost { direct, recorded })
    }

    fn throughput(&self, out: &Path, writes: usize, direct: bool) -> Result<f64, RecordError> {
        let mut run =
            if direct { Run::prepare_direct(self, out) } else { Run::prepare(self, out) }?;
        run.start_all()?;
        let leader = run.await_leader()?;
        let homes = [run.servers(), vec![leader]].concat();
        let sessions: Result<Vec<Client<'_>>, RecordError> =
            homes.into_iter().take(SESSIONS).map(|server| run.session(server)).collect();
        let sessions = sessions?;
        // The first writes meet code that was never run before.
        let sessions = write(sessions, "warm", writes / 4)?.0;
        let (_, time) = write(sessions, "n", writes)?;
        run.end()?;
        #[expect(clippy::cast_precision_loss, reason = "a number of writes")]
        let written = (writes * SESSIONS) as f64;
        Ok(written / time.as_secs_f64())
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
