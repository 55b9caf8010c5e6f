//! What packets of real servers say of their release: never that it is another one.

mod corpus_files;

use std::fmt::Write as _;

use corpus_files::{captures, members};
use zab_capture::diagnose::{QUESTIONS, Server, diagnose};
use zab_capture::properties;
use zab_capture::raw::Reader;

/// What a server runs, by the name of its folder in the corpus.
fn release(capture: &str, server: &Server) -> &'static str {
    let (folder, _) = capture.split_once('/').expect("a folder");
    match folder {
        "apache-3.8.0" => "3.8.0",
        "apache-3.9.3" => "3.9.3",
        "zab-server" => "fixed",
        // Server 2 is ours.
        "mixed" if server.id == 2 => "fixed",
        "mixed" => "3.8.0",
        other => panic!("{other} is no implementation"),
    }
}

fn servers(text: &[u8]) -> Vec<Server> {
    let mut reader = Reader::new(text);
    reader.next_entry().expect("an entry");
    let report = properties::check(&members(reader.header()), text).expect("a capture");
    diagnose(text, &report).expect("a capture")
}

#[test]
fn the_release_is_among_those_that_are_left() {
    let mut told = String::new();
    for (name, path) in captures() {
        let text = std::fs::read(path).expect("the capture");
        for server in servers(&text) {
            let left: Vec<&str> = server.releases().names().collect();
            let release = release(&name, &server);
            assert!(
                left.contains(&release),
                "{name}: server {} is {release}, left {left:?}",
                server.id
            );
            writeln!(told, "{name}, server {}: {}", server.id, left.join(" ")).expect("a text");
            for (question, answer) in QUESTIONS.iter().zip(&server.answers) {
                let word = answer.word(question);
                if word != "not exercised" {
                    writeln!(told, "  {}: {word}, {}", question.switch, answer.occasions)
                        .expect("a text");
                }
                assert_eq!(word == "not exercised", answer.occasions == 0);
                let decides = word == "old only" || word == "new only";
                assert!(!decides || !answer.packets.is_empty(), "{name}: {question:?}");
            }
        }
    }
    insta::assert_snapshot!("diagnoses", told);
}

/// The signature of ZOOKEEPER-4785 and its kin, and the lack of it.
#[test]
fn releases_are_told_apart_by_what_they_acknowledge() {
    let words = |capture: &str| {
        let (_, path) =
            captures().into_iter().find(|(name, _)| name == capture).expect("it is there");
        let servers = servers(&std::fs::read(path).expect("the capture"));
        let at = QUESTIONS.iter().position(|question| question.switch == "newleader_program");
        let at = at.expect("a question");
        let words = servers.iter().map(|server| server.answers[at].word(&QUESTIONS[at]));
        words.filter(|word| *word != "not exercised").collect::<Vec<_>>()
    };
    assert_eq!(words("apache-3.8.0/leader-kill"), ["old only"]);
    assert_eq!(words("apache-3.9.3/leader-kill"), ["new only"]);
    assert_eq!(words("zab-server/leader-kill"), ["new only"]);
}
