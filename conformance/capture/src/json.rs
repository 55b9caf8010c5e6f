//! Messages for other programs.

use serde_json::{Map, Value, json};
use zab_wire::election::Notification;

use crate::connection::Message;
use crate::decode::{Item, What};
use crate::payload::Payload;
use crate::raw::Port;
use crate::show::{Operation, Zxid, path, state_name};

/// A message as a JSON object; `None` if nothing was sent.
///
/// Zxids are texts (`epoch.counter`), sessions are hexadecimal texts, because JSON's numbers lose
/// digits in many programs.
#[must_use]
pub fn json(item: &Item) -> Option<Value> {
    let mut object = match &item.what {
        What::Sent { connection, port, from, to, message } => {
            let mut object = of_message(message);
            let port = match port {
                Port::Quorum => "quorum",
                Port::Election => "election",
            };
            put(&mut object, "message", message.name());
            put(&mut object, "port", port);
            put(&mut object, "connection", *connection);
            put(&mut object, "from", *from);
            put(&mut object, "to", *to);
            object
        }
        What::Lost { connection, from, to, error, is_tls } => {
            let mut object = Map::new();
            put(&mut object, "message", "UNREADABLE");
            put(&mut object, "connection", *connection);
            put(&mut object, "from", *from);
            put(&mut object, "to", *to);
            put(&mut object, "error", error.to_string());
            put(&mut object, "encrypted", *is_tls);
            object
        }
        What::Other(_) => return None,
    };
    put(&mut object, "line", item.line);
    put(&mut object, "time_us", item.time_us);
    Some(Value::Object(object))
}

fn put(object: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    object.insert(name.to_owned(), value.into());
}

fn of_message(message: &Message) -> Map<String, Value> {
    let mut object = Map::new();
    match message {
        Message::Initial(initial) => {
            put(&mut object, "server", initial.server);
            put(&mut object, "address", initial.address.clone());
        }
        Message::Notification(notification) => {
            let Notification { state, leader, zxid, election_epoch, peer_epoch, .. } = notification;
            put(&mut object, "state", state_name(*state));
            put(&mut object, "leader", (*leader != i64::MIN).then_some(*leader));
            put(&mut object, "zxid", Zxid(*zxid).to_string());
            put(&mut object, "round", *election_epoch);
            put(&mut object, "peerEpoch", *peer_epoch);
        }
        Message::NotANotification(error) => put(&mut object, "error", error.to_string()),
        Message::Packet(packet, payload) => {
            put(&mut object, "zxid", Zxid(packet.zxid).to_string());
            of_payload(payload, &mut object);
        }
        Message::Snapshot(body) => {
            put(&mut object, "sessions", body.sessions);
            put(&mut object, "acls", body.acls);
            put(&mut object, "nodes", body.nodes);
            put(&mut object, "bytes", body.bytes);
        }
    }
    object
}

fn of_payload(payload: &Payload, object: &mut Map<String, Value>) {
    match payload {
        Payload::None => {}
        Payload::Learner(learner) => {
            put(object, "server", learner.server);
            put(object, "version", learner.protocol_version);
        }
        Payload::Version(version) => put(object, "version", *version),
        Payload::CurrentEpoch(epoch) => put(object, "currentEpoch", *epoch),
        Payload::Txn(txn) => {
            put(object, "operation", Operation(txn.header.kind).to_string());
            put(object, "session", format!("{:#x}", txn.header.session));
            put(object, "cxid", txn.header.cxid);
            put(object, "path", path(&txn.body));
            put(object, "digest", txn.digest.map(|digest| format!("{:#x}", digest.tree)));
        }
        Payload::Request(request) => {
            put(object, "operation", Operation(request.op).to_string());
            put(object, "session", format!("{:#x}", request.session));
            put(object, "cxid", request.cxid);
        }
        Payload::Sessions(sessions) => {
            let shown = |ping: &zab_wire::quorum::SessionPing| json!({ "session": format!("{:#x}", ping.session), "timeout_ms": ping.timeout_ms });
            put(object, "sessions", sessions.iter().map(shown).collect::<Vec<_>>());
        }
        Payload::Revalidate(asked) => {
            put(object, "session", format!("{:#x}", asked.session));
            put(object, "timeout_ms", asked.timeout_ms);
        }
        Payload::Revalidated(answer) => {
            put(object, "session", format!("{:#x}", answer.session));
            put(object, "valid", answer.valid);
        }
        Payload::Bytes(bytes) => put(object, "bytes", bytes.len()),
        Payload::Unreadable(error) => put(object, "error", error.to_string()),
    }
}
