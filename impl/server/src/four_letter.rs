//! Four-letter words: what an operator can ask without a client. Source: `FourLetterCommands`.

use std::fmt::Write as _;

use crate::client::{Mode, Service};

/// Words that ZooKeeper knows. Anything else in a connection's first four bytes is a length.
const WORDS: [&str; 19] = [
    "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "lead", "mntr", "ruok",
    "srst", "srvr", "stat", "stmk", "wchc", "wchp", "wchs",
];

/// The word in a connection's first four bytes, if it is one.
pub(crate) fn parse(first: [u8; 4]) -> Option<&'static str> {
    WORDS.into_iter().find(|word| word.as_bytes() == first)
}

/// What to answer, after which the connection is closed.
pub(crate) fn answer(word: &str, service: &Service) -> String {
    if !service.limits().words.allows(word) {
        return format!("{word} is not executed because it is not in the whitelist.\n");
    }
    match word {
        "ruok" => "imok".to_owned(),
        "srvr" => srvr(service),
        _ => format!("{word} is not implemented by this server.\n"),
    }
}

fn srvr(service: &Service) -> String {
    let Some(mode) = service.mode() else {
        return "This ZooKeeper instance is not currently serving requests\n".to_owned();
    };
    let stats = service.stats().now();
    let (zxid, nodes) = service.read(|tree| (tree.last_zxid(), tree.node_count()));
    let mode = match mode {
        Mode::Leader => "leader",
        Mode::Follower => "follower",
    };
    let mut text = format!("Zookeeper version: zab-server {}\n", env!("CARGO_PKG_VERSION"));
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "Latency min/avg/max: {}/{:.4}/{}\nReceived: {}\nSent: {}\nConnections: {}\n\
         Outstanding: {}\nZxid: 0x{zxid:x}\nMode: {mode}\nNode count: {nodes}\n",
        stats.latency_min_ms,
        stats.latency_avg_ms,
        stats.latency_max_ms,
        stats.received,
        stats.sent,
        service.limits().connections(),
        stats.outstanding,
    );
    text
}

#[cfg(test)]
mod tests {
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
}
