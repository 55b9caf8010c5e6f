//! Stories of one peer, as text: `tests/scenarios/*.txt`.
//!
//! A command is an input, what follows `----` are the effects in the order in which the driver
//! carries them out. `REWRITE=1 cargo test -p zab-core --test scenarios` fills them in; read the
//! difference before committing it.
//!
//! ```text
//! peer id=1 voters=(1,2,3) [accepted=1 current=1 history=(1.1,1.2) base=1.0 window=500]
//! notification from=3 role=LEADING leader=3 zxid=0.0 peer-epoch=0 round=1
//! elapsed finalize-wait | elapsed notification        tick [times=3]
//! connected leader=3      connect-failed leader=3     accepted from=2
//! disconnected from=3     heard from=3                synced 1.2
//! request a               leader-info from=3 epoch=1  … one command per message
//! setup                   (a command a line, without effects)
//! state
//! ```
//!
//! The connection with server n is number n, unless `connection=` says otherwise.

#[cfg(feature = "mutants")]
mod mutants;
mod transcript;

use std::collections::BTreeMap;

use datadriven::TestCase;
use transcript::{Command, Transcript};

#[test]
fn scenarios() {
    let mut files = 0;
    datadriven::walk("tests/scenarios", |file| {
        files += 1;
        let mut transcript = Transcript::default();
        file.run(|case| run(&mut transcript, case));
    });
    assert!(files > 0, "no scenario was found");
}

fn run(transcript: &mut Transcript, case: &TestCase) -> String {
    if case.directive == "setup" {
        for line in case.input.lines() {
            transcript.run(&Command::parse(line));
        }
        return format!("=> {}\n", transcript.role_and_phase());
    }
    let args: BTreeMap<String, Vec<String>> =
        case.args.iter().map(|(key, values)| (key.clone(), values.clone())).collect();
    transcript.run(&Command { name: case.directive.clone(), args })
}
