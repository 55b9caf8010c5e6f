//! What the clients of each recipe do.

mod hdfs;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier as Meeting;
use tokio::task::JoinSet;
use zab_recipes::{
    Barrier, Controlled, Elector, Lock, Mistake, Mode, Queue, Subscriber, next_id_with_mistake,
    publish,
};

use crate::support::{Actor, World};
use hdfs::hdfs;

/// Which recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Exclusive,
    Shared,
    Queue,
    Barrier,
    Ids,
    Config,
    Failover,
    Hdfs,
}

const LOCK: (&str, &str) = ("lock", "/lock");
const QUEUE: (&str, &str) = ("queue", "/queue");
const BARRIER: (&str, &str) = ("barrier", "/barrier");
const IDS: (&str, &str) = ("ids", "/ids");
const CONFIG: (&str, &str) = ("config", "/config");
const FAILOVER: (&str, &str) = ("failover", "/failover");

const ROUNDS: usize = 8;
const ITEMS: usize = 30;
const VALUES: usize = 20;

impl Work {
    /// Its clients.
    pub(crate) async fn actors(self, world: &World) -> Vec<Actor> {
        let mut actors = Vec::new();
        for number in 1..=if self == Self::Queue { 4 } else { 3 } {
            actors.push(world.client(number).await);
        }
        actors
    }

    pub(crate) async fn run(self, actors: Vec<Actor>, mistake: Mistake) {
        match self {
            Self::Exclusive => each(&actors, |actor| lock(actor, Mode::Exclusive, mistake)).await,
            Self::Shared => {
                let mode = |number| if number == 1 { Mode::Exclusive } else { Mode::Shared };
                each(&actors, |actor| {
                    let mode = mode(actor.number);
                    lock(actor, mode, mistake)
                })
                .await;
            }
            Self::Queue => queue(actors, mistake).await,
            Self::Barrier => {
                each(&actors, |actor| barrier(actor, 3, mistake)).await;
            }
            Self::Ids => ids(&actors, mistake).await,
            Self::Config => config(actors, mistake).await,
            Self::Failover => failover(actors, mistake).await,
            Self::Hdfs => hdfs(&actors, mistake).await,
        }
    }
}

/// Runs the same for each client, and waits for all.
async fn each<F: Future<Output = ()> + Send + 'static>(
    actors: &[Actor],
    work: impl Fn(Actor) -> F,
) {
    let mut all = JoinSet::new();
    for actor in actors {
        all.spawn(work(actor.clone()));
    }
    while let Some(done) = all.join_next().await {
        done.expect("no panic");
    }
}

async fn lock(actor: Actor, mode: Mode, mistake: Mistake) {
    let lock = Lock::with_mistake(&actor.client, LOCK.1, mistake);
    let value = if mode == Mode::Shared { "shared" } else { "exclusive" };
    for _ in 0..ROUNDS {
        let held = lock.acquire(mode).await.expect("the session lives");
        actor.mark(LOCK, "acquired", Some(value), Some(held.token()), None);
        // Answers show that the session lives while the lock is held.
        for _ in 0..3 {
            let _ = actor.client.sync(LOCK.1).await;
        }
        actor.mark(LOCK, "released", None, None, None);
        held.release().await.expect("the session lives");
    }
}

/// Two producers and two consumers.
async fn queue(actors: Vec<Actor>, mistake: Mistake) {
    let (producers, consumers) = actors.split_at(2);
    let youngest_first = mistake == Mistake::TakesYoungest;
    let filled = Arc::new(Meeting::new(actors.len()));
    let half = Arc::new(Meeting::new(consumers.len()));
    let produce = |actor: Actor| {
        let filled = Arc::clone(&filled);
        async move {
            let queue = Queue::open(&actor.client, QUEUE.1).await.expect("the session lives");
            for number in 0..ITEMS {
                let item = format!("{}-{number}", actor.number);
                actor.mark(QUEUE, "putting", Some(&item), None, None);
                let token = queue.put(item.as_bytes()).await.expect("the session lives");
                actor.mark(QUEUE, "put", Some(&item), Some(token), None);
            }
            filled.wait().await;
        }
    };
    let consume = |actor: Actor| {
        let (filled, half) = (Arc::clone(&filled), Arc::clone(&half));
        async move {
            let queue = Queue::open(&actor.client, QUEUE.1).await.expect("the session lives");
            let consumer = queue.consumer_with_mistake(mistake).await;
            let mut consumer = consumer.expect("the session lives");
            if youngest_first {
                filled.wait().await;
            }
            // Half of the items are waited for, the other half is taken when all are there.
            for _ in 0..ITEMS / 2 {
                took(&actor, consumer.take().await.expect("the session lives"));
            }
            // Who is faster leaves the other its half.
            half.wait().await;
            if !youngest_first {
                filled.wait().await;
            }
            while let Some(item) = consumer.try_take().await.expect("the session lives") {
                took(&actor, item);
            }
            let _ = actor.client.sync(QUEUE.1).await;
        }
    };
    let mut all = JoinSet::new();
    producers.iter().for_each(|actor| drop(all.spawn(produce(actor.clone()))));
    consumers.iter().for_each(|actor| drop(all.spawn(consume(actor.clone()))));
    while let Some(done) = all.join_next().await {
        done.expect("no panic");
    }
    consumers[0].mark(QUEUE, "drained", None, None, None);
}

fn took(actor: &Actor, (token, data): (i64, Vec<u8>)) {
    let item = String::from_utf8(data).expect("text");
    actor.mark(QUEUE, "took", Some(&item), Some(token), None);
}

async fn barrier(actor: Actor, size: u64, mistake: Mistake) {
    for round in 0..4 {
        let path = format!("{}-{round}", BARRIER.1);
        let name = (BARRIER.0, path.as_str());
        let clients = usize::try_from(size).expect("small");
        let barrier = Barrier::with_mistake(&actor.client, &path, clients, mistake);
        let mark = |mark| actor.mark(name, mark, None, None, Some(size));
        // The first comes long before the others.
        if actor.number > 1 {
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        mark("entering");
        barrier.enter().await.expect("the session lives");
        mark("entered");
        let _ = actor.client.sync(&path).await;
        mark("leaving");
        barrier.leave().await.expect("the session lives");
        mark("left");
    }
}

async fn ids(actors: &[Actor], mistake: Mistake) {
    each(actors, |actor| async move {
        for _ in 0..ITEMS {
            let id = next_id_with_mistake(&actor.client, IDS.1, "job-", mistake).await;
            let id = id.expect("the session lives");
            actor.mark(IDS, "id", Some(&id), None, None);
        }
    })
    .await;
}

/// One publisher; two subscribers, who are waited for until they have the last value or have had
/// the time for it.
async fn config(actors: Vec<Actor>, mistake: Mistake) {
    const PATIENCE: Duration = Duration::from_secs(60);
    let short = mistake != Mistake::None;
    let patience = if short { Duration::from_secs(2) } else { PATIENCE };
    let last = format!("value {}", VALUES - 1);
    let (publisher, subscribers) = (actors[0].clone(), &actors[1..]);
    let mut all = JoinSet::new();
    for actor in subscribers {
        let (actor, last) = (actor.clone(), last.clone());
        all.spawn(async move {
            let mut subscriber = Subscriber::with_mistake(&actor.client, CONFIG.1, mistake);
            let follow = async {
                loop {
                    let (value, token) = subscriber.next().await.expect("the session lives");
                    let value = String::from_utf8(value).expect("text");
                    actor.mark(CONFIG, "applied", Some(&value), Some(token), None);
                    if value == last {
                        break;
                    }
                }
            };
            let _ = tokio::time::timeout(patience, follow).await;
            actor.mark(CONFIG, "settled", None, None, None);
        });
    }
    for number in 0..VALUES {
        let value = format!("value {number}");
        let token = publish(&publisher.client, CONFIG.1, value.as_bytes()).await;
        let token = token.expect("the session lives");
        publisher.mark(CONFIG, "published", Some(&value), Some(token), None);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while let Some(done) = all.join_next().await {
        done.expect("no panic");
    }
}

/// What a NameNode would be: it is told what to do and leaves marks.
struct Node {
    actor: Actor,
}

fn node_name(actor: &Actor) -> String {
    format!("nn{}", actor.number)
}

impl Controlled for Node {
    async fn fence(&mut self, other: &str) -> bool {
        self.actor.mark(FAILOVER, "fenced", Some(other), None, None);
        true
    }

    async fn become_active(&mut self) {
        self.actor.mark(FAILOVER, "active", Some(&node_name(&self.actor)), None, None);
    }

    async fn become_standby(&mut self) {
        self.actor.mark(FAILOVER, "standby", Some(&node_name(&self.actor)), None, None);
    }
}

/// Two NameNodes: the first is cut off while it is active and goes on being so, the second takes
/// over; then the second ends in order, and a third becomes active without fencing anybody.
async fn failover(actors: Vec<Actor>, mistake: Mistake) {
    let elector = |actor: &Actor| {
        Elector::with_mistake(&actor.client, FAILOVER.1, &node_name(actor), mistake)
    };
    let node = |actor: &Actor| Node { actor: actor.clone() };
    let [first, second, third] = [&actors[0], &actors[1], &actors[2]];
    elector(first).win(&mut node(first)).await.expect("the session lives");
    let standby = {
        let (elector, mut node) = (elector(second), node(second));
        tokio::spawn(async move { elector.win(&mut node).await.map(|()| (elector, node)) })
    };
    // Its session ends, and it does not know.
    first.relay.set_open(false);
    let (winner, mut active) = standby.await.expect("no panic").expect("the session lives");
    let last = {
        let (elector, mut node) = (elector(third), node(third));
        tokio::spawn(async move { elector.win(&mut node).await })
    };
    winner.quit(&mut active).await.expect("the session lives");
    last.await.expect("no panic").expect("the session lives");
}
