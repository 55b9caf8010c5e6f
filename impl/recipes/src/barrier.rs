//! Double barriers: so many clients begin together and end together ("Double Barriers" of
//! ZooKeeper's recipes).
//!
//! Each creates an ephemeral child. Whoever finds that all have come creates `ready`, which the
//! others watch. To end, each deletes its child and waits until there is none left. If a client's
//! session ends before all have come, its child is gone and does not count.

use zookeeper_client::{Acls, Client, CreateMode, Error};

use crate::RecipeError;
use crate::mistake::Mistake;
use crate::own::{delete, ensure, repeated, unique};

/// The node that says that all have come.
const READY: &str = "ready";

/// One meeting of so many clients; it has a node of its own, and is not used again.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = zookeeper_client::Client::connect("127.0.0.1:2181").await?;
/// let barrier = zab_recipes::Barrier::new(&client, "/round-7", 10);
/// barrier.enter().await?;
/// // All ten are here.
/// barrier.leave().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Barrier {
    client: Client,
    folder: String,
    own: String,
    size: usize,
    mistake: Mistake,
}

impl Barrier {
    /// The barrier at this path, for so many clients.
    #[must_use]
    pub fn new(client: &Client, path: &str, size: usize) -> Self {
        Self::with_mistake(client, path, size, Mistake::None)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_mistake(client: &Client, path: &str, size: usize, mistake: Mistake) -> Self {
        let own = format!("{path}/{}", unique());
        Self { client: client.clone(), folder: path.to_owned(), own, size, mistake }
    }

    /// Says that this client has come, and waits until all have.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn enter(&self) -> Result<(), RecipeError> {
        let Self { client, folder, .. } = self;
        ensure(client, folder).await?;
        let ready = format!("{folder}/{READY}");
        // The watch comes first: `ready` may be there as soon as the own node is.
        let (mut there, mut watcher) = repeated(|| client.check_and_watch_stat(&ready)).await?;
        let options = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
        match repeated(|| client.create(&self.own, b"", &options)).await {
            Ok(_) | Err(Error::NodeExists) => {}
            Err(error) => return Err(error.into()),
        }
        if self.mistake == Mistake::BarrierDoesNotWait {
            return Ok(());
        }
        let come = repeated(|| client.list_children(folder)).await?;
        if come.iter().filter(|name| *name != READY).count() >= self.size {
            return ensure(client, &ready).await;
        }
        while there.is_none() {
            watcher.changed().await;
            (there, watcher) = repeated(|| client.check_and_watch_stat(&ready)).await?;
        }
        Ok(())
    }

    /// Says that this client has finished, and waits until all have.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn leave(&self) -> Result<(), RecipeError> {
        let Self { client, folder, .. } = self;
        delete(client, &self.own).await?;
        loop {
            let (left, watcher) = repeated(|| client.list_and_watch_children(folder)).await?;
            if left.iter().all(|name| name == READY) {
                return Ok(());
            }
            watcher.changed().await;
        }
    }
}
