//! What is said of a server of a capture.

/// What became of a server, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Some run of the model sends what the server sent and receives only what was sent to it.
    Conforms,
    /// No run of the model does.
    Diverges(Divergence),
    /// That cannot be said, and why.
    Inconclusive(String),
}

/// Where and why no run of the model goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The server.
    pub server: i64,
    /// The line of the capture.
    pub line: u64,
    /// The packet that the server cannot send, as `decode` shows it.
    pub packet: String,
    /// The rule by which such a packet is sent.
    pub rule: &'static str,
    /// What the server could send instead, each with its rule.
    pub instead: Vec<String>,
    /// Guards that did not hold, each with both values.
    pub guards: Vec<String>,
}

/// One server of a capture.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Its id in the capture.
    pub server: i64,
    /// What became of it.
    pub answer: Answer,
    /// Places of the capture at which it sent something that is accounted for.
    pub packets: usize,
    /// Nodes that were looked at.
    pub nodes: usize,
    /// Nodes that were looked at between two of its packets, at the most.
    pub largest: usize,
}

impl Followed {
    /// A server of which nothing can be said.
    pub(crate) fn unknown(server: i64, why: String) -> Self {
        let answer = Answer::Inconclusive(why);
        Self { server, answer, packets: 0, nodes: 0, largest: 0 }
    }
}
