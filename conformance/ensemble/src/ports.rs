//! Free ports that stay free until a server listens on them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// Ports for servers that are started later, perhaps several times.
///
/// A port is bound here at all addresses (0.0.0.0), with `SO_REUSEADDR` and without listening.
/// This has three effects:
///
/// * No other socket holds the port at any address, not even a connection from another address
///   of this machine. So a server can listen on it at 127.0.0.1 and at 0.0.0.0.
/// * The system gives the port to nobody who asks for any port, neither to a listener nor to an
///   outgoing connection.
/// * A server that asks for this port, and also sets `SO_REUSEADDR` (as Rust's and Java's
///   listeners do), gets it.
///
/// Keep the reservation as long as the servers run.
#[derive(Debug)]
pub struct ReservedPorts {
    sockets: Vec<TcpSocket>,
    ports: Vec<u16>,
}

impl ReservedPorts {
    /// Reserves `count` different ports.
    ///
    /// # Errors
    /// When the system has no port or no socket left.
    pub fn reserve(count: usize) -> io::Result<Self> {
        let mut reserved = Self { sockets: Vec::new(), ports: Vec::new() };
        for _ in 0..count {
            let socket = bound(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
            reserved.ports.push(socket.local_addr()?.port());
            reserved.sockets.push(socket);
        }
        Ok(reserved)
    }

    /// The reserved ports.
    #[must_use]
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// The reserved ports as loopback addresses.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.ports.iter().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, *port)))
    }
}

/// A socket that is bound to an address, with `SO_REUSEADDR`, and does not listen yet. Many of
/// them may have the same address. Binding fails when somebody listens there.
pub(crate) fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::alone::listens;

    /// The addresses at which servers listen.
    const LISTENED_AT: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED];

    #[test]
    fn a_reserved_port_can_be_listened_on_again_and_again() {
        let _alone = listens();
        let reserved = ReservedPorts::reserve(3).expect("free ports");
        for port in reserved.ports() {
            for at in [LISTENED_AT, LISTENED_AT].concat() {
                let listener = TcpListener::bind((at, *port)).expect("the reserved port");
                let dialled = TcpStream::connect((Ipv4Addr::LOCALHOST, *port));
                let dialled = dialled.expect("a listener");
                let (accepted, _) = listener.accept().expect("a connection");
                assert_eq!(accepted.peer_addr().ok(), dialled.local_addr().ok());
            }
        }
    }

    /// Other processes hold ports at other addresses of this machine. A port that is free at
    /// 127.0.0.1 only cannot be listened on at 0.0.0.0.
    #[test]
    fn a_port_that_somebody_holds_at_another_address_is_not_reserved() {
        let _alone = listens();
        let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
        let listeners: Vec<_> =
            (0..100).map(|_| TcpListener::bind((elsewhere, 0)).expect("a port")).collect();
        let dialled: Vec<_> = listeners
            .iter()
            .map(|listener| TcpStream::connect(listener.local_addr().expect("its address")))
            .map(|stream| stream.expect("a listener"))
            .collect();
        for _ in 0..2_000 {
            let reserved = ReservedPorts::reserve(1).expect("a port");
            for at in LISTENED_AT {
                let listener = TcpListener::bind((at, reserved.ports()[0]));
                listener.unwrap_or_else(|error| panic!("{at}: {error}"));
            }
        }
        drop((listeners, dialled));
    }

    #[test]
    fn nobody_else_is_given_a_reserved_port() {
        let _alone = listens();
        let reserved = ReservedPorts::reserve(100).expect("free ports");
        let others: Vec<_> = (0..100)
            .flat_map(|_| LISTENED_AT.map(|at| TcpListener::bind((at, 0)).expect("a port")))
            .collect();
        let again = ReservedPorts::reserve(100).expect("free ports");
        for other in others {
            let address = other.local_addr().expect("an address");
            assert!(!reserved.ports().contains(&address.port()));
            let dialled = TcpStream::connect((Ipv4Addr::LOCALHOST, address.port()));
            let from = dialled.expect("a listener").local_addr().expect("an address").port();
            assert!(!reserved.ports().contains(&from), "a connection from a reserved port");
        }
        assert!(again.ports().iter().all(|port| !reserved.ports().contains(port)));
    }

    #[test]
    fn a_reserved_port_refuses_until_somebody_listens() {
        let _alone = listens();
        let reserved = ReservedPorts::reserve(1).expect("free ports");
        let address = reserved.addresses().next().expect("one");
        let error = TcpStream::connect(address).expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
