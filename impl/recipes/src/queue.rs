//! A FIFO queue: items are persistent sequential nodes, and are taken in the order of their numbers
//! ("Queues" of ZooKeeper's recipes, whose items stay when their producer goes).
//!
//! An item is taken by a transaction that deletes it and writes it into the consumer's own node. A
//! consumer that loses its connection meanwhile reads that node: so it knows whether it has the item,
//! and every item is given once.

use zookeeper_client::{Client, CreateMode, Error, MultiWriteError};

use crate::RecipeError;
use crate::mistake::Mistake;
use crate::own::{create, ensure, in_order, is_lost, repeated, unique};

/// A queue: a node with the items and the consumers below it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = zookeeper_client::Client::connect("127.0.0.1:2181").await?;
/// let queue = zab_recipes::Queue::open(&client, "/mail").await?;
/// queue.put(b"a letter").await?;
/// let mut consumer = queue.consumer().await?;
/// assert_eq!(consumer.take().await?.1, b"a letter");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    items: String,
    consumers: String,
}

/// Takes items, one after the other.
#[derive(Debug)]
pub struct Consumer {
    queue: Queue,
    /// Its own node, which holds the item that it took last: its name, a line end, its data.
    path: String,
    mistake: Mistake,
}

impl Queue {
    /// The queue at this path, which is made if it is not there.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn open(client: &Client, path: &str) -> Result<Self, RecipeError> {
        let (items, consumers) = (format!("{path}/items"), format!("{path}/consumers"));
        for path in [path, &items, &consumers] {
            ensure(client, path).await?;
        }
        Ok(Self { client: client.clone(), items, consumers })
    }

    /// Puts an item at the end; returns the zxid in which it was put.
    ///
    /// # Errors
    /// If the session ends meanwhile: then nobody knows whether it was put.
    pub async fn put(&self, data: &[u8]) -> Result<i64, RecipeError> {
        let (prefix, mode) = (format!("{}-", unique()), CreateMode::PersistentSequential);
        let (_, stat) = create(&self.client, &self.items, &prefix, data, mode).await?;
        Ok(stat.czxid)
    }

    /// A new consumer.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn consumer(&self) -> Result<Consumer, RecipeError> {
        self.consumer_with_mistake(Mistake::None).await
    }

    #[doc(hidden)]
    pub async fn consumer_with_mistake(&self, mistake: Mistake) -> Result<Consumer, RecipeError> {
        let path = format!("{}/{}", self.consumers, unique());
        ensure(&self.client, &path).await?;
        Ok(Consumer { queue: self.clone(), path, mistake })
    }
}

/// What became of a try to take an item.
enum Tried {
    Taken,
    /// Somebody else was faster.
    Gone,
}

impl Consumer {
    /// Waits for an item and takes it; returns the zxid in which it was put, and its data.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn take(&mut self) -> Result<(i64, Vec<u8>), RecipeError> {
        loop {
            if let Some(item) = self.try_take().await? {
                return Ok(item);
            }
            let Queue { client, items, .. } = &self.queue;
            let (children, watcher) = repeated(|| client.list_and_watch_children(items)).await?;
            if children.is_empty() {
                watcher.changed().await;
            }
        }
    }

    /// Takes an item if there is one.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn try_take(&mut self) -> Result<Option<(i64, Vec<u8>)>, RecipeError> {
        let Queue { client, items, .. } = &self.queue;
        loop {
            let children = repeated(|| client.list_children(items)).await?;
            let mut queue = in_order(children);
            if self.mistake == Mistake::TakesYoungest {
                queue.reverse();
            }
            let Some((_, name)) = queue.into_iter().next() else { return Ok(None) };
            let path = format!("{items}/{name}");
            let (data, stat) = match repeated(|| client.get_data(&path)).await {
                Err(Error::NoNode) => continue,
                answered => answered?,
            };
            if let Tried::Taken = self.one(&path, &name, &data).await? {
                return Ok(Some((stat.czxid, data)));
            }
        }
    }

    /// Takes this item, or finds out that somebody else has it.
    async fn one(&self, path: &str, name: &str, data: &[u8]) -> Result<Tried, RecipeError> {
        let client = &self.queue.client;
        if self.mistake == Mistake::TakeIgnoresDelete {
            let _ = client.delete(path, None).await;
            return Ok(Tried::Taken);
        }
        let own = [name.as_bytes(), b"\n", data].concat();
        loop {
            let mut both = client.new_multi_writer();
            both.add_delete(path, None)?;
            both.add_set_data(&self.path, &own, None)?;
            match both.commit().await {
                Ok(_) => return Ok(Tried::Taken),
                Err(MultiWriteError::OperationFailed { source: Error::NoNode, .. }) => {
                    // It may have been taken here, by a request whose answer was lost.
                    return self.has(&own).await;
                }
                Err(MultiWriteError::RequestFailed { source }) if is_lost(&source) => {}
                Err(error) => return Err(failed(error)),
            }
            repeated(|| client.sync(path)).await?;
        }
    }

    async fn has(&self, own: &[u8]) -> Result<Tried, RecipeError> {
        let (data, _) = repeated(|| self.queue.client.get_data(&self.path)).await?;
        Ok(if data == own { Tried::Taken } else { Tried::Gone })
    }
}

fn failed(error: MultiWriteError) -> RecipeError {
    match error {
        MultiWriteError::RequestFailed { source }
        | MultiWriteError::OperationFailed { source, .. } => source.into(),
    }
}
