//! Requests and answers of the client port in the words of a history.

use bytes::Bytes;
use zab_history::{Call, Kind, Reply, ReplyPart, Stat, WatchKind, WatcherType};
use zab_trace::Zxid;
use zab_wire::client::{
    AddWatchRequest, CheckVersionRequest, Create2Response, CreateRequest, CreateResponse,
    CreateTtlRequest, DeleteRequest, GetChildren2Response, GetChildrenResponse, GetDataResponse,
    MODE_PERSISTENT_RECURSIVE, MultiRequest, MultiResponse, Op, OpResult, ReadRequest,
    SetDataRequest, SetWatches, SetWatches2, StatResponse, SyncRecord, WatchesRequest,
};
use zab_wire::{ErrorCode, OpCode, Reader};

use super::has_stat;

pub(super) fn zxid(number: i64) -> Zxid {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    Zxid::new(u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

pub(super) fn session(number: i64) -> String {
    format!("{number:#x}")
}

pub(super) fn error(number: i32) -> String {
    match ErrorCode::from_number(number) {
        Some(code) => format!("{code:?}"),
        None => format!("error {number}"),
    }
}

pub(super) fn event(number: i32) -> Option<WatchKind> {
    match number {
        1 => Some(WatchKind::NodeCreated),
        2 => Some(WatchKind::NodeDeleted),
        3 => Some(WatchKind::NodeDataChanged),
        4 => Some(WatchKind::NodeChildrenChanged),
        _ => None,
    }
}

/// What a request asks for; what it has no words for is named only.
pub(super) fn call(op: i32, reader: &mut Reader<'_>) -> Call {
    let Some(code) = OpCode::from_number(op) else { return other(op) };
    decoded(code, reader).unwrap_or_else(|| other(op))
}

fn other(op: i32) -> Call {
    let name = OpCode::from_number(op).map_or(format!("operation {op}"), |op| format!("{op:?}"));
    Call::Other { name }
}

fn decoded(code: OpCode, reader: &mut Reader<'_>) -> Option<Call> {
    Some(match code {
        OpCode::Create | OpCode::Create2 | OpCode::CreateContainer => create(&reader.read().ok()?),
        OpCode::CreateTtl => create_ttl(&reader.read().ok()?),
        OpCode::Delete => delete(reader.read().ok()?),
        OpCode::SetData => set(reader.read().ok()?),
        OpCode::Check => check(reader.read().ok()?),
        OpCode::GetData => {
            let ReadRequest { path, watch } = reader.read().ok()?;
            Call::Get { path, watch }
        }
        OpCode::Exists => {
            let ReadRequest { path, watch } = reader.read().ok()?;
            Call::Exists { path, watch }
        }
        OpCode::GetChildren | OpCode::GetChildren2 => {
            let ReadRequest { path, watch } = reader.read().ok()?;
            Call::Children { path, watch }
        }
        OpCode::Sync => {
            let SyncRecord { path } = reader.read().ok()?;
            Call::Sync { path }
        }
        OpCode::Multi => {
            let request: MultiRequest = reader.read().ok()?;
            Call::Multi { parts: request.ops.into_iter().map(part).collect() }
        }
        OpCode::CloseSession => Call::Close,
        OpCode::AddWatch => {
            let AddWatchRequest { path, mode } = reader.read().ok()?;
            Call::AddWatch { path, recursive: mode == MODE_PERSISTENT_RECURSIVE }
        }
        OpCode::RemoveWatches => {
            let WatchesRequest { path, kind } = reader.read().ok()?;
            let watches = match kind {
                1 => WatcherType::Children,
                2 => WatcherType::Data,
                3 => WatcherType::Any,
                4 => WatcherType::Persistent,
                5 => WatcherType::Recursive,
                _ => return None,
            };
            Call::RemoveWatches { path, watches }
        }
        OpCode::SetWatches => set_watches(reader.read().ok()?, Vec::new(), Vec::new()),
        OpCode::SetWatches2 => {
            let SetWatches2 { standard, persistent, recursive } = reader.read().ok()?;
            set_watches(standard, persistent, recursive)
        }
        OpCode::Notification
        | OpCode::GetAcl
        | OpCode::SetAcl
        | OpCode::Ping
        | OpCode::Reconfig
        | OpCode::CheckWatches
        | OpCode::DeleteContainer
        | OpCode::MultiRead
        | OpCode::Auth
        | OpCode::Sasl
        | OpCode::GetEphemerals
        | OpCode::GetAllChildrenNumber
        | OpCode::WhoAmI
        | OpCode::CreateSession
        | OpCode::Error => return None,
    })
}

fn text(data: Option<&Bytes>) -> String {
    data.map(|data| data.escape_ascii().to_string()).unwrap_or_default()
}

fn version(version: i32) -> Option<i32> {
    (version != -1).then_some(version)
}

fn create(request: &CreateRequest) -> Call {
    // `CreateMode`, by its flags.
    let kind = match request.flags {
        1 => Kind::Ephemeral,
        2 => Kind::PersistentSequential,
        3 => Kind::EphemeralSequential,
        4 => Kind::Container,
        _ => Kind::Persistent,
    };
    Call::Create { path: request.path.clone(), data: text(request.data.as_ref()), kind }
}

fn create_ttl(request: &CreateTtlRequest) -> Call {
    let sequential = request.flags == 6;
    let kind = if sequential { Kind::PersistentSequentialWithTtl } else { Kind::PersistentWithTtl };
    Call::Create { path: request.path.clone(), data: text(request.data.as_ref()), kind }
}

fn delete(request: DeleteRequest) -> Call {
    Call::Delete { path: request.path, version: version(request.version) }
}

fn set(request: SetDataRequest) -> Call {
    let data = text(request.data.as_ref());
    Call::Set { path: request.path, data, version: version(request.version) }
}

fn check(request: CheckVersionRequest) -> Call {
    Call::Check { path: request.path, version: version(request.version) }
}

fn part(op: Op) -> Call {
    match op {
        Op::Create(_, request) => create(&request),
        Op::CreateTtl(request) => create_ttl(&request),
        Op::Delete(request) => delete(request),
        Op::SetData(request) => set(request),
        Op::Check(request) => check(request),
        Op::GetData(ReadRequest { path, watch }) => Call::Get { path, watch },
        Op::GetChildren(ReadRequest { path, watch }) => Call::Children { path, watch },
    }
}

fn set_watches(standard: SetWatches, persistent: Vec<String>, recursive: Vec<String>) -> Call {
    let SetWatches { relative_zxid, mut data, exist, child } = standard;
    data.extend(exist);
    Call::SetWatches { since: zxid(relative_zxid), data, children: child, persistent, recursive }
}

/// What a reply says, and the error of a multi, which stands in its parts.
pub(super) fn reply(op: i32, call: &Call, reader: &mut Reader<'_>) -> (Reply, Option<String>) {
    let reply = answered(op, call, reader).unwrap_or_default();
    let errors = reply.parts.iter().filter_map(|part| part.error.as_ref());
    let real = |error: &&String| !["Ok", "RuntimeInconsistency"].contains(&error.as_str());
    let error = errors.clone().find(real).or(errors.clone().next()).cloned();
    (reply, error)
}

fn answered(op: i32, call: &Call, reader: &mut Reader<'_>) -> Option<Reply> {
    let mut reply = Reply::default();
    match call {
        Call::Create { .. } if has_stat(op) => {
            let answer: Create2Response = reader.read().ok()?;
            (reply.path, reply.stat) = (Some(answer.path), Some(stat(&answer.stat)));
        }
        Call::Create { .. } => {
            let answer: CreateResponse = reader.read().ok()?;
            reply.path = Some(answer.path);
        }
        Call::Set { .. } | Call::Exists { .. } => {
            let answer: StatResponse = reader.read().ok()?;
            reply.stat = Some(stat(&answer.stat));
        }
        Call::Get { .. } => {
            let answer: GetDataResponse = reader.read().ok()?;
            reply.data = Some(text(answer.data.as_ref()));
            reply.stat = Some(stat(&answer.stat));
        }
        Call::Children { .. } if has_stat(op) => {
            let answer: GetChildren2Response = reader.read().ok()?;
            (reply.children, reply.stat) = (Some(answer.children), Some(stat(&answer.stat)));
        }
        Call::Children { .. } => {
            let answer: GetChildrenResponse = reader.read().ok()?;
            reply.children = Some(answer.children);
        }
        Call::Multi { .. } => {
            let answer: MultiResponse = reader.read().ok()?;
            reply.parts = answer.results.iter().map(result).collect();
        }
        Call::Delete { .. }
        | Call::Check { .. }
        | Call::Sync { .. }
        | Call::Close
        | Call::AddWatch { .. }
        | Call::RemoveWatches { .. }
        | Call::SetWatches { .. }
        | Call::Other { .. } => {}
    }
    Some(reply)
}

fn result(result: &OpResult) -> ReplyPart {
    let mut part = ReplyPart::default();
    match result {
        OpResult::Created(path) => part.path = Some(path.clone()),
        OpResult::CreatedWithStat(_, answer) => {
            (part.path, part.stat) = (Some(answer.path.clone()), Some(stat(&answer.stat)));
        }
        OpResult::Replaced(answer) => part.stat = Some(stat(answer)),
        OpResult::Error(number) => part.error = Some(error(*number)),
        OpResult::Done(_) | OpResult::Data(..) | OpResult::Children(_) => {}
    }
    part
}

fn stat(stat: &zab_wire::Stat) -> Stat {
    Stat {
        czxid: zxid(stat.czxid),
        mzxid: zxid(stat.mzxid),
        pzxid: zxid(stat.pzxid),
        version: stat.version,
        cversion: stat.cversion,
        ephemeral_owner: (stat.ephemeral_owner != 0).then(|| session(stat.ephemeral_owner)),
        num_children: u32::try_from(stat.num_children).unwrap_or_default(),
    }
}
