//! One link: accepting, dialling on, forwarding.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use zab_trace::ConnectionName;

use super::{JoinedConnection, LinkState, Live, lock};

/// How long to wait when the system cannot accept a connection, such as for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

type Joined = Arc<Mutex<Vec<JoinedConnection>>>;

/// Accepts the connections of a link until the relay ends.
pub(super) async fn accept(listener: TcpListener, link: Arc<LinkState>, joined: Joined) {
    loop {
        match listener.accept().await {
            Ok((dialler, _)) => match link.enter() {
                Some(live) => {
                    tokio::spawn(connection(dialler, live, Arc::clone(&joined)));
                }
                None => reset(dialler),
            },
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// One connection, from its acceptance to its end.
async fn connection(mut dialler: TcpStream, live: Live, joined: Joined) {
    let cut = live.cut.clone();
    let acceptor = tokio::select! {
        biased;
        () = until_cut(cut.clone()) => None,
        dialled = TcpStream::connect(live.link.target) => dialled.ok(),
    };
    // The target's refusal is passed on in the only way that is left.
    let Some(mut acceptor) = acceptor else {
        reset(dialler);
        return;
    };
    let forwarded = match join(&dialler, &acceptor, &live.link) {
        Ok(connection) => {
            lock(&joined).push(connection);
            tokio::select! {
                biased;
                () = until_cut(cut) => false,
                ended = copy_bidirectional(&mut dialler, &mut acceptor) => ended.is_ok(),
            }
        }
        Err(_) => false,
    };
    // When both ends closed in peace, both have been told; everything else is a reset for both.
    if !forwarded {
        reset(dialler);
        reset(acceptor);
    }
    // Only now, with both sockets closed, may a cut return.
    drop(live);
}

async fn until_cut(mut cut: tokio::sync::watch::Receiver<bool>) {
    // An error means that the relay is gone, which is a cut, too.
    let _ = cut.wait_for(|cut| *cut).await;
}

/// Prepares both sockets, and names the connection as each end sees it.
fn join(
    dialler: &TcpStream,
    acceptor: &TcpStream,
    link: &LinkState,
) -> io::Result<JoinedConnection> {
    dialler.set_nodelay(true)?;
    acceptor.set_nodelay(true)?;
    Ok(JoinedConnection {
        link: link.link,
        left: ConnectionName::new(dialler.peer_addr()?, dialler.local_addr()?),
        right: ConnectionName::new(acceptor.local_addr()?, acceptor.peer_addr()?),
    })
}

/// Ends a connection at once and without peace: its other end sees a reset.
fn reset(stream: TcpStream) {
    // Should it fail, the other end sees an orderly end, which is an end as well.
    let _ = stream.set_zero_linger();
    drop(stream);
}
