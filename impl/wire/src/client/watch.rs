//! Watches: what sets and removes them, and the event that a client is sent.

use crate::jute::record;

/// `xid` of an event.
pub const XID_NOTIFICATION: i32 = -1;

/// State of an event: the client is connected (`KeeperState.SyncConnected`).
pub const STATE_CONNECTED: i32 = 3;

/// Mode of [`AddWatchRequest`]: on one node and its children, until it is removed.
pub const MODE_PERSISTENT: i32 = 0;
/// Mode of [`AddWatchRequest`]: on a node and everything below it, until it is removed.
pub const MODE_PERSISTENT_RECURSIVE: i32 = 1;

record! {
    /// An event: follows a reply header whose `xid` is [`XID_NOTIFICATION`].
    WatcherEvent {
        /// 1 created, 2 deleted, 3 data changed, 4 children changed (`Watcher.Event.EventType`).
        kind: i32,
        /// [`STATE_CONNECTED`].
        state: i32,
        /// The node that was watched.
        path: String,
    }
}

record! {
    /// Request `SetWatches`, whose `xid` is [`super::XID_SET_WATCHES`]; the answer has no record.
    SetWatches {
        /// The last zxid that the client has seen.
        relative_zxid: i64,
        /// Nodes that existed, whose data is watched.
        data: Vec<String>,
        /// Nodes that did not exist.
        exist: Vec<String>,
        /// Nodes whose children are watched.
        child: Vec<String>,
    }
}

record! {
    /// Request `SetWatches2`, whose `xid` is [`super::XID_SET_WATCHES`] too.
    SetWatches2 {
        /// What is in the older request too.
        standard: SetWatches,
        /// Nodes with persistent watches.
        persistent: Vec<String>,
        /// Nodes with persistent recursive watches.
        recursive: Vec<String>,
    }
}

record! {
    /// Request `AddWatch`; the answer is an [`ErrorResponse`] with 0.
    AddWatchRequest {
        /// The node.
        path: String,
        /// [`MODE_PERSISTENT`] or [`MODE_PERSISTENT_RECURSIVE`].
        mode: i32,
    }
}

record! {
    /// An error's number as a record.
    #[derive(Copy)]
    ErrorResponse {
        /// The number.
        err: i32,
    }
}

record! {
    /// Requests `CheckWatches` and `RemoveWatches`; the answers have no record.
    WatchesRequest {
        /// The node.
        path: String,
        /// 1 children, 2 data, 3 any (`Watcher.WatcherType`), 4 persistent, 5 recursive.
        kind: i32,
    }
}
