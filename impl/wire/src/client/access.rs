//! Who a client is, and who may do what: records of `auth`, `getACL`, `setACL`, `whoAmI`.

use bytes::Bytes;

use crate::data::{Acl, Stat};
use crate::jute::record;

record! {
    /// Request `Auth`, whose `xid` is [`super::XID_AUTH`].
    AuthPacket {
        /// 0.
        kind: i32,
        /// The scheme, for instance `digest`.
        scheme: String,
        /// What the scheme asks for, for instance `user:password`.
        auth: Option<Bytes>,
    }
}

record! {
    /// Request `GetAcl`.
    GetAclRequest {
        /// The node.
        path: String,
    }
}

record! {
    /// Answer to `GetAcl`.
    GetAclResponse {
        /// Its access control list.
        acl: Vec<Acl>,
        /// What is known of the node.
        stat: Stat,
    }
}

record! {
    /// Request `SetAcl`; the answer is a [`super::StatResponse`].
    SetAclRequest {
        /// The node.
        path: String,
        /// The new list.
        acl: Vec<Acl>,
        /// The version that the present list must have; −1 for any.
        version: i32,
    }
}

record! {
    /// One identity of a client, without what is secret in it.
    ClientInfo {
        /// Scheme, for instance `digest`.
        scheme: String,
        /// Name within the scheme, for instance the user.
        user: String,
    }
}

record! {
    /// Answer to `WhoAmI`, which has no record.
    WhoAmIResponse {
        /// Everything that the client is authenticated as.
        clients: Vec<ClientInfo>,
    }
}
