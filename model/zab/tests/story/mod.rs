//! Stories: one server, what happens to it, and what it does, as text.
//!
//! A story is told to both shapes, and both must answer with the same words.

pub(crate) mod parse;

use std::fmt::Write as _;

use zab_model::{Config, Effect, Enabled, Outbox, Record, Server, Shape, Step, apply};

/// What a story may use of a shape: payloads are small numbers.
pub(crate) trait Told: Shape<Num: From<u8>, Payload: From<u8>> {}
impl<S: Shape<Num: From<u8>, Payload: From<u8>>> Told for S {}

/// One server in a story, and everything that its probe has seen.
pub(crate) struct Story<S: Shape> {
    cfg: Config<S>,
    server: Server<S>,
    pub(crate) seen: Record,
}

impl<S: Told> Story<S> {
    /// The server that a `server` line describes.
    pub(crate) fn new(words: &str) -> Self {
        let (cfg, server) = parse::server(words);
        Self { cfg, server, seen: Record::default() }
    }

    /// Tells the story on, one step a line, and returns what is said about it.
    pub(crate) fn tell(&mut self, lines: &str) -> String {
        lines.lines().fold(String::new(), |mut said, line| {
            writeln!(said, "> {line}").unwrap();
            said.push_str(&self.step(line));
            said
        })
    }

    /// Tells the story on up to the part that matters; every step must be possible.
    pub(crate) fn skip(&mut self, lines: &str) -> String {
        for line in lines.lines() {
            let said = self.step(line);
            assert!(!said.contains("disabled"), "{line}: {said}");
        }
        self.state()
    }

    /// Which packets this leader would send to server 3 if that reported each of these positions.
    pub(crate) fn plan(&self, positions: &str) -> String {
        let mut said = String::new();
        for position in positions.split_whitespace() {
            let mut server = self.server.clone();
            let mut out = Outbox::default();
            for line in
                ["from 3 FOLLOWERINFO 0".to_owned(), format!("from 3 ACKEPOCH 0 {position}")]
            {
                out.clear();
                let step = parse::step(&self.cfg, &line);
                let done = apply(&self.cfg, &mut server, step, &mut out, &mut Record::default());
                assert_eq!(done, Enabled::Yes, "{line}");
            }
            let sent = out.sent().map(|(_, message)| message.to_string()).collect::<Vec<_>>();
            writeln!(said, "{position}: {}", sent.join(", ")).unwrap();
        }
        said
    }

    /// The projection of the server, and what it has to write.
    pub(crate) fn state(&self) -> String {
        let mut said = format!("state {}", self.server.projection(&self.cfg));
        if !self.server.program.is_finished() {
            write!(said, " next={:?}", self.server.program.next()).unwrap();
        }
        said + "\n"
    }

    /// All of the server, for comparisons.
    pub(crate) fn whole(&self) -> String {
        format!("{:?}", self.server)
    }

    fn step(&mut self, line: &str) -> String {
        self.take(parse::step(&self.cfg, line))
    }

    /// One step, and what is said about it.
    pub(crate) fn take(&mut self, step: Step<S>) -> String {
        let (mut out, mut record) = (Outbox::default(), Record::default());
        let before = (self.server.clone(), self.state());
        let enabled = apply(&self.cfg, &mut self.server, step, &mut out, &mut record);
        let left = record.fired.contains(&"zk.fle.leave_role");
        let closed = out.effects().iter().any(|effect| matches!(effect, Effect::Closed(_)));
        let mut said = String::new();
        if let Some(check) = record.failed().filter(|_| left || closed || enabled == Enabled::No) {
            let word = if enabled == Enabled::No { "disabled" } else { "because" };
            let (offered, held) = (&check.offered, &check.held);
            writeln!(said, "{word} {}: {}: {offered} vs {held}", check.rule, check.guard).unwrap();
        }
        if enabled == Enabled::No {
            assert_eq!(self.server, before.0, "a disabled step changed its server");
            assert_eq!(out.effects(), [], "a disabled step has effects");
        } else if !record.fired.is_empty() {
            writeln!(said, "rules {}", record.fired.join(" ")).unwrap();
        }
        for effect in out.effects() {
            writeln!(said, "{effect}").unwrap();
        }
        if self.state() != before.1 {
            said.push_str(&self.state());
        }
        self.seen.checks.extend(record.checks);
        self.seen.fired.extend(record.fired);
        said
    }
}
