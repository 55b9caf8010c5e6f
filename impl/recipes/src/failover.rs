//! Failover with fencing, as Hadoop's `ActiveStandbyElector` does it for HDFS's two NameNodes.
//!
//! Candidates try to create one ephemeral node, the lock. Who succeeds looks for the *breadcrumb*, a
//! persistent node that says who was active last and did not end in order. If there is one, it fences
//! that one; only then it writes its own name there and becomes active. Who ends in order deletes the
//! breadcrumb. If fencing fails, nobody becomes active, and the lock is given back.
//!
//! ZooKeeper fences nobody: an active node whose session has ended may still be at work. That is why
//! the winner must make sure by other means, which are the program's ([`Controlled::fence`]).

use std::future::Future;

use zookeeper_client::{Acls, Client, CreateMode, Error};

use crate::RecipeError;
use crate::mistake::Mistake;
use crate::own::{delete, ensure, repeated};

/// The node of the lock.
pub const ACTIVE_LOCK: &str = "ActiveStandbyElectorLock";
/// The node of the breadcrumb.
pub const BREADCRUMB: &str = "ActiveBreadCrumb";

/// What is switched between active and standby.
pub trait Controlled {
    /// Makes sure that this other one does nothing any more; whether that succeeded.
    fn fence(&mut self, other: &str) -> impl Future<Output = bool> + Send;

    /// This one is active from now on.
    fn become_active(&mut self) -> impl Future<Output = ()> + Send;

    /// This one is active no more.
    fn become_standby(&mut self) -> impl Future<Output = ()> + Send;
}

/// A candidate.
#[derive(Debug)]
pub struct Elector {
    client: Client,
    folder: String,
    name: String,
    mistake: Mistake,
}

impl Elector {
    /// A candidate with this name, for the nodes below `path`.
    #[must_use]
    pub fn new(client: &Client, path: &str, name: &str) -> Self {
        Self::with_mistake(client, path, name, Mistake::None)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_mistake(client: &Client, path: &str, name: &str, mistake: Mistake) -> Self {
        let (folder, name) = (path.to_owned(), name.to_owned());
        Self { client: client.clone(), folder, name, mistake }
    }

    fn lock(&self) -> String {
        format!("{}/{ACTIVE_LOCK}", self.folder)
    }

    fn breadcrumb(&self) -> String {
        format!("{}/{BREADCRUMB}", self.folder)
    }

    /// Waits until this candidate is active.
    ///
    /// # Errors
    /// If the session ends meanwhile.
    pub async fn win(&self, controlled: &mut impl Controlled) -> Result<(), RecipeError> {
        ensure(&self.client, &self.folder).await?;
        loop {
            self.get_lock().await?;
            if self.mistake == Mistake::ActiveBeforeFence {
                controlled.become_active().await;
            }
            if !self.fence_last(controlled).await? {
                delete(&self.client, &self.lock()).await?;
                continue;
            }
            self.write_breadcrumb().await?;
            if self.mistake != Mistake::ActiveBeforeFence {
                controlled.become_active().await;
            }
            return Ok(());
        }
    }

    /// Waits until the lock is lost: the node is gone, or the session has ended. The caller becomes
    /// standby, and may try to win again.
    pub async fn lost(&self) {
        loop {
            let (lock, own) = (self.lock(), self.client.session_id().0);
            let watched = repeated(|| self.client.check_and_watch_stat(&lock)).await;
            let Ok((Some(stat), watcher)) = watched else { return };
            if stat.ephemeral_owner != own {
                return;
            }
            watcher.changed().await;
        }
    }

    /// Ends in order: this one becomes standby, then nobody needs to fence it, then the lock is free.
    ///
    /// # Errors
    /// If the session has ended; then the next one will fence this one.
    pub async fn quit(&self, controlled: &mut impl Controlled) -> Result<(), RecipeError> {
        controlled.become_standby().await;
        delete(&self.client, &self.breadcrumb()).await?;
        delete(&self.client, &self.lock()).await
    }

    async fn get_lock(&self) -> Result<(), RecipeError> {
        let (client, lock, own) = (&self.client, self.lock(), self.client.session_id().0);
        let options = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
        loop {
            match repeated(|| client.create(&lock, self.name.as_bytes(), &options)).await {
                Ok(_) => return Ok(()),
                Err(Error::NodeExists) => {}
                Err(error) => return Err(error.into()),
            }
            let (stat, watcher) = repeated(|| client.check_and_watch_stat(&lock)).await?;
            match stat {
                // A create whose answer was lost.
                Some(stat) if stat.ephemeral_owner == own => return Ok(()),
                Some(_) => {
                    watcher.changed().await;
                }
                None => {}
            }
        }
    }

    /// Fences whoever the breadcrumb names; whether nobody is left who may be active.
    async fn fence_last(&self, controlled: &mut impl Controlled) -> Result<bool, RecipeError> {
        let breadcrumb = self.breadcrumb();
        match repeated(|| self.client.get_data(&breadcrumb)).await {
            Ok((last, _)) => {
                let last = String::from_utf8_lossy(&last).into_owned();
                Ok(last == self.name || controlled.fence(&last).await)
            }
            Err(Error::NoNode) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    async fn write_breadcrumb(&self) -> Result<(), RecipeError> {
        crate::publish(&self.client, &self.breadcrumb(), self.name.as_bytes()).await.map(drop)
    }
}
