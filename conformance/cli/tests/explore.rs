//! `zabcheck explore`: what the Explorer is given to show, over HTTP and without it.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use support::{assert_exit, stderr, stdout, zabcheck};

/// A command that serves; it ends with this.
struct Explorer {
    child: Child,
    address: String,
}

impl Explorer {
    /// Starts it on a free port, and reads from its second line where that is.
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
            .args(["explore", "--address", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("zabcheck runs");
        let mut lines = BufReader::new(child.stdout.as_mut().expect("its output")).lines();
        let mut line = || lines.next().expect("a line").expect("UTF-8");
        assert!(line().starts_with("exploring ZAB as "));
        let second = line();
        let address = second.strip_prefix("open http://").and_then(|rest| rest.split_once('/'));
        let (address, rest) = address.unwrap_or_else(|| panic!("no address in {second:?}"));
        assert_eq!(rest, " (Ctrl-C ends)");
        let address = address.to_owned();
        Self { child, address }
    }

    /// What is answered to these bytes.
    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the Explorer listens");
        // A request that is refused may be answered before it was read.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Status and content; HTTP 1.0, so that nothing comes in chunks.
    fn get(&self, path: &str) -> (u16, String) {
        let answer = self.send(&format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (status(head), body.to_owned())
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// Follows these actions by name from the first state; gives the last answer.
    fn follow(&self, actions: &[&str]) -> Value {
        let mut here = self.json("/api/state?path=0");
        for action in actions {
            let next = here["next"].as_array().expect("choices");
            let choice = next.iter().find(|choice| choice["action"] == *action);
            let choice = choice.unwrap_or_else(|| panic!("{action} is not offered in {next:?}"));
            let path = format!("{}/{}", here["path"].as_str().expect("a path"), choice["number"]);
            here = self.json(&format!("/api/state?path={path}"));
            assert_eq!(here["path"], path);
            let last = here["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
            assert_eq!((&last["action"], &last["path"]), (&(*action).into(), &path.into()));
            assert!(here["changes"].as_array().is_some_and(|changes| !changes.is_empty()));
            assert!(
                here["look"].as_str().is_some_and(|look| look.starts_with("zabcheck explore "))
            );
        }
        here
    }
}

impl Drop for Explorer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().expect("it ends");
    }
}

fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status in {answer:?}"))
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

#[test]
fn the_zookeeper_family_can_be_explored() {
    let explorer = Explorer::start(&["--requests", "1", "--crashes", "1"]);
    let about = explorer.json("/api/model");
    assert_eq!(text(&about, "title"), "ZAB as ZooKeeper implements it");
    assert_eq!(
        text(&about, "bounds"),
        "3 servers, 1 request, 1 crash, 1 election, leaders elected in one step"
    );
    let run = ["Elect 3 followers={1,2}", "Connect 1", "Connect 2", "Accept 1>3", "Crash 3"];
    let last = explorer.follow(&run);
    let picture = text(&last, "svg");
    assert_eq!(picture.matches("class=\"received\"").count(), 1, "{picture}");
    assert_eq!(picture.matches("class=\"lost\"").count(), 1, "{picture}");
    assert_eq!(picture.matches("class=\"crash\"").count(), 1, "{picture}");
    let [first, _, third] = last["state"]["servers"].as_array().expect("servers").as_slice() else {
        panic!("three servers: {last}")
    };
    assert_eq!((text(third, "role"), text(third, "phase")), ("DOWN", "ELECTION"));
    assert_eq!((text(first, "role"), text(first, "phase")), ("FOLLOWING", "DISCOVERY"));
    assert_eq!(last["before"]["servers"][2]["role"], "LEADING");
    assert!(last["steps"][3]["rules"].as_array().is_some_and(|rules| !rules.is_empty()));
    let exported = ["svg", "mmd", "itf.json", "json"].map(|extension| {
        explorer.get(&format!("/api/run.{extension}?path={}", text(&last, "path")))
    });
    for ((status, body), begins) in exported.iter().zip(["<svg ", "sequenceDiagram\n", "{", "{"]) {
        assert!(*status == 200 && body.starts_with(begins), "{body}");
    }
}

/// A state that violates a property says so, and the run says which step did it.
#[test]
fn a_violation_is_named_where_it_is_seen() {
    let bounds = "--model paper --servers 3 --txns 2 --ghosts --timeouts 1 --restarts 1 --reading \
                  epoch-first";
    let bounds: Vec<&str> = bounds.split(' ').collect();
    let mut check = vec!["check", "--symmetry", "--stop-when-violated"];
    check.extend(&bounds);
    let output = zabcheck(&check);
    assert_exit(&output, 1);
    let said = stdout(&output);
    let line = said.lines().find(|line| line.contains(" is violated after ")).expect("a violation");
    let property = line.split(' ').next().expect("its name");
    let path = said.split(" --path ").nth(1).and_then(|rest| rest.lines().next()).expect("a path");
    let explorer = Explorer::start(&bounds);
    let here = explorer.json(&format!("/api/state?path={path}"));
    let shown = here["shown"].as_array().expect("what is shown");
    let violated = shown.iter().find(|one| one["name"] == property).expect(property);
    assert_eq!((&violated["violated"], &violated["here"]), (&true.into(), &true.into()));
    let last = here["steps"].as_array().and_then(|steps| steps.last()).expect("a step");
    let shows = last["shows"].as_array().expect("what the step shows");
    assert!(shows.iter().any(|one| one["name"] == property), "{last}");
    let about = explorer.json("/api/model");
    let properties = about["properties"].as_array().expect("properties");
    assert!(properties.iter().all(|property| text(property, "says").ends_with('.')), "{about}");
}

#[test]
fn each_initial_state_can_be_looked_at() {
    let explorer = Explorer::start(&["--exploration", "election"]);
    let starts = explorer.json("/api/model")["starts"].as_u64();
    assert_eq!(starts, Some(3));
    let other = explorer.json("/api/state?path=1");
    assert_eq!(other["state"]["servers"][0]["history"], "1.1 1.2");
    assert_eq!(explorer.get("/api/state?path=3").0, 404);
}

/// Whatever is sent, the next question is answered.
#[test]
fn hostile_requests_are_refused_and_stop_nothing() {
    let explorer = Explorer::start(&[]);
    let host = "Host: localhost\r\n";
    let long = format!("GET /{} HTTP/1.0\r\n{host}\r\n", "a".repeat(100_000));
    let requests = [
        ("GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n".to_owned(), 403),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), 403),
        (format!("POST /api/state HTTP/1.0\r\n{host}Content-Length: 3\r\n\r\nabc"), 405),
        (format!("GET /api/state?path=0/%ff%00 HTTP/1.0\r\n{host}\r\n"), 400),
        (format!("GET /api/state?path=0/{} HTTP/1.0\r\n{host}\r\n", "9".repeat(400)), 400),
        (format!("GET /api/state?path=0/{} HTTP/1.0\r\n{host}\r\n", u64::MAX), 404),
        (format!("GET /%2e%2e/etc/passwd HTTP/1.0\r\n{host}\r\n"), 404),
        (long, 414),
        ("nonsense\r\n\r\n".to_owned(), 400),
    ];
    for (request, expected) in requests {
        let answer = explorer.send(&request);
        assert_eq!(status(&answer), expected, "{}: {answer}", &request[..request.len().min(80)]);
        assert_eq!(explorer.get("/api/state?path=0").0, 200);
    }
    let answer = explorer.send(&format!("GET / HTTP/1.0\r\n{host}\r\n"));
    assert!(answer.contains("Content-Security-Policy: default-src 'none'"), "{answer}");
}

/// Whoever says nothing, little, or does not listen, keeps nobody waiting: however many they are, and
/// whatever order they come in.
#[test]
fn silent_and_slow_clients_keep_nobody_waiting() {
    let explorer = Explorer::start(&["--model", "paper"]);
    let long =
        format!("GET /api/run.svg?path=0{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "/0".repeat(9));
    let said = ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", &long];
    let mut held: Vec<TcpStream> = Vec::new();
    for round in 0..60 {
        for text in said {
            let mut stream = TcpStream::connect(&explorer.address).expect("the Explorer listens");
            // One of so many may be closed before it has said this.
            let _ = stream.write_all(text.as_bytes());
            held.push(stream);
        }
        assert_eq!(explorer.get("/api/state?path=0").0, 200, "after {} connections", held.len());
        if round == 30 {
            // Some leave in the middle of what they say.
            held.drain(..40);
        }
    }
    assert_eq!(held.len(), 260);
}

/// Ctrl-C ends it as what it is: done.
#[test]
fn the_explorer_ends_when_it_is_asked_to() {
    for signal in ["INT", "TERM", "HUP"] {
        let mut explorer = Explorer::start(&["--model", "paper"]);
        let silent = TcpStream::connect(&explorer.address).expect("the Explorer listens");
        let pid = explorer.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().expect("kill runs");
        assert!(sent.success());
        let status = explorer.child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "SIG{signal}");
        drop(silent);
    }
}

#[test]
fn a_path_is_followed_without_a_browser() {
    let end = zabcheck(&["explore", "--model", "paper", "--path", "0/0/0"]);
    assert_exit(&end, 0);
    assert!(stdout(&end).ends_with("\nnothing more can happen\n"), "two that lead nobody");
    let output = zabcheck(&["explore", "--model", "paper", "--path", "0/0/1"]);
    assert_exit(&output, 0);
    let said = stdout(&output);
    assert!(said.starts_with("   1  UpdateLeader(1)\n   2  FollowLeader(2)\n\nserver  "), "{said}");
    assert!(said.contains("\nserver  role") && said.contains("\nnext 0: "), "{said}");
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("run.svg");
    let path = file.to_str().expect("UTF-8");
    let args = ["explore", "--model", "paper", "--path", "0/0/1", "--svg"];
    assert_exit(&zabcheck(&[&args[..], &[path]].concat()), 0);
    let printed = zabcheck(&[&args[..], &["-"]].concat());
    assert_exit(&printed, 0);
    let written = std::fs::read_to_string(&file).expect("the picture");
    assert_eq!(written, stdout(&printed));
    assert!(written.starts_with("<svg ") && written.contains("UpdateLeader(1)"), "{written}");
}

#[test]
fn what_cannot_be_explored_is_refused_with_a_reason() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let refused: [(&[&str], &str); 10] = [
        (&["--address", &address], "cannot listen on"),
        (&["--address", "somewhere"], "--address"),
        (&["--servers", "9"], "expected a whole number from 2 to 5"),
        (&["--requests", "4"], "expected a whole number from 0 to 3"),
        (&["--model", "paper", "--timeouts", "14"], "may need epoch 16"),
        (&["--txns", "1"], "--txns is for --model paper"),
        (&["--model", "paper", "--symmetry"], "--symmetry is for `zabcheck check`"),
        (&["--path", "0/x"], "`x` is no number"),
        (&["--path", "0/999"], "number 2 is 999, but there are 0 to "),
        (&["--path", "7"], "number 1 is 7, but there are 0 to 0 only"),
    ];
    for (args, words) in refused {
        let output = zabcheck(&[&["explore"], args].concat());
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
    }
}
