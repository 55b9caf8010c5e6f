use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{
    ATTEMPT_BITS, BASE_BITS_MAX, BASE_BITS_MIN, BRIEF_BITS, Inserted, Key, LANES, REST_BITS, Table,
    home, low,
};

fn table(buckets_max: usize, base_bits: u32) -> Table {
    Table::new(Table::bytes_of(buckets_max, true), 1 << base_bits, base_bits, true).expect("room")
}

fn random_keys(table: &Table, count: usize, seed: u64) -> Vec<Key> {
    let mut random = SmallRng::seed_from_u64(seed);
    (0..count).map(|_| table.key((random.random(), random.random()))).collect()
}

fn slot(inserted: Inserted) -> usize {
    match inserted {
        Inserted::New(slot) | Inserted::Known(slot) => slot,
        Inserted::Full => panic!("the table is full"),
    }
}

#[test]
fn every_key_is_new_once() {
    let table = table(1 << 6, 6);
    let keys = random_keys(&table, 400, 1);
    for key in &keys {
        assert!(matches!(table.insert(*key), Inserted::New(_)));
    }
    for key in &keys {
        assert!(matches!(table.insert(*key), Inserted::Known(_)));
    }
    for key in random_keys(&table, 50, 2) {
        assert!(matches!(table.insert(key), Inserted::New(_)));
    }
}

#[test]
fn threads_agree_on_who_was_first() {
    let table = table(1 << 10, 10);
    let keys = random_keys(&table, 7000, 3);
    let new = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (table, keys, new) = (&table, &keys, &new);
            scope.spawn(move || {
                for at in 0..keys.len() {
                    let key = keys[(at + thread * 10) % keys.len()];
                    match table.insert(key) {
                        Inserted::New(_) => _ = new.fetch_add(1, Ordering::Relaxed),
                        Inserted::Known(_) => {}
                        Inserted::Full => panic!("full"),
                    }
                }
            });
        }
    });
    assert_eq!(new.into_inner(), 7000);
}

/// Growth by any factor keeps every key, its tag, and what was not there away.
#[test]
fn growth_keeps_keys_and_tags() {
    let cases = [
        (5, [33, 49, 50, 100]),
        (9, [513, 600, 900, 1024]),
        // Large enough to move in stages, and to be shared by threads.
        (14, [17_000, 25_500, 38_000, 60_000]),
    ];
    for (base_bits, steps) in cases {
        let mut table = table(steps[3], base_bits);
        let mut known: HashMap<usize, u32> = HashMap::new();
        let mut keys = Vec::new();
        for (step, buckets) in steps.into_iter().enumerate() {
            let room = table.buckets * LANES * 8 / 10;
            let more = random_keys(&table, room - keys.len(), step as u64);
            for key in more {
                let tag = u32::try_from(keys.len()).expect("few keys") + 1;
                let Inserted::New(slot) = table.insert(key) else {
                    panic!("{key:?} is not new");
                };
                table.tags[slot].store(tag, Ordering::Relaxed);
                keys.push(key);
            }
            table.grow(buckets, 2);
            assert_eq!(table.buckets, buckets);
            known.clear();
            for (at, key) in keys.iter().enumerate() {
                let slot = slot(table.insert(*key));
                let tag = table.tags[slot].load(Ordering::Relaxed);
                assert_eq!(tag as usize, at + 1);
                assert!(known.insert(slot, tag).is_none());
            }
            let taken = table.slots.iter().filter(|slot| slot.load(Ordering::Relaxed) != 0);
            assert_eq!(taken.count(), keys.len());
        }
    }
}

/// Keys that differ in the part that a slot does not hold are told apart, before and after growth.
#[test]
fn the_home_is_part_of_the_identity() {
    let mut table = table(4096, 8);
    let keys: Vec<Key> = (0..256).map(|base| Key::new(base, 77, 8)).collect();
    for key in &keys {
        assert!(matches!(table.insert(*key), Inserted::New(_)));
    }
    table.grow(391, 2);
    table.grow(4096, 2);
    let slots: HashSet<usize> = keys
        .iter()
        .map(|key| match table.insert(*key) {
            Inserted::Known(slot) => slot,
            Inserted::New(_) | Inserted::Full => panic!("{key:?} was lost"),
        })
        .collect();
    assert_eq!(slots.len(), keys.len());
    assert_eq!(table.identity_bits(), 67);
}

#[test]
fn one_home_has_room_for_256_keys_and_then_says_that_it_is_full() {
    let table = table(1 << 6, 6);
    for rest in 1..=256 {
        assert!(matches!(table.insert(Key::new(5, rest, 6)), Inserted::New(_)), "{rest}");
    }
    assert_eq!(table.insert(Key::new(5, 257, 6)), Inserted::Full);
    assert!(matches!(table.insert(Key::new(5, 256, 6)), Inserted::Known(_)));
}

#[test]
fn homes_cover_all_buckets_in_order() {
    let mut last = 0;
    for base in 0..1 << 10 {
        let at = home(Key::new(base, 1, 10), 1500);
        assert!(at >= last && at < 1500);
        last = at;
    }
    let rest = (1 << (64 - ATTEMPT_BITS)) - 1;
    assert_eq!(home(Key::new((1 << 10) - 1, rest, 10), 1500), 1499);
}

#[test]
fn too_little_memory_is_refused() {
    let buckets = 1 << BASE_BITS_MIN;
    let least = Table::bytes_of(buckets, false);
    assert!(Table::new(least - 1, buckets, BASE_BITS_MIN, false).is_none());
    assert!(Table::new(least, buckets, BASE_BITS_MIN, false).is_some());
    assert!(Table::new(u64::MAX / 4, buckets, BASE_BITS_MIN, false).is_none());
}

/// The brief form of an identity loses no bit of it, whatever the length of its base.
#[test]
fn brief_identities_are_exact() {
    for base_bits in [5, BASE_BITS_MIN, 16, 18, BASE_BITS_MAX] {
        let identity_bits = base_bits + REST_BITS;
        let split = |identity: u128| {
            let rest = identity & ((1 << REST_BITS) - 1);
            Key::new(low(identity >> REST_BITS), low(rest), base_bits).brief()
        };
        let one = (1_u128 << (identity_bits - 1)) | 0x1234_5678;
        let mut seen = HashSet::from([split(one)]);
        for bit in 0..identity_bits - 1 {
            assert!(seen.insert(split(one ^ (1 << bit))), "bit {bit} of {identity_bits}");
        }
        assert!(seen.iter().all(|(index, word)| *index < 1 << BRIEF_BITS && *word != 0));
    }
}

/// Every entry once, in order, in a table that has grown and is nearly full; and none when it was
/// emptied.
#[test]
fn entries_are_visited_in_order() {
    for count in [0, 1, 300, 700] {
        let mut table = table(1 << 7, 6);
        let keys = random_keys(&table, count, 11);
        for (at, key) in keys.iter().enumerate() {
            if at == 300 {
                table.grow(100, 1);
            }
            assert!(matches!(table.insert(*key), Inserted::New(_)));
        }
        let mut wanted: Vec<u128> = keys.iter().map(|key| table.number(*key)).collect();
        wanted.sort_unstable_by(|a, b| b.cmp(a));
        let mut seen = Vec::new();
        let visited = table.for_each_descending(|slot, number| {
            assert_eq!(table.find(table.key_of(number)), Some(slot));
            seen.push(number);
            Ok::<(), ()>(())
        });
        assert_eq!((visited, seen), (Ok(()), wanted));
        table.clear();
        assert!(keys.iter().all(|key| table.find(*key).is_none()));
        assert!(keys.iter().all(|key| matches!(table.insert(*key), Inserted::New(_))));
    }
}
