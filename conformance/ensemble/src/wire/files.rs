//! Folder, configuration and ports of each server.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use zab_trace::ServerId;

use crate::error::RecordError;
use crate::ports::ReservedPorts;
use crate::relay::{Endpoint, Relay};
use crate::target::{Setup, Target};

/// Where a server lives.
pub(super) struct Home {
    pub(super) folder: PathBuf,
    pub(super) client: SocketAddr,
}

/// The ports of all servers, and what holds them.
pub(super) struct Ports {
    pub(super) all: Vec<Endpoint>,
    clients: Vec<SocketAddr>,
    _held: ReservedPorts,
}

impl Ports {
    pub(super) fn reserve(ids: &[ServerId]) -> Result<Self, RecordError> {
        let io = |source| RecordError::Io { what: "reserving ports", source };
        let held = ReservedPorts::reserve(ids.len() * 3).map_err(io)?;
        let mut free = held.addresses();
        let mut take = || free.next().ok_or(RecordError::NoPorts);
        let (mut all, mut clients) = (Vec::new(), Vec::new());
        for server in ids.iter().copied() {
            all.push(Endpoint { server, quorum: take()?, election: take()? });
            clients.push(take()?);
        }
        drop(free);
        Ok(Self { all, clients, _held: held })
    }
}

/// Makes the folders of all servers in `out`.
pub(super) fn make(
    out: &Path,
    target: &dyn Target,
    ports: &Ports,
    relay: Option<&Relay>,
    (window, sync_limit): (u32, u32),
    observers: &[ServerId],
) -> Result<BTreeMap<ServerId, Home>, RecordError> {
    let io = |what: &'static str| move |source| RecordError::Io { what, source };
    let mut homes = BTreeMap::new();
    for (own, client) in ports.all.iter().zip(ports.clients.iter().copied()) {
        let folder = out.join(format!("server-{}", own.server));
        fs::create_dir_all(folder.join("data")).map_err(io("making a server's folder"))?;
        let all = &ports.all;
        let folder_of = &folder;
        let setup =
            Setup { own, folder: folder_of, client, all, relay, window, sync_limit, observers };
        fs::write(folder.join("zoo.cfg"), target.config(&setup)).map_err(io("writing zoo.cfg"))?;
        for (name, content) in target.files() {
            fs::write(folder.join(name), content).map_err(io("writing a server's files"))?;
        }
        let id = own.server.to_string();
        fs::write(folder.join("data/myid"), id).map_err(io("writing myid"))?;
        homes.insert(own.server, Home { folder, client });
    }
    Ok(homes)
}
