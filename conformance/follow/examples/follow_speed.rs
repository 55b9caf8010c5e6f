//! How fast captures are followed through the model: `cargo run --release -p zab-follow --example
//! follow_speed -- FILE.raw.ndjson RELEASE`.

use std::process::ExitCode;
use std::time::Instant;

use zab_capture::decode;
use zab_capture::properties::Members;
use zab_model::Profile;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, release] = arguments.as_slice() else {
        eprintln!("give a capture with a header, and a release");
        return ExitCode::FAILURE;
    };
    match measure(file, release) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(file: &str, release: &str) -> Result<String, Box<dyn std::error::Error>> {
    let text = std::fs::read(file)?;
    let mut items = Vec::new();
    let summary = decode(text.as_slice(), |item| items.push(item.clone()))?;
    let header = summary.header.as_ref().ok_or("the capture has no header")?;
    let members = Members {
        servers: header.servers.iter().copied().collect(),
        observers: header.observers.iter().copied().collect(),
    };
    let profile = Profile::named(release)?;
    let start = Instant::now();
    let followed = zab_follow::follow_all(&items, &members, |_| profile);
    let seconds = start.elapsed().as_secs_f64();
    let nodes: usize = followed.iter().map(|one| one.nodes).sum();
    let largest = followed.iter().map(|one| one.largest).max().unwrap_or_default();
    let answer = zab_follow::answer(&followed);
    let total = summary.total();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = total as f64 / seconds;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown");
    let memory = memory.trim();
    Ok(format!(
        "{total} messages, {seconds:.3} s, {rate:.0}/s, {nodes} nodes, {largest} at the most between two \
         packets; memory {memory}: {answer:?}"
    ))
}
