//! Accepting client connections.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::connection;
use super::service::Service;
use crate::tls;
use crate::transport::Transport;

/// How long accepting rests after it failed, which it does when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

impl Service {
    /// Serves clients that connect to `listener`, for ever. One task for each connection.
    pub async fn listen(self: Arc<Self>, listener: TcpListener) {
        self.listen_with(listener, None).await;
    }

    /// As [`Self::listen`]; under TLS with an acceptor.
    pub(crate) async fn listen_with(
        self: Arc<Self>,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
    ) {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            // Too many connections: dropping the stream closes it, as ZooKeeper does.
            let Some(admission) = self.limits().admit(peer.ip()) else { continue };
            let (service, tls) = (Arc::clone(&self), tls.clone());
            tokio::spawn(async move {
                let stream = match tls {
                    None => Ok(Transport::Plain(stream)),
                    Some(tls) => tls::accept(&tls, stream).await,
                };
                // Who does not finish the handshake is told by TLS.
                if let Ok(stream) = stream {
                    connection::run(&service, stream, peer).await;
                }
                drop(admission);
            });
        }
    }
}
