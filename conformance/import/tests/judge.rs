//! Small traces in the format, each written for this test: which servers of which profile can have
//! made them, and that whatever is changed in one is noticed.

use std::fs;

use serde_json::Value;
use zab_import::{ACTIONS, NotRead, judge, read};
use zab_model::Profile;

fn text(name: &str) -> String {
    let path = format!("{}/tests/traces/{name}.json", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).expect("a trace")
}

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).expect("JSON")
}

fn profile(text: &str) -> Profile {
    Profile::named(text).expect("a profile")
}

/// The step at which a trace is rejected, with the reasons; `None` if it is accepted.
fn rejected(trace: &str, by: &str) -> Option<(u64, Vec<String>)> {
    let trace = read(trace).unwrap_or_else(|why| panic!("{why}"));
    let judged = judge(&trace, profile(by)).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(judged.rejected.is_none(), judged.agreed == trace.steps.len());
    judged.rejected.map(|rejected| (rejected.step, rejected.why))
}

/// A trace; profiles by which it is accepted; others, each with the step at which it is not and why.
type Case = (&'static str, &'static [&'static str], &'static [(&'static str, u64, &'static str)]);

#[test]
fn a_trace_is_accepted_with_the_switch_that_it_needs_and_not_without() {
    let cases: &[Case] = &[
        ("commit", &["fixed", "3.4.10", "3.9.1", "3.9.4"], &[]),
        ("partition", &["fixed", "3.9.1", "3.9.4"], &[]),
        ("queues", &["fixed", "3.9.1", "3.9.4"], &[]),
        (
            "retained-database",
            &["fixed,fast_forward=never", "3.4.10"],
            &[("fixed", 4, "lastProcessed of b is 1.1, and 1.2 in the model")],
        ),
        (
            "epoch-first",
            &["fixed,newleader_program=epoch_first", "3.9.1"],
            &[
                ("fixed", 11, "currentEpoch of b is 2, and 1 in the model"),
                ("3.9.4", 11, "currentEpoch of b is 2, and 1 in the model"),
            ],
        ),
    ];
    for (name, by, not_by) in cases {
        for by in *by {
            assert_eq!(rejected(&text(name), by), None, "{name} by {by}");
        }
        for (by, step, why) in *not_by {
            let (at, reasons) = rejected(&text(name), by).expect("it is rejected");
            assert_eq!((at, reasons.as_slice()), (*step, &[(*why).to_owned()][..]), "{name} {by}");
        }
    }
}

const CASES: [(&str, &str); 5] = [
    ("commit", "fixed"),
    ("partition", "fixed"),
    ("queues", "fixed"),
    ("retained-database", "fixed,fast_forward=never"),
    ("epoch-first", "3.9.1"),
];

/// The name of a step's action.
fn action(step: &Value) -> String {
    let fields = step.as_object().expect("an object");
    fields.keys().find(|name| *name != "Step").expect("an action").clone()
}

/// Another value of the same kind.
fn changed(variable: &str, value: &Value) -> Value {
    match variable {
        "currentEpoch" | "acceptedEpoch" => (value.as_u64().expect("a number") + 1).into(),
        "history" => {
            let mut txns = value.as_array().expect("a list").clone();
            txns.pop();
            txns.into()
        }
        "status" => if value == "ONLINE" { "OFFLINE" } else { "ONLINE" }.into(),
        "state" => if value == "LOOKING" { "FOLLOWING" } else { "LOOKING" }.into(),
        _ => if value == "ELECTION" { "BROADCAST" } else { "ELECTION" }.into(),
    }
}

#[test]
fn whatever_is_changed_in_the_state_after_a_step_is_noticed() {
    let variables = ["currentEpoch", "acceptedEpoch", "history", "status", "state", "zabState"];
    let mut tried = 0;
    for (name, by) in CASES {
        let good = json(name);
        for place in 1..good.as_array().expect("a list").len() {
            for variable in variables {
                for server in ["a", "b", "c"] {
                    let mut bad = good.clone();
                    let action = action(&bad[place]);
                    let value = &mut bad[place][action.as_str()]["variables"][variable][server];
                    *value = changed(variable, value);
                    let (at, why) = rejected(&bad.to_string(), by).unwrap_or_else(|| {
                        panic!("{name}: {variable} of {server} after step {place} is accepted")
                    });
                    // What a leader has made at first shows when it is received.
                    let is_late = place == 1 && variable == "history" && at == 2;
                    assert!(
                        is_late || at == place as u64,
                        "{name}: {variable} of {server} at {place}: {at} {why:?}"
                    );
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 700, "{tried}");
}

#[test]
fn another_message_or_another_party_is_noticed() {
    let mut tried = 0;
    for (name, by) in CASES {
        let good = json(name);
        for place in 2..good.as_array().expect("a list").len() {
            let action = action(&good[place]);
            let body = &good[place][action.as_str()];
            let mut bad = Vec::new();
            if let Some(peer) = body["peerId"].as_str() {
                let third =
                    ["a", "b", "c"].into_iter().find(|id| *id != peer && *id != body["nodeId"]);
                let mut changed = good.clone();
                changed[place][action.as_str()]["peerId"] = third.expect("a third server").into();
                bad.push(changed);
            }
            for (at, param) in body["coreParam"].as_array().into_iter().flatten().enumerate() {
                if param.is_array() {
                    let mut changed = good.clone();
                    let counter = &mut changed[place][action.as_str()]["coreParam"][at][1];
                    *counter = (counter.as_u64().expect("a counter") + 1).into();
                    bad.push(changed);
                }
            }
            for bad in bad {
                assert!(rejected(&bad.to_string(), by).is_some(), "{name}: {action} at {place}");
                tried += 1;
            }
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn servers_that_are_separated_do_not_reach_each_other() {
    let mut bad = json("partition");
    // a, which nobody reaches, takes the place of b as the follower of the second election.
    let place = (1..10).find(|place| action(&bad[*place]) == "ElectionAndDiscovery").expect("one");
    bad[place]["ElectionAndDiscovery"]["peerId"] = serde_json::json!(["a"]);
    let (at, why) = rejected(&bad.to_string(), "fixed").expect("it is rejected");
    assert_eq!((at, why[0].as_str()), (place as u64, "a and c cannot reach each other"));
}

/// What is wrong with a trace in which this was changed.
fn not_read(change: impl FnOnce(&mut Value)) -> String {
    let mut bad = json("commit");
    change(&mut bad);
    match read(&bad.to_string()) {
        Ok(_) => panic!("it is read: {bad}"),
        Err(why) => why.to_string(),
    }
}

#[test]
fn of_another_schema_the_field_is_told_and_where_it_is() {
    let cases: Vec<(String, &str)> = vec![
        (not_read(|bad| *bad = serde_json::json!({"steps": []})), "the document: expected a list"),
        (not_read(|bad| *bad = serde_json::json!([])), "the document: expected a header and steps"),
        (not_read(|bad| bad[0] = 7.into()), "[0]: expected an object, found 7"),
        (
            not_read(|bad| bad[0]["version"] = "MSPEC_9".into()),
            "[0].version: expected one of MSPEC_2, MSPEC_2_5, or no such field, found \"MSPEC_9\"",
        ),
        (not_read(|bad| bad[0]["server_num"] = 5.into()), "[0].server_num: expected 3, as many as"),
        (
            not_read(|bad| bad[0]["server_id"][1] = "a".into()),
            "[0].server_id[1]: \"a\" is there twice",
        ),
        (
            not_read(|bad| {
                bad[0] = serde_json::json!({"server_num": 4, "server_id": ["a", "b", "c", "d"]});
            }),
            "[0].server_id: expected 1 to 3 servers",
        ),
        (not_read(|bad| bad[2]["Step"] = 3.into()), "[2].Step: expected 2: steps have no gaps"),
        (
            not_read(|bad| bad[2]["NodeCrash"] = 1.into()),
            "[2]: expected one action beside Step, found 2",
        ),
        (
            not_read(|bad| bad[2] = serde_json::json!({"Step": 2, "NodeCrashed": {}})),
            "[2]: NodeCrashed is no action; known are SetInitState, ",
        ),
        (
            not_read(|bad| {
                let first = bad[2]["FollowerProcessPROPOSAL"].clone();
                bad[1] = serde_json::json!({"Step": 1, "FollowerProcessPROPOSAL": first});
            }),
            "[1]: the first step is to be SetInitState",
        ),
    ];
    all_begin_with(&cases);
    let Err(NotRead::Syntax(why)) = read("[{\"server_num\": 3,,]") else { panic!("it is read") };
    assert!(why.contains("line 1 column"), "{why}");
}

#[test]
fn of_a_step_the_field_is_told_and_where_it_is() {
    let step =
        |bad: &mut Value, change: fn(&mut Value)| change(&mut bad[2]["FollowerProcessPROPOSAL"]);
    let cases: Vec<(String, &str)> = vec![
        (
            not_read(|bad| step(bad, |body| body["nodeId"] = "z".into())),
            "[2].FollowerProcessPROPOSAL.nodeId: expected one of a, b, c, found \"z\"",
        ),
        (
            not_read(|bad| step(bad, |body| body["coreParam"] = serde_json::json!([[1]]))),
            "[2].FollowerProcessPROPOSAL.coreParam[0]: expected a zxid, which is [epoch, counter]",
        ),
        (
            not_read(|bad| step(bad, |body| body["variables"]["currentEpoch"]["b"] = (-1).into())),
            "[2].FollowerProcessPROPOSAL.variables.currentEpoch.b: expected a whole number, found -1",
        ),
        (
            not_read(|bad| step(bad, |body| body["variables"]["currentEpoch"]["b"] = 15.into())),
            "[2].FollowerProcessPROPOSAL.variables.currentEpoch.b: 15 is more than the 14 that",
        ),
        (
            not_read(|bad| step(bad, |body| body["variables"]["state"]["b"] = "OBSERVING".into())),
            "[2].FollowerProcessPROPOSAL.variables.state.b: expected one of LOOKING, FOLLOWING",
        ),
        (
            not_read(|bad| {
                step(bad, |body| body["variables"]["history"]["a"][0]["zxid"] = "1.1".into());
            }),
            "[2].FollowerProcessPROPOSAL.variables.history.a[0].zxid: expected a list, found \"1.1\"",
        ),
        (
            not_read(|bad| {
                step(bad, |body| {
                    let variables = body["variables"].as_object_mut().expect("variables");
                    variables.remove("lastCommitted");
                });
            }),
            "[2].FollowerProcessPROPOSAL.variables: there is no field \"lastCommitted\"",
        ),
    ];
    all_begin_with(&cases);
}

fn all_begin_with(cases: &[(String, &str)]) {
    for (said, expected) in cases {
        assert!(said.starts_with(expected), "{expected}\n{said}");
    }
}

#[test]
fn every_action_has_one_name() {
    for (name, kind) in ACTIONS {
        assert_eq!(kind.name(), *name);
    }
    assert_eq!(ACTIONS.len(), 21);
}
