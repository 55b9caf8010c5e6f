//! The seed documents' story of HDFS: two NameNodes, of which one is active and writes what changes
//! (*edits*) to three JournalNodes; the other is its standby and follows what is written there.
//! ZooKeeper decides who is active, and the JournalNodes obey only the newest writer (Hadoop's quorum
//! journal: a writer's epoch is promised by more than half of them).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zab_recipes::{Controlled, Elector, Mistake};

use super::node_name;
use crate::support::Actor;

const HDFS: (&str, &str) = ("failover", "/hadoop-ha");

/// How many edits a NameNode makes while nothing happens to it.
const EDITS: usize = 10;

/// What one JournalNode keeps.
#[derive(Debug, Default)]
struct JournalNode {
    /// No writer of an older epoch is obeyed.
    promised: u64,
    /// Each with the epoch of its writer.
    edits: Vec<(u64, String)>,
}

/// The three JournalNodes.
#[derive(Clone, Debug, Default)]
struct Journal {
    nodes: Arc<Mutex<[JournalNode; 3]>>,
}

impl Journal {
    fn with<R>(&self, act: impl FnOnce(&mut [JournalNode; 3]) -> R) -> R {
        act(&mut self.nodes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new writer, whom more than half obey from now on, and nobody else.
    fn new_writer(&self) -> u64 {
        self.with(|nodes| {
            let epoch = 1 + nodes.iter().map(|node| node.promised).max().unwrap_or(0);
            // One is away, another one for each writer: what it missed does not matter.
            let away = usize::try_from(epoch).expect("small") % nodes.len();
            for (number, node) in nodes.iter_mut().enumerate() {
                if number != away {
                    node.promised = epoch;
                }
            }
            epoch
        })
    }

    /// Whether more than half have written it down.
    fn write(&self, epoch: u64, edit: &str) -> bool {
        self.with(|nodes| {
            let mut written = 0;
            for node in nodes.iter_mut().filter(|node| node.promised <= epoch) {
                node.edits.push((epoch, edit.to_owned()));
                written += 1;
            }
            written > 1
        })
    }

    /// Every edit that a JournalNode has.
    fn edits(&self) -> Vec<(u64, String)> {
        let mut edits =
            self.with(|nodes| nodes.iter().flat_map(|node| node.edits.clone()).collect::<Vec<_>>());
        edits.sort();
        edits.dedup();
        edits
    }
}

/// A NameNode.
struct NameNode {
    actor: Actor,
    journal: Journal,
    /// As a writer; none while it is standby.
    epoch: Option<u64>,
    /// All edits that it knows.
    namespace: Vec<(u64, String)>,
}

impl NameNode {
    fn new(actor: &Actor, journal: &Journal) -> Self {
        let (actor, journal) = (actor.clone(), journal.clone());
        Self { actor, journal, epoch: None, namespace: Vec::new() }
    }

    /// Whether the edit is acknowledged.
    fn edit(&self, number: usize) -> Option<(u64, String)> {
        let edit = format!("{} makes /file-{number:06}", node_name(&self.actor));
        let epoch = self.epoch?;
        self.journal.write(epoch, &edit).then_some((epoch, edit))
    }
}

impl Controlled for NameNode {
    async fn fence(&mut self, other: &str) -> bool {
        self.epoch = Some(self.journal.new_writer());
        self.actor.mark(HDFS, "fenced", Some(other), None, None);
        true
    }

    async fn become_active(&mut self) {
        let writer = self.epoch.take().unwrap_or_else(|| self.journal.new_writer());
        self.epoch = Some(writer);
        self.namespace = self.journal.edits();
        self.actor.mark(HDFS, "active", Some(&node_name(&self.actor)), None, None);
    }

    async fn become_standby(&mut self) {
        self.epoch = None;
        self.actor.mark(HDFS, "standby", Some(&node_name(&self.actor)), None, None);
    }
}

/// The first NameNode is cut off from ZooKeeper while it is active, and goes on writing until the
/// JournalNodes refuse it. The second, its standby, takes over with every edit that was acknowledged,
/// writes its own and ends in order; then a third does the same without fencing anybody.
pub(super) async fn hdfs(actors: &[Actor], mistake: Mistake) {
    let journal = Journal::default();
    let elector =
        |actor: &Actor| Elector::with_mistake(&actor.client, HDFS.1, &node_name(actor), mistake);
    let [first, second, third] = [&actors[0], &actors[1], &actors[2]];
    let mut active = NameNode::new(first, &journal);
    elector(first).win(&mut active).await.expect("the session lives");
    let before: Vec<_> = (0..EDITS).filter_map(|number| active.edit(number)).collect();
    assert_eq!(before.len(), EDITS, "the only writer is obeyed");
    let standby = {
        let (elector, mut node) = (elector(second), NameNode::new(second, &journal));
        tokio::spawn(async move { elector.win(&mut node).await.map(|()| (elector, node)) })
    };
    // Its session ends, and it does not know.
    first.relay.set_open(false);
    let goes_on = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        while let Some(edit) = active.edit(EDITS + acknowledged.len()) {
            acknowledged.push(edit);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        acknowledged
    });
    let (winner, mut active) = standby.await.expect("no panic").expect("the session lives");
    let meanwhile = goes_on.await.expect("no panic");
    if mistake == Mistake::None {
        let known = |edit| active.namespace.contains(edit);
        assert!(before.iter().chain(&meanwhile).all(known), "an acknowledged edit is lost");
    }
    let own: Vec<_> = (0..EDITS).filter_map(|number| active.edit(number)).collect();
    assert_eq!(own.len(), EDITS, "the new writer is obeyed");
    let mut last = NameNode::new(third, &journal);
    winner.quit(&mut active).await.expect("the session lives");
    elector(third).win(&mut last).await.expect("the session lives");
    assert!(own.iter().all(|edit| last.namespace.contains(edit)), "an acknowledged edit is lost");
}
