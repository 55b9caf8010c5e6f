//! `zabcheck record`.

use crate::args::{Record, Target};
use crate::exit::Exit;
use crate::record::{self, scenario};
use crate::report::progress::Progress;
use crate::report::table;

/// Records one scenario, or lists them.
pub(crate) fn run(args: &Record) -> Exit {
    if args.names {
        scenario::ALL.iter().for_each(|scenario| println!("{}", scenario.name));
        return Exit::Good;
    }
    if args.list {
        let rows = scenario::ALL.iter().map(|s| [s.name.to_owned(), s.story.to_owned()]).collect();
        println!("{}", table(["scenario", "what happens"], rows));
        return Exit::Good;
    }
    // clap has made sure that both are there.
    let (Some(name), Some(out)) = (&args.scenario, &args.out) else { return Exit::Usage };
    let Some(scenario) = scenario::named(name) else {
        eprintln!("zabcheck: there is no scenario {name:?}; `zabcheck record --list` names them");
        return Exit::Usage;
    };
    let Target::ZabServer = args.target;
    let server = match record::find_server() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("zabcheck: {error}");
            return Exit::Usage;
        }
    };
    println!("server: {}", server.origin);
    let progress = Progress::start(&format!("recording {name}"));
    let result = record::record(&server.path, scenario, out);
    drop(progress);
    match result {
        Ok(run) => {
            println!(
                "recorded {name}: {} events of {} incarnations in {}",
                run.events,
                run.incarnations,
                out.display()
            );
            println!("next: zabcheck conform {}", out.display());
            Exit::Good
        }
        Err(error) => {
            eprintln!("zabcheck: recording {name} failed: {error}");
            record::exit_of(&error)
        }
    }
}
