//! Runs for other tools: as JSON, and in the Informal Trace Format of Apalache.

use serde_json::{Map, Value, json};

use super::facts::{About, Fact, NOTHING};
use super::run::{Run, server_facts, system_facts};

/// The version of what [`json`] gives.
const VERSION: u32 = 1;

/// The run as JSON: its path, and each state with the action that led to it. A state has an object
/// for each server, in the order of their ids, and one for the rest; facts that are not worth a word
/// are left out.
#[must_use]
pub fn json(run: &Run) -> Value {
    let steps = (1..).zip(&run.steps).map(|(number, step)| {
        json!({
            "number": number,
            "action": step.action,
            "rules": step.rules,
            "changes": step.changes,
            "state": state(&step.state),
        })
    });
    json!({
        "zabRun": VERSION,
        "path": run.path_text(),
        "start": state(&run.start),
        "steps": steps.collect::<Vec<_>>(),
        "returns_to": run.returns_to,
    })
}

/// A state as JSON.
#[must_use]
pub fn state(facts: &[Fact]) -> Value {
    let mut servers: Vec<Map<String, Value>> = Vec::new();
    for fact in facts {
        let About::Server(index) = fact.about else { continue };
        while servers.len() <= index {
            let id = servers.len() + 1;
            servers.push(Map::from_iter([("id".to_owned(), id.into())]));
        }
        if fact.value != NOTHING {
            servers[index].insert(fact.name.clone(), fact.value.clone().into());
        }
    }
    let system = system_facts(facts).map(|fact| (fact.name.clone(), fact.value.clone().into()));
    json!({"servers": servers, "system": system.collect::<Map<_, _>>()})
}

/// The run in the Informal Trace Format (Apalache's ADR-015,
/// <https://apalache-mc.org/docs/adr/015adr-trace.html>), for its viewers and for Quint.
///
/// The variables are `action`, which led to the state; each fact about servers, as a map from the
/// server's id; and `system`, a map of what else is worth a word. Values are in words, as strings.
/// Where a run goes on for ever, `loop` is the state that it goes back to.
#[must_use]
pub fn itf(run: &Run, source: &str, description: &str) -> Value {
    let named = server_facts(&run.start);
    let vars = ["action".to_owned(), "system".to_owned()];
    let vars: Vec<String> =
        vars.into_iter().chain(named.iter().map(|name| variable(name))).collect();
    let states = run.states().enumerate().map(|(index, (step, facts))| {
        let mut state = Map::new();
        state.insert("#meta".to_owned(), json!({"index": index}));
        let action = step.map_or_else(|| "start".to_owned(), |step| step.action.clone());
        state.insert("action".to_owned(), action.into());
        let system = system_facts(facts).map(|fact| json!([fact.name, fact.value]));
        state.insert("system".to_owned(), json!({"#map": system.collect::<Vec<_>>()}));
        for name in &named {
            let pairs = facts.iter().filter(|fact| fact.name == *name).filter_map(|fact| {
                let About::Server(index) = fact.about else { return None };
                Some(json!([{"#bigint": (index + 1).to_string()}, fact.value]))
            });
            state.insert(variable(name), json!({"#map": pairs.collect::<Vec<_>>()}));
        }
        Value::Object(state)
    });
    let mut trace = json!({
        "#meta": {
            "format": "ITF",
            "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
            "source": source,
            "description": description,
        },
        "vars": vars,
        "states": states.collect::<Vec<_>>(),
    });
    if let Some(place) = run.returns_to {
        trace["loop"] = place.into();
    }
    trace
}

/// The name of a fact as a variable of TLA+ or Quint: letters, digits and underscores.
fn variable(name: &str) -> String {
    name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect()
}
