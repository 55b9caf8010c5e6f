//! What the recorder costs an ensemble: writes a second without it and with it, in turn.
//!
//! ```text
//! cargo run --release -p zab-ensemble --example recorder_cost -- apache 20 500 loaded
//! ```
//! The numbers: how often each of two ensembles is written to in turn, and writes of each of three
//! sessions in a turn. The last argument is a folder, in which the capture stays (`loaded/recorded`):
//! 20 turns of 500 writes are some 180,000 packets. It exits 1 if the recorder costs a quarter of the
//! writes or more.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use zab_ensemble::{ApacheServer, Target, UNDISTURBED, Untraced, WireRecording, ZabServer};

/// Of the writes without it, so much is left with the recorder.
const RATIO_MIN: f64 = 0.75;

fn main() -> ExitCode {
    match measure() {
        Ok(ratio) if ratio > RATIO_MIN => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            println!("{why}");
            ExitCode::from(3)
        }
    }
}

fn measure() -> Result<f64, String> {
    let given: Vec<String> = env::args().skip(1).collect();
    let number = |index: usize, otherwise: usize| {
        given.get(index).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let stop = AtomicBool::new(false);
    let target: Box<dyn Target> = match given.first().map(String::as_str) {
        Some("apache") => Box::new(ApacheServer::find(None).map_err(|error| error.to_string())?),
        Some("zab-server") => Box::new(Untraced(
            ZabServer::find(&stop, &mut |_| {}).map_err(|error| error.to_string())?,
        )),
        _ => return Err("usage: recorder_cost apache|zab-server [TURNS [WRITES [OUT]]]".to_owned()),
    };
    let recording = WireRecording {
        target: &*target,
        servers: 3,
        scenario: UNDISTURBED,
        seed: 1,
        duration: Duration::ZERO,
        rounds: 1,
        wait_max: Duration::from_secs(120),
        stop: &stop,
    };
    let kept = given.get(3).map(PathBuf::from);
    let folder = env::temp_dir().join(format!("recorder-cost-{}", std::process::id()));
    let (slices, writes) = (number(1, 20), number(2, 500));
    let out = kept.clone().unwrap_or_else(|| folder.join("run"));
    let cost = recording.cost(&out, slices, writes).map_err(|error| error.to_string())?;
    let ratio = cost.recorded / cost.direct;
    println!("{:.0} writes/s direct, {:.0} recorded, ratio {ratio:.2}", cost.direct, cost.recorded);
    if kept.is_none() {
        std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    Ok(ratio)
}
