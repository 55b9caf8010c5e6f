//! `zabcheck diagnose`: which releases explain what packets show.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde_json::{Value, json};
use zab_capture::diagnose::{self, QUESTIONS, Server};

use crate::args::{self, Diagnose};
use crate::captures;
use crate::commands::steps::{self, Releases};
use crate::commands::wire;
use crate::exit::Exit;
use crate::out;
use crate::report::progress::Progress;
use crate::report::{can_write, write_json};

/// Looks at captures, one after the other.
pub(crate) fn run(args: &Diagnose) -> Exit {
    let paths = match captures::or_given(&args.paths) {
        Ok(paths) => paths,
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    };
    if let Some(Err(why)) = args.json.as_deref().map(can_write) {
        out::error(why);
        return Exit::Usage;
    }
    let told: Vec<(Exit, Value)> = paths.iter().map(|path| one(path, &args.members)).collect();
    let exit = told.iter().fold(Exit::Good, |exit, (one, _)| exit.and(*one));
    let captures: Vec<Value> = told.into_iter().map(|(_, value)| value).collect();
    exit.and(write_json(args.json.as_deref(), "diagnose", json!({ "captures": captures })))
}

/// Tells of one capture, and gives the same for machines.
fn one(path: &Path, members: &args::Members) -> (Exit, Value) {
    let progress = Progress::start("looking at packets");
    let looked = look(path, members);
    drop(progress);
    let (servers, doubts) = match looked {
        Ok(looked) => looked,
        Err(why) => {
            out::line(format_args!("REFUSED  {}: {why}", path.display()));
            return (Exit::Usage, to_json(path, Exit::Usage, Some(&why), (&[], &[]), &[]));
        }
    };
    out::line(path.display());
    out::line("what packets show, without the model:");
    out::line(table(&servers));
    for server in &servers {
        why(server);
    }
    for server in &servers {
        out::line(format_args!("server {}: {}", server.id, left(server.releases())));
    }
    let followed = match wire::members(path, members) {
        Ok(members) if doubts.is_empty() => steps::releases(path, &members),
        Ok(_) => Ok(Vec::new()),
        Err(why) => Err(why),
    };
    let followed = followed.unwrap_or_else(|why| {
        out::line(format_args!("note: {why}"));
        Vec::new()
    });
    steps::print_releases(&followed);
    doubts.iter().for_each(|doubt| out::line(format_args!("note: {doubt}")));
    let is_contradictory = servers.iter().any(|server| server.releases().is_empty());
    let is_known = doubts.is_empty() && !is_contradictory;
    let exit = if is_known { Exit::Good } else { Exit::Unknown };
    (exit, to_json(path, exit, None, (&servers, &followed), &doubts))
}

/// A capture for machines; `refused` is why it is none.
fn to_json(
    path: &Path,
    exit: Exit,
    refused: Option<&str>,
    (servers, followed): (&[Server], &[Releases]),
    doubts: &[String],
) -> Value {
    let server = |server: &Server| {
        let answers = QUESTIONS.iter().zip(&server.answers).map(|(question, answer)| {
            let packets = answer.packets.iter();
            let packets: Vec<Value> = packets
                .map(|packet| json!({"line": packet.line, "text": packet.text.trim()}))
                .collect();
            json!({
                "switch": question.switch,
                "asks": question.asks,
                "source": question.source,
                "answer": answer.word(question),
                "occasions": answer.occasions,
                "releases": answer.releases.names().collect::<Vec<_>>(),
                "packets": packets,
            })
        });
        json!({
            "id": server.id,
            "releases": server.releases().names().collect::<Vec<_>>(),
            "answers": answers.collect::<Vec<_>>(),
        })
    };
    json!({
        "path": path.display().to_string(),
        "exit": exit.code(),
        "refused": refused,
        "servers": servers.iter().map(server).collect::<Vec<_>>(),
        "followed": followed.iter().map(Releases::json).collect::<Vec<_>>(),
        "doubts": doubts,
    })
}

fn look(path: &Path, members: &args::Members) -> Result<(Vec<Server>, Vec<String>), String> {
    let report = wire::check(path, members)?;
    let file = File::open(path).map_err(|error| error.to_string())?;
    let servers = diagnose::diagnose(BufReader::new(file), &report);
    Ok((servers.map_err(|error| error.to_string())?, report.doubts))
}

/// A row for each question, a column for each server.
fn table(servers: &[Server]) -> String {
    let mut builder = tabled::builder::Builder::default();
    let names = servers.iter().map(|server| format!("server {}", server.id));
    builder.push_record(
        ["switch".to_owned(), "what is looked at".to_owned()].into_iter().chain(names),
    );
    for (index, question) in QUESTIONS.iter().enumerate() {
        let words = servers.iter().map(|server| match server.answers.get(index) {
            Some(answer) if answer.occasions > 0 => {
                format!("{} ({})", answer.word(question), answer.occasions)
            }
            _ => "not exercised".to_owned(),
        });
        let row = [question.switch.to_owned(), textwrap::fill(question.asks, 40)];
        builder.push_record(row.into_iter().chain(words));
    }
    builder.build().with(tabled::settings::Style::sharp()).to_string()
}

/// The packets on which the answers rest that leave out some release.
fn why(server: &Server) {
    for (question, answer) in QUESTIONS.iter().zip(&server.answers) {
        let word = answer.word(question);
        if ["old only", "new only", "contradictory"].contains(&word) {
            let (id, names) = (server.id, list(answer.releases));
            out::line(format_args!("server {id}, {}: {word} ({names})", question.switch));
            out::line(format_args!("  {}", question.source));
            answer.packets.iter().for_each(|packet| out::line(format_args!("  {}", packet.text)));
        }
    }
}

fn left(releases: diagnose::Releases) -> String {
    match releases.is_empty() {
        true => "no release explains all of it".to_owned(),
        false => format!("what packets show leaves {}", list(releases)),
    }
}

fn list(releases: diagnose::Releases) -> String {
    releases.names().collect::<Vec<_>>().join(", ")
}
