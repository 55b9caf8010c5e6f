//! How fast captures are checked: `cargo run --release -p zab-capture --example decode_speed -- [FILE…]`.
//!
//! Without a file, it makes one of 100,000 packets: three servers, one epoch, pipelined writes. The
//! rate is of packets, on one core, with reading and decoding.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, BufReader, Write as _};
use std::time::Instant;
use std::{env, fs};

use bytes::Bytes;
use zab_capture::properties::{self, Members};
use zab_capture::raw::Reader;
use zab_wire::quorum::LearnerInfo;
use zab_wire::txn::CreateTxn;
use zab_wire::{Acl, PacketType, QuorumPacket, Record as _, Txn, TxnBody, TxnHeader};

const EPOCH: i64 = 1 << 32;
const PACKETS: i64 = 100_000;
/// Transactions that are under way at once.
const UNDER_WAY: i64 = 100;

fn main() -> io::Result<()> {
    let mut captures = Vec::new();
    for file in env::args().skip(1) {
        captures.push((file.clone(), fs::read(file)?));
    }
    if captures.is_empty() {
        captures.push(("made".to_owned(), made().into_bytes()));
    }
    let mut out = io::stdout().lock();
    for (name, text) in captures {
        let members = members(&text);
        let begin = Instant::now();
        match properties::check(&members, BufReader::new(text.as_slice())) {
            Ok(report) => {
                let (total, seconds) = (report.summary.total(), begin.elapsed().as_secs_f64());
                #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
                let rate = total as f64 / seconds;
                let found = report.findings.len();
                writeln!(
                    out,
                    "{name}: {total} packets in {seconds:.3} s, {rate:.0}/s; {found} findings, {} doubts; memory {}",
                    report.doubts.len(),
                    peak()
                )?;
                for finding in &report.findings {
                    writeln!(out, "  {}  {}", finding.rule, finding.says)?;
                }
            }
            Err(error) => writeln!(out, "{name}: {error}")?,
        }
    }
    Ok(())
}

/// Who takes part; without a header servers 1, 2 and 3.
fn members(text: &[u8]) -> Members {
    let mut reader = Reader::new(text);
    // What is wrong with it is told by the check.
    let _ = reader.next_entry();
    let set = |ids: &[i64]| ids.iter().copied().collect::<BTreeSet<i64>>();
    match reader.header() {
        Some(header) => {
            Members { servers: set(&header.servers), observers: set(&header.observers) }
        }
        None => Members { servers: [1, 2, 3].into(), observers: BTreeSet::new() },
    }
}

/// The most memory that this process has used, the capture included.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |most| most.trim().to_owned())
}

/// A capture of a loaded ensemble.
fn made() -> String {
    let mut text = String::new();
    let mut time = 0_i64;
    let mut line = |fields: &str| {
        time += 1000;
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{{\"t\":{time},{fields}}}");
    };
    let mut send = |connection: i64, by_learner: bool, packet: &QuorumPacket| {
        let (from, to) = if by_learner { (connection, 3) } else { (3, connection) };
        let hex = data_encoding::HEXLOWER.encode(&packet.to_bytes());
        line(&format!(
            r#""ev":"data","cid":{connection},"ch":"q","frm":{from},"to":{to},"hex":"{hex}""#
        ));
    };
    for learner in [1, 2] {
        join(learner, &mut send);
    }
    let (mut next, mut sent) = (1, 0);
    while sent < PACKETS {
        let batch = next..next + UNDER_WAY;
        next += UNDER_WAY;
        for learner in [1, 2] {
            batch.clone().for_each(|n| send(learner, false, &proposal(EPOCH + n)));
        }
        for (kind, by_learner) in [(PacketType::Ack, true), (PacketType::Commit, false)] {
            for learner in [1, 2] {
                let packet = |n| QuorumPacket::bare(kind, EPOCH + n);
                batch.clone().for_each(|n| send(learner, by_learner, &packet(n)));
            }
        }
        sent += 6 * UNDER_WAY;
    }
    let open = |learner: i64| {
        format!(
            "{{\"t\":0,\"ev\":\"open\",\"cid\":{learner},\"ch\":\"q\",\"frm\":{learner},\"to\":3}}\n"
        )
    };
    open(1) + &open(2) + &text
}

fn join(learner: i64, send: &mut impl FnMut(i64, bool, &QuorumPacket)) {
    let info = LearnerInfo { server: learner, protocol_version: 0x1_0000, config_version: 0 };
    let info = QuorumPacket::with_data(PacketType::FollowerInfo, 0, info.to_bytes());
    let version = Bytes::from_static(&[0, 1, 0, 0]);
    let current = Bytes::from_static(&[0; 4]);
    send(learner, true, &info);
    send(learner, false, &QuorumPacket::with_data(PacketType::LeaderInfo, EPOCH, version));
    send(learner, true, &QuorumPacket::with_data(PacketType::AckEpoch, 0, current));
    send(learner, false, &QuorumPacket::bare(PacketType::Diff, 0));
    send(learner, false, &QuorumPacket::bare(PacketType::NewLeader, EPOCH));
    send(learner, true, &QuorumPacket::bare(PacketType::Ack, EPOCH));
    send(learner, false, &QuorumPacket::bare(PacketType::UpToDate, -1));
    send(learner, true, &QuorumPacket::bare(PacketType::Ack, EPOCH));
}

fn proposal(zxid: i64) -> QuorumPacket {
    let create = CreateTxn {
        path: format!("/node-{zxid}"),
        data: Some(Bytes::from(vec![7; 100])),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: 1,
    };
    let header = TxnHeader { session: 5, cxid: 1, zxid, time: 1_000, kind: 1 };
    let txn = Txn { header, body: TxnBody::Create(create), digest: None };
    QuorumPacket::with_data(PacketType::Proposal, zxid, txn.to_bytes())
}
