//! Who listens?

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::ports::bound;

/// How often the targets are looked at. A server dials again after 100 ms at the earliest.
const SURVEY_INTERVAL: Duration = Duration::from_millis(4);

/// Watches which targets listen, without connecting to them.
#[derive(Debug, Default)]
pub(super) struct Survey {
    targets: BTreeMap<SocketAddr, watch::Sender<bool>>,
}

impl Survey {
    /// Whether this target listens, from now on.
    pub(super) fn watch(&mut self, target: SocketAddr) -> watch::Receiver<bool> {
        self.targets.entry(target).or_insert_with(|| watch::Sender::new(false)).subscribe()
    }

    /// Looks again and again, until the relay ends.
    pub(super) async fn run(self) {
        let mut ticks = interval(SURVEY_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for (target, listens) in &self.targets {
                let now = is_listened_on(*target);
                listens.send_if_modified(|before| std::mem::replace(before, now) != now);
            }
        }
    }
}

/// Whether somebody listens on this local address. With SO_REUSEADDR an address can be bound
/// beside all who only hold it or are connected, but not beside one who listens; and a socket that
/// is bound, for as long as this takes, is in nobody's way.
fn is_listened_on(address: SocketAddr) -> bool {
    bound(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;
    use crate::ReservedPorts;
    use crate::alone::listens;

    #[test]
    fn only_a_listener_is_one() {
        let _alone = listens();
        let reserved = ReservedPorts::reserve(1).expect("a port");
        let address = reserved.addresses().next().expect("one");
        assert!(!is_listened_on(address));
        let listener = TcpListener::bind(address).expect("the port");
        assert!(is_listened_on(address));
        let dialled = TcpStream::connect(address).expect("a listener");
        let accepted = listener.accept().expect("a connection");
        drop(listener);
        assert!(!is_listened_on(address), "{dialled:?} and {accepted:?} do not listen");
        drop(accepted);
        drop(dialled);
        assert!(!is_listened_on(address));
    }

    #[test]
    fn a_listener_on_all_addresses_is_one() {
        let _alone = listens();
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert!(is_listened_on((Ipv4Addr::LOCALHOST, port).into()));
    }
}
