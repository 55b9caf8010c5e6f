//! The tree against Apache ZooKeeper: transactions that a Java leader proposed, each with the
//! digest that it computed over its whole tree afterwards.

use zab_wire::{Record as _, StatPersisted, Txn};

use super::super::Tree;

/// CRC-32 as in `java.util.zip.CRC32`.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// `DigestCalculator`, version 2: a sum over all nodes but those below `/zookeeper`.
fn digest(tree: &Tree) -> i64 {
    let nodes = tree.nodes.iter().filter(|(path, _)| !path.starts_with("/zookeeper/"));
    let digests = nodes.map(|(path, node)| {
        let StatPersisted { czxid, mzxid, ctime, mtime, version, cversion, aversion, .. } =
            node.stat;
        let mut bytes = path.as_bytes().to_vec();
        bytes.extend_from_slice(node.data.as_deref().unwrap_or_default());
        for number in [czxid, mzxid, node.stat.pzxid, ctime, mtime] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for number in [version, cversion, aversion] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&node.stat.ephemeral_owner.to_be_bytes());
        i64::from(crc32(&bytes))
    });
    digests.fold(0, i64::wrapping_add)
}

#[test]
fn every_digest_of_a_java_leader_is_met() {
    let mut tree = Tree::default();
    let (mut digests, mut kinds) = (0, std::collections::BTreeSet::new());
    let lines = include_str!("captured_txns.hex").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let digits = line.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        let txn = Txn::from_bytes(&bytes).unwrap();
        assert_eq!(tree.apply(&bytes).unwrap().mismatch, None, "after {txn:?}");
        kinds.insert(txn.op_code());
        if let Some(stated) = txn.digest {
            assert_eq!(digest(&tree), stated.tree, "after {txn:?}");
            assert_eq!(tree.digest(), stated.tree, "after {txn:?}");
            digests += 1;
        }
    }
    assert_eq!((digests, kinds.len()), (32, 7));
    assert_eq!((tree.last_zxid(), tree.session_count()), (0x1_0000_0021, 0));
}
