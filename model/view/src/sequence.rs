//! A run as events on the servers' lanes, with every message from its send to its end.
//!
//! States do not say which message is which: two that read alike may stand in one queue. So the
//! channels are followed step by step beside the states, with the place where each message was
//! sent. What a step did to a channel is what explains the queue that the state has afterwards.

use std::collections::BTreeMap;

use stateright::Model;

use super::facts::{About, Fact};

/// How the band of a server is drawn: by the phase that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Phase 0.
    Election,
    /// Phase 1.
    Discovery,
    /// Phase 2.
    Synchronization,
    /// Phase 3.
    Broadcast,
}

/// What a family calls one of its channels; any three numbers that tell it from the others.
pub type Channel = (u8, usize, usize);

/// A channel, and what is on its way in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Which one.
    pub channel: Channel,
    /// Index of the server that sends.
    pub from: usize,
    /// Index of the server that receives.
    pub to: usize,
    /// How many messages it holds, if a newer one then takes the place of the last one.
    pub room: Option<usize>,
    /// Its messages in words, the next one first.
    pub messages: Vec<String>,
}

/// What a step does besides leading to another state.
#[derive(Clone, Debug)]
pub struct Step<S> {
    /// The state after it.
    pub next: S,
    /// Indices of the servers whose step it is.
    pub servers: Vec<usize>,
    /// Whether those servers crash.
    pub crash: bool,
    /// The channel whose first message is received.
    pub received: Option<Channel>,
    /// The channel whose first message vanishes.
    pub dropped: Option<Channel>,
    /// The channel whose first two messages change places.
    pub swapped: Option<Channel>,
    /// A channel whose messages are from here on in another one, which was empty or is emptied.
    pub moved: Option<(Channel, Channel)>,
    /// Channels that are emptied before anything is sent.
    pub cleared: Vec<Channel>,
    /// What is sent, in order, whether or not it gets on its way.
    pub sent: Vec<(Channel, String)>,
}

impl<S> Step<S> {
    /// A step of these servers that has nothing to do with messages.
    pub fn local(next: S, servers: Vec<usize>) -> Self {
        Self {
            next,
            servers,
            crash: false,
            received: None,
            dropped: None,
            swapped: None,
            moved: None,
            cleared: Vec::new(),
            sent: Vec::new(),
        }
    }
}

/// A model whose runs can be drawn.
pub trait Pictured: Model<State: Clone, Action: ToString> {
    /// How many servers it has.
    fn lanes(&self) -> usize;

    /// What there is to know of a state.
    fn facts(&self, state: &Self::State) -> Vec<Fact>;

    /// The names of the facts about a server that are columns of a table of servers.
    fn columns(&self) -> &'static [&'static str];

    /// The names of the facts about a server that are noted on its lane when they change.
    fn noted(&self) -> &'static [&'static str];

    /// The phase of the server at an index; `None` while it is down.
    fn phase(&self, state: &Self::State, index: usize) -> Option<Lane>;

    /// Every channel, the empty ones included.
    fn ways(&self, state: &Self::State) -> Vec<Way>;

    /// The ids of the rules that an action follows in a state; none where rules have no ids.
    fn rules(&self, _state: &Self::State, _action: &Self::Action) -> Vec<String> {
        Vec::new()
    }

    /// What an action does; `None` if it is not possible.
    fn tell(&self, state: &Self::State, action: &Self::Action) -> Option<Step<Self::State>>;
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was received in this row.
    Received(usize),
    /// It was lost in this row.
    Lost(usize),
    /// It still is on its way.
    UnderWay,
}

/// A message of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Index of the server that sent it.
    pub from: usize,
    /// Index of the server that it was sent to.
    pub to: usize,
    /// What it says.
    pub text: String,
    /// The row in which it was sent.
    pub sent: usize,
    /// What became of it.
    pub end: End,
}

/// A step of the run; the first row is the state that the run begins in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The action.
    pub text: String,
    /// Indices of the servers whose step it is.
    pub servers: Vec<usize>,
    /// Whether those servers crash.
    pub crash: bool,
    /// What is noted on the lanes, by index.
    pub notes: Vec<String>,
    /// The phases after it, by index.
    pub phases: Vec<Option<Lane>>,
    /// Whether it is what the picture is about.
    pub marked: bool,
}

/// A run, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// What stands above the lanes, by index.
    pub lanes: Vec<String>,
    /// Its steps.
    pub rows: Vec<Row>,
    /// Its messages, in the order in which they were sent.
    pub arrows: Vec<Arrow>,
}

/// Takes a model through actions and writes down what happens. Actions that are not possible where
/// they stand are left out.
pub fn sequence<M: Pictured>(
    model: &M,
    start: &M::State,
    actions: impl IntoIterator<Item = M::Action>,
) -> Sequence {
    let mut follower = Follower::new(model, start);
    for action in actions {
        follower.take(&action);
    }
    follower.sequence
}

/// Follows the messages of a run: the state, and beside it who is where in which channel.
struct Follower<'a, M: Pictured> {
    model: &'a M,
    state: M::State,
    facts: Vec<Fact>,
    /// Places of messages in the sequence's arrows.
    waiting: BTreeMap<Channel, Vec<usize>>,
    sequence: Sequence,
}

impl<'a, M: Pictured> Follower<'a, M> {
    fn new(model: &'a M, start: &M::State) -> Self {
        let mut follower = Self {
            model,
            state: start.clone(),
            facts: model.facts(start),
            waiting: BTreeMap::new(),
            sequence: Sequence {
                lanes: (1..=model.lanes()).map(|id| format!("server {id}")).collect(),
                rows: Vec::new(),
                arrows: Vec::new(),
            },
        };
        follower.push_row(
            "start".to_owned(),
            Vec::new(),
            false,
            vec![String::new(); model.lanes()],
        );
        // What is on its way when the run begins was sent before it.
        for way in model.ways(start) {
            let ids = way.messages.iter().map(|text| follower.send(&way, text.clone())).collect();
            follower.waiting.insert(way.channel, ids);
        }
        follower
    }

    fn push_row(&mut self, text: String, servers: Vec<usize>, crash: bool, notes: Vec<String>) {
        let lanes = 0..self.model.lanes();
        let phases = lanes.map(|index| self.model.phase(&self.state, index)).collect();
        self.sequence.rows.push(Row { text, servers, crash, notes, phases, marked: false });
    }

    fn row(&self) -> usize {
        self.sequence.rows.len() - 1
    }

    fn send(&mut self, way: &Way, text: String) -> usize {
        let (sent, end) = (self.row(), End::UnderWay);
        self.sequence.arrows.push(Arrow { from: way.from, to: way.to, text, sent, end });
        self.sequence.arrows.len() - 1
    }

    fn end(&mut self, message: usize, end: End) {
        self.sequence.arrows[message].end = end;
    }

    fn take(&mut self, action: &M::Action) {
        let Some(step) = self.model.tell(&self.state, action) else { return };
        let facts = self.model.facts(&step.next);
        let notes = self.notes(&facts);
        (self.state, self.facts) = (step.next, facts);
        self.push_row(action.to_string(), step.servers, step.crash, notes);
        let row = self.row();
        for (channel, end) in [(step.received, End::Received(row)), (step.dropped, End::Lost(row))]
        {
            let queue = channel.and_then(|channel| self.waiting.get_mut(&channel));
            if let Some(queue) = queue.filter(|queue| !queue.is_empty()) {
                let first = queue.remove(0);
                self.end(first, end);
            }
        }
        let queue = step.swapped.and_then(|channel| self.waiting.get_mut(&channel));
        if let Some([first, second, ..]) = queue.map(Vec::as_mut_slice) {
            std::mem::swap(first, second);
        }
        if let Some((from, to)) = step.moved {
            let messages = self.waiting.remove(&from).unwrap_or_default();
            for lost in self.waiting.insert(to, messages).unwrap_or_default() {
                self.end(lost, End::Lost(row));
            }
        }
        for channel in step.cleared {
            for message in self.waiting.remove(&channel).unwrap_or_default() {
                self.end(message, End::Lost(row));
            }
        }
        for way in self.model.ways(&self.state) {
            let here = step.sent.iter().filter(|(channel, _)| *channel == way.channel);
            let texts: Vec<String> = here.map(|(_, text)| text.clone()).collect();
            self.explain(&way, texts);
        }
    }

    /// What changed on each lane.
    fn notes(&self, after: &[Fact]) -> Vec<String> {
        let mut notes = vec![Vec::new(); self.model.lanes()];
        for (_, new) in self.facts.iter().zip(after).filter(|(old, new)| old != new) {
            let About::Server(index) = new.about else { continue };
            if !self.model.noted().contains(&&*new.name) {
                continue;
            }
            let Some(notes) = notes.get_mut(index) else { continue };
            // Roles and phases name themselves.
            let named = new.name == "role" || new.name == "phase";
            let name = if named { "" } else { &new.name };
            notes.push(format!("{name} {}", new.value).trim_start().to_owned());
        }
        notes.into_iter().map(|notes| notes.join(", ")).collect()
    }

    /// Finds how many of the messages sent got on their way behind those that waited: the most
    /// that leave the queue as the state has it. If no number does, the queue was emptied.
    fn explain(&mut self, way: &Way, sent: Vec<String>) {
        let before = self.waiting.remove(&way.channel).unwrap_or_default();
        let sent: Vec<usize> = sent.into_iter().map(|text| self.send(way, text)).collect();
        let carried = (0..=sent.len()).rev();
        let mut queues = carried.map(|count| queued(&before, &sent[..count], way.room));
        let fits = |queue: &Vec<usize>| {
            let texts = queue.iter().map(|message| &self.sequence.arrows[*message].text);
            texts.eq(&way.messages)
        };
        let found = queues.find(fits);
        // What is in a queue that was emptied was sent now; tests show that there is nothing.
        let queue = found.unwrap_or_else(|| {
            way.messages.iter().map(|text| self.send(way, text.clone())).collect()
        });
        let row = self.row();
        for message in before.into_iter().chain(sent) {
            if !queue.contains(&message) {
                self.end(message, End::Lost(row));
            }
        }
        self.waiting.insert(way.channel, queue);
    }
}

/// A queue after messages were sent into it.
fn queued(kept: &[usize], sent: &[usize], room: Option<usize>) -> Vec<usize> {
    let mut queue = kept.to_vec();
    for message in sent {
        if room.is_some_and(|room| queue.len() >= room) {
            queue.pop();
        }
        queue.push(*message);
    }
    queue
}
