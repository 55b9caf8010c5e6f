//! ZooKeeper's commands. Names and fields are those of `org.apache.zookeeper.server.admin.Commands`
//! in 3.8; what is only about Java (`system_properties`, trace masks) is left out.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::http::Page;
use crate::client::{Entry, Mode, Service};
use crate::config::Config;
use crate::four_letter;

type Fields = Map<String, Value>;

/// A command's first name, its other names, and what it tells. `None` in place of a mode: clients
/// are not served.
struct Command {
    names: &'static [&'static str],
    run: Run,
}

enum Run {
    /// At any time.
    Always(fn(&Service, Option<Mode>) -> Value),
    /// While clients are served.
    Serving(fn(&Service, Mode) -> Value),
}

const fn always(
    names: &'static [&'static str],
    run: fn(&Service, Option<Mode>) -> Value,
) -> Command {
    Command { names, run: Run::Always(run) }
}

const fn serving(names: &'static [&'static str], run: fn(&Service, Mode) -> Value) -> Command {
    Command { names, run: Run::Serving(run) }
}

const COMMANDS: [Command; 21] = [
    serving(&["configuration", "conf", "config"], |service, _| configuration(service)),
    serving(&["connection_stat_reset", "crst"], |service, _| {
        service.roster().all().iter().for_each(|entry| entry.stats.reset());
        json!({})
    }),
    serving(&["connections", "cons"], |service, _| {
        let all: Vec<Value> = service.roster().all().iter().map(|one| connection(one)).collect();
        json!({ "connections": all, "secure_connections": [] })
    }),
    serving(&["dirs"], |service, _| {
        let (data, log) = four_letter::sizes(service.config());
        json!({ "datadir_size": data, "logdir_size": log })
    }),
    serving(&["dump"], dump),
    always(&["environment", "env", "envi"], |_, _| {
        let pairs = four_letter::environment();
        Value::Object(
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        )
    }),
    serving(&["hash"], |service, _| {
        let digest = |(zxid, digest): (i64, i64)| json!({ "zxid": zxid, "digest_version": crate::tree::DIGEST_VERSION, "digest": digest });
        let digests: Vec<Value> = service.digests().kept().into_iter().map(digest).collect();
        json!({ "digests": digests })
    }),
    serving(&["is_read_only", "isro"], |_, _| json!({ "read_only": false })),
    serving(&["last_snapshot", "lsnp"], |service, _| last_snapshot(service.config())),
    serving(&["leader", "lead"], leader),
    always(&["monitor", "mntr"], |service, mode| match mode {
        None => json!({ "error": NOT_SERVING }),
        Some(mode) => monitor(service, mode),
    }),
    serving(
        &["observers", "obsr"],
        |service, _| json!({ "synced_observers": service.learners().observers }),
    ),
    always(&["ruok"], |_, _| json!({})),
    serving(&["server_stats", "srvr"], stats),
    serving(&["stat_reset", "srst"], |service, _| {
        service.stats().reset();
        json!({})
    }),
    serving(&["stats", "stat"], |service, mode| {
        let mut all = stats(service, mode);
        let short = |one: &Entry| {
            let stats = one.stats.now();
            json!({
                "remote_socket_address": one.address.to_string(),
                "outstanding_requests": stats.outstanding,
                "packets_received": stats.received,
                "packets_sent": stats.sent,
            })
        };
        let connections = service.roster().all().iter().map(|one| short(one)).collect();
        all["connections"] = Value::Array(connections);
        all["secure_connections"] = json!([]);
        all
    }),
    serving(&["voting_view"], |service, _| voting_view(service.config())),
    serving(&["watch_summary", "wchs"], |service, _| {
        let count = service.watches().count();
        json!({
            "num_connections": count.connections,
            "num_paths": count.paths,
            "num_total_watches": count.watches,
        })
    }),
    serving(&["watches", "wchc"], |service, _| {
        let mut by_session: Map<String, Value> = Map::new();
        for (path, sessions) in service.watches().by_path() {
            for session in sessions {
                let paths = by_session.entry(session.to_string()).or_insert_with(|| json!([]));
                if let Value::Array(paths) = paths {
                    paths.push(json!(&*path));
                }
            }
        }
        json!({ "session_id_to_watched_paths": by_session })
    }),
    serving(&["watches_by_path", "wchp"], |service, _| {
        let by_path = service.watches().by_path();
        let pairs = by_path.into_iter().map(|(path, sessions)| (path.to_string(), json!(sessions)));
        json!({ "path_to_session_ids": pairs.collect::<Fields>() })
    }),
    always(&["zabstate"], zabstate),
];

const NOT_SERVING: &str = "This ZooKeeper instance is not currently serving requests";

/// The page of a path; `base` is where the commands are.
pub(super) fn answer(path: &str, base: &str, service: &Service) -> Option<Page> {
    let rest = path.strip_prefix(base)?;
    match rest {
        "" | "/" => Some(list(base)),
        _ => {
            let name = rest.strip_prefix('/').filter(|name| !name.contains('/'))?;
            let text = format!("{:#}\n", run(name, service));
            Some(Page { kind: "application/json", text })
        }
    }
}

/// Links to all commands.
fn list(base: &str) -> Page {
    let mut text = String::new();
    for command in &COMMANDS {
        let name = command.names[0];
        // Writing to a string does not fail.
        let _ = writeln!(text, "<a href=\"{base}/{name}\">{name}</a>\n<br/>");
    }
    Page { kind: "text/html;charset=utf-8", text }
}

/// What a command tells, with its name and what went wrong (`CommandResponse.toMap`).
fn run(name: &str, service: &Service) -> Value {
    let Some(command) = COMMANDS.iter().find(|command| command.names.contains(&name)) else {
        return json!({ "command": name, "error": format!("Unknown command: {name}") });
    };
    let mode = service.mode();
    let mut fields = match (&command.run, mode) {
        (Run::Always(run), mode) => run(service, mode),
        (Run::Serving(run), Some(mode)) => run(service, mode),
        (Run::Serving(_), None) => json!({ "error": NOT_SERVING }),
    };
    fields["command"] = command.names[0].into();
    if fields.get("error").is_none() {
        fields["error"] = Value::Null;
    }
    fields
}

/// Milliseconds.
fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn configuration(service: &Service) -> Value {
    let config = service.config();
    let mut fields = json!({
        "client_port": config.client_address.as_ref().map_or(-1, |at| i32::from(at.port)),
        "secure_client_port":
            config.secure_client.as_ref().map_or(-1, |(at, _)| i32::from(at.port)),
        "data_dir": config.data_dir.join("version-2"),
        "data_log_dir": config.data_log_dir.join("version-2"),
        "tick_time": ms(config.tick),
        "max_client_cnxns": config.client_connections_max,
        "min_session_timeout": ms(config.session_timeout_min),
        "max_session_timeout": ms(config.session_timeout_max),
        "server_id": config.id,
        "client_port_listen_backlog": -1,
    });
    if let Some(own) = config.servers.get(&config.id) {
        fields["init_limit"] = config.init_limit.into();
        fields["sync_limit"] = config.sync_limit.into();
        fields["election_alg"] = 3.into();
        fields["election_port"] = own.election.port.into();
        fields["quorum_port"] = own.quorum.port.into();
        fields["peer_type"] = u8::from(own.observes).into();
    }
    fields
}

fn connection(entry: &Entry) -> Value {
    let (stats, now) = (entry.stats.now(), entry.now());
    let mut fields = json!({
        "remote_socket_address": entry.address.to_string(),
        "outstanding_requests": stats.outstanding,
        "packets_received": stats.received,
        "packets_sent": stats.sent,
    });
    if now.session != 0 {
        fields["session_id"] = now.session.into();
        fields["last_operation"] = four_letter::short(now.op).into();
        fields["established"] = entry.established_ms.into();
        fields["session_timeout"] = now.timeout_ms.into();
        fields["last_cxid"] = now.xid.into();
        fields["last_zxid"] = now.zxid.into();
        fields["last_response_time"] = now.answer_ms.into();
        fields["min_latency"] = stats.latency_min_ms.into();
        fields["avg_latency"] = stats.latency_avg_ms.into();
        fields["max_latency"] = stats.latency_max_ms.into();
    }
    fields
}

fn dump(service: &Service, mode: Mode) -> Value {
    let ephemerals: Fields = service.read(|tree| {
        let of = tree.ephemerals();
        of.map(|(session, paths)| (session.to_string(), paths.collect::<Vec<_>>().into())).collect()
    });
    let mut fields = json!({ "session_id_to_ephemeral_paths": ephemerals });
    if mode.leads() {
        let mut by_time: Map<String, Value> = Map::new();
        for (milliseconds, session) in service.expiring() {
            let sessions = by_time.entry(milliseconds.to_string()).or_insert_with(|| json!([]));
            if let Value::Array(sessions) = sessions {
                sessions.push(session.into());
            }
        }
        fields["expiry_time_to_session_ids"] = by_time.into();
    }
    fields
}

/// The snapshot that has the greatest zxid in its name (`FileSnap.lastSnapshotInfo`).
fn last_snapshot(config: &Config) -> Value {
    let entries = std::fs::read_dir(config.data_dir.join("version-2")).into_iter().flatten();
    let numbered = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name();
        let zxid = i64::from_str_radix(name.to_str()?.strip_prefix("snapshot.")?, 16).ok()?;
        let modified = entry.metadata().ok()?.modified().ok()?;
        let seconds = modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        Some((zxid, seconds))
    });
    let (zxid, timestamp) = match numbered.max() {
        Some((zxid, seconds)) => (format!("{zxid:x}"), json!(seconds)),
        None => ("-1".to_owned(), json!(-1)),
    };
    json!({ "zxid": zxid, "timestamp": timestamp })
}

fn leader(service: &Service, mode: Mode) -> Value {
    let config = service.config();
    let Some((leader, address)) = service.place().leader.and_then(|leader| {
        config.servers.get(&leader).map(|server| (leader, server.quorum.host.clone()))
    }) else {
        return json!({ "error": "server is not initialized" });
    };
    json!({ "is_leader": mode == Mode::Leader, "leader_id": leader, "leader_ip": address })
}

fn monitor(service: &Service, mode: Mode) -> Value {
    let value = |text: String| match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(number), _) => number.into(),
        (Err(_), Ok(number)) => number.into(),
        (Err(_), Err(_)) => Value::from(text),
    };
    let numbers = four_letter::numbers(service, mode).into_iter();
    Value::Object(numbers.map(|(name, text)| (name.to_owned(), value(text))).collect())
}

fn stats(service: &Service, mode: Mode) -> Value {
    let stats = service.stats().now();
    let (data, log) = four_letter::sizes(service.config());
    let (zxid, nodes) = service.read(|tree| (tree.last_zxid(), tree.node_count()));
    json!({
        "version": four_letter::VERSION,
        "read_only": false,
        "server_stats": {
            "packets_sent": stats.sent,
            "packets_received": stats.received,
            "data_dir_size": data,
            "log_dir_size": log,
            "server_state": four_letter::shown(mode),
            "last_processed_zxid": zxid,
            "outstanding_requests": stats.outstanding,
            "avg_latency": stats.latency_avg_ms,
            "max_latency": stats.latency_max_ms,
            "min_latency": stats.latency_min_ms,
            "num_alive_client_connections": service.limits().connections(),
            "uptime": ms(service.uptime()),
            "provider_null": false,
        },
        "node_count": nodes,
    })
}

fn voting_view(config: &Config) -> Value {
    let mut view = Map::new();
    for (id, server) in config.servers.iter().filter(|(_, server)| !server.observes) {
        let client = server.client.as_ref().map(ToString::to_string).unwrap_or_default();
        view.insert(
            id.to_string(),
            json!({
                "server_addresses": [server.quorum.to_string()],
                "election_addresses": [server.election.to_string()],
                "client_address": client,
                "learner_type": "participant",
            }),
        );
    }
    json!({ "current_config": view })
}

fn zabstate(service: &Service, mode: Option<Mode>) -> Value {
    let config = service.config();
    let Some(own) = config.servers.get(&config.id) else {
        return json!({ "voting": false, "zabstate": "" });
    };
    let zxid = service.read(|tree| tree.last_zxid());
    let zxid = crate::zxid::from_wire(zxid);
    json!({
        "myid": config.id,
        "is_leader": mode == Some(Mode::Leader),
        "quorum_address": own.quorum.to_string(),
        "election_address": own.election.to_string(),
        "client_address": config.client_address.as_ref().map(ToString::to_string),
        "voting": !own.observes,
        "last_zxid": format!("0x{:x}", crate::zxid::to_wire(zxid)),
        "zab_epoch": zxid.epoch,
        "zab_counter": zxid.counter,
        "zabstate": service.place().phase.to_string().to_lowercase(),
    })
}
