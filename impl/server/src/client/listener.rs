//! Accepting client connections.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::connection;
use super::service::Service;

/// How long accepting rests after it failed, which it does when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

impl Service {
    /// Serves clients that connect to `listener`, for ever. One task for each connection.
    pub async fn listen(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            // Too many connections: dropping the stream closes it, as ZooKeeper does.
            let Some(admission) = self.limits().admit(peer.ip()) else { continue };
            let service = Arc::clone(&self);
            tokio::spawn(async move {
                connection::run(&service, stream, peer).await;
                drop(admission);
            });
        }
    }
}
