//! Messages as one line of text, in the words of ZooKeeper's source.

use std::fmt::{self, Display, Formatter};

use zab_wire::election::{InitialMessage, Notification, ServerState};
use zab_wire::quorum::ForwardedRequest;
use zab_wire::txn::{Txn, TxnBody};
use zab_wire::{OpCode, PacketType, QuorumPacket};

use crate::connection::Message;
use crate::decode::{Item, What};
use crate::payload::Payload;
use crate::raw::{Event, Link, Port, Side};

/// What is said of a connection that begins as TLS does.
pub(crate) const ENCRYPTED: &str =
    "the connection is encrypted (TLS): turn sslQuorum off to see what is on it";

/// A zxid as `epoch.counter`, both decimal.
pub(crate) struct Zxid(pub(crate) i64);

impl Display for Zxid {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bits = self.0.cast_unsigned();
        write!(f, "{}.{}", bits >> 32, bits & 0xffff_ffff)
    }
}

/// The epoch of a zxid.
pub(crate) fn epoch(zxid: i64) -> i64 {
    zxid >> 32
}

/// Whether the zxid is an epoch's first, which names NEWLEADER and no transaction.
fn is_of_new_leader(zxid: i64) -> bool {
    zxid.cast_unsigned() & 0xffff_ffff == 0
}

impl Message {
    /// What it is called: the name in ZooKeeper's source, but ACK-LD for an ACK of NEWLEADER or
    /// UPTODATE.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Initial(_) => "INITIAL",
            Self::Notification(_) => "NOTIFICATION",
            Self::NotANotification(_) => "UNREADABLE",
            Self::Packet(packet, _) if is_ack_ld(packet) => "ACK-LD",
            Self::Packet(packet, _) => name(packet.kind),
            Self::Snapshot(_) => "SNAPSHOT",
        }
    }
}

/// Whether a packet acknowledges NEWLEADER or UPTODATE: an ACK with an epoch's first zxid.
fn is_ack_ld(packet: &QuorumPacket) -> bool {
    packet.kind == PacketType::Ack && is_of_new_leader(packet.zxid)
}

/// The name of a packet in ZooKeeper's source.
pub(crate) fn name(kind: PacketType) -> &'static str {
    match kind {
        PacketType::Request => "REQUEST",
        PacketType::Proposal => "PROPOSAL",
        PacketType::Ack => "ACK",
        PacketType::Commit => "COMMIT",
        PacketType::Ping => "PING",
        PacketType::Revalidate => "REVALIDATE",
        PacketType::Sync => "SYNC",
        PacketType::Inform => "INFORM",
        PacketType::CommitAndActivate => "COMMITANDACTIVATE",
        PacketType::NewLeader => "NEWLEADER",
        PacketType::FollowerInfo => "FOLLOWERINFO",
        PacketType::UpToDate => "UPTODATE",
        PacketType::Diff => "DIFF",
        PacketType::Trunc => "TRUNC",
        PacketType::Snap => "SNAP",
        PacketType::ObserverInfo => "OBSERVERINFO",
        PacketType::LeaderInfo => "LEADERINFO",
        PacketType::AckEpoch => "ACKEPOCH",
        PacketType::InformAndActivate => "INFORMANDACTIVATE",
    }
}

pub(crate) fn state_name(state: ServerState) -> &'static str {
    match state {
        ServerState::Looking => "LOOKING",
        ServerState::Following => "FOLLOWING",
        ServerState::Leading => "LEADING",
        ServerState::Observing => "OBSERVING",
    }
}

impl Display for Port {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Quorum => "quorum",
            Self::Election => "election",
        })
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Initial(InitialMessage { server, address }) => {
                write!(f, " server={server}")?;
                address.iter().try_for_each(|address| write!(f, " address={address}"))
            }
            Self::Notification(notification) => show_notification(notification, f),
            Self::NotANotification(error) => write!(f, " {error}"),
            Self::Packet(packet, payload) => {
                show_zxid(packet, f)?;
                write!(f, "{payload}")
            }
            Self::Snapshot(body) => write!(
                f,
                " sessions={} acls={} nodes={} bytes={}",
                body.sessions, body.acls, body.nodes, body.bytes
            ),
        }
    }
}

fn show_notification(notification: &Notification, f: &mut Formatter<'_>) -> fmt::Result {
    let Notification { state, leader, zxid, election_epoch, peer_epoch, .. } = notification;
    write!(f, " {} leader=", state_name(*state))?;
    match *leader {
        // An observer votes for nobody.
        i64::MIN => write!(f, "none")?,
        leader => write!(f, "{leader}")?,
    }
    write!(f, " zxid={} round={election_epoch} peerEpoch={peer_epoch}", Zxid(*zxid))
}

/// What the zxid of a packet says, which depends on its type.
fn show_zxid(packet: &QuorumPacket, f: &mut Formatter<'_>) -> fmt::Result {
    let zxid = packet.zxid;
    match packet.kind {
        PacketType::FollowerInfo | PacketType::ObserverInfo => {
            write!(f, " acceptedEpoch={}", epoch(zxid))
        }
        PacketType::LeaderInfo | PacketType::NewLeader => write!(f, " epoch={}", epoch(zxid)),
        PacketType::Ack if is_of_new_leader(zxid) => write!(f, " epoch={}", epoch(zxid)),
        PacketType::AckEpoch => write!(f, " lastZxid={}", Zxid(zxid)),
        PacketType::UpToDate | PacketType::Request | PacketType::Revalidate | PacketType::Sync
            if zxid <= 0 =>
        {
            Ok(())
        }
        PacketType::UpToDate
        | PacketType::Request
        | PacketType::Revalidate
        | PacketType::Sync
        | PacketType::Proposal
        | PacketType::Ack
        | PacketType::Commit
        | PacketType::Ping
        | PacketType::Inform
        | PacketType::CommitAndActivate
        | PacketType::InformAndActivate
        | PacketType::Diff
        | PacketType::Trunc
        | PacketType::Snap => write!(f, " {}", Zxid(zxid)),
    }
}

impl Display for Payload {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Learner(learner) => write!(f, " server={}", learner.server),
            Self::Version(version) => write!(f, " version={version:#x}"),
            Self::CurrentEpoch(epoch) => write!(f, " currentEpoch={epoch}"),
            Self::Txn(txn) => show_txn(txn, f),
            Self::Request(ForwardedRequest { session, cxid, op, payload }) => {
                write!(f, " {} session={session:#x} cxid={cxid}", Operation(*op))?;
                write!(f, " bytes={}", payload.len())
            }
            Self::Sessions(sessions) => write!(f, " sessions={}", sessions.len()),
            Self::Revalidate(asked) => {
                write!(f, " session={:#x} timeout={} ms", asked.session, asked.timeout_ms)
            }
            Self::Revalidated(answer) => {
                write!(f, " session={:#x} valid={}", answer.session, answer.valid)
            }
            Self::Bytes(bytes) => write!(f, " bytes={}", bytes.len()),
            Self::Unreadable(error) => write!(f, " unreadable data: {error}"),
        }
    }
}

/// The name of an operation as ZooKeeper spells it, or its number.
pub(crate) struct Operation(pub(crate) i32);

impl Display for Operation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(op) = OpCode::from_number(self.0) else { return write!(f, "op={}", self.0) };
        let name = format!("{op:?}");
        let (first, rest) = name.split_at(1);
        write!(f, "{}{rest}", first.to_lowercase())
    }
}

/// The path that a transaction is about, if it is about one.
pub(crate) fn path(body: &TxnBody) -> Option<&str> {
    match body {
        TxnBody::Create(create) => Some(&create.path),
        TxnBody::CreateContainer(create) => Some(&create.path),
        TxnBody::CreateTtl(create) => Some(&create.path),
        TxnBody::Delete(delete) => Some(&delete.path),
        TxnBody::SetData(set_data) => Some(&set_data.path),
        TxnBody::SetAcl(set_acl) => Some(&set_acl.path),
        TxnBody::Check(check) => Some(&check.path),
        TxnBody::CreateSession(_)
        | TxnBody::CloseSession(_)
        | TxnBody::Error(_)
        | TxnBody::Multi(_)
        | TxnBody::Other(_) => None,
    }
}

fn show_txn(txn: &Txn, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, " {}", Operation(txn.header.kind))?;
    if let Some(path) = path(&txn.body) {
        write!(f, " {path}")?;
    }
    match &txn.body {
        TxnBody::Error(code) => write!(f, " {code}")?,
        TxnBody::Multi(multi) => write!(f, " of {}", multi.parts.len())?,
        TxnBody::Create(_)
        | TxnBody::CreateContainer(_)
        | TxnBody::CreateTtl(_)
        | TxnBody::Delete(_)
        | TxnBody::SetData(_)
        | TxnBody::SetAcl(_)
        | TxnBody::Check(_)
        | TxnBody::CreateSession(_)
        | TxnBody::CloseSession(_)
        | TxnBody::Other(_) => {}
    }
    write!(f, " session={:#x} cxid={}", txn.header.session, txn.header.cxid)
}

impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent { connection, port, from, to, message } => {
                write!(f, "{from} -> {to}  {port:8}  #{connection:<3} {message}")
            }
            Self::Lost { connection, from, to, error, is_tls } => {
                write!(f, "{from} -> {to}  UNREADABLE from here on, connection #{connection}: ")?;
                if *is_tls { f.write_str(ENCRYPTED) } else { write!(f, "{error}") }
            }
            Self::Other(event) => write!(f, "{event}"),
        }
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (ms, us) = (self.time_us / 1000, self.time_us % 1000);
        write!(f, "{:>5} {ms:>7}.{us:03} ms  {}", self.line, self.what)
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let link = |f: &mut Formatter<'_>, Link { port, from, to }: &Link, what: &str| {
            write!(f, "{from} -> {to}  {port:8}  {what}")
        };
        let side = |f: &mut Formatter<'_>, side: &Side, what: &str| {
            let Side { connection, port, from, to } = side;
            write!(f, "{from} -> {to}  {port:8}  #{connection:<3} {what}")
        };
        match self {
            Self::Listen(on) => link(f, on, "can be dialled"),
            Self::Unlisten(on) => link(f, on, "can no longer be dialled"),
            Self::Refused(on) => link(f, on, "dialled, refused"),
            Self::Open(on) => side(f, on, "opened"),
            Self::Data { side: on, bytes } => side(f, on, &format!("{} bytes", bytes.len())),
            Self::Eof { side: on, why: None } => side(f, on, "ended"),
            Self::Eof { side: on, why: Some(why) } => side(f, on, &format!("ended: {why}")),
            Self::Close { connection } => write!(f, "connection #{connection} closed"),
            Self::Dropped { link: on, bytes } => link(f, on, &format!("{bytes} bytes dropped")),
            Self::DeliveredLate { link: on, bytes } => {
                link(f, on, &format!("{bytes} bytes delivered late"))
            }
            Self::Ctl { op, details } => write!(f, "recorder: {op} {}", show_details(details)),
            Self::KillOnAck { server } => write!(f, "recorder: kill {server} on its ACK"),
            Self::Mark { what, details } => write!(f, "mark: {what} {}", show_details(details)),
            Self::Quit { .. } => write!(f, "recorder: quit"),
        }
    }
}

fn show_details(details: &serde_json::Map<String, serde_json::Value>) -> String {
    let shown: Vec<String> =
        details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    shown.join(" ")
}
