//! Random changes of bytes, for where no coverage shows the way.

use rand::Rng;
use rand::seq::IndexedRandom;

/// Numbers at which decoders decide.
const NUMBERS: [i64; 14] =
    [0, 1, -1, 2, 4, 16, 255, 1 << 16, 1 << 20, 1 << 31, (1 << 31) - 1, i64::MAX, i64::MIN, -5];
/// The longest result.
const BYTES_MAX: usize = 4096;

/// A seed after one to eight changes; sometimes nothing but noise.
pub fn mutate(seeds: &[Vec<u8>], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = seeds.choose(random).cloned().unwrap_or_default();
    if random.random_ratio(1, 16) {
        bytes = vec![0; random.random_range(0..200)];
        random.fill_bytes(&mut bytes);
    }
    for _ in 0..random.random_range(1..=8) {
        change(&mut bytes, seeds, random);
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut impl Rng) {
    let at = random.random_range(0..=bytes.len());
    let length = random.random_range(1..=16).min(bytes.len() - at);
    match random.random_range(0..8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = random.random(),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..at + length)),
        4 => {
            let copy = bytes[at..at + length].to_vec();
            bytes.splice(at..at, copy);
        }
        5 => overwrite(bytes, at, number(random)),
        6 => {
            let other = seeds.choose(random).map_or(&[][..], Vec::as_slice);
            let from = random.random_range(0..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => bytes.insert(at, random.random()),
    }
}

/// A number that matters, as four or eight bytes or as digits.
fn number(random: &mut impl Rng) -> Vec<u8> {
    let number = NUMBERS.choose(random).copied().unwrap_or(0);
    match random.random_range(0..3) {
        0 => number.to_be_bytes().to_vec(),
        1 => number.to_be_bytes()[4..].to_vec(),
        _ => number.to_string().into_bytes(),
    }
}

fn overwrite(bytes: &mut Vec<u8>, at: usize, with: Vec<u8>) {
    let end = (at + with.len()).min(bytes.len());
    bytes.splice(at..end, with);
}
