//! Numbers with names: operations and error codes.

use bytes::BytesMut;

use crate::error::{DecodeError, Found};
use crate::jute::{Reader, Record};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident, $expected:literal { $($(#[$item_doc:meta])* $item:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i32)]
        pub enum $name {
            $($(#[$item_doc])* $item = $number,)*
        }

        impl $name {
            /// Every value, in the order of the declaration.
            pub const ALL: &[Self] = &[$(Self::$item,)*];

            /// The value with this number, if there is one.
            #[must_use]
            pub fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$item),)*
                    _ => None,
                }
            }

            /// The number on the wire.
            #[must_use]
            pub fn number(self) -> i32 {
                self as i32
            }
        }

        impl Record for $name {
            fn encode(&self, out: &mut BytesMut) {
                self.number().encode(out);
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let at = reader.clone();
                let number = reader.read()?;
                Self::from_number(number)
                    .ok_or_else(|| at.refuse($expected, Found::Number(i64::from(number))))
            }
        }
    };
}
pub(crate) use numbered;

numbered! {
    /// An operation of a client, or the kind of a transaction (`ZooDefs.OpCode`).
    OpCode, "the number of an operation" {
        /// A server's message to a client that no request asked for.
        Notification = 0,
        /// Create a node.
        Create = 1,
        /// Delete a node.
        Delete = 2,
        /// Whether a node exists, and its `Stat`.
        Exists = 3,
        /// Data and `Stat` of a node.
        GetData = 4,
        /// Replace the data of a node.
        SetData = 5,
        /// The access control list of a node.
        GetAcl = 6,
        /// Replace the access control list of a node.
        SetAcl = 7,
        /// Names of the children of a node.
        GetChildren = 8,
        /// Bring this server up to the leader.
        Sync = 9,
        /// Keep the session alive.
        Ping = 11,
        /// Names of the children of a node, and its `Stat`.
        GetChildren2 = 12,
        /// Compare a version, within a `Multi`.
        Check = 13,
        /// Several operations, all or none.
        Multi = 14,
        /// Create a node, and answer with its `Stat` too.
        Create2 = 15,
        /// Change the ensemble.
        Reconfig = 16,
        /// Whether a watch is set.
        CheckWatches = 17,
        /// Remove watches.
        RemoveWatches = 18,
        /// Create a container node.
        CreateContainer = 19,
        /// Delete an empty container node; only the leader asks for it.
        DeleteContainer = 20,
        /// Create a node with a time to live.
        CreateTtl = 21,
        /// Several reads in one request.
        MultiRead = 22,
        /// Authenticate this connection.
        Auth = 100,
        /// Set watches again after a reconnect.
        SetWatches = 101,
        /// One step of a SASL dialogue.
        Sasl = 102,
        /// Paths of a session's ephemeral nodes.
        GetEphemerals = 103,
        /// Count all nodes below one.
        GetAllChildrenNumber = 104,
        /// Like `SetWatches`, with persistent ones.
        SetWatches2 = 105,
        /// Add a persistent watch.
        AddWatch = 106,
        /// Who this connection is authenticated as.
        WhoAmI = 107,
        /// Make a session.
        CreateSession = -10,
        /// End a session.
        CloseSession = -11,
        /// As the kind of a transaction: a request that failed validation.
        Error = -1,
    }
}

numbered! {
    /// The outcome of a request (`KeeperException.Code`).
    ErrorCode, "the number of an error code" {
        /// Success.
        Ok = 0,
        /// Never sent on its own.
        SystemError = -1,
        /// Not reached: an earlier operation of the same `Multi` failed.
        RuntimeInconsistency = -2,
        /// Data is inconsistent.
        DataInconsistency = -3,
        /// The connection was lost; made by clients.
        ConnectionLoss = -4,
        /// The request could not be decoded.
        MarshallingError = -5,
        /// The operation is not implemented here.
        Unimplemented = -6,
        /// The operation took too long; made by clients.
        OperationTimeout = -7,
        /// An argument is not acceptable, for instance a path.
        BadArguments = -8,
        /// The session is unknown.
        UnknownSession = -12,
        /// No quorum of the new configuration is connected.
        NewConfigNoQuorum = -13,
        /// Another reconfiguration is under way.
        ReconfigInProgress = -14,
        /// The node does not exist.
        NoNode = -101,
        /// Not permitted.
        NoAuth = -102,
        /// The version given is not the node's.
        BadVersion = -103,
        /// An ephemeral node has no children.
        NoChildrenForEphemerals = -108,
        /// The node exists already.
        NodeExists = -110,
        /// The node has children.
        NotEmpty = -111,
        /// The session has ended.
        SessionExpired = -112,
        /// Made by clients.
        InvalidCallback = -113,
        /// The access control list is not acceptable.
        InvalidAcl = -114,
        /// Authentication failed.
        AuthFailed = -115,
        /// The session has moved to another server.
        SessionMoved = -118,
        /// A write on a read-only server.
        NotReadOnly = -119,
        /// An ephemeral node on a local session.
        EphemeralOnLocalSession = -120,
        /// No such watch.
        NoWatcher = -121,
        /// The request waited too long.
        RequestTimeout = -122,
        /// Reconfiguration is switched off.
        ReconfigDisabled = -123,
        /// The session was closed because it must authenticate.
        SessionClosedRequireSaslAuth = -124,
        /// A quota is exceeded.
        QuotaExceeded = -125,
        /// The server is overloaded.
        ThrottledOp = -127,
    }
}

impl ErrorCode {
    /// Nothing for success, the code itself for anything else.
    ///
    /// # Errors
    /// Every code but [`ErrorCode::Ok`].
    pub fn into_result(self) -> Result<(), Self> {
        if self == Self::Ok { Ok(()) } else { Err(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_names_its_value() {
        assert!(OpCode::ALL.iter().all(|op| OpCode::from_number(op.number()) == Some(*op)));
        assert!(ErrorCode::ALL.iter().all(|e| ErrorCode::from_number(e.number()) == Some(*e)));
    }

    #[test]
    fn an_unknown_number_is_refused() {
        let error = ErrorCode::from_bytes(&(-9999_i32).to_be_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "at byte 0: expected the number of an error code, found -9999"
        );
    }
}
