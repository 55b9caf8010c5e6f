//! The JSON Schema and the reader agree.

use std::fs;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;
use zab_trace::Reader;

use crate::common::{corpus, event, hand_written, header, text};
use crate::errors::{BAD_EVENTS, BAD_HEADERS};

fn schema() -> Validator {
    let text = include_str!("../../schema/trace-v1.json");
    let schema: Value = serde_json::from_str(text).expect("a schema is JSON");
    jsonschema::validator_for(&schema).expect("a good schema")
}

#[test]
fn every_line_of_the_corpus_satisfies_the_schema() {
    let schema = schema();
    for path in corpus() {
        let text = fs::read_to_string(&path).expect("a readable file");
        for (index, line) in text.lines().enumerate() {
            let value: Value = serde_json::from_str(line).expect("JSON");
            if let Err(error) = schema.validate(&value) {
                panic!("{}:{}: {error}", path.display(), index + 1);
            }
        }
    }
}

/// What JSON Schema cannot see: text that is no JSON value, repeated fields, the size of the
/// numbers inside a zxid, and what a list of ids may hold besides.
const BEYOND_THE_SCHEMA: &[&str] = &[
    "no JSON",
    "an empty line",
    "cut inside",
    "two objects",
    "a field twice",
    "a wide zxid",
    "not finished",
    "something else",
    // In a header's place; elsewhere it is right.
    "an event",
];

#[test]
fn what_the_reader_refuses_the_schema_refuses() {
    let schema = schema();
    for (name, line) in BAD_EVENTS.iter().chain(BAD_HEADERS) {
        let valid = serde_json::from_str(line).is_ok_and(|value: Value| schema.is_valid(&value));
        let refused_as_text = serde_json::from_str::<Value>(line).is_err();
        let beyond = BEYOND_THE_SCHEMA.contains(name);
        assert_eq!(valid || refused_as_text, beyond, "{name}");
    }
}

#[test]
fn every_argument_is_required_by_both() {
    let schema = schema();
    let good = fs::read_to_string(hand_written()).expect("a readable file");
    let good_header = good.lines().next().expect("a header").to_owned();
    let mut removed = 0;
    for line in good.lines() {
        let value: Value = serde_json::from_str(line).expect("JSON");
        for pointer in ["", "/message", "/recovered", "/state", "/contract", "/implementation"] {
            let Some(fields) = value.pointer(pointer).and_then(Value::as_object) else { continue };
            for field in fields.keys() {
                let mut less = value.clone();
                let object = less.pointer_mut(pointer).and_then(Value::as_object_mut);
                object.expect("the same object").remove(field);
                let file = if line == good_header {
                    format!("{less}\n")
                } else {
                    format!("{good_header}\n{less}\n")
                };
                let reads = Reader::new("t", file.as_bytes())
                    .is_ok_and(|reader| reader.collect::<Result<Vec<_>, _>>().is_ok());
                assert_eq!(reads, schema.is_valid(&less), "{field} removed from {line}");
                removed += usize::from(!reads);
            }
        }
    }
    assert!(removed > 100, "only {removed} removals were refused");
}

proptest! {
    #[test]
    fn every_event_written_satisfies_the_schema(event in event()) {
        thread_local! { static SCHEMA: Validator = schema(); }
        let text = text(&header(), &[event]);
        for line in String::from_utf8_lossy(&text).lines() {
            let value: Value = serde_json::from_str(line).expect("JSON");
            let fault = SCHEMA.with(|s| s.validate(&value).err().map(|error| error.to_string()));
            prop_assert_eq!(fault, None, "{}", line);
        }
    }
}
