//! Configurations: a node whose data are published, and subscribers that are told of each change and
//! read it (push, then pull).
//!
//! A watch tells once, and that something has changed, not what. So a subscriber reads and sets the
//! watch in one request, and misses no change for good, though it may skip values that were there
//! between.

use zookeeper_client::{Acls, Client, CreateMode, Error, OneshotWatcher};

use crate::RecipeError;
use crate::mistake::Mistake;
use crate::own::repeated;

/// Publishes a value; returns the zxid in which it was published. A lost connection may publish it
/// twice, which subscribers do not notice.
///
/// # Errors
/// If the session ends meanwhile, or the node's parent is not there.
pub async fn publish(client: &Client, path: &str, value: &[u8]) -> Result<i64, RecipeError> {
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    loop {
        match repeated(|| client.set_data(path, value, None)).await {
            Ok(stat) => return Ok(stat.mzxid),
            Err(Error::NoNode) => {}
            Err(error) => return Err(error.into()),
        }
        match repeated(|| client.create(path, value, &options)).await {
            Ok((stat, _)) => return Ok(stat.mzxid),
            Err(Error::NodeExists) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Follows a configuration.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = zookeeper_client::Client::connect("127.0.0.1:2181").await?;
/// zab_recipes::publish(&client, "/database", b"url=one").await?;
/// let mut subscriber = zab_recipes::Subscriber::new(&client, "/database");
/// loop {
///     let (value, zxid) = subscriber.next().await?;
///     println!("{zxid:x}: {}", String::from_utf8_lossy(&value));
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Subscriber {
    client: Client,
    path: String,
    seen: i64,
    watcher: Option<OneshotWatcher>,
    mistake: Mistake,
}

impl Subscriber {
    /// One for this node, which need not be there yet.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::with_mistake(client, path, Mistake::None)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_mistake(client: &Client, path: &str, mistake: Mistake) -> Self {
        Self { client: client.clone(), path: path.to_owned(), seen: 0, watcher: None, mistake }
    }

    /// Waits for a value that it has not given yet: the newest, with the zxid in which it was
    /// published.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn next(&mut self) -> Result<(Vec<u8>, i64), RecipeError> {
        loop {
            if let Some(watcher) = self.watcher.take() {
                watcher.changed().await;
            }
            let Self { client, path, .. } = self;
            if self.mistake == Mistake::WatchesOnce && self.seen > 0 {
                let (value, stat) = repeated(|| client.get_data(path)).await?;
                if stat.mzxid > self.seen {
                    self.seen = stat.mzxid;
                    return Ok((value, stat.mzxid));
                }
                std::future::pending::<()>().await;
            }
            match repeated(|| client.get_and_watch_data(path)).await {
                Ok((value, stat, watcher)) => {
                    self.watcher = Some(watcher);
                    if stat.mzxid > self.seen {
                        self.seen = stat.mzxid;
                        return Ok((value, stat.mzxid));
                    }
                }
                Err(Error::NoNode) => {
                    let (stat, watcher) = repeated(|| client.check_and_watch_stat(path)).await?;
                    self.watcher = Some(watcher).filter(|_| stat.is_none());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
