//! Unique ids: the numbers of sequential nodes.
//!
//! The number is that of all nodes ever created under the parent, so ids grow and have gaps. They
//! begin again if the parent is deleted and created again. A node of which the client does not know
//! whether it was created costs a number and is cleaned up by nobody, so ids are made of nodes that
//! end with their session.

use zookeeper_client::{Acls, Client, CreateMode};

use crate::RecipeError;
use crate::mistake::Mistake;
use crate::own::{delete, ensure, is_lost, repeated};

/// The next id below `folder`: `job-` gives `job-0000000003`.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = zookeeper_client::Client::connect("127.0.0.1:2181").await?;
/// let id = zab_recipes::next_id(&client, "/ids", "job-").await?;
/// println!("type2-{id}");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the session ends meanwhile.
pub async fn next_id(client: &Client, folder: &str, prefix: &str) -> Result<String, RecipeError> {
    next_id_with_mistake(client, folder, prefix, Mistake::None).await
}

#[doc(hidden)]
pub async fn next_id_with_mistake(
    client: &Client,
    folder: &str,
    prefix: &str,
    mistake: Mistake,
) -> Result<String, RecipeError> {
    ensure(client, folder).await?;
    let options = CreateMode::EphemeralSequential.with_acls(Acls::anyone_all());
    let path = format!("{folder}/{prefix}");
    loop {
        if mistake == Mistake::IdOfChildren {
            let children = repeated(|| client.list_children(folder)).await?;
            let id = format!("{prefix}{:010}", children.len());
            let _ = client.create(&path, b"", &options).await;
            return Ok(id);
        }
        match client.create(&path, b"", &options).await {
            Ok((_, sequence)) => {
                let id = format!("{prefix}{sequence}");
                delete(client, &format!("{folder}/{id}")).await?;
                return Ok(id);
            }
            // Whether it was created or not, the next one has another number.
            Err(error) if is_lost(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
