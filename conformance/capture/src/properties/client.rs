//! W-CLIENT: a write that a client was told of is read afterwards. It rests on the recorder's marks:
//! `return` with `path` (the write succeeded) and `read` with `path` and `found`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Count, Findings, Packet, W_CLIENT};
use crate::decode::Item;

/// What clients were told.
#[derive(Debug, Default)]
pub(super) struct Clients {
    written: BTreeMap<String, Packet>,
    looked_at: u64,
}

impl Clients {
    pub(super) fn count(&self) -> Count {
        Count { rule: W_CLIENT, what: "acknowledged writes read back", number: self.looked_at }
    }

    pub(super) fn mark(
        &mut self,
        item: &Item,
        what: &str,
        details: &Map<String, Value>,
        findings: &mut Findings,
    ) {
        let Some(path) = details.get("path").and_then(Value::as_str) else { return };
        let is_create = details.get("op").and_then(Value::as_str) == Some("create");
        let has_failed = details.get("err").is_some_and(|error| !error.is_null());
        match what {
            "return" if is_create && !has_failed => {
                self.written.insert(path.to_owned(), Packet::of(item));
            }
            "read" => {
                let Some(written) = self.written.get(path) else { return };
                self.looked_at += 1;
                if details.get("found").and_then(Value::as_bool) == Some(false) {
                    let says = format!("a client was told that {path} is written, and it is gone");
                    findings.add(W_CLIENT, says, vec![written.clone(), Packet::of(item)]);
                }
            }
            _ => {}
        }
    }
}
