//! The quorum port (2888): packets back to back, without an outer length.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::code::{OpCode, numbered};
use crate::data::Id;
use crate::error::{DecodeError, Found, or_incomplete};
use crate::jute::{MAX_SERVER_BUFFER, Reader, Record, record, wire_length};

numbered! {
    /// What a packet is (`Leader.java`).
    PacketType, "the number of a quorum packet type" {
        /// Learner to leader: a client's write, see [`ForwardedRequest`].
        Request = 1,
        /// Leader to voter: a transaction to log; the data is header and body.
        Proposal = 2,
        /// Learner to leader: logged up to zxid; or, with an epoch's first zxid, NEWLEADER is.
        Ack = 3,
        /// Leader to voter: the transaction with this zxid is committed.
        Commit = 4,
        /// Either way: alive. A learner's data lists its sessions, see [`SessionPing`].
        Ping = 5,
        /// A session moved: data is [`Revalidate`] to the leader and [`Revalidated`] back.
        Revalidate = 6,
        /// A client's `sync` to the leader, and its answer.
        Sync = 7,
        /// Leader to observer: a committed transaction.
        Inform = 8,
        /// Commit of a reconfiguration.
        CommitAndActivate = 9,
        /// Leader to learner: the end of synchronization; the data is the configuration.
        NewLeader = 10,
        /// Voter to leader: its accepted epoch; the data is [`LearnerInfo`].
        FollowerInfo = 11,
        /// Leader to learner: serve clients.
        UpToDate = 12,
        /// Leader to learner: transactions follow.
        Diff = 13,
        /// Leader to learner: cut the log after zxid; transactions follow.
        Trunc = 14,
        /// Leader to learner: a snapshot follows, then transactions.
        Snap = 15,
        /// Observer to leader: as FOLLOWERINFO.
        ObserverInfo = 16,
        /// Leader to learner: the new epoch; the data is [`PROTOCOL_VERSION`].
        LeaderInfo = 17,
        /// Learner to leader: its last zxid; the data is its current epoch, or −1.
        AckEpoch = 18,
        /// Inform of a reconfiguration.
        InformAndActivate = 19,
    }
}

/// The version of the protocol that LEADERINFO and LEARNERINFO state: ZAB 1.0.
pub const PROTOCOL_VERSION: i32 = 0x1_0000;

/// What SNAP's snapshot stream ends with.
pub const SNAPSHOT_SIGNATURE: &str = "BenWasHere";

/// Most identities in one packet.
const MAX_AUTH: usize = 1024;

/// Longest packet in bytes: the longest data, and room for the identities of a client.
const MAX_PACKET: usize = 2 * MAX_SERVER_BUFFER;

/// One packet of the quorum port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumPacket {
    /// What it is.
    pub kind: PacketType,
    /// Meaning depends on the type; −1 where there is none. Epoch in the upper 32 bits.
    pub zxid: i64,
    /// Meaning depends on the type; `None` is null.
    pub data: Option<Bytes>,
    /// Who the client of a REQUEST is; `None` (null) in other packets.
    pub auth: Option<Vec<Id>>,
}

impl QuorumPacket {
    /// A packet without data and identities.
    #[must_use]
    pub fn bare(kind: PacketType, zxid: i64) -> Self {
        Self { kind, zxid, data: None, auth: None }
    }

    /// A packet with data and without identities.
    #[must_use]
    pub fn with_data(kind: PacketType, zxid: i64, data: Bytes) -> Self {
        Self { kind, zxid, data: Some(data), auth: None }
    }

    /// The encoding in three parts, of which the second is the data itself and no copy of it.
    #[must_use]
    pub fn into_parts(self) -> [Bytes; 3] {
        let (mut head, mut tail) = (BytesMut::with_capacity(16), BytesMut::with_capacity(4));
        self.kind.encode(&mut head);
        self.zxid.encode(&mut head);
        head.put_i32(self.data.as_ref().map_or(-1, |data| wire_length(data.len())));
        self.auth.encode(&mut tail);
        [head.freeze(), self.data.unwrap_or_default(), tail.freeze()]
    }

    /// Appends a packet without identities, whose data is copied.
    pub fn put(out: &mut BytesMut, kind: PacketType, zxid: i64, data: Option<&[u8]>) {
        out.reserve(20 + data.map_or(0, <[u8]>::len));
        kind.encode(out);
        zxid.encode(out);
        out.put_i32(data.map_or(-1, |data| wire_length(data.len())));
        out.put_slice(data.unwrap_or_default());
        // No identities.
        out.put_i32(-1);
    }

    /// Takes one packet from the front of `buffer`. `Ok(None)`: more bytes are needed, and the
    /// buffer is untouched. The data shares the buffer's memory.
    ///
    /// # Errors
    /// If the bytes are no packet. There is no way to find the next one: close the connection.
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(buffer);
        let Some(head) = or_incomplete(Head::decode(&mut reader))? else {
            return match buffer.len() {
                0..=MAX_PACKET => Ok(None),
                length => Err(DecodeError {
                    offset: MAX_PACKET,
                    expected: "the end of a packet",
                    found: Found::Trailing(length - MAX_PACKET),
                }),
            };
        };
        let whole = buffer.split_to(reader.offset()).freeze();
        let data = head.data.map(|(start, end)| whole.slice(start..end));
        Ok(Some(Self { kind: head.kind, zxid: head.zxid, data, auth: head.auth }))
    }
}

/// A packet whose data is still a range of the buffer.
struct Head {
    kind: PacketType,
    zxid: i64,
    data: Option<(usize, usize)>,
    auth: Option<Vec<Id>>,
}

impl Head {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = reader.read()?;
        let zxid = reader.read()?;
        let data = reader.skip_buffer()?;
        let at = reader.clone();
        let count: i32 = reader.read()?;
        let auth = match usize::try_from(count) {
            Ok(count) if count <= MAX_AUTH => {
                Some((0..count).map(|_| reader.read()).collect::<Result<_, _>>()?)
            }
            _ if count == -1 => None,
            _ => return Err(at.refuse("a number of identities", Found::Number(count.into()))),
        };
        Ok(Self { kind, zxid, data, auth })
    }
}

impl Record for QuorumPacket {
    fn encode(&self, out: &mut BytesMut) {
        self.kind.encode(out);
        self.zxid.encode(out);
        self.data.encode(out);
        self.auth.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let whole = reader.clone();
        let head = Head::decode(reader)?;
        let data = head.data.map(|(start, end)| Bytes::copy_from_slice(whole.range(start, end)));
        Ok(Self { kind: head.kind, zxid: head.zxid, data, auth: head.auth })
    }
}

record! {
    /// Data of FOLLOWERINFO and OBSERVERINFO.
    LearnerInfo {
        /// The learner's server id.
        server: i64,
        /// [`PROTOCOL_VERSION`].
        protocol_version: i32,
        /// Version of the ensemble's configuration that the learner has.
        config_version: i64,
    }
}

/// Data of a learner's REQUEST; the client's identities are in the packet itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardedRequest {
    /// The client's session.
    pub session: i64,
    /// The client's number of the request (`xid`); 0 for [`OpCode::CreateSession`].
    pub cxid: i32,
    /// The operation's number; not every number has an [`OpCode`].
    pub op: i32,
    /// The request's record, as the client sent it; a timeout (`i32`) for a new session.
    pub payload: Bytes,
}

impl ForwardedRequest {
    /// The operation, if it has a name.
    #[must_use]
    pub fn op_code(&self) -> Option<OpCode> {
        OpCode::from_number(self.op)
    }
}

impl Record for ForwardedRequest {
    fn encode(&self, out: &mut BytesMut) {
        self.session.encode(out);
        self.cxid.encode(out);
        self.op.encode(out);
        out.put_slice(&self.payload);
    }

    /// Takes all bytes that are left.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            session: reader.read()?,
            cxid: reader.read()?,
            op: reader.read()?,
            payload: Bytes::copy_from_slice(reader.rest()),
        })
    }
}

record! {
    /// One session in the data of a learner's PING, which is such records back to back.
    #[derive(Copy)]
    SessionPing {
        /// The session.
        session: i64,
        /// Its timeout in milliseconds.
        timeout_ms: i32,
    }
}

/// Decodes the data of a learner's PING.
///
/// # Errors
/// If it is not whole records.
pub fn session_pings(mut data: &[u8]) -> Result<Vec<SessionPing>, DecodeError> {
    let mut pings = Vec::with_capacity(data.len() / 12);
    while data.has_remaining() {
        let mut reader = Reader::new(data);
        pings.push(reader.read()?);
        data = reader.rest();
    }
    Ok(pings)
}

record! {
    /// Data of a learner's REVALIDATE: a client wants to go on with this session here.
    #[derive(Copy)]
    Revalidate {
        /// The session.
        session: i64,
        /// Its timeout in milliseconds.
        timeout_ms: i32,
    }
}

record! {
    /// Data of the leader's answer to REVALIDATE.
    #[derive(Copy)]
    Revalidated {
        /// The session.
        session: i64,
        /// Whether it lives.
        valid: bool,
    }
}
