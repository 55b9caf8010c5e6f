//! 128 bits for a state: two 64-bit hashes of its bytes with different secrets.
//!
//! Each is a chain of folded multiplications over 16 bytes at a time, as in wyhash. The two chains
//! do not depend on one another, so the processor runs them side by side; a long state has two more,
//! over its second half. The result depends on the bytes and the seed only, not on the machine's
//! features.

/// Digits of pi, so that nobody chose them; each odd.
const SECRETS: [u64; 8] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7345,
    0xa409_3822_299f_31d1,
    0x082e_fa98_ec4e_6c89,
    0x4528_21e6_38d0_1377,
    0xbe54_66cf_34e9_0c6d,
    0xc0ac_29b7_c97c_50dd,
    0x3f84_d5b5_b547_0917,
];

/// From so many bytes on, four chains are worth the joining.
const LONG: usize = 256;

/// Both hashes of the bytes. Another seed gives two others, for a second, independent run.
#[inline]
pub(crate) fn hash(bytes: &[u8], seed: u64) -> (u64, u64) {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = SECRETS;
    let mut a = seed ^ s0;
    let mut b = seed ^ s1;
    let mut left = bytes;
    if bytes.len() >= LONG {
        let (mut c, mut d) = (seed ^ s4, seed ^ s5);
        let (first, second) = bytes.split_at(bytes.len() / 32 * 16);
        let (chunks, _) = first.as_chunks::<16>();
        let (others, _) = second.as_chunks::<16>();
        for (one, other) in chunks.iter().zip(others) {
            let (x, y) = words(one);
            a = fold(x ^ s2, y ^ a);
            b = fold(y ^ s3, x ^ b);
            let (x, y) = words(other);
            c = fold(x ^ s6, y ^ c);
            d = fold(y ^ s7, x ^ d);
        }
        a = fold(a ^ s6, c ^ s2);
        b = fold(b ^ s7, d ^ s3);
        left = &second[first.len()..];
    }
    let (chunks, rest) = left.as_chunks::<16>();
    for chunk in chunks {
        let (x, y) = words(chunk);
        a = fold(x ^ s2, y ^ a);
        b = fold(y ^ s3, x ^ b);
    }
    if !rest.is_empty() {
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        let (x, y) = words(&last);
        a = fold(x ^ s2, y ^ a);
        b = fold(y ^ s3, x ^ b);
    }
    // The length tells a short state from one with zeros behind it.
    let length = bytes.len() as u64;
    (fold(a ^ s4, length ^ s5), fold(b ^ s6, length ^ s7))
}

#[inline]
fn words(chunk: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_le_bytes(*chunk);
    (low(both), low(both >> 64))
}

#[inline]
fn fold(x: u64, y: u64) -> u64 {
    let product = u128::from(x) * u128::from(y);
    low(product) ^ low(product >> 64)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
#[inline]
pub(crate) fn low(wide: u128) -> u64 {
    wide as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{LONG, hash};

    /// Keys as states are: mostly zeros, few bits set, or small numbers.
    fn keys(length: usize) -> impl Iterator<Item = Vec<u8>> {
        let bits = length * 8;
        // Of a long key not every bit; an odd distance meets every place in a byte.
        let step = (bits / 512) | 1;
        let sparse = (0..bits)
            .step_by(step)
            .flat_map(move |i| (i..bits).step_by(step).map(move |j| (i, j)))
            .map(move |(i, j)| {
                let mut key = vec![0_u8; length];
                key[i / 8] |= 1 << (i % 8);
                key[j / 8] |= 1 << (j % 8);
                key
            });
        let counted = (0..40_000_u32).map(move |n| {
            let mut key = vec![0_u8; length];
            key[..4].copy_from_slice(&(0x0107_0000 + n).to_le_bytes());
            key
        });
        sparse.chain(counted)
    }

    /// 32 bits from any place of either hash collide no more often than chance has it.
    #[test]
    fn bits_are_spread() {
        for length in [8, 24, 61, LONG + 9] {
            let hashes: Vec<(u64, u64)> = keys(length).map(|key| hash(&key, 0)).collect();
            let count = hashes.len() as f64;
            let expected = count * count / 2.0 / 2_f64.powi(32);
            for shift in [0, 16, 32] {
                for half in [0, 1] {
                    let cut = |(a, b): &(u64, u64)| {
                        let word = if half == 0 { a } else { b };
                        (word >> shift) & 0xffff_ffff
                    };
                    let different = hashes.iter().map(cut).collect::<HashSet<u64>>().len();
                    let collisions = hashes.len() - different;
                    assert!(
                        (collisions as f64) < 3.0 * expected + 10.0,
                        "{collisions} collisions, {expected:.1} expected; {length} bytes"
                    );
                }
            }
        }
    }

    #[test]
    fn the_two_hashes_the_seeds_and_the_lengths_differ() {
        let (a, b) = hash(&[0; 8], 0);
        assert_ne!(a, b);
        assert_ne!((a, b), hash(&[0; 8], 1));
        assert_ne!((a, b), hash(&[0; 9], 0));
    }

    /// Runs on different machines are comparable only while this stays.
    #[test]
    fn the_hash_is_the_same_everywhere() {
        let hashes = hash(b"two witnesses, no shared memory", 7);
        assert_eq!(hashes, (5_264_968_846_559_447_799, 3_588_774_023_846_953_051));
        let long: Vec<u8> = (0..=u8::MAX).chain(0..9).collect();
        assert_eq!(hash(&long, 7), (5_471_449_576_023_467_437, 17_288_942_638_681_381_051));
    }
}
