//! Zxids, and their 64-bit form on the wire and on disk.

pub(crate) use zab_trace::Zxid;

/// Epoch in the upper 32 bits, counter in the lower.
pub(crate) fn to_wire(zxid: Zxid) -> i64 {
    (u64::from(zxid.epoch) << 32 | u64::from(zxid.counter)).cast_signed()
}

/// The inverse of [`to_wire`]; every number is a zxid.
pub(crate) fn from_wire(number: i64) -> Zxid {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    Zxid::new(u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_64_bit_form_is_zookeepers() {
        assert_eq!(to_wire(Zxid::new(3, 17)), 0x3_0000_0011);
        for number in [0, -1, i64::MIN, i64::MAX, 0x1_0000_0001] {
            assert_eq!(to_wire(from_wire(number)), number);
        }
    }
}
