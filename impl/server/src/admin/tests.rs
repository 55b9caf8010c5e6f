//! The ports for operators, as `curl` and as somebody who means no good.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::client::Mode;
use crate::config::{Admin, Config, Options};
use crate::descriptors::Shares;
use crate::tree::Tree;

/// A service that serves, and a port where its commands are.
async fn port() -> (Arc<Service>, SocketAddr) {
    let set = ["admin.enableServer=true".to_owned(), "admin.commandURL=/here/".to_owned()];
    let options = Options { set: &set, tolerate: &[] };
    let mut config = Config::standalone(Path::new("/nowhere"), options).unwrap();
    let mut admin = config.admin.take().unwrap();
    (admin.endpoint.host, admin.endpoint.port) = ("127.0.0.1".to_owned(), 0);
    let (service, _) = Service::new(&config, Shares::of_process(1), Tree::default());
    service.start_serving(Mode::Standalone);
    let Admin { endpoint, command_url: base } = admin;
    let asked = Arc::clone(&service);
    let answer = move |path: &str| match path {
        "/metrics" => Some(metrics::answer(&asked)),
        path => commands::answer(path, &base, &asked),
    };
    let address = open(&config, "the port", &endpoint, answer).await.unwrap();
    (service, address)
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let answer = ask(address, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

async fn json(address: SocketAddr, command: &str) -> Value {
    let (head, body) = get(address, &format!("/here/{command}")).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn every_command_has_its_page() {
    let (_service, address) = port().await;
    let (_, list) = get(address, "/here").await;
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("<a href=\"/here/")?.split('"').next())
        .collect();
    assert_eq!(names.len(), 21);
    for name in names {
        let answer = json(address, name).await;
        assert_eq!(answer["command"], name, "{answer}");
        let is_error = name == "leader";
        assert_eq!(answer["error"].is_null(), !is_error, "{answer}");
    }
    let monitor = json(address, "mntr").await;
    assert_eq!((&monitor["command"], &monitor["znode_count"]), (&"monitor".into(), &4.into()));
    assert_eq!(monitor["server_state"], "standalone");
    let unknown = json(address, "nothing").await;
    assert_eq!(unknown["error"], "Unknown command: nothing");
    for path in ["/", "/commands/ruok", "/here/a/b", "/hereruok"] {
        let (head, _) = get(address, path).await;
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
    }
}

#[tokio::test]
async fn while_nobody_is_served_it_says_so() {
    let (service, address) = port().await;
    service.stop_serving();
    let expected = "This ZooKeeper instance is not currently serving requests";
    assert_eq!(json(address, "stats").await["error"], expected);
    assert!(json(address, "ruok").await["error"].is_null());
    let (_, text) = get(address, "/metrics").await;
    assert!(text.contains("zk_serving 0\n") && !text.contains("zk_znode_count"), "{text}");
}

#[tokio::test]
async fn metrics_have_the_names_of_mntr() {
    let (service, address) = port().await;
    let (head, text) = get(address, "/metrics").await;
    assert!(head.contains("application/openmetrics-text"), "{head}");
    for (name, value) in crate::four_letter::numbers(&service, Mode::Standalone) {
        let line = text.lines().find(|line| line.starts_with(&format!("zk_{name} ")));
        assert_eq!(line.is_some(), value.parse::<f64>().is_ok(), "{name}: {line:?}");
    }
    assert!(text.contains("zk_znode_count 4"), "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn nothing_but_get_is_answered() {
    let (_service, address) = port().await;
    let answer = ask(address, "POST /here/ruok HTTP/1.1\r\nContent-Length: 9\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert!(ask(address, "\u{1}\u{2}nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It is closed before all of it is read.
    let _ = stream.write_all(long.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
}

/// A hundred connections say nothing, or never end what they say; they lose their places.
#[tokio::test]
async fn who_says_nothing_keeps_nobody_out() {
    let (_service, address) = port().await;
    let mut silent = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            stream.write_all(b"GET /here/ruok HTTP/1.1\r\nX: ").await.unwrap();
        }
        silent.push(stream);
    }
    let begin = Instant::now();
    assert_eq!(json(address, "ruok").await["command"], "ruok");
    // The machine may be slow; whoever waited for all of them would take minutes.
    assert!(begin.elapsed() < Duration::from_secs(60));
    // All end, without an answer.
    for mut stream in silent {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    }
}
