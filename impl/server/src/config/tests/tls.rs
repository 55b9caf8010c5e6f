//! Settings of TLS.

use super::*;

#[test]
fn ports_and_files_are_zookeepers() {
    let config = with(
        "clientPort",
        "secureClientPort=2281\nssl.keyStore.location=/k.pem\nssl.clientAuth=none\n\
         sslQuorum=true\nzookeeper.ssl.quorum.keyStore.location=/q.pem\n\
         ssl.quorum.trustStore.location=/t.pem\nssl.quorum.keyStore.type=pem",
    );
    // clientPortAddress stands in the file, too.
    assert!(refusal(config).contains("clientPortAddress is set, but clientPort is not"));
    let lines = GOOD.lines().filter(|line| !line.starts_with("clientPort"));
    let rest: Vec<&str> = lines
        .chain([
            "secureClientPort=2281",
            "ssl.keyStore.location=/k.pem",
            "ssl.clientAuth=none",
            "sslQuorum=true",
            "zookeeper.ssl.quorum.keyStore.location=/q.pem",
            "ssl.quorum.trustStore.location=/t.pem",
            "ssl.quorum.keyStore.type=pem",
        ])
        .collect();
    let config = load(&rest.join("\n"), Some("1")).unwrap();
    assert_eq!(config.client_address, None);
    let (at, files) = config.secure_client.unwrap();
    assert_eq!((at.to_string().as_str(), files.client_auth), ("0.0.0.0:2281", ClientAuth::None));
    let quorum = config.quorum_tls.unwrap();
    assert_eq!(quorum.key_store, PathBuf::from("/q.pem"));
    assert_eq!(quorum.trust_store, Some(PathBuf::from("/t.pem")));
    assert_eq!(quorum.client_auth, ClientAuth::Need);
    assert_eq!(config.notes, Vec::<String>::new());
}

#[test]
fn what_would_not_be_secure_is_refused() {
    for (lines, expected) in [
        ("secureClientPort=1", "needs ssl.keyStore.location"),
        ("secureClientPort=1\nssl.keyStore.location=/k", "ssl.trustStore.location is not set"),
        ("secureClientPort=0\nssl.keyStore.location=/k", "must not be 0"),
        (
            "secureClientPort=2181\nssl.keyStore.location=/k\nssl.clientAuth=none\n\
          secureClientPortAddress=127.0.0.1",
            "used twice: clientPort and secureClientPort",
        ),
        ("secureClientPortAddress=a", "but secureClientPort is not"),
        ("sslQuorum=TRUE", "needs ssl.quorum.keyStore.location"),
        ("sslQuorum=", "neither true nor false"),
        ("sslQuorum=true\nssl.quorum.keyStore.location=/k", "trustStore.location is not set"),
        (
            "sslQuorum=true\nssl.quorum.keyStore.location=/k\nssl.quorum.clientAuth=none",
            "must be need",
        ),
        (
            "secureClientPort=1\nssl.keyStore.location=/k\nssl.keyStore.type=JKS",
            "ssl.keyStore.type=JKS is not supported; PEM is",
        ),
        ("secureClientPort=1\nssl.keyStore.location=/k\nssl.clientAuth=x", "none of none, want"),
    ] {
        let reason = refusal(with("none", lines));
        assert!(reason.contains(expected), "{lines:?}: {reason}");
    }
}
