//! A candidate for being active: `-- 127.0.0.1:2181 NAME`. Start two, kill the active one with
//! SIGKILL, and see the other fence it.

use zab_recipes::{Controlled, Elector};
use zookeeper_client::Client;

struct Node(String);

impl Controlled for Node {
    async fn fence(&mut self, other: &str) -> bool {
        println!("{}: here {other} would be fenced", self.0);
        true
    }

    async fn become_active(&mut self) {
        println!("{}: active", self.0);
    }

    async fn become_standby(&mut self) {
        println!("{}: standby", self.0);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let servers = args.next().ok_or("expected the servers: HOST:PORT[,HOST:PORT…]")?;
    let name = args.next().ok_or("expected a name")?;
    let client = Client::connect(&servers).await?;
    let (elector, mut node) = (Elector::new(&client, "/example-failover", &name), Node(name));
    elector.win(&mut node).await?;
    elector.lost().await;
    node.become_standby().await;
    Ok(())
}
