use super::*;

#[test]
fn words_are_told_from_lengths() {
    assert_eq!(parse(*b"srvr"), Some("srvr"));
    assert_eq!(parse(*b"abcd"), None);
    assert_eq!(parse([0, 0, 0, 44]), None);
}

/// A word could be taken for the length of a frame only if frames could be that long.
#[test]
fn no_word_is_a_length_that_clients_may_use() {
    for word in WORDS {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(word.as_bytes());
        assert!(u32::from_be_bytes(bytes) as usize > zab_wire::MAX_BUFFER);
    }
}
