//! Records that many formats share: identities, access control lists, node statistics.

use bytes::BytesMut;

use crate::error::DecodeError;
use crate::jute::{Reader, Record, record};

/// An identity: who a client is authenticated as, or whom a list entry names.
///
/// Either string may be null on the wire, where it stands for an empty one: kazoo writes `auth`
/// without an id like that. It is written as an empty one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id {
    /// Authentication scheme, for instance `world` or `ip`.
    pub scheme: String,
    /// Identity within the scheme, for instance `anyone`.
    pub id: String,
}

impl Record for Id {
    fn encode(&self, out: &mut BytesMut) {
        self.scheme.encode(out);
        self.id.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { scheme: reader.string_or_null()?, id: reader.string_or_null()? })
    }
}

record! {
    /// One entry of an access control list.
    #[derive(Hash)]
    Acl {
        /// Sum of 1 read, 2 write, 4 create, 8 delete, 16 administer.
        perms: i32,
        /// Whom it grants them to.
        id: Id,
    }
}

impl Acl {
    /// All permissions, as a sum.
    pub const ALL: i32 = 31;

    /// The list that grants everything to everyone (`Ids.OPEN_ACL_UNSAFE`).
    #[must_use]
    pub fn open() -> Vec<Self> {
        let id = Id { scheme: "world".to_owned(), id: "anyone".to_owned() };
        vec![Self { perms: Self::ALL, id }]
    }
}

record! {
    /// What a client is told about a node.
    #[derive(Copy, Default)]
    Stat {
        /// Zxid of the transaction that created the node.
        czxid: i64,
        /// Zxid of the transaction that last changed its data.
        mzxid: i64,
        /// When it was created, milliseconds since 1970.
        ctime: i64,
        /// When its data last changed, milliseconds since 1970.
        mtime: i64,
        /// How often its data changed.
        version: i32,
        /// How often a child was created or deleted.
        cversion: i32,
        /// How often its access control list changed.
        aversion: i32,
        /// Session that owns an ephemeral node, 0 for others.
        ephemeral_owner: i64,
        /// Bytes of data.
        data_length: i32,
        /// Children.
        num_children: i32,
        /// Zxid of the transaction that last created or deleted a child.
        pzxid: i64,
    }
}

record! {
    /// What is stored about a node. Its `cversion` counts created children only.
    #[derive(Copy, Default)]
    StatPersisted {
        /// As in [`Stat`].
        czxid: i64,
        /// As in [`Stat`].
        mzxid: i64,
        /// As in [`Stat`].
        ctime: i64,
        /// As in [`Stat`].
        mtime: i64,
        /// As in [`Stat`].
        version: i32,
        /// How many children were ever created.
        cversion: i32,
        /// As in [`Stat`].
        aversion: i32,
        /// As in [`Stat`].
        ephemeral_owner: i64,
        /// As in [`Stat`].
        pzxid: i64,
    }
}
