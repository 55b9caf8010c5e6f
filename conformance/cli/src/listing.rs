//! `zabcheck check --list`: what can be explored, and what is checked.

use serde_json::{Value, json};
use stateright::Model;
use zab_model::explore::{Kind, PROPERTIES};
use zab_paper::liveness::{ASSUMPTION, STATEMENTS};
use zab_paper::properties::statement;
use zab_paper::{Bounds, Paper, READINGS, Rules};
use zab_presets::{GHOSTS, Preset, kind};

use crate::out;
use crate::report::table;

/// Model, property, kind, what it says.
type Row = [String; 4];

/// Prints presets and properties.
pub(crate) fn print() {
    for preset in Preset::ALL {
        out::line(format_args!("preset {}", preset.name()));
        let explorations = preset.explorations();
        let rows = explorations.iter().map(|exploration| {
            let family = &exploration.family;
            let name = [exploration.name, family.name(), exploration.covers].map(str::to_owned);
            let [name, model, covers] = name;
            [name, model, covers, family.to_string()]
        });
        out::line(table(["exploration", "model", "covers", "bounds"], rows.collect()));
    }
    out::line(table(["model", "property", "kind", "what it says"], properties()));
    out::line(format_args!("claims of liveness of model paper: where, {ASSUMPTION},"));
    let claims = STATEMENTS.map(|claim| [claim.0, claim.1].map(str::to_owned));
    out::line(table(["claim", "what it says"], claims.to_vec()));
    let assumption = zab_model::explore::liveness::ASSUMPTION;
    out::line(format_args!("claims of liveness of model zookeeper, of runs where {assumption}:"));
    let claims = zab_model::explore::liveness::STATEMENTS;
    let claims = claims.map(|claim| [claim.0, claim.1].map(str::to_owned));
    out::line(table(["claim", "what it says"], claims.to_vec()));
    let readings = READINGS.map(|reading| [reading.name, reading.says].map(str::to_owned));
    out::line(table(["reading of model paper", "what it is"], readings.to_vec()));
}

/// The same for machines.
pub(crate) fn json() -> Value {
    let presets = Preset::ALL.map(|preset| {
        let explorations = preset.explorations();
        let explorations = explorations.iter().map(|exploration| {
            json!({
                "name": exploration.name,
                "model": exploration.family.name(),
                "covers": exploration.covers,
                "bounds": exploration.family.to_string(),
            })
        });
        json!({"name": preset.name(), "explorations": explorations.collect::<Vec<_>>()})
    });
    let properties = properties().into_iter().map(|[model, name, kind, says]| {
        json!({"model": model, "name": name, "kind": kind, "says": says})
    });
    let named = |(name, says): (&str, &str)| json!({"name": name, "says": says});
    let of = |model: &'static str| move |(name, says): (&str, &str)| json!({"model": model, "name": name, "says": says});
    let claims = zab_model::explore::liveness::STATEMENTS.iter().copied().map(of("zookeeper"));
    let claims: Vec<Value> = claims.chain(STATEMENTS.into_iter().map(of("paper"))).collect();
    json!({
        "presets": presets,
        "properties": properties.collect::<Vec<_>>(),
        "claims": claims,
        "readings": READINGS.map(|reading| named((reading.name, reading.says))),
    })
}

fn properties() -> Vec<Row> {
    let zookeeper = PROPERTIES.iter().map(|property| {
        let kind = match property.kind {
            Kind::Always => "always",
            Kind::Sometimes => "sometimes",
        };
        ["zookeeper", property.name, kind, property.statement].map(str::to_owned)
    });
    zookeeper.chain(published()).collect()
}

/// Those of the other family, ghosts' included.
fn published() -> Vec<Row> {
    // Any model with ghosts and failures will do: its properties are those of all.
    let bounds = Bounds { servers: 2, txns: 0, epochs: None, timeouts: 1, restarts: 0 };
    let row = |property: stateright::Property<Paper<2, 6, GHOSTS>>| {
        let says = statement(property.name).unwrap_or_default();
        ["paper", property.name, kind(&property.expectation), says].map(str::to_owned)
    };
    let model = Paper::new(Rules::new(bounds));
    model.map(|model| model.properties().into_iter().map(row).collect()).unwrap_or_default()
}
