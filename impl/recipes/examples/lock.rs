//! Takes a lock, shows its token, and gives it back: `-- 127.0.0.1:2181 [shared]`.

use zab_recipes::{Lock, Mode};
use zookeeper_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let servers = args.next().ok_or("expected the servers: HOST:PORT[,HOST:PORT…]")?;
    let shared = args.next().is_some_and(|mode| mode == "shared");
    let client = Client::connect(&servers).await?;
    let lock = Lock::new(&client, "/example-lock");
    let held = lock.acquire(if shared { Mode::Shared } else { Mode::Exclusive }).await?;
    println!("the lock is held with token {:#x}", held.token());
    held.release().await?;
    println!("the lock is free");
    Ok(())
}
