//! One link: listening, dialling on, forwarding.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use zab_trace::ConnectionName;

use super::JoinedConnection;
use super::gate::{Entered, Gate};
use super::pump::forward;
use super::tap::Tap;

/// How long to wait when the system refuses to listen or accept, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a cut waits for a connection to the target that is just being made.
const CUT_DIAL_MAX: Duration = Duration::from_millis(200);

/// Listens on a link whenever it is not cut and its target listens.
pub(super) async fn serve(gate: Arc<Gate>, mut listens: watch::Receiver<bool>, tap: Arc<dyn Tap>) {
    let mut cut = gate.watch();
    // A wait fails only when the relay is gone.
    while until(&mut cut, false).await && until(&mut listens, true).await {
        match gate.open() {
            Ok(Some(open)) => {
                let Some(listener) = open.listener() else { return };
                tap.listening(gate.link(), true);
                let since = listens.clone();
                tokio::select! {
                    biased;
                    _ = until(&mut cut, true) => {}
                    _ = until(&mut listens, false) => {}
                    never = accept(listener, &gate, &since, &tap) => match never {}
                }
                tap.listening(gate.link(), false);
            }
            // Cut, or healed and cut again, between the wait and here.
            Ok(None) => {}
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Waits until this is so. False: it never will be.
async fn until(watched: &mut watch::Receiver<bool>, wanted: bool) -> bool {
    watched.wait_for(|now| *now == wanted).await.is_ok()
}

/// Lets in whoever dials. `since` is as it was when the target was seen to listen.
async fn accept(
    listener: &TcpListener,
    gate: &Arc<Gate>,
    since: &watch::Receiver<bool>,
    tap: &Arc<dyn Tap>,
) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((dialler, _)) => match gate.enter() {
                Some(entered) => {
                    tokio::spawn(connection(entered, since.clone(), dialler, Arc::clone(tap)));
                }
                None => reset(dialler),
            },
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// One connection, from its acceptance to its end. `entered` is the first argument, so that it is
/// dropped after the sockets.
async fn connection(
    entered: Entered,
    mut since: watch::Receiver<bool>,
    mut dialler: TcpStream,
    tap: Arc<dyn Tap>,
) {
    let gate = entered.gate();
    let mut cut = gate.watch();
    let Some(mut acceptor) = dial(gate, &mut cut, &mut since).await else {
        // The target stopped listening a moment ago: its refusal is passed on as a reset.
        tap.refused(gate.link());
        return reset(dialler);
    };
    let Ok(connection) = join(gate, &dialler, &acceptor) else {
        reset(dialler);
        return reset(acceptor);
    };
    let mut connected = tap.joined(&connection);
    let forwarded = tokio::select! {
        biased;
        _ = until(&mut cut, true) => Err("cut"),
        ended = forward(&mut dialler, &mut acceptor, &mut connected) => ended.map_err(|_| "reset"),
    };
    // When both ends closed in peace, both have been told; everything else is a reset for both.
    if let Err(why) = forwarded {
        connected.by_dialler.ended(why);
        connected.by_acceptor.ended(why);
        reset(dialler);
        reset(acceptor);
    } else {
        drop((dialler, acceptor));
    }
    (connected.closed)();
}

/// Connects to the target; none if it refuses, has stopped listening since (who dialled it before
/// does not reach it when it listens again), or the link is cut.
async fn dial(
    gate: &Gate,
    cut: &mut watch::Receiver<bool>,
    since: &mut watch::Receiver<bool>,
) -> Option<TcpStream> {
    let dialled = TcpStream::connect(gate.target());
    tokio::pin!(dialled);
    tokio::select! {
        biased;
        _ = until(cut, true) => {
            // The target may have accepted already. It must see a reset like everybody else, and
            // a socket that is dropped while it connects ends in an orderly way.
            if let Ok(Ok(acceptor)) = timeout(CUT_DIAL_MAX, dialled).await {
                reset(acceptor);
            }
            None
        }
        _ = since.changed() => None,
        dialled = &mut dialled => dialled.ok(),
    }
}

/// Prepares both sockets, and names the connection as each end sees it.
fn join(gate: &Gate, dialler: &TcpStream, acceptor: &TcpStream) -> io::Result<JoinedConnection> {
    dialler.set_nodelay(true)?;
    acceptor.set_nodelay(true)?;
    Ok(JoinedConnection {
        link: gate.link(),
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
