//! Free ports that stay free until a server listens on them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::net::TcpSocket;

/// Loopback ports for servers that are started later, perhaps several times.
///
/// A port is bound here, with SO_REUSEADDR and without listening. So the system gives it to nobody
/// who asks for any port, while a server that asks for this one (and also sets SO_REUSEADDR, as
/// Rust's and Java's listeners do) gets it. Keep the reservation as long as the servers run.
#[derive(Debug)]
pub struct ReservedPorts {
    sockets: Vec<TcpSocket>,
    ports: Vec<u16>,
}

impl ReservedPorts {
    /// Reserves `count` different ports on 127.0.0.1.
    ///
    /// # Errors
    /// When the system has no port or no socket left.
    pub fn reserve(count: usize) -> io::Result<Self> {
        let mut reserved = Self { sockets: Vec::new(), ports: Vec::new() };
        for _ in 0..count {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
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

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_reserved_port_can_be_listened_on_again_and_again() {
        let reserved = ReservedPorts::reserve(3).expect("free ports");
        for address in reserved.addresses() {
            for _ in 0..2 {
                let listener = TcpListener::bind(address).expect("the reserved port");
                let dialled = TcpStream::connect(address).expect("a listener");
                let (accepted, _) = listener.accept().expect("a connection");
                assert_eq!(accepted.peer_addr().ok(), dialled.local_addr().ok());
            }
        }
    }

    /// As servers do whose own host is 0.0.0.0, so that nobody dials them past a relay.
    #[test]
    fn a_reserved_port_can_be_listened_on_at_all_addresses() {
        let reserved = ReservedPorts::reserve(1).expect("a port");
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, reserved.ports()[0]));
        let listener = listener.expect("the reserved port");
        let dialled = TcpStream::connect((Ipv4Addr::LOCALHOST, reserved.ports()[0]));
        let dialled = dialled.expect("a listener");
        let (accepted, _) = listener.accept().expect("a connection");
        assert_eq!(accepted.local_addr().ok(), dialled.peer_addr().ok());
    }

    #[test]
    fn nobody_else_is_given_a_reserved_port() {
        let reserved = ReservedPorts::reserve(200).expect("free ports");
        let others: Vec<_> = (0..200)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"))
            .collect();
        for other in others {
            let port = other.local_addr().expect("an address").port();
            assert!(!reserved.ports().contains(&port));
        }
    }

    #[test]
    fn a_reserved_port_refuses_until_somebody_listens() {
        let reserved = ReservedPorts::reserve(1).expect("free ports");
        let address = reserved.addresses().next().expect("one");
        let error = TcpStream::connect(address).expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
