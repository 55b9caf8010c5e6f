//! What the program says to those who start it wrongly, and its exit codes.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};

use tokio::net::TcpSocket;
use zab_trace::EventName;

use crate::client::Client;
use crate::cluster::{Cluster, newest_log, until};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zab-server")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn wrong_usage_ends_with_3() {
    for arguments in [&[][..], &["--nonsense"], &["a", "b"], &["a", "--trace"]] {
        assert_eq!(run(arguments).status.code(), Some(3), "{arguments:?}");
    }
    let missing = run(&["/nonexistent/zoo.cfg"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(said(&missing).contains("/nonexistent/zoo.cfg: cannot be read"), "{}", said(&missing));
}

#[test]
fn help_and_version_end_with_0() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("server.1=127.0.0.1:2888:3888") && text.contains("Exit codes:"));
    assert_eq!(run(&["--version"]).status.code(), Some(0));
}

/// The model has no ensemble of one, and none with observers, groups or weights.
#[test]
fn what_the_model_does_not_have_writes_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let [data, trace, config] = ["data", "trace", "zoo.cfg"].map(|name| dir.path().join(name));
    std::fs::create_dir(&data).unwrap();
    std::fs::create_dir(&trace).unwrap();
    std::fs::write(data.join("myid"), "1").unwrap();
    let limits = "initLimit=5\nsyncLimit=5\nclientPort=1";
    let head = format!("dataDir={}\n{limits}\n", data.display());
    let servers = |last: &str| {
        let line = |id| format!("server.{id}=127.0.0.1:1{id}:2{id}");
        format!("{head}{}\n{}\n{}{last}\n", line(1), line(2), line(3))
    };
    let (alone, file) = ("--standalone", config.to_str().unwrap());
    for (what, started, content) in [
        ("a server that is alone", &[alone, data.to_str().unwrap()][..], String::new()),
        ("a server that is alone", &[file], head.clone()),
        ("an ensemble with observers", &[file], servers(":observer")),
        ("an ensemble with groups and weights", &[file], servers("\ngroup.1=1:2:3\nweight.3=2")),
    ] {
        std::fs::write(&config, content).unwrap();
        let arguments = [started, &["--trace", trace.to_str().unwrap()]].concat();
        let refused = run(&arguments);
        assert_eq!(refused.status.code(), Some(3), "{arguments:?}");
        let expected = format!("a trace of {what} cannot be checked; start without --trace");
        assert!(said(&refused).contains(&expected), "{}", said(&refused));
        assert_eq!(std::fs::read_dir(&trace).unwrap().count(), 0, "no trace is begun");
        assert!(!data.join("version-2").exists(), "the directory for data is as it was");
    }
}

#[test]
fn a_damaged_log_ends_with_4_and_is_left_alone() {
    let mut cluster = Cluster::started();
    for number in 0..5 {
        until("a write", || {
            let mut client = Client::connect(cluster.ports[&1].client)?;
            client.create(&format!("/node-{number}")).ok()
        });
    }
    cluster.kill(1);
    let log = newest_log(&cluster.folder(1));
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    cluster.start(1);
    assert_eq!(cluster.exit(1).code(), Some(4));
    let said = cluster.stderr(1);
    let name = log.file_name().unwrap().to_str().unwrap();
    assert!(said.contains(&format!("{name} is damaged at byte ")), "{said}");
    assert_eq!(std::fs::read(&log).unwrap(), bytes);
}

#[test]
fn two_servers_never_share_a_directory() {
    let mut cluster = Cluster::started();
    let config = cluster.folder(2).join("zoo.cfg");
    let second = run(&[config.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(4));
    assert!(said(&second).contains("another server uses this data directory"), "{}", said(&second));
    assert_eq!(cluster.stop(2).code(), Some(0));
    cluster.finish();
}

/// A disk that is lost takes the count of lives with it.
#[test]
fn a_server_with_a_new_data_directory_does_not_write_over_the_trace_of_an_earlier_life() {
    let mut cluster = Cluster::started();
    cluster.stop(1);
    cluster.start(1);
    cluster.all_serve();
    cluster.kill(1);
    let traces: Vec<_> = [1, 2].map(|life| cluster.events(1, life)).into();
    let disk = cluster.folder(1).join("version-2");
    for _ in 0..2 {
        std::fs::remove_dir_all(&disk).unwrap();
        cluster.start(1);
        cluster.all_serve();
        cluster.stop(1);
    }
    assert_eq!([1, 2].map(|life| cluster.events(1, life)), traces[..]);
    for life in [3, 4] {
        let events = cluster.events(1, life);
        let ends = [events.first(), events.last()].map(|end| end.unwrap().event.kind.name());
        assert_eq!(ends, [EventName::Start, EventName::Stop], "life {life}");
    }
    assert!(cluster.events(1, 5).is_empty());
    cluster.finish();
}

#[test]
fn a_port_that_is_taken_ends_with_5() {
    let mut cluster = Cluster::new("");
    let ports = cluster.ports[&1];
    for (port, name) in [
        (ports.client, "the client port"),
        (ports.quorum, "the quorum port"),
        (ports.election, "the election port"),
    ] {
        let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        cluster.start(1);
        assert_eq!(cluster.exit(1).code(), Some(5));
        let said = cluster.stderr(1);
        assert!(said.contains(&format!("cannot listen on {name} 127.0.0.1:{port}")), "{said}");
        drop(taken);
        // A process that another test is just starting has a copy of the listener for a moment.
        until("the port to be free", || is_free(port).then_some(()));
    }
    // Starts that failed are no lives.
    cluster.start(1);
    until("the trace of the first life", || cluster.events(1, 1).first().cloned());
}

/// Whether nobody listens on a port. A socket that is bound and does not listen is in nobody's way.
fn is_free(port: u16) -> bool {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port))).is_ok()
}
