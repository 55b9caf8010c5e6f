//! Results for programs: they are what their schemas say, and hold what is printed for people.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

fn corpus(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// One that conforms, one that diverges, one that says too little.
fn three() -> [String; 3] {
    ["accept/vote_boasts", "reject/vote_boasts", "incomplete/looking_never_written"]
        .map(|name| corpus(&format!("{name}.ndjson")))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("written")).expect("JSON")
}

#[track_caller]
fn assert_valid(value: &Value, schema: &str, what: &str) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join(schema);
    let schema = jsonschema::validator_for(&read(&schema)).expect("a schema");
    if let Err(error) = schema.validate(value) {
        panic!("{what}: {error}\n{value:#}");
    }
}

/// Runs the command with `--json` and returns what it wrote, which must be as the schema says.
#[track_caller]
fn json(args: &[&str], code: i32) -> Value {
    let output = zabcheck(&[args, &["--json", "-"]].concat());
    assert_exit(&output, code);
    let value: Value = serde_json::from_str(&stdout(&output)).expect("JSON and nothing else");
    assert_eq!(value["schema"], "zabcheck-output/1");
    assert_valid(&value, "../../docs/src/output-v1.json", &args.join(" "));
    value
}

#[test]
fn what_every_command_writes_is_as_the_schema_says() {
    let [good, bad, short] = three();
    let small = ["check", "--model", "paper", "--txns", "2", "--timeouts", "2"];
    assert_eq!(json(&["conform", &good], 0)["verdict"], "CONFORMS");
    assert_eq!(json(&["conform", &short], 2)["verdict"], "INCONCLUSIVE");
    assert_eq!(json(&["conform", "no-such-file"], 3)["verdict"], "REFUSED");
    let clients = |of: &str| {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../history/corpus");
        corpus.join(of).join("atomic.half_a_multi.ndjson").to_str().expect("UTF-8").to_owned()
    };
    assert_eq!(json(&["history", &clients("accept")], 0)["verdict"], "CONFORMS");
    assert_eq!(json(&["history", &clients("reject")], 1)["violations"][0]["rule"], "atomic");
    let each = json(&["conform", "--each", &good, &bad, &good], 1);
    assert_eq!(each["total"]["CONFORMS"], 2);
    let sample =
        corpus("../../conformance/capture/tests/captures/apache-3.8.0-first-start.raw.ndjson");
    let wire = json(&["wire", &sample, "--servers", "1,2,3"], 0);
    assert_eq!(wire["captures"][0]["verdict"], "HOLDS");
    let steps = ["conform", &sample, "--servers", "1,2,3", "--profile"];
    let conform = json(&[&steps[..], &["3.8.0"]].concat(), 0);
    assert_eq!(conform["captures"][0]["steps_checked"], true);
    assert_eq!(conform["captures"][0]["verdict"], "CONFORMS");
    let diverges = json(&[&steps[..], &["fixed"]].concat(), 1);
    assert_eq!(diverges["captures"][0]["steps"]["servers"][2]["divergence"]["line"], 59);
    assert_eq!(json(&steps[..4], 2)["captures"][0]["verdict"], "INCONCLUSIVE");
    let diagnosed = json(&["diagnose", &sample, "--servers", "1,2,3"], 0);
    assert_eq!(diagnosed["captures"][0]["servers"][0]["id"], 1);
    let followed = &diagnosed["captures"][0]["followed"];
    let runs = followed[2]["releases"].as_array().expect("releases");
    assert!(runs.contains(&"3.8.0".into()) && !runs.contains(&"fixed".into()), "{followed:#}");
    let strict = followed[2]["answers"].as_array().expect("answers").last().expect("fixed");
    assert_eq!((&strict["release"], &strict["verdict"]), (&"fixed".into(), &"DIVERGES".into()));
    let switches = followed[2]["switches"]["switches"].as_array().expect("switches");
    let of = |name: &str| &switches.iter().find(|one| one["switch"] == name).expect("it")["answer"];
    assert_eq!(of("position_when_established"), "old only", "{switches:#?}");
    assert_eq!(of("acks_of_cut"), "not exercised", "{switches:#?}");
    let refused = json(&["diagnose", &sample], 3);
    assert!(refused["captures"][0]["refused"].is_string(), "{refused:#}");
    assert_eq!(json(&["lint", &good], 0)["sound"], true);
    let unsound = json(&["lint", &good, &good], 1);
    assert_eq!(unsound["findings"][0]["severity"], "error");
    assert_eq!(json(&small, 0)["verdict"], "holds");
    assert_eq!(json(&[&small[..], &["--states-max", "9"]].concat(), 2)["verdict"], "INCOMPLETE");
    let walks = json(&[&small[..], &["--walks", "5", "--seed", "3"]].concat(), 2);
    assert_eq!(walks["explorations"][0]["walks"], 5);
    let stuck =
        json(&["check", "--model", "paper", "--walks", "5", "--servers", "2", "--deadlock"], 1);
    assert_eq!(stuck["explorations"][0]["verdict"], "VIOLATED");
    assert_eq!(json(&["check", "--list"], 0)["command"], "check --list");
    let bench = json(&["bench", "--events", "1000"], 0);
    assert!(bench["rows"][1]["events"].as_u64().is_some_and(|events| events >= 1000), "{bench:#}");
    let selftest = json(&["selftest", "--seeds", "1", "--corpus", &corpus("")], 1);
    assert_eq!(selftest["corpus"][0]["fine"], true);
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("run");
    let out = out.to_str().expect("a plain name");
    let record = ["record", "--scenario", "start-in-order", "--out", out, "--times", "1"];
    assert_eq!(json(&record, 0)["runs"][0]["verdict"], "CONFORMS");
    // The folder of the first run is in use now.
    let failed = json(&record, 3);
    assert!(failed["runs"][0]["error"].as_str().is_some_and(|why| why.contains("is not empty")));
}

#[test]
fn what_is_told_of_bugs_is_as_the_schema_says() {
    let bugs = json(&["bugs", "4394"], 0);
    assert_eq!(bugs["bugs"][0]["search"]["damage"]["steps"], 29);
    assert_eq!(bugs["bugs"][0]["grain"], "writes");
    assert_eq!(bugs["controls"][0]["profile"], "fixed");
    let releases = json(&["releases", "3.9.3"], 0);
    let has = releases["releases"][0]["bugs"].as_array().expect("bugs");
    assert!(has.contains(&"ZOOKEEPER-4925".into()), "{releases:#}");
}

#[test]
fn what_is_told_of_imported_traces_is_as_the_schema_says() {
    let path =
        |name: &str| format!("{}/../import/tests/traces/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let good = json(&["import", "--tlc-json", &path("commit")], 0);
    assert_eq!((&good["accepted"], &good["rejected"]), (&true.into(), &Value::Null));
    let bad = json(&["import", "--tlc-json", &path("retained-database")], 1);
    assert_eq!(bad["rejected"]["step"], 4);
    let needs = &bad["accepted_with"];
    assert_eq!(
        needs,
        &serde_json::json!([{"bug": "ZOOKEEPER-2845", "switches": "fast_forward=never"}])
    );
    assert_eq!(bad["accepted_as"], serde_json::json!(["3.4.10"]));
}

#[test]
fn what_is_told_of_differences_is_as_the_schema_says() {
    let found = json(&["diff", "fixed", "fixed,establishment=at_once"], 0);
    let difference = |place: usize| &found["compared"][place]["difference"];
    let one = [difference(0), difference(1)].into_iter().find(|one| !one.is_null());
    assert!(one.is_some_and(|one| one["packets"].as_u64() > Some(0)), "{found:#}");
}

/// `verify` takes its time, so it is run where `ZAB_RUNS` asks for more than every test run.
#[test]
fn what_verify_writes_is_as_the_schema_says() {
    if std::env::var_os("ZAB_RUNS").is_some() {
        let verified = json(&["verify"], 0);
        assert_eq!(verified["trace"]["verdict"], "CONFORMS");
    }
    // It refuses what it cannot do before it explores.
    let output = zabcheck(&["verify", "--out", env!("CARGO_MANIFEST_DIR")]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("is not empty"), "{}", stderr(&output));
}

#[test]
fn the_parts_of_a_divergence_are_told_apart() {
    let bad = corpus("reject/restart_with_wrong_digest.ndjson");
    let divergence = &json(&["conform", &bad], 1)["divergence"];
    let mismatch = serde_json::json!({
        "kind": "field",
        "name": "logDigest",
        "found": "b13ecaf2dae9317c",
        "wanted": "b13ecaf2dae9317d",
    });
    assert_eq!(divergence["mismatch"], mismatch);
    let told = stdout(&zabcheck(&["conform", &bad]));
    let held = divergence["held"].as_array().expect("lines");
    assert!(!held.is_empty(), "{divergence:#}");
    assert!(held.iter().all(|line| line.as_str().is_some_and(|line| told.contains(line))));
}

/// The files of one run of `conform --each` on three traces.
fn reports(folder: &TempDir) -> [PathBuf; 2] {
    let [junit, sarif] = ["junit.xml", "results.sarif"].map(|name| folder.path().join(name));
    let [good, bad, short] = three();
    let output = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(["conform", "--quiet", "--each", &good, &bad, &short, "--junit"])
        .arg(&junit)
        .arg("--sarif")
        .arg(&sarif)
        .env("GITHUB_ACTIONS", "false")
        .output()
        .expect("zabcheck runs");
    assert_exit(&output, 1);
    assert_eq!((stdout(&output), stderr(&output)), (String::new(), String::new()), "quiet");
    [junit, sarif]
}

/// Where the traces are depends on the machine.
fn without_folder(text: &str) -> String {
    text.replace(&corpus(""), "")
}

/// JUnit reports were validated against Jenkins' `junit-10.xsd` (docs/src/ci.md); that schema is not here.
/// The snapshot holds the attributes and their counts.
#[test]
fn junit_has_a_case_for_each_trace() {
    let folder = TempDir::new().expect("a folder");
    let [junit, _] = reports(&folder);
    let text = fs::read_to_string(junit).expect("written");
    insta::assert_snapshot!(without_folder(&text));
}

#[test]
fn sarif_is_as_its_schema_says_and_names_the_rules() {
    let folder = TempDir::new().expect("a folder");
    let [_, sarif] = reports(&folder);
    let log = read(&sarif);
    assert_valid(&log, "tests/data/sarif-2.1.0.schema.json", "SARIF");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let rules: Vec<_> = results.iter().map(|result| result["ruleId"].as_str()).collect();
    assert_eq!(rules, [Some("zk.fle.looking"), Some("INCONCLUSIVE")]);
    let place = &results[0]["locations"][0]["physicalLocation"];
    let uri = place["artifactLocation"]["uri"].as_str().expect("a place");
    assert!(uri.starts_with("file:///") && uri.ends_with("reject/vote_boasts.ndjson"), "{uri}");
    let line = json(&["conform", &three()[1]], 1)["place"]["line"].clone();
    assert_eq!(place["region"]["startLine"], line);
}

/// What has no place in a file, such as a property of the model, has a name.
#[test]
fn a_violated_property_is_in_both_reports() {
    let folder = TempDir::new().expect("a folder");
    let [junit, sarif] = ["junit.xml", "results.sarif"].map(|name| folder.path().join(name));
    let [to_junit, to_sarif] = [&junit, &sarif].map(|path| path.to_str().expect("UTF-8"));
    let three = ["check", "--model", "paper", "--servers", "3", "--timeouts", "1", "--liveness"];
    let reports = ["--junit", to_junit, "--sarif", to_sarif, "--github"];
    let output = zabcheck(&[&three[..], &reports].concat());
    assert_exit(&output, 1);
    let log = read(&sarif);
    assert_valid(&log, "tests/data/sarif-2.1.0.schema.json", "SARIF");
    let result = &log["runs"][0]["results"][0];
    let property = result["ruleId"].as_str().expect("a name");
    let named = &result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
    assert!(named.as_str().is_some_and(|name| name.ends_with(property)), "{named}");
    let text = fs::read_to_string(junit).expect("written");
    assert!(text.contains(&format!("type=\"{property}\"")), "{text}");
    let annotation = format!("::error title=zabcheck%3A {property}::{property} is violated after");
    assert!(stdout(&output).contains(&annotation), "{}", stdout(&output));
}

#[test]
fn annotations_are_printed_where_github_actions_says_that_it_runs() {
    let [_, bad, _] = three();
    let run = |variable: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zabcheck"));
        command.args(["conform", "--quiet", &bad]).env("GITHUB_ACTIONS", variable);
        stdout(&command.output().expect("zabcheck runs"))
    };
    insta::assert_snapshot!(without_folder(&run("true")));
    assert_eq!(run("false"), "");
    assert_eq!(run("true"), stdout(&zabcheck(&["conform", "-q", "--github", &bad])));
}

#[test]
fn the_version_has_the_commit() {
    let output = zabcheck(&["--version"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    let commit =
        text.trim_end().strip_prefix(concat!("zabcheck ", env!("CARGO_PKG_VERSION"), " (commit "));
    let commit = commit.and_then(|text| text.strip_suffix(')')).expect("a commit");
    let is_hash = commit.len() >= 12 && commit.chars().all(|c| c.is_ascii_hexdigit());
    assert!(is_hash || commit == "unknown", "{text}");
    for command in ["check", "conform", "record"] {
        let of_command = stdout(&zabcheck(&[command, "--version"]));
        assert_eq!(of_command, text.replacen("zabcheck", &format!("zabcheck-{command}"), 1));
    }
}

/// The picture in docs/src/ci.md has the words that GitHub finds in the line that is printed.
#[test]
fn the_picture_of_an_annotation_is_what_is_printed() {
    let folder = TempDir::new().expect("a folder");
    fs::create_dir(folder.path().join("runs")).expect("a folder");
    let trace = folder.path().join("runs/2.ndjson");
    fs::copy(corpus("reject/ack_before_fsync.ndjson"), trace).expect("copied");
    let output = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(["conform", "--quiet", "--github", "runs/2.ndjson"])
        .current_dir(folder.path())
        .output()
        .expect("zabcheck runs");
    assert_exit(&output, 1);
    let printed = stdout(&output);
    let (properties, message) = printed
        .strip_prefix("::error ")
        .and_then(|rest| rest.trim_end().split_once("::"))
        .unwrap_or_else(|| panic!("no annotation: {printed}"));
    // As GitHub reads them: https://github.com/actions/toolkit, command.ts.
    let data = |text: &str| text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%");
    let property = |name: &str| {
        let value = properties.split(',').find_map(|property| property.strip_prefix(name));
        let value = value.unwrap_or_else(|| panic!("no {name} in {properties}"));
        data(&value.replace("%3A", ":").replace("%2C", ","))
    };
    let place = format!("Check failure on line {} in {}", property("line="), property("file="));
    let message = data(message);
    let mut shown = vec![place, "GitHub Actions / conformance".to_owned(), property("title=")];
    shown.extend(message.lines().map(str::to_owned));
    let picture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/github-annotation.svg");
    let picture = fs::read_to_string(picture).expect("the picture");
    let words = picture.lines().filter(|line| line.starts_with("<text"));
    let words = words.filter_map(|line| line.split_once('>')?.1.strip_suffix("</text>"));
    let words: Vec<String> = words
        .map(|text| text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
        .collect();
    assert_eq!(words, shown);
}
