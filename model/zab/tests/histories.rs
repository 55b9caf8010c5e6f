//! Histories of the wide shape against plain vectors: one handle for each history, whatever way it
//! came about, and one stored entry for each transaction however many servers hold it.

use std::collections::HashMap;

use proptest::prelude::*;
use zab_model::shape::{LogHandle, Logs, SmallLog};
use zab_model::{History, Ledger, Shape, Small, Txn, Wide, Zxid};

type Plain = Vec<Txn<u32, u64>>;

fn txn(epoch: u32, counter: u32, payload: u64) -> Txn<u32, u64> {
    Txn { zxid: Zxid { epoch, counter }, payload }
}

/// FNV-1a as `traces/README.md` has it; the values come from another program.
#[test]
fn the_digest_is_the_one_of_the_trace_format() {
    let logs = Logs::default();
    let mut log = LogHandle::default();
    assert_eq!(Wide::digest(&logs, &log), 0);
    let golden = [0x854b_33ba_486c_b870, 0xbedf_e232_87bd_c6a1, 0x551c_4833_a1f3_5de2_u64];
    for (next, digest) in [txn(1, 1, 7), txn(1, 2, 8), txn(3, 1, 9)].into_iter().zip(golden) {
        log = Wide::append(&logs, &log, next).unwrap();
        assert_eq!(Wide::digest(&logs, &log), digest, "{next:?}");
    }
}

#[test]
fn equal_appends_are_stored_once() {
    let logs = Logs::default();
    let mut servers = [LogHandle::default(); 5];
    for counter in 1..=1000 {
        for server in &mut servers {
            *server = Wide::append(&logs, server, txn(1, counter, counter.into())).unwrap();
        }
    }
    assert_eq!(logs.stored(), 1000);
}

#[test]
fn a_small_history_refuses_what_does_not_fit() {
    type Two = Small<3, 2>;
    let byte = |counter| Txn { zxid: Zxid { epoch: 1, counter }, payload: 0 };
    let ledger = Ledger::default();
    let append = |log, counter| Two::append(&ledger, &log, byte(counter));
    let one = append(SmallLog::default(), 1).unwrap();
    let two = append(one, 2).unwrap();
    assert_eq!(append(two, 1), None, "the history is full");
    assert_eq!(append(one, 3), None, "the ledger is full");
    assert_eq!(two.numbers(), [1, 2]);
}

/// Which history to continue, after which of its prefixes, and with what: the next zxid of the
/// epoch, of the next epoch, or one that no server should append, a step back.
fn growths() -> impl Strategy<Value = Vec<(usize, usize, u32, u64)>> {
    let kind = prop_oneof![8 => 0u32..2, 1 => Just(2)];
    prop::collection::vec((any::<usize>(), any::<usize>(), kind, 0u64..3), 1..120)
}

fn handles_find_by_place(
    logs: &Logs,
    handle: LogHandle,
    plain: &Plain,
) -> Result<(), TestCaseError> {
    let history = History::<Wide>::new(logs, handle);
    for txn in plain {
        let same = plain.iter().rposition(|other| other.zxid == txn.zxid);
        prop_assert_eq!(history.length_at(txn.zxid), same.map(|index| index + 1));
        let covered = plain.iter().rposition(|other| other.zxid <= txn.zxid);
        prop_assert_eq!(Some(history.count_to(txn.zxid)), covered.map(|index| index + 1));
    }
    let nowhere = Zxid { epoch: 99, counter: 1 };
    prop_assert_eq!(history.length_at(nowhere), None);
    prop_assert_eq!(history.count_to(nowhere), plain.len());
    Ok(())
}

proptest! {
    #[test]
    fn handles_behave_like_vectors(growths in growths()) {
        let logs = Logs::default();
        let mut known: Vec<(LogHandle, Plain)> = vec![(LogHandle::default(), Plain::new())];
        for (which, cut, epochs, payload) in growths {
            let (handle, plain) = known[which % known.len()].clone();
            let length = cut % (plain.len() + 1);
            let last = plain[..length].last().map_or((1, 0), |txn| (txn.zxid.epoch, txn.zxid.counter));
            let zxid = match epochs {
                0 => (last.0, last.1 + 1),
                1 => (last.0 + 1, 1),
                _ => (last.0, last.1.saturating_sub(1).max(1)),
            };
            let next = txn(zxid.0, zxid.1, payload);
            let shorter = Wide::prefix(&logs, &handle, length);
            known.push((shorter, plain[..length].to_vec()));
            let longer = Wide::append(&logs, &shorter, next).unwrap();
            known.push((longer, [&plain[..length], &[next]].concat()));
        }
        let mut handles = HashMap::new();
        for (handle, plain) in &known {
            prop_assert_eq!(Wide::length(handle), plain.len());
            for (index, txn) in plain.iter().enumerate() {
                prop_assert_eq!(Wide::get(&logs, handle, index), Some(*txn));
            }
            handles_find_by_place(&logs, *handle, plain)?;
            prop_assert_eq!(Wide::get(&logs, handle, plain.len()), None);
            prop_assert_eq!(handles.entry(plain.clone()).or_insert(*handle), handle);
        }
        let (mut distinct, mut digests) = (Vec::new(), Vec::new());
        for handle in handles.values() {
            distinct.push(*handle);
            digests.push(Wide::digest(&logs, handle));
        }
        digests.sort_unstable();
        digests.dedup();
        prop_assert_eq!(digests.len(), distinct.len(), "different histories, equal digests");
    }
}
