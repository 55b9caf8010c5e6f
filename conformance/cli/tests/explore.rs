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
    /// Starts it on a free port, and reads from its one line where that is.
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
            .args(["explore", "--address", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("zabcheck runs");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.split_once(" at http://").and_then(|(_, rest)| rest.split_once('/'));
        let (address, rest) = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        assert_eq!(rest, " (Ctrl-C ends)\n");
        Self { child, address: address.to_owned() }
    }

    /// Status and content; HTTP 1.0, so that nothing comes in chunks.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("the Explorer listens");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    /// The states that a path leads to.
    fn states(&self, path: &str) -> Vec<Value> {
        let (status, body) = self.get(&format!("/.states{path}"));
        assert_eq!(status, 200, "{path}");
        serde_json::from_str(&body).expect("JSON")
    }
}

impl Drop for Explorer {
    fn drop(&mut self) {
        self.child.kill().expect("it was still running");
        self.child.wait().expect("it ends");
    }
}

fn text<'a>(state: &'a Value, field: &str) -> &'a str {
    state[field].as_str().unwrap_or_else(|| panic!("no {field} in {state}"))
}

/// Follows these actions by name; every state on the way has a table, a picture and its changes.
fn follow(explorer: &Explorer, actions: &[&str]) -> Value {
    let mut path = "/0".to_owned();
    let start = &explorer.states("/")[0];
    assert!(text(start, "state").starts_with("server  role"), "{start}");
    let mut last = start.clone();
    for (number, action) in (1..).zip(actions) {
        let states = explorer.states(&path);
        let state = states.iter().find(|state| text(state, "action") == *action);
        let state = state.unwrap_or_else(|| panic!("{action} is not offered in {states:?}"));
        let picture = text(state, "svg");
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
        assert!(picture.contains(&format!(">{number:>3}  {}</text>", action.replace('>', "&gt;"))));
        assert!(text(state, "state").starts_with("server  role"), "{state}");
        assert!(text(state, "outcome").contains(" -> "), "{state}");
        path += &format!("/{}", state["actionIndex"]);
        last = state.clone();
    }
    last
}

#[test]
fn the_zookeeper_family_can_be_explored() {
    let explorer = Explorer::start(&["--requests", "1", "--crashes", "1"]);
    let (status, page) = explorer.get("/");
    assert!(status == 200 && page.contains("Stateright Explorer"));
    let run = ["Elect 3 followers={1,2}", "Connect 1", "Connect 2", "Accept 1>3", "Crash 3"];
    let last = follow(&explorer, &run);
    let picture = text(&last, "svg");
    assert_eq!(picture.matches("class=\"received\"").count(), 1, "{picture}");
    assert_eq!(picture.matches("class=\"lost\"").count(), 1, "{picture}");
    assert_eq!(picture.matches("class=\"crash\"").count(), 1, "{picture}");
    let state = text(&last, "state");
    assert!(state.contains("\n3       DOWN       ELECTION "), "{state}");
    assert!(state.contains("\n1       FOLLOWING  DISCOVERY"), "{state}");
    assert_eq!(explorer.get("/.states/0/999").0, 404);
}

#[test]
fn the_paper_family_can_be_explored() {
    let explorer = Explorer::start(&["--model", "paper", "--servers", "3", "--timeouts", "1"]);
    let run = [
        "UpdateLeader(1)",
        "FollowLeader(2)",
        "ConnectAndFollowerSendCEPOCH(1, 2)",
        "LeaderProcessCEPOCH(1, 2)",
        "Timeout(1, 2)",
    ];
    let last = follow(&explorer, &run);
    let picture = text(&last, "svg");
    assert_eq!(picture.matches("class=\"received\"").count(), 1, "{picture}");
    assert_eq!(picture.matches("class=\"lost\"").count(), 1, "{picture}");
    assert!(picture.contains(">NEWEPOCH 1</text>"), "{picture}");
    let (status, view) = explorer.get("/.status");
    assert!(status == 200 && view.contains("properties"), "{view}");
}

#[test]
fn a_path_is_followed_without_a_browser() {
    let end = zabcheck(&["explore", "--model", "paper", "--path", "0/0/0"]);
    assert_exit(&end, 0);
    assert!(stdout(&end).ends_with("\nnothing more can happen\n"), "two that lead nobody");
    let output = zabcheck(&["explore", "--model", "paper", "--path", "0/0/1"]);
    assert_exit(&output, 0);
    let said = stdout(&output);
    assert!(said.starts_with("   1  UpdateLeader(1)\n   2  FollowLeader(2)\n"), "{said}");
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
    let refused: [(&[&str], &str); 9] = [
        (&["--address", &address], "cannot listen on"),
        (&["--address", "somewhere"], "--address"),
        (&["--servers", "9"], "no room for these bounds"),
        (&["--model", "paper", "--servers", "9"], "2 to 5 are possible"),
        (&["--txns", "1"], "--txns is not for --model zookeeper"),
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
