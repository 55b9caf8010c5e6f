//! The lines of a history, as they stand in a file. `README.md` beside this crate's sources tells
//! what each field means; `schema/history-v1.json` is the same for programs.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zab_trace::Zxid;

/// The version of the format.
pub const VERSION: u32 = 1;

/// The first line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The version of the format.
    pub zab_history: u32,
    /// What recorded it, with its version.
    pub source: String,
    /// Whether moments of different clients may be compared.
    pub clock: Clock,
    /// What had this zxid or a smaller one happened before the recording, and is not in it.
    #[serde(default, with = "zxid", skip_serializing_if = "is_zero")]
    pub since: Zxid,
    /// How long a server may be behind, in milliseconds, if somebody promises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timely: Option<u64>,
    /// Free text: where the history comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Whether moments of different clients may be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Clock {
    /// One clock for all, in nanoseconds.
    Shared,
    /// Moments say only the order within one client.
    Each,
}

/// Any other line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Whose line it is.
    pub client: u32,
    /// Its session, such as `0x1000a5b`; none before it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The server that it is connected to, in any spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum What {
    /// It has a session with a server: a new one, or the old one again.
    Connected {
        /// When.
        at: u64,
    },
    /// It lost the connection.
    Disconnected {
        /// When.
        at: u64,
    },
    /// It was told that its session has ended.
    Expired {
        /// When.
        at: u64,
    },
    /// It asked for something.
    Operation(Operation),
    /// It was told of a change.
    Watch {
        /// When.
        at: u64,
        /// What changed.
        kind: WatchKind,
        /// Where.
        path: String,
        /// The zxid in the event's header, if there is one.
        #[serde(default, with = "zxid_option", skip_serializing_if = "Option::is_none")]
        zxid: Option<Zxid>,
    },
    /// What the program that uses the client did.
    Mark(Mark),
}

/// What a watch tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WatchKind {
    /// The node is there.
    NodeCreated,
    /// The node is gone.
    NodeDeleted,
    /// Its data were replaced.
    NodeDataChanged,
    /// A child came or went.
    NodeChildrenChanged,
}

/// Which watches of a node a client no longer wants (`Watcher.WatcherType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WatcherType {
    /// Of its children.
    Children,
    /// Of its data and existence.
    Data,
    /// All.
    #[default]
    Any,
    /// One that stays.
    Persistent,
    /// One that stays, and looks below the node too.
    Recursive,
}

impl WatcherType {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

/// A step of a recipe; `README.md` lists the recipes and their steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: u64,
    /// Which recipe: `lock`, `queue`, `barrier`, `ids`, `config`, `failover`.
    pub recipe: String,
    /// Which step of it.
    pub mark: String,
    /// Which lock, queue, … it is.
    pub name: String,
    /// What it is done with: an item, an id, a value, a node's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The zxid that the step rests on.
    #[serde(default, with = "zxid_option", skip_serializing_if = "Option::is_none")]
    pub token: Option<Zxid>,
    /// How many a barrier waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// An operation, from its request to its reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// When the request was made.
    pub invoked: u64,
    /// When the reply came; none if it never did, so that nobody knows what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<u64>,
    /// What was asked.
    #[serde(flatten)]
    pub call: Call,
    /// The zxid in the reply's header: of the write, or of the state that was read.
    #[serde(default, with = "zxid_option", skip_serializing_if = "Option::is_none")]
    pub zxid: Option<Zxid>,
    /// The error that was answered, by ZooKeeper's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Reply::is_empty")]
    pub reply: Reply,
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub enum Call {
    /// A new node.
    Create {
        /// As asked for: without the number of a sequential node.
        path: String,
        /// Its data, spelled in any way that differs where bytes differ.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        data: String,
        /// What kind of node.
        #[serde(default, skip_serializing_if = "Kind::is_persistent")]
        kind: Kind,
    },
    /// A node's end.
    Delete {
        /// Which.
        path: String,
        /// The version that it must have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<i32>,
    },
    /// New data.
    Set {
        /// Of which node.
        path: String,
        /// The data.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        data: String,
        /// The version that it must have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<i32>,
    },
    /// Whether a node has a version; a part of a multi.
    Check {
        /// Which node.
        path: String,
        /// The version that it must have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<i32>,
    },
    /// Data and stat.
    Get {
        /// Of which node.
        path: String,
        /// Whether a watch is set.
        #[serde(default, skip_serializing_if = "is_false")]
        watch: bool,
    },
    /// Stat.
    Exists {
        /// Of which node.
        path: String,
        /// Whether a watch is set.
        #[serde(default, skip_serializing_if = "is_false")]
        watch: bool,
    },
    /// Names of the children.
    Children {
        /// Of which node.
        path: String,
        /// Whether a watch is set.
        #[serde(default, skip_serializing_if = "is_false")]
        watch: bool,
    },
    /// To be as far as the leader.
    Sync {
        /// Named, and not used.
        path: String,
    },
    /// All of these or none.
    Multi {
        /// The parts, in order.
        parts: Vec<Self>,
    },
    /// The session's end, as its client wishes.
    Close,
    /// A watch that stays.
    AddWatch {
        /// Where.
        path: String,
        /// Whether below it too.
        #[serde(default, skip_serializing_if = "is_false")]
        recursive: bool,
    },
    /// No watch any more, once it is answered.
    RemoveWatches {
        /// Where.
        path: String,
        /// Which of those there.
        #[serde(default, skip_serializing_if = "WatcherType::is_any")]
        watches: WatcherType,
    },
    /// The watches of a client that has a new connection.
    SetWatches {
        /// What the client has seen.
        #[serde(with = "zxid")]
        since: Zxid,
        /// Of data and existence.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<String>,
        /// Of children.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        children: Vec<String>,
        /// That stay.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        persistent: Vec<String>,
        /// That stay, and look below.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        recursive: Vec<String>,
    },
    /// Anything else; only its place in the order is looked at.
    Other {
        /// Its name.
        name: String,
    },
}

/// Kinds of nodes, by the names of ZooKeeper's `CreateMode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Stays.
    #[default]
    Persistent,
    /// Stays, and has a number.
    PersistentSequential,
    /// Ends with its session.
    Ephemeral,
    /// Ends with its session, and has a number.
    EphemeralSequential,
    /// May end once it has had children and has none.
    Container,
    /// May end after a time without change and children.
    PersistentWithTtl,
    /// The same with a number.
    PersistentSequentialWithTtl,
}

impl Kind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_persistent(&self) -> bool {
        *self == Self::Persistent
    }

    /// Whether the server puts a number behind the name.
    #[must_use]
    pub fn is_sequential(self) -> bool {
        matches!(
            self,
            Self::PersistentSequential
                | Self::EphemeralSequential
                | Self::PersistentSequentialWithTtl
        )
    }

    /// Whether it ends with its session.
    #[must_use]
    pub fn is_ephemeral(self) -> bool {
        matches!(self, Self::Ephemeral | Self::EphemeralSequential)
    }

    /// Whether a server may delete it by itself.
    #[must_use]
    pub fn may_vanish(self) -> bool {
        matches!(
            self,
            Self::Container | Self::PersistentWithTtl | Self::PersistentSequentialWithTtl
        )
    }
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The path of a new node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Stat of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stat: Option<Stat>,
    /// The data of a `get`; none means that there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The names of the children.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Vec<String>>,
    /// Of the parts of a multi.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ReplyPart>,
}

impl Reply {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The answer to a part of a multi.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyPart {
    /// The path of a new node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Stat of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stat: Option<Stat>,
    /// Its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a server says of a node, without times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stat {
    /// The transaction that created it.
    #[serde(with = "zxid")]
    pub czxid: Zxid,
    /// The one that last set its data.
    #[serde(with = "zxid")]
    pub mzxid: Zxid,
    /// The one that last added or removed a child.
    #[serde(with = "zxid")]
    pub pzxid: Zxid,
    /// How often its data were set.
    pub version: i32,
    /// How often children came and went.
    pub cversion: i32,
    /// The session that it ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_owner: Option<String>,
    /// How many children it has.
    pub num_children: u32,
}

impl Call {
    /// Whether it may change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        match self {
            Self::Create { .. } | Self::Delete { .. } | Self::Set { .. } | Self::Close => true,
            Self::Multi { parts } => parts.iter().any(Self::is_write),
            Self::Check { .. }
            | Self::Get { .. }
            | Self::Exists { .. }
            | Self::Children { .. }
            | Self::Sync { .. }
            | Self::AddWatch { .. }
            | Self::RemoveWatches { .. }
            | Self::SetWatches { .. }
            | Self::Other { .. } => false,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { path, data, kind } if kind.is_persistent() => {
                write!(f, "create {path} {data:?}")
            }
            Self::Create { path, data, kind } => write!(f, "create {path} {data:?} {kind:?}"),
            Self::Delete { path, .. } => write!(f, "delete {path}"),
            Self::Set { path, data, .. } => write!(f, "set {path} {data:?}"),
            Self::Check { path, .. } => write!(f, "check {path}"),
            Self::Get { path, .. } => write!(f, "get {path}"),
            Self::Exists { path, .. } => write!(f, "exists {path}"),
            Self::Children { path, .. } => write!(f, "children {path}"),
            Self::Sync { path } => write!(f, "sync {path}"),
            Self::Multi { parts } => {
                let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                write!(f, "multi [{}]", parts.join(", "))
            }
            Self::Close => write!(f, "close"),
            Self::AddWatch { path, .. } => write!(f, "addWatch {path}"),
            Self::RemoveWatches { path, .. } => write!(f, "removeWatches {path}"),
            Self::SetWatches { .. } => write!(f, "setWatches"),
            Self::Other { name } => write!(f, "{name}"),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(zxid: &Zxid) -> bool {
    *zxid == Zxid::ZERO
}

/// Zxids are written `epoch.counter`, as in traces.
mod zxid {
    use super::{Deserialize, Deserializer, Error, Serializer, Zxid};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(zxid: &Zxid, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(zxid)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Zxid, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// The same where there may be none.
mod zxid_option {
    use super::{Deserialize, Deserializer, Error, Serializer, Zxid};

    #[expect(clippy::ref_option, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(zxid: &Option<Zxid>, to: S) -> Result<S::Ok, S::Error> {
        match zxid {
            Some(zxid) => to.collect_str(zxid),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Zxid>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
