//! Locks: exclusive, and shared with exclusive ones ("Locks" and "Shared Locks" of ZooKeeper's
//! recipes).
//!
//! Whoever wants the lock creates an ephemeral sequential node. The one with the smallest number has
//! it; anybody else watches the one before it only, so that a release wakes one client and not all.
//! A reader waits for the last writer before it.
//!
//! A holder whose session ends does not notice at once: a pause of its process is enough. So every
//! holder gets a **token**, the zxid in which its node was created. Tokens grow from holder to
//! holder. What the lock protects must refuse a token that is smaller than one it has seen.

use zookeeper_client::{Client, CreateMode};

use crate::RecipeError;
use crate::mistake::Mistake;
use crate::own::{create, delete, ensure, in_order, repeated, unique};

/// Who may hold a lock together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nobody else.
    Exclusive,
    /// Others that share it.
    Shared,
}

impl Mode {
    /// In the names of nodes.
    const fn sign(self) -> &'static str {
        match self {
            Self::Exclusive => "-w-",
            Self::Shared => "-r-",
        }
    }
}

/// A lock: a node whose children are those who have it or want it.
///
/// ```no_run
/// use zab_recipes::{Lock, Mode};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = zookeeper_client::Client::connect("127.0.0.1:2181").await?;
/// let lock = Lock::new(&client, "/printer");
/// let held = lock.acquire(Mode::Exclusive).await?;
/// println!("with token {:x}", held.token());
/// held.release().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lock {
    client: Client,
    folder: String,
    mistake: Mistake,
}

/// A lock that is held, as long as the session lives.
#[derive(Debug)]
pub struct Held {
    client: Client,
    path: String,
    token: i64,
}

impl Lock {
    /// The lock at this path.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::with_mistake(client, path, Mistake::None)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_mistake(client: &Client, path: &str, mistake: Mistake) -> Self {
        Self { client: client.clone(), folder: path.to_owned(), mistake }
    }

    /// Waits until the lock is free, and takes it.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn acquire(&self, mode: Mode) -> Result<Held, RecipeError> {
        let Self { client, folder, mistake } = self;
        ensure(client, folder).await?;
        let prefix = format!("{}{}", unique(), mode.sign());
        let node = create(client, folder, &prefix, b"", CreateMode::EphemeralSequential).await?;
        let (name, stat) = node;
        let mut token = stat.czxid;
        loop {
            let children = repeated(|| client.list_children(folder)).await?;
            if *mistake == Mistake::TokenOfChildren {
                token = i64::try_from(children.len()).unwrap_or(i64::MAX);
            }
            let queue = in_order(children);
            let Some(place) = queue.iter().position(|(_, other)| *other == name) else {
                // Ephemeral nodes go with their session only.
                return Err(RecipeError::SessionEnded);
            };
            let Some(blocker) = blocker(&queue[..place], mode, *mistake) else {
                let path = format!("{folder}/{name}");
                return Ok(Held { client: client.clone(), path, token });
            };
            let blocker = format!("{folder}/{blocker}");
            let (stat, watcher) = repeated(|| client.check_and_watch_stat(&blocker)).await?;
            if stat.is_some() {
                watcher.changed().await;
            }
        }
    }
}

/// The last of those before it whom a newcomer must wait for.
fn blocker(before: &[(u64, String)], mode: Mode, mistake: Mistake) -> Option<&str> {
    let blocks = |name: &&str| match (mode, mistake) {
        (_, Mistake::LockDoesNotWait) | (Mode::Shared, Mistake::ReaderIgnoresWriters) => false,
        (Mode::Exclusive, _) => true,
        (Mode::Shared, _) => name.contains(Mode::Exclusive.sign()),
    };
    before.iter().rev().map(|(_, name)| name.as_str()).find(blocks)
}

impl Held {
    /// Larger than the token of everyone who held the lock before, unless both share it.
    #[must_use]
    pub const fn token(&self) -> i64 {
        self.token
    }

    /// Gives the lock back.
    ///
    /// # Errors
    /// If the session has ended, and the lock with it.
    pub async fn release(self) -> Result<(), RecipeError> {
        delete(&self.client, &self.path).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_waits_for_the_last_writer_and_a_writer_for_the_one_before_it() {
        let before: Vec<(u64, String)> =
            [(1, "a-w-0000000001"), (2, "b-w-0000000002"), (3, "c-r-0000000003")]
                .map(|(number, name)| (number, name.to_owned()))
                .to_vec();
        assert_eq!(blocker(&before, Mode::Shared, Mistake::None), Some("b-w-0000000002"));
        assert_eq!(blocker(&before, Mode::Exclusive, Mistake::None), Some("c-r-0000000003"));
        assert_eq!(blocker(&before[2..], Mode::Shared, Mistake::None), None);
    }
}
