//! Four-letter words: what an operator can ask without a client. Source: `FourLetterCommands`,
//! and the classes of `org.apache.zookeeper.server.command`.

use crate::client::Service;

mod clients;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use clients::short;
pub(crate) use server::{environment, numbers, shown, sizes};

/// Words that ZooKeeper knows. Anything else in a connection's first four bytes is a length.
const WORDS: [&str; 19] = [
    "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "lead", "mntr", "ruok",
    "srst", "srvr", "stat", "stmk", "wchc", "wchp", "wchs",
];

/// What is answered to most words while clients are not served.
const NOT_SERVING: &str = "This ZooKeeper instance is not currently serving requests\n";

/// The version that clients are told: of the ZooKeeper whose protocol this server speaks, and its
/// own. Clients read the first and decide by it what they may ask.
pub(crate) const VERSION: &str = concat!("3.8.0-zab-server-", env!("CARGO_PKG_VERSION"));

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
        "ruok" => return "imok".to_owned(),
        "envi" => return server::envi(),
        _ => {}
    }
    let Some(mode) = service.mode() else {
        return if word == "isro" { "null" } else { NOT_SERVING }.to_owned();
    };
    match word {
        "srvr" => server::srvr(service, mode),
        "stat" => server::stat(service, mode),
        "mntr" => server::mntr(service, mode),
        "conf" => server::conf(service),
        "hash" => server::hash(service),
        "dirs" => server::dirs(service),
        "isro" => "rw".to_owned(),
        "srst" => {
            service.stats().reset();
            "Server stats reset.\n".to_owned()
        }
        "cons" => clients::cons(service),
        "crst" => {
            service.roster().all().iter().for_each(|entry| entry.stats.reset());
            "Connection stats reset.\n".to_owned()
        }
        "dump" => clients::dump(service, mode),
        "wchs" => clients::wchs(service),
        "wchc" => clients::wchc(service),
        "wchp" => clients::wchp(service),
        _ => format!("{word} is not implemented by this server.\n"),
    }
}
