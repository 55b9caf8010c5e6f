//! Which rules a server of a capture follows, by the name of its software.

/// What `zab-server` follows. Its driver gives nobody an ACK of what is committed, if it comes before ACK-LD:
/// followers of ZooKeeper before 3.8.5 and 3.9.2 send some (ZOOKEEPER-4785). `fixed` would end the connection
/// (D-ACKLD).
const ZAB_SERVER: &str = "fixed,first_ack=any";

/// The profile, by its name, that a server is taken to follow: what the header of a capture says of all servers, or of
/// this one, as in `Apache ZooKeeper 3.8.0; 1: zab-server 0.1.0, 2: zab-server 0.1.0`. None, if no release of
/// the model behaves so.
#[must_use]
pub fn release_of(software: &str, server: i64) -> Option<&'static str> {
    let parts = || software.split([';', ',']).map(str::trim);
    let own = parts().find_map(|part| {
        let (id, name) = part.split_once(':')?;
        (id.trim().parse() == Ok(server)).then_some(name)
    });
    let name = own.or_else(|| parts().next())?;
    if name.contains("zab-server") {
        return Some(ZAB_SERVER);
    }
    name.split_whitespace().find_map(version).and_then(modelled)
}

fn version(word: &str) -> Option<[u32; 3]> {
    let word = word.split('-').next()?;
    let mut numbers = word.split('.').map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

/// The modelled release that behaves as a version does (`zab_model::profile::RELEASES`, which says which
/// change came when).
fn modelled(version: [u32; 3]) -> Option<&'static str> {
    match version {
        [3, 4, 10] => Some("3.4.10"),
        [3, 6, 3 | 4] | [3, 7, _] | [3, 8, 0..=4] => Some("3.8.0"),
        [3, 8, _] => Some("3.8.6"),
        [3, 9, 0 | 1] => Some("3.9.1"),
        [3, 9, 2] => Some("3.9.2"),
        [3, 9, 3] => Some("3.9.3"),
        [3, 9, _] => Some("3.9.4"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::ZAB_SERVER;
    use super::release_of;

    #[test]
    fn a_header_names_releases() {
        for (software, server, release) in [
            ("Apache ZooKeeper 3.8.0", 1, Some("3.8.0")),
            ("zookeeper 3.9.1-SNAPSHOT", 1, Some("3.9.1")),
            ("Apache ZooKeeper 3.8.0; 2: zab-server 0.1.0", 1, Some("3.8.0")),
            ("Apache ZooKeeper 3.8.0; 2: zab-server 0.1.0", 2, Some(ZAB_SERVER)),
            (
                "Apache ZooKeeper 3.8.0; 1: zab-server 0.1.0, 3: zab-server 0.1.0",
                1,
                Some(ZAB_SERVER),
            ),
            ("Apache ZooKeeper 3.8.0; 1: zab-server 0.1.0, 3: zab-server 0.1.0", 2, Some("3.8.0")),
            (
                "Apache ZooKeeper 3.8.0; 1: zab-server 0.1.0, 3: zab-server 0.1.0",
                3,
                Some(ZAB_SERVER),
            ),
            ("zab-server 0.1.0; 3: Apache ZooKeeper 3.8.5", 3, Some("3.8.6")),
            ("Apache ZooKeeper 3.5.0", 1, None),
            ("x", 1, None),
        ] {
            assert_eq!(release_of(software, server), release, "{software}, server {server}");
        }
    }
}
