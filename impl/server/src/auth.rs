//! Who clients are: the schemes by which they authenticate, and what their identities match.
//! Source: `DigestAuthenticationProvider`, `IPAuthenticationProvider`, `ProviderRegistry`,
//! `AuthUtil`.
//!
//! A client has an identity of scheme `ip` from the start. With `digest` it gets one more for each
//! user name and password that it names; nothing checks them, they only have to be the ones that
//! were used when a list was set. Whoever knows the password of the administrator gets the
//! identity `super` too, which may do everything.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use zab_wire::Id;
use zab_wire::client::ClientInfo;

/// Most identities of one client. They travel with every one of its writes.
pub(crate) const IDENTITIES_MAX: usize = 64;

/// The identity of a client by its address.
pub(crate) fn of_address(address: IpAddr) -> Id {
    Id { scheme: "ip".to_owned(), id: address.to_string() }
}

/// The identities that a client gets by an `auth` request; `None` if it is not authenticated.
/// `super_digest` is the digest of the administrator, if there is one.
pub(crate) fn authenticate(
    scheme: &str,
    secret: &[u8],
    address: IpAddr,
    super_digest: Option<&str>,
) -> Option<Vec<Id>> {
    match scheme {
        "ip" => Some(vec![of_address(address)]),
        "digest" => {
            let digest = digest(&String::from_utf8_lossy(secret));
            let mut ids = Vec::new();
            if super_digest == Some(&digest) {
                ids.push(Id { scheme: "super".to_owned(), id: String::new() });
            }
            ids.push(Id { scheme: "digest".to_owned(), id: digest });
            Some(ids)
        }
        _ => None,
    }
}

/// `user:password` as it stands in lists: the user, and the SHA-1 of the whole in base64.
fn digest(secret: &str) -> String {
    let user = secret.split(':').next().unwrap_or_default();
    format!("{user}:{}", STANDARD.encode(Sha1::digest(secret.as_bytes())))
}

/// Whether this identity may do everything.
pub(crate) fn is_super(id: &Id) -> bool {
    id.scheme == "super"
}

/// Whether this identity is more than where a connection comes from: it can stand for `auth`.
pub(crate) fn is_authenticated(id: &Id) -> bool {
    id.scheme == "digest"
}

/// Whether a client's identity is the one that a list names, or among them.
pub(crate) fn matches(own: &Id, named: &Id) -> bool {
    own.scheme == named.scheme
        && match named.scheme.as_str() {
            "digest" => own.id == named.id,
            "ip" => match (own.id.parse(), network(&named.id)) {
                (Ok(address), Some(network)) => network.contains(address),
                (Ok(_) | Err(_), _) => false,
            },
            _ => false,
        }
}

/// Whether a list may name this identity.
pub(crate) fn is_valid(named: &Id) -> bool {
    match named.scheme.as_str() {
        // Java leaves out empty parts at the end when it splits.
        "digest" => named.id.trim_end_matches(':').split(':').count() == 2,
        "ip" => network(&named.id).is_some(),
        _ => false,
    }
}

/// What `whoAmI` tells of an identity: no secret, and nothing that could be tried as one.
pub(crate) fn shown(id: &Id) -> ClientInfo {
    let user = match id.scheme.as_str() {
        "digest" => id.id.split(':').next().unwrap_or_default(),
        "ip" => id.id.as_str(),
        _ => "",
    };
    ClientInfo { scheme: id.scheme.clone(), user: user.to_owned() }
}

/// Addresses that begin with the same bits.
struct Network {
    address: IpAddr,
    bits: u32,
}

/// `address` or `address/bits`.
fn network(text: &str) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(width), |bits| bits.parse().ok().filter(|bits| *bits <= width))?;
    Some(Network { address, bits })
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let unlike = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        unlike >= self.bits
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn id(scheme: &str, id: &str) -> Id {
        Id { scheme: scheme.to_owned(), id: id.to_owned() }
    }

    /// The pair that kazoo's test harness gives to ZooKeeper.
    #[test]
    fn digests_are_those_of_java() {
        assert_eq!(digest("super:test"), "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
        assert_eq!(digest("bob:a:b").split(':').next(), Some("bob"));
    }

    #[test]
    fn the_administrator_is_known_by_the_digest() {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let known = Some("super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
        let ids = authenticate("digest", b"super:test", here, known).unwrap();
        assert_eq!(ids.iter().map(|id| &*id.scheme).collect::<Vec<_>>(), ["super", "digest"]);
        let ids = authenticate("digest", b"super:tesT", here, known).unwrap();
        assert!(!ids.iter().any(is_super));
        let ids = authenticate("digest", b"super:test", here, None).unwrap();
        assert!(!ids.iter().any(is_super));
        assert_eq!(authenticate("world", b"anyone", here, known), None);
        assert_eq!(authenticate("super", b"", here, known), None);
    }

    #[test]
    fn addresses_match_their_networks() {
        let own = id("ip", "10.1.2.3");
        for named in ["10.1.2.3", "10.1.2.0/24", "10.1.2.3/32", "0.0.0.0/0", "10.0.0.0/15"] {
            assert!(matches(&own, &id("ip", named)), "{named}");
        }
        for named in ["10.1.2.4", "10.1.3.0/24", "10.1.2.0/33", "10.1.2", "::/0", "", "/8"] {
            assert!(!matches(&own, &id("ip", named)), "{named}");
        }
        assert!(matches(&id("ip", "fe80::1"), &id("ip", "fe80::/10")));
        assert!(!matches(&own, &id("digest", "10.1.2.3")));
    }

    #[test]
    fn lists_name_what_can_be_matched() {
        for (scheme, text) in [("digest", "u:p"), ("ip", "1.2.3.4"), ("ip", "1.2.3.4/8")] {
            assert!(is_valid(&id(scheme, text)), "{scheme}:{text}");
        }
        for (scheme, text) in [
            ("digest", "u"),
            ("digest", "u:"),
            ("digest", "a:b:c"),
            ("ip", "1.2.3"),
            ("ip", "1.2.3.4/-1"),
            ("sasl", "x"),
            ("super", ""),
            ("world", "me"),
        ] {
            assert!(!is_valid(&id(scheme, text)), "{scheme}:{text}");
        }
    }

    #[test]
    fn nobody_is_shown_a_digest() {
        let info = shown(&id("digest", "bob:secret"));
        assert_eq!((&*info.scheme, &*info.user), ("digest", "bob"));
        assert_eq!(shown(&id("super", "")).user, "");
    }
}
