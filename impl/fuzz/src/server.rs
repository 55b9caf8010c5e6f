//! What the server makes of what was decoded: packets, transactions, its configuration.

use bytes::BytesMut;
use zab_server::config::Config;
use zab_server::fuzz;
use zab_server::tree::Tree;
use zab_wire::election::Notification;
use zab_wire::{QuorumPacket, Record as _};

use crate::wire;

/// A stream of packets, or of notifications, and what each of them means.
pub(crate) fn packets(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let mut buffer = BytesMut::from(bytes);
    if choice % 5 == 2 {
        while let Ok(Some(taken)) = Notification::take(&mut buffer) {
            let _ = taken.map(|notification| fuzz::notification(&notification));
        }
    } else {
        while let Ok(Some(packet)) = QuorumPacket::take(&mut buffer) {
            fuzz::packet(&packet);
        }
    }
}

/// Transactions, each behind its length in two bytes, applied to a tree. What was let through can
/// be applied; and the tree can be written and read back. Once it was, it stays as it is: only a
/// node whose parent was deleted, which no leader asks for, is not written.
pub(crate) fn tree(mut bytes: &[u8]) {
    let mut tree = Tree::default();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (txn, rest) = rest.split_at(length);
        let before = (tree.node_count(), tree.session_count(), tree.last_zxid());
        if tree.apply(txn).is_err() {
            let after = (tree.node_count(), tree.session_count(), tree.last_zxid());
            assert_eq!(after, before, "a refused transaction changes nothing");
        }
        bytes = rest;
    }
    let read = |file: &[u8]| Tree::from_file(file, tree.last_zxid()).expect("the own file");
    let file = read(&tree.to_file()).to_file();
    assert_eq!(read(&file).to_file(), file);
}

/// The text of a zoo.cfg, for server 1.
pub(crate) fn config(bytes: &[u8]) {
    let Ok(config) = Config::from_text(&String::from_utf8_lossy(bytes), 1) else { return };
    let ids = config.ids();
    assert!(ids.contains(&1), "server 1 is not among {ids:?}");
    assert_eq!(config.quorum_text().lines().count(), ids.len() + 1);
}

pub(crate) fn tree_seeds() -> Vec<Vec<u8>> {
    let parts = wire::txns().into_iter().map(|txn| {
        let bytes = txn.to_bytes();
        let length = u16::try_from(bytes.len()).expect("a short transaction");
        [&length.to_be_bytes()[..], &bytes].concat()
    });
    let parts: Vec<Vec<u8>> = parts.collect();
    let all = parts.concat();
    parts.into_iter().chain([all]).collect()
}

pub(crate) fn config_seeds() -> Vec<Vec<u8>> {
    let servers = "server.1=127.0.0.1:2888:3888\nserver.2=[::1]:2889:3889:participant;[::1]:2182\n\
                   server.3=host:2890:3890;2183\n";
    let all = "# a comment\ntickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=data\n\
               dataLogDir=log\nclientPort=2181\nclientPortAddress=127.0.0.1\nmaxClientCnxns=60\n\
               minSessionTimeout=4000\nmaxSessionTimeout=40000\ncommitLogCount=500\n\
               4lw.commands.whitelist=srvr, ruok\nunknown=1\n";
    let escaped = "dataDir=a\\u0041\\\n  b\nclient\\ Port : 1\ninitLimit=1\nsyncLimit=1\n";
    [all, escaped].map(|text| format!("{text}{servers}").into_bytes()).into()
}
