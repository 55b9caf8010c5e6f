//! `zabcheck replay`: makes a saved run again and judges each of its steps.

use zab_presets::{Exploration, Family};

use crate::args::Replay;
use crate::exit::Exit;
use crate::export::Export;
use crate::look::{self, CUSTOM};
use crate::out;
use crate::report::bugs::{is_among, print_run};
use crate::retold::Retold;
use crate::saved::{NotMade, Replayed, Saved};

/// Makes the run again, and tells it with what each state violates.
pub(crate) fn run(args: &Replay) -> Exit {
    if let Err(why) = args.export.as_ref().map_or(Ok(()), Export::can_write) {
        out::error(why);
        return Exit::Usage;
    }
    let saved = match Saved::read(&args.file) {
        Ok(saved) => saved,
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    };
    match saved.replay() {
        Ok(replayed) => tell(args, &saved, &replayed),
        Err(NotMade::Refused(why)) => {
            out::error(format_args!("{}: {why}", args.file.display()));
            Exit::Usage
        }
        Err(NotMade::Differs(why)) => {
            out::line(format_args!("DIFFERS  {}: {why}", args.file.display()));
            Exit::Bad
        }
    }
}

fn tell(args: &Replay, saved: &Saved, replayed: &Replayed) -> Exit {
    let Replayed { retold: Retold { family, run }, actions, violated } = replayed;
    let Some(run) = run else {
        out::line("DIFFERS  the model does not make that run again");
        return Exit::Bad;
    };
    if let Err(why) = is_among(args.only, family.bounds.servers) {
        out::error(why);
        return Exit::Usage;
    }
    out::line(format_args!("{}, profile {}", saved.bug, family.ensemble.profile));
    out::line(format_args!("bounds: {}", saved.bounds));
    print_run(run, actions, args.only);
    for (number, states) in (1..).zip(violated.windows(2)) {
        let new: Vec<&str> =
            states[1].iter().filter(|name| !states[0].contains(name)).copied().collect();
        if !new.is_empty() {
            out::line(format_args!("after step {number} violated: {}", new.join(", ")));
        }
    }
    out::line(format_args!("{} steps, each made and judged again", actions.len()));
    let exploration = Exploration {
        name: CUSTOM,
        covers: "a saved run",
        family: Family::Zookeeper(family.clone()),
        liveness: false,
    };
    out::line(format_args!("look: {}", look::at(&exploration, run)));
    let export = args.export.as_ref();
    let title = format!("a run that shows {}", saved.bug);
    export.map_or(Exit::Good, |export| export.write(&exploration, run, &title))
}
