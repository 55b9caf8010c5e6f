//! What the tests of the format share: files of the corpus, and arbitrary events.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use zab_trace::{
    Chain, ConnectionName, Event, EventKind, Header, Implementation, LogDigest, Message, Packet,
    Persisted, Phase, ROUND_MIN, Recovered, Role, Round, Source, State, TxnDigest, Writer, Zxid,
    trace_files,
};

/// The header of a trace of three servers.
pub(crate) fn header() -> Header {
    let implementation = Implementation { name: "test".to_owned(), version: "1".to_owned() };
    Header::new(Source::Hand, implementation, vec![1, 2, 3])
}

/// The text of a file with these events.
pub(crate) fn text(header: &Header, events: &[Event]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), header).expect("a vector takes every line");
    for event in events {
        writer.write(event).expect("a vector takes every line");
    }
    writer.into_inner()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

/// The traces in a folder of the corpus: each a file, or a folder of files. At least one, so that a
/// test over all of them tests something.
pub(crate) fn traces(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).expect("a folder of the corpus");
    let mut traces: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    traces.sort();
    assert!(!traces.is_empty(), "{name} is empty");
    traces
}

/// Every file of every trace of the corpus.
pub(crate) fn corpus() -> Vec<PathBuf> {
    let reject = folder("reject").exists().then(|| traces("reject"));
    let others = [traces("accept"), traces("incomplete")].into_iter().flatten();
    let all: Vec<_> = others.chain(reject.into_iter().flatten()).collect();
    trace_files(&all).expect("files")
}

/// The hand-written trace of three servers.
pub(crate) fn hand_written() -> PathBuf {
    folder("accept").join("hand-start-three.ndjson")
}

fn zxid() -> impl Strategy<Value = Zxid> + Clone {
    (any::<u32>(), any::<u32>()).prop_map(|(epoch, counter)| Zxid { epoch, counter })
}

fn connection() -> impl Strategy<Value = ConnectionName> + Clone {
    ("[^>]{1,20}", "[a-z0-9.:]{1,20}")
        .prop_map(|(dialler, acceptor)| ConnectionName::new(dialler, acceptor))
}

fn role() -> impl Strategy<Value = Role> {
    proptest::sample::select(Role::ALL)
}

fn round() -> impl Strategy<Value = Round> {
    ROUND_MIN..=Round::MAX
}

fn message() -> impl Strategy<Value = Message> {
    let digest = any::<u64>().prop_map(TxnDigest);
    prop_oneof![
        (role(), any::<u64>(), zxid(), round(), any::<u32>()).prop_map(
            |(role, leader, zxid, round, peer_epoch)| Message::Notification {
                role,
                leader,
                zxid,
                round,
                peer_epoch
            }
        ),
        any::<u32>().prop_map(|accepted_epoch| Message::FollowerInfo { accepted_epoch }),
        any::<u32>().prop_map(|epoch| Message::LeaderInfo { epoch }),
        (option::of(any::<u32>()), zxid()).prop_map(|(current_epoch, last_zxid)| {
            Message::AckEpoch { current_epoch, last_zxid }
        }),
        zxid().prop_map(|zxid| Message::Diff { zxid }),
        zxid().prop_map(|zxid| Message::Trunc { zxid }),
        zxid().prop_map(|zxid| Message::Snap { zxid }),
        (zxid(), digest).prop_map(|(zxid, digest)| Message::Proposal { zxid, digest }),
        zxid().prop_map(|zxid| Message::Commit { zxid }),
        any::<u32>().prop_map(|epoch| Message::NewLeader { epoch }),
        any::<u32>().prop_map(|epoch| Message::AckLd { epoch }),
        zxid().prop_map(|zxid| Message::Ack { zxid }),
        Just(Message::UpToDate),
    ]
}

fn packet() -> impl Strategy<Value = Packet> {
    (connection(), any::<u64>(), any::<u64>(), message()).prop_map(
        |(connection, ordinal, peer, message)| Packet { connection, ordinal, peer, message },
    )
}

fn persisted() -> impl Strategy<Value = Persisted> {
    prop_oneof![
        any::<u32>().prop_map(Persisted::AcceptedEpoch),
        any::<u32>().prop_map(Persisted::CurrentEpoch),
        zxid().prop_map(Persisted::Log),
        zxid().prop_map(Persisted::Truncated),
        zxid().prop_map(Persisted::Snapshot),
    ]
}

fn recovered() -> impl Strategy<Value = Recovered> {
    let digest = any::<u64>().prop_map(LogDigest);
    (any::<u32>(), any::<u32>(), zxid(), option::of(any::<u64>()), option::of(digest)).prop_map(
        |(accepted_epoch, current_epoch, last_zxid, log_length, log_digest)| Recovered {
            accepted_epoch,
            current_epoch,
            last_zxid,
            log_length,
            log_digest,
        },
    )
}

fn kind() -> impl Strategy<Value = EventKind> {
    prop_oneof![
        recovered().prop_map(|recovered| EventKind::Start { recovered }),
        Just(EventKind::Stop),
        Just(EventKind::Killed),
        (connection(), option::of(any::<u64>()))
            .prop_map(|(connection, peer)| EventKind::Connected { connection, peer }),
        connection().prop_map(|connection| EventKind::Disconnected { connection }),
        packet().prop_map(EventKind::Received),
        persisted().prop_map(EventKind::Persisted),
        packet().prop_map(EventKind::Sent),
        zxid().prop_map(|zxid| EventKind::Delivered { zxid }),
        round().prop_map(|round| EventKind::Looking { round }),
        Just(EventKind::Resent),
        (any::<u64>(), round()).prop_map(|(leader, round)| EventKind::Elected { leader, round }),
        (zxid(), any::<u64>().prop_map(TxnDigest))
            .prop_map(|(zxid, digest)| EventKind::Proposed { zxid, digest }),
        any::<u32>().prop_map(|epoch| EventKind::Established { epoch }),
        zxid().prop_map(|zxid| EventKind::Committed { zxid }),
        (connection(), connection()).prop_map(|(left, right)| EventKind::Joined { left, right }),
    ]
}

fn state() -> impl Strategy<Value = State> {
    (
        option::of(role()),
        option::of(proptest::sample::select(Phase::ALL)),
        option::of(any::<u32>()),
        option::of(any::<u32>()),
        option::of(any::<u64>()),
        option::of(zxid()),
        option::of(zxid()),
        option::of(any::<u64>().prop_map(LogDigest)),
    )
        .prop_map(|fields| State {
            role: fields.0,
            phase: fields.1,
            accepted_epoch: fields.2,
            current_epoch: fields.3,
            log_length: fields.4,
            last_zxid: fields.5,
            last_committed: fields.6,
            log_digest: fields.7,
        })
}

fn chain() -> impl Strategy<Value = Chain> {
    prop_oneof![Just(Chain::MAIN), Just(Chain::harness()), "\\PC{0,8}".prop_map(|n| Chain::new(&n))]
}

/// Any event that can be written, sensible or not.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let after = vec((chain(), any::<u64>()), 0..3);
    (any::<u64>(), 1..=u32::MAX, any::<u64>(), chain(), after, kind(), option::of(state()))
        .prop_map(|(server, incarnation, seq, chain, after, kind, state)| Event {
            server,
            incarnation,
            seq,
            chain,
            after,
            kind,
            state,
        })
}
