//! Requests that are answered from this server's tree. Source: `FinalRequestProcessor`.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use zab_wire::client::{
    AddWatchRequest, ErrorResponse, GetAclRequest, GetAclResponse, GetAllChildrenNumberRequest,
    GetAllChildrenNumberResponse, GetChildren2Response, GetChildrenResponse, GetDataResponse,
    GetEphemeralsRequest, GetEphemeralsResponse, MODE_PERSISTENT, MODE_PERSISTENT_RECURSIVE,
    MultiRequest, MultiResponse, Op, OpResult, ReadRequest, SetWatches, SetWatches2, StatResponse,
    WatchesRequest, WhoAmIResponse,
};
use zab_wire::{Acl, ErrorCode, Id, OpCode, Record, Stat};

use super::answers::put_event;
use super::requests::Request;
use super::watches::{Event, Modes, Watching};
use crate::auth;
use crate::tree::{EventKind, Permission, Tree, permit};

/// Who reads.
pub(super) struct Session {
    pub(super) id: i64,
    pub(super) ids: Arc<[Id]>,
}

/// Answers a request. Events of watches that are over as soon as they are set go to `output`,
/// before the answer.
#[expect(clippy::wildcard_enum_match_arm, reason = "everything else is not implemented")]
pub(super) fn read(
    tree: &Tree,
    session: &Session,
    watching: &Watching,
    request: &Request,
    output: &mut BytesMut,
) -> Result<Bytes, ErrorCode> {
    let reading = Reading { tree, session, watching };
    let payload = &request.payload;
    match OpCode::from_number(request.op).ok_or(ErrorCode::Unimplemented)? {
        OpCode::Ping => Ok(Bytes::new()),
        // Only one whose record cannot be read is answered here.
        OpCode::Sync => Err(ErrorCode::MarshallingError),
        OpCode::Exists => reading.exists(decode(payload)?),
        OpCode::GetData => {
            let (data, stat) = reading.data(decode(payload)?)?;
            let length = data.as_ref().map_or(0, Bytes::len);
            Ok(encoded(&GetDataResponse { data, stat }, length))
        }
        OpCode::GetChildren => {
            let (children, _) = reading.children(decode(payload)?)?;
            Ok(GetChildrenResponse { children }.to_bytes())
        }
        OpCode::GetChildren2 => {
            let (children, stat) = reading.children(decode(payload)?)?;
            Ok(GetChildren2Response { children, stat }.to_bytes())
        }
        OpCode::GetAcl => reading.acl(decode(payload)?),
        OpCode::MultiRead => reading.several(decode(payload)?),
        OpCode::GetEphemerals => reading.ephemerals(&decode(payload)?),
        OpCode::GetAllChildrenNumber => reading.descendants(&decode(payload)?),
        OpCode::WhoAmI => {
            let clients = session.ids.iter().map(auth::shown).collect();
            Ok(WhoAmIResponse { clients }.to_bytes())
        }
        OpCode::AddWatch => reading.add_watch(&decode(payload)?),
        OpCode::CheckWatches => {
            let WatchesRequest { path, kind } = decode(payload)?;
            found(watching.has(&path, modes(kind)?))
        }
        OpCode::RemoveWatches => {
            let WatchesRequest { path, kind } = decode(payload)?;
            found(watching.remove(&path, modes(kind)?))
        }
        OpCode::SetWatches => {
            let standard = decode(payload)?;
            let (persistent, recursive) = (Vec::new(), Vec::new());
            reading.set_watches(SetWatches2 { standard, persistent, recursive }, output)
        }
        OpCode::SetWatches2 => reading.set_watches(decode(payload)?, output),
        _ => Err(ErrorCode::Unimplemented),
    }
}

/// A look at the tree on behalf of a client.
struct Reading<'a> {
    tree: &'a Tree,
    session: &'a Session,
    watching: &'a Watching,
}

impl Reading<'_> {
    /// A watch is set on a node that is not there, too. Nobody is asked for a permission, as in
    /// ZooKeeper 3.8; since 3.9 reading must be permitted.
    fn exists(&self, request: ReadRequest) -> Result<Bytes, ErrorCode> {
        let ReadRequest { path, watch } = request;
        let stat = self.tree.stat(&path);
        if watch {
            self.watching.add(&path, Modes::DATA)?;
        }
        Ok(encoded(&StatResponse { stat: stat? }, 0))
    }

    fn data(&self, request: ReadRequest) -> Result<(Option<Bytes>, Stat), ErrorCode> {
        let ReadRequest { path, watch } = request;
        self.permit(&path)?;
        if watch {
            self.watching.add(&path, Modes::DATA)?;
        }
        self.tree.data(&path)
    }

    fn children(&self, request: ReadRequest) -> Result<(Vec<String>, Stat), ErrorCode> {
        let ReadRequest { path, watch } = request;
        self.permit(&path)?;
        if watch {
            self.watching.add(&path, Modes::CHILD)?;
        }
        self.tree.children(&path)
    }

    fn permit(&self, path: &str) -> Result<(), ErrorCode> {
        self.tree.permit(path, Permission::Read, &self.session.ids)
    }

    /// Whoever may not replace the list is not shown the digests in it.
    fn acl(&self, request: GetAclRequest) -> Result<Bytes, ErrorCode> {
        let GetAclRequest { path } = request;
        let (list, ids) = (self.tree.list(&path)?, &self.session.ids);
        permit(&list, Permission::ReadOrAdmin, ids)?;
        let mut acl = list.to_vec();
        if permit(&list, Permission::Admin, ids).is_err() {
            for Acl { id, .. } in acl.iter_mut().filter(|acl| acl.id.scheme == "digest") {
                let user = id.id.split(':').next().unwrap_or_default();
                id.id = format!("{user}:x");
            }
        }
        let stat = self.tree.stat(&path)?;
        Ok(GetAclResponse { acl, stat }.to_bytes())
    }

    /// `multiRead`: each of them stands for itself.
    fn several(&self, request: MultiRequest) -> Result<Bytes, ErrorCode> {
        if !request.ops.iter().all(Op::is_read) {
            return Err(ErrorCode::MarshallingError);
        }
        let results = request.ops.into_iter().map(|op| {
            let result = match op {
                Op::GetData(request) => {
                    self.data(request).map(|(data, stat)| OpResult::Data(data, stat))
                }
                Op::GetChildren(request) => {
                    self.children(request).map(|(names, _)| OpResult::Children(names))
                }
                Op::Create(..)
                | Op::CreateTtl(_)
                | Op::Delete(_)
                | Op::SetData(_)
                | Op::Check(_) => Err(ErrorCode::MarshallingError),
            };
            result.unwrap_or_else(|error| OpResult::Error(error.number()))
        });
        let mut size = 0;
        let mut kept = Vec::new();
        for result in results {
            size += length(&result);
            if size > ANSWER_MAX {
                return Err(ErrorCode::BadArguments);
            }
            kept.push(result);
        }
        Ok(MultiResponse { results: kept }.to_bytes())
    }

    fn ephemerals(&self, request: &GetEphemeralsRequest) -> Result<Bytes, ErrorCode> {
        let prefix = request.prefix.as_deref().unwrap_or_default();
        let prefix = std::str::from_utf8(prefix).map_err(|_| ErrorCode::MarshallingError)?;
        let paths = self.tree.ephemerals_of(self.session.id);
        let ephemerals = paths.filter(|path| path.starts_with(prefix)).map(str::to_owned).collect();
        Ok(GetEphemeralsResponse { ephemerals }.to_bytes())
    }

    fn descendants(&self, request: &GetAllChildrenNumberRequest) -> Result<Bytes, ErrorCode> {
        self.permit(&request.path)?;
        let count = self.tree.descendants(&request.path)?;
        let total = i32::try_from(count).unwrap_or(i32::MAX);
        Ok(GetAllChildrenNumberResponse { total }.to_bytes())
    }

    fn add_watch(&self, request: &AddWatchRequest) -> Result<Bytes, ErrorCode> {
        let modes = match request.mode {
            MODE_PERSISTENT => Modes::PERSISTENT,
            MODE_PERSISTENT_RECURSIVE => Modes::RECURSIVE,
            _ => return Err(ErrorCode::MarshallingError),
        };
        self.watching.add(&request.path, modes)?;
        Ok(ErrorResponse { err: 0 }.to_bytes())
    }

    /// The watches of a client that had another connection before. What happened meanwhile is
    /// told at once, and of such watches those that fire once are over (`DataTree.setWatches`).
    fn set_watches(&self, request: SetWatches2, output: &mut BytesMut) -> Result<Bytes, ErrorCode> {
        let SetWatches { relative_zxid, data, exist, child } = request.standard;
        let mut tell = |kind, path: &str| {
            // Nothing is told of a node that the client may not read.
            if self.permit(path) != Err(ErrorCode::NoAuth) {
                put_event(output, &Event { kind, path: path.into(), zxid: self.tree.last_zxid() });
            }
        };
        for path in &data {
            match self.tree.stat(path) {
                Err(_) => tell(EventKind::Deleted, path),
                Ok(stat) if stat.mzxid > relative_zxid => tell(EventKind::DataChanged, path),
                Ok(_) => self.watching.add(path, Modes::DATA)?,
            }
        }
        for path in &exist {
            match self.tree.stat(path) {
                Ok(_) => tell(EventKind::Created, path),
                Err(_) => self.watching.add(path, Modes::DATA)?,
            }
        }
        for path in &child {
            match self.tree.stat(path) {
                Err(_) => tell(EventKind::Deleted, path),
                Ok(stat) if stat.pzxid > relative_zxid => tell(EventKind::ChildrenChanged, path),
                Ok(_) => self.watching.add(path, Modes::CHILD)?,
            }
        }
        for path in &request.persistent {
            self.watching.add(path, Modes::PERSISTENT)?;
        }
        for path in &request.recursive {
            self.watching.add(path, Modes::RECURSIVE)?;
        }
        Ok(Bytes::new())
    }
}

/// Most bytes of the answer to one `multiRead`; whoever wants more asks more often.
const ANSWER_MAX: usize = 4 << 20;

/// About how long a result is.
fn length(result: &OpResult) -> usize {
    let content = match result {
        OpResult::Data(data, _) => data.as_ref().map_or(0, Bytes::len),
        OpResult::Children(names) => names.iter().map(|name| name.len() + 4).sum(),
        OpResult::Created(_)
        | OpResult::CreatedWithStat(..)
        | OpResult::Done(_)
        | OpResult::Replaced(_)
        | OpResult::Error(_) => 0,
    };
    content + 100
}

/// Bytes of an answer besides its data, at most: so it is not moved while it grows.
const ANSWER_OVERHEAD: usize = 80;

/// An answer with this much data in it.
fn encoded(answer: &impl Record, data: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(data + ANSWER_OVERHEAD);
    answer.encode(&mut out);
    out.freeze()
}

fn decode<T: Record>(payload: &[u8]) -> Result<T, ErrorCode> {
    T::from_bytes(payload).map_err(|_| ErrorCode::MarshallingError)
}

/// The kinds of watches that a number names (`Watcher.WatcherType`).
fn modes(kind: i32) -> Result<Modes, ErrorCode> {
    match kind {
        1 => Ok(Modes::CHILD),
        2 => Ok(Modes::DATA),
        3 => Ok(Modes::ANY),
        4 => Ok(Modes::PERSISTENT),
        5 => Ok(Modes::RECURSIVE),
        _ => Err(ErrorCode::MarshallingError),
    }
}

fn found(is_set: bool) -> Result<Bytes, ErrorCode> {
    if is_set { Ok(Bytes::new()) } else { Err(ErrorCode::NoWatcher) }
}
