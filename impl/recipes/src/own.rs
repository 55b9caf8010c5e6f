//! Requests that are safe to make again, and nodes that a client finds again.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use zookeeper_client::{Acls, Client, CreateMode, Error, Stat};

use crate::RecipeError;

/// How long to wait before a request is made again.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether a request failed because the connection was lost, so that nobody knows whether it was
/// done. The crate also says so with what the operating system said, if it could not write.
pub(crate) fn is_lost(error: &Error) -> bool {
    type Shared = Arc<dyn std::error::Error + Send + Sync>;
    let of_system = |source: &(dyn std::error::Error + 'static)| {
        let inner = source.downcast_ref::<Shared>().map(|shared| shared.is::<io::Error>());
        source.is::<io::Error>() || inner == Some(true)
    };
    matches!(error, Error::ConnectionLoss | Error::Timeout)
        || std::error::Error::source(error).is_some_and(of_system)
}

/// Makes a request until it is answered. Only for what may be done twice.
pub(crate) async fn repeated<T, F>(mut request: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    loop {
        match request().await {
            Err(error) if is_lost(&error) => tokio::time::sleep(PAUSE).await,
            answered => return answered,
        }
    }
}

/// A name that nobody else gives: the standard library's hashers begin at random.
pub(crate) fn unique() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// Creates a persistent node unless it is there.
pub(crate) async fn ensure(client: &Client, path: &str) -> Result<(), RecipeError> {
    let options = CreateMode::Persistent.with_acls(Acls::anyone_all());
    match repeated(|| client.create(path, b"", &options)).await {
        Ok(_) | Err(Error::NodeExists) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The number at the end of a sequential node's name.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.get(name.len().checked_sub(10)?..)?.parse().ok()
}

/// Children with a number, in its order: names may differ before it.
pub(crate) fn in_order(children: Vec<String>) -> Vec<(u64, String)> {
    let numbered = children.into_iter();
    let mut numbered: Vec<(u64, String)> =
        numbered.filter_map(|name| number(&name).map(|number| (number, name))).collect();
    numbered.sort();
    numbered
}

/// Creates a sequential node whose name begins with `prefix`, which must be unique: after a lost
/// connection the client looks whether it is there.
pub(crate) async fn create(
    client: &Client,
    folder: &str,
    prefix: &str,
    data: &[u8],
    mode: CreateMode,
) -> Result<(String, Stat), RecipeError> {
    let options = mode.with_acls(Acls::anyone_all());
    let path = format!("{folder}/{prefix}");
    loop {
        match client.create(&path, data, &options).await {
            Ok((stat, sequence)) => return Ok((format!("{prefix}{sequence}"), stat)),
            Err(error) if is_lost(&error) => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(PAUSE).await;
        // What was under way when the connection was lost is done, or never will be.
        repeated(|| client.sync(folder)).await?;
        let children = repeated(|| client.list_children(folder)).await?;
        let own = in_order(children).into_iter().find(|(_, name)| name.starts_with(prefix));
        if let Some((_, name)) = own {
            let stat = repeated(|| client.check_stat(&format!("{folder}/{name}"))).await?;
            if let Some(stat) = stat {
                return Ok((name, stat));
            }
        }
    }
}

/// Deletes a node; it is gone afterwards, whoever deleted it.
pub(crate) async fn delete(client: &Client, path: &str) -> Result<(), RecipeError> {
    match repeated(|| client.delete(path, None)).await {
        Ok(()) | Err(Error::NoNode) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{in_order, number};

    #[test]
    fn the_number_decides_and_not_the_name() {
        let names = ["b-x-0000000002", "a-x-0000000010", "ready", "c-x-0000000001"];
        let order: Vec<u64> = in_order(names.map(str::to_owned).to_vec())
            .into_iter()
            .map(|(number, _)| number)
            .collect();
        assert_eq!(order, [1, 2, 10]);
        assert_eq!(number("short"), None);
    }
}
