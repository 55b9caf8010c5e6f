use super::*;

mod members;
mod monitoring;
mod tls;

const GOOD: &str = "\
tickTime=200
initLimit=10
syncLimit=5
clientPort=2181
clientPortAddress=127.0.0.1
server.1=127.0.0.1:2881:3881
server.2=127.0.0.1:2882:3882:participant
server.3=127.0.0.1:2883:3883
";

/// Writes `zoo.cfg` (with a dataDir line in front) and `myid`, and loads them.
fn load(text: &str, myid: Option<&str>) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    if let Some(myid) = myid {
        std::fs::write(dir.path().join("myid"), myid).unwrap();
    }
    let path = dir.path().join("zoo.cfg");
    std::fs::write(&path, format!("dataDir={}\n{text}", dir.path().display())).unwrap();
    Config::load(&path, Options::default()).map_err(|error| error.to_string())
}

/// The good file with one line replaced; an empty replacement removes it.
fn with(key: &str, replacement: &str) -> Result<Config, String> {
    let kept: String = GOOD
        .lines()
        .filter(|line| !line.starts_with(&format!("{key}=")))
        .map(|line| format!("{line}\n"))
        .collect();
    load(&format!("{kept}{replacement}\n"), Some("2\n"))
}

fn refusal(result: Result<Config, String>) -> String {
    result.expect_err("must be refused")
}

#[test]
fn a_good_file_is_read_with_zookeepers_defaults() {
    let config = load(GOOD, Some("2\n")).unwrap();
    assert_eq!(config.id, 2);
    assert_eq!(config.ids(), [1, 2, 3]);
    assert_eq!(config.client_address.unwrap().to_string(), "127.0.0.1:2181");
    assert_eq!(config.servers[&3].election.to_string(), "127.0.0.1:3883");
    assert_eq!(config.data_log_dir, config.data_dir);
    assert_eq!(config.tick, Duration::from_millis(200));
    assert_eq!((config.init_limit, config.sync_limit), (10, 5));
    assert_eq!((config.window, config.client_connections_max), (500, 60));
    assert_eq!(config.session_timeout_min, Duration::from_millis(400));
    assert_eq!(config.session_timeout_max, Duration::from_millis(4_000));
    assert_eq!(config.snap_limits, SnapLimits { count: 100_000, bytes: Some(4 << 30) });
    assert_eq!(config.purge, None);
    assert!(config.four_letter_words.allows("srvr"));
    assert!(!config.four_letter_words.allows("ruok"));
    assert_eq!(config.notes, Vec::<String>::new());
}

#[test]
fn the_quorum_text_is_zookeepers() {
    let text = load(GOOD, Some("1")).unwrap().quorum_text();
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(lines[0], "server.1=127.0.0.1:2881:3881:participant");
    assert_eq!(lines[3], "version=0");
    assert_eq!(lines.len(), 4);
}

#[test]
fn unknown_keys_are_noted_and_ignored() {
    let config = with("none", "preAllocSize=1").unwrap();
    assert_eq!(config.notes, ["line 10: preAllocSize is not used by this server"]);
    let config = with("none", "sslQourum=true").unwrap();
    let note = "line 10: sslQourum is no setting that is known; is it spelled right?";
    assert_eq!(config.notes, [note]);
}

#[test]
fn snapshots_and_purges_are_set_as_in_zookeeper() {
    let limits = |lines: &str| {
        let config = with("none", lines).unwrap();
        assert_eq!(config.notes, Vec::<String>::new());
        (config.snap_limits.count, config.snap_limits.bytes)
    };
    assert_eq!(limits("snapCount=50\nsnapSizeLimitInKb=3"), (50, Some(3 << 10)));
    assert_eq!(limits("zookeeper.snapCount=1\nzookeeper.snapSizeLimitInKb=0"), (2, None));
    assert_eq!(limits("snapSizeLimitInKb=-1"), (100_000, None));
    let purge = |lines: &str| with("none", lines).unwrap().purge;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let every = |retained, interval| Some(Purge { retained, interval });
    assert_eq!(purge("autopurge.purgeInterval=2"), every(3, hours(2)));
    let both = "autopurge.purgeInterval=1\nautopurge.snapRetainCount=";
    assert_eq!(purge(&format!("{both}7")), every(7, hours(1)));
    assert_eq!(purge(&format!("{both}1")), every(3, hours(1)));
    assert_eq!(purge("autopurge.purgeInterval=0\nautopurge.snapRetainCount=5"), None);
    for line in ["snapCount=x", "snapSizeLimitInKb=", "autopurge.purgeInterval=-1"] {
        assert!(refusal(with("none", line)).contains("is not a number"), "{line}");
    }
}

/// Every setting that would be relied on in vain, as a line of the file and as the Java property
/// that it becomes in ZooKeeper.
#[test]
fn what_promises_what_is_not_done_is_refused_with_its_line() {
    let lines = [
        ("portUnification=true", "TLS"),
        ("ssl.quorum.keyStore.password=k", "TLS"),
        ("ssl.quorum.hostnameVerification=false", "names too"),
        ("ssl.crl=true", "TLS"),
        ("ssl.protocol=TLSv1", "1.2 and 1.3"),
        ("quorum.auth.enableSasl=true", "not authenticated"),
        ("quorum.auth.serverRequireSasl=true", "not authenticated"),
        ("quorum.auth.kerberos.servicePrincipal=x", "not authenticated"),
        ("authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider", "not auth"),
        ("authProvider.sasl=x", "not authenticated"),
        ("requireClientAuthScheme=sasl", "not authenticated"),
        ("sessionRequireClientSASLAuth=true", "not authenticated"),
        ("enforce.auth.enabled=true", "not authenticated"),
        ("DigestAuthenticationProvider.digestAlg=SHA-256", "SHA-1"),
        ("skipACL=yes", "access control"),
        ("audit.enable=true", "audit"),
        ("forceSync=no", "synced"),
        ("forceSync=No", "synced"),
        ("forceSync=false", "synced"),
        ("electionAlg=1", "fast leader election"),
        ("leaderServes=no", "always serves"),
        ("reconfigEnabled=true", "server.N"),
        ("dynamicConfigFile=/etc/zoo.cfg.dynamic", "server.N"),
        ("standaloneEnabled=false", "server.N"),
        ("observerMasterPort=2191", "from the leader"),
        ("localSessionsEnabled=true", "whole ensemble"),
        ("readonlymode.enabled=true", "without a quorum"),
        ("quorumListenOnAllIPs=true", "listens at the address"),
        ("snapshot.compression.method=gz", "not compressed"),
        ("snapshot.compression.method=snappy", "not compressed"),
        ("jute.maxbuffer=4194304", "1,048,575 bytes"),
    ];
    for (line, expected) in lines {
        for line in [line.to_owned(), format!("zookeeper.{line}"), line.replace('=', " : ")] {
            let reason = refusal(with("none", &line));
            let key = line.split([' ', '=']).next().unwrap();
            assert!(reason.contains(expected), "{line}: {reason}");
            assert!(reason.contains(&format!("line 10: {key}=")), "{line}: {reason}");
            assert!(reason.contains("remove the line"), "{line}: {reason}");
            assert!(!reason.contains("  "), "{line}: {reason}");
        }
    }
}

#[test]
fn what_is_so_anyway_may_be_said() {
    for line in [
        "sslQuorum=false",
        "forceSync=yes",
        "zookeeper.forceSync=yes",
        "reconfigEnabled=False",
        "standaloneEnabled=true",
        "peerType=participant",
        "electionAlg=3",
        "leaderServes=yes",
        "skipACL=no",
        "snapshot.compression.method=",
        "snapshot.compression.method=checked",
        "jute.maxbuffer=0xfffff",
    ] {
        assert_eq!(with("none", line).unwrap().notes, Vec::<String>::new(), "{line}");
    }
}

/// Of the command line no lines are counted, with a file or without.
#[test]
fn what_is_wrong_in_an_argument_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zoo.cfg");
    std::fs::write(&path, format!("dataDir={}\nclientPort=2181\n", dir.path().display())).unwrap();
    let cases = [
        ("tickTime=x", "-D: tickTime=x is not a number in its range"),
        ("snapCount=x", "-D: zookeeper.snapCount=x is not a number in its range"),
        (
            "forceSync=no",
            "-D: forceSync=no: every write is synced before it is acknowledged; remove the argument",
        ),
        ("clientPort=\\u12", "-D: \\u must be followed by four hexadecimal digits of a character"),
        ("group.1=a", "-D: group.1: "),
        ("server.x=a:1:2", "-D: server.x: "),
    ];
    for (setting, expected) in cases {
        let set = [setting.replace("snapCount", "zookeeper.snapCount")];
        let options = Options { set: &set, tolerate: &[] };
        let of_file = Config::load(&path, options).unwrap_err().to_string();
        assert!(of_file.starts_with(&format!("{}: {expected}", path.display())), "{of_file}");
        let alone = Config::standalone(dir.path(), options).unwrap_err().to_string();
        assert!(alone.starts_with(&format!("{}: {expected}", dir.path().display())), "{alone}");
    }
    let set = ["clientPort=1".to_owned()];
    let both = Config::load(&path, Options { set: &set, tolerate: &[] }).unwrap_err().to_string();
    assert!(both.contains("-D: clientPort=1 contradicts line 2: clientPort=2181"), "{both}");
    let set = ["nonsense=1".to_owned(), "jmx.x=1".to_owned()];
    let notes = Config::load(&path, Options { set: &set, tolerate: &[] }).unwrap().notes;
    let expected = [
        "-D: jmx.x is not used by this server",
        "-D: nonsense is no setting that is known; is it spelled right?",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn a_client_port_may_stand_in_the_server_line() {
    let text = GOOD.replace("clientPort=2181\nclientPortAddress=127.0.0.1\n", "");
    let text = text.replace("server.2=127.0.0.1:2882:3882:participant", "server.2=[::1]:1:2;3");
    let config = load(&text, Some("2")).unwrap();
    assert_eq!(config.client_address.unwrap().to_string(), "0.0.0.0:3");
    assert_eq!(config.servers[&2].quorum.to_string(), "[::1]:1");
}

#[test]
fn a_missing_line_is_named() {
    for key in ["initLimit", "syncLimit", "clientPort"] {
        let reason = refusal(with(key, ""));
        assert!(reason.contains(key) && reason.contains("zoo.cfg"), "{reason}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zoo.cfg");
    std::fs::write(&path, GOOD).unwrap();
    assert!(
        Config::load(&path, Options::default())
            .unwrap_err()
            .to_string()
            .contains("dataDir is not set")
    );
    assert!(
        Config::load(&dir.path().join("none"), Options::default())
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
}

#[test]
fn a_wrong_myid_is_named() {
    assert!(refusal(load(GOOD, None)).contains("myid: cannot be read"));
    for wrong in ["", "two", "0", "256", "-1", "1 2"] {
        assert!(refusal(load(GOOD, Some(wrong))).contains("is not a server id"), "{wrong:?}");
    }
    let reason = refusal(load(GOOD, Some("4")));
    assert!(reason.contains("says 4, but there is no line server.4"), "{reason}");
}

#[test]
fn contradictions_are_refused() {
    let cases = [
        ("none", "syncLimit=6", "syncLimit=6 contradicts line 4: syncLimit=5"),
        ("none", "server.4=127.0.0.1:2881:3884", "127.0.0.1:2881 is used twice"),
        ("none", "server.4=127.0.0.1:2884:2884", "127.0.0.1:2884 is used twice"),
        ("clientPort", "clientPort=2882", "127.0.0.1:2882 is used twice"),
        ("none", "minSessionTimeout=5000", "is greater than maxSessionTimeout"),
        ("none", "server.02=127.0.0.1:1:2", "is listed twice"),
        ("server.2", "server.2=127.0.0.1:1:2;5", "clientPort=2181 contradicts"),
        ("server.2", "server.2=a\\nversion\\=1:1:2", "expected host:quorumPort"),
        ("server.2", "server.2=[::1\\n]:1:2", "expected host:quorumPort"),
        ("server.2", "server.2=a b:1:2", "expected host:quorumPort"),
        ("server.2", "server.2=a\\u0000:1:2", "expected host:quorumPort"),
    ];
    for (key, line, expected) in cases {
        let reason = refusal(with(key, line));
        assert!(reason.contains(expected), "{line}: {reason}");
    }
}

#[test]
fn malformed_lines_are_refused_with_their_number() {
    let cases = [
        ("tickTime", "tickTime=fast", "line 9: tickTime=fast is not a number"),
        ("tickTime", "tickTime=0", "tickTime must be at least 1 ms"),
        ("syncLimit", "syncLimit=0", "syncLimit must be at least 1 tick"),
        ("clientPort", "clientPort=65536", "is not a number in its range"),
        ("clientPort", "clientPort=0", "must not be 0"),
        ("none", "commitLogCount=0", "at least 1"),
        ("none", "server.x=a:1:2", "is not a server id"),
        ("none", "server.4=a", "expected host:quorumPort:electionPort"),
        ("none", "server.4=a:1:0", "\"0\" is not a port"),
        ("none", "server.4=a:1:2:watcher", "participant or :observer"),
        ("none", "peerType=leader", "neither participant nor observer"),
        ("none", "server.4=:1:2", "expected host"),
        ("none", "a=\\u12", "hexadecimal"),
    ];
    for (key, line, expected) in cases {
        let reason = refusal(with(key, line));
        assert!(reason.contains(expected), "{line}: {reason}");
    }
}

/// Without other servers there is nobody to wait for, and no number to tell servers apart by.
#[test]
fn a_server_without_others_is_alone() {
    let is_other = |line: &&str| line.starts_with("server.2") || line.starts_with("server.3");
    let own = GOOD.lines().filter(|line| !is_other(line));
    let own: Vec<&str> = own.chain(["dataDir=data"]).collect();
    let one = own.join("\n");
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), Options::default());
    let path = dir.path().join("zoo.cfg");
    for text in ["dataDir=data\nclientPort=2181\n", &one] {
        std::fs::write(&path, text).unwrap();
        let config = Config::load(&path, elsewhere).unwrap();
        assert!(config.is_standalone(), "{text}");
        assert_eq!((config.ids(), config.quorum_text()), (vec![1], "version=0".to_owned()));
    }
    let set = ["clientPort=2281".to_owned(), "extendedTypesEnabled=true".to_owned()];
    let config = Config::standalone(dir.path(), Options { set: &set, tolerate: &[] }).unwrap();
    let client = config.client_address.as_ref().unwrap().to_string();
    assert_eq!((&*client, &*config.data_dir), ("127.0.0.1:2281", dir.path()));
    assert!(config.extended_types && config.is_standalone());
    let server = ["server.1=a:1:2".to_owned(), "server.2=b:1:2".to_owned()];
    let refused = Config::standalone(dir.path(), Options { set: &server, tolerate: &[] });
    assert!(refused.unwrap_err().reason.contains("no server.N settings"));
}

#[test]
fn what_is_tolerated_is_noted_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zoo.cfg");
    let text = "dataDir=data\nclientPort=2181\nssl.keyStore.location=k\nsslQuorum=true\n";
    std::fs::write(&path, text).unwrap();
    let load = |tolerate: &[String]| Config::load(&path, Options { set: &[], tolerate });
    let some = ["ssl.".to_owned()];
    assert!(load(&some).unwrap_err().reason.contains("sslQuorum"));
    let all = ["ssl.".to_owned(), "sslQuorum".to_owned()];
    let notes = load(&all).unwrap().notes;
    assert_eq!(notes.iter().filter(|note| note.contains("tolerated")).count(), 2, "{notes:?}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "([a-z0-9.=:;\\[\\]\n]|server\\.1=|dataDir=a\n){0,60}") {
        if let Ok(draft) = parse::Draft::parse(&text, Options::default()) {
            let _ = draft.finish(1);
        }
    }
}
