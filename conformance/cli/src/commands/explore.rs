//! `zabcheck explore`: either family in a browser, and single paths without one.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use zab_presets::{Exploration, Look, Place, Preset, Shown};

use crate::args::{Explore, conflict};
use crate::bounds;
use crate::exit::Exit;
use crate::explorer;
use crate::interrupt;
use crate::look;
use crate::out;
use crate::report::{STDOUT, write};

/// Serves until Ctrl-C, or prints what a path leads to.
pub(crate) fn run(args: &Explore) -> Exit {
    match serve_or_print(args) {
        Ok(exit) => exit,
        Err(message) => {
            out::error(message);
            Exit::Usage
        }
    }
}

fn serve_or_print(args: &Explore) -> Result<Exit, String> {
    let exploration = match exploration(args) {
        Ok(exploration) => exploration,
        Err(why) => return Ok(out::usage(&conflict("explore", &why))),
    };
    let model = exploration.family.clone().look().map_err(|error| error.to_string())?;
    match &args.path {
        None => serve(exploration, model, args.address),
        Some(path) => print(&*model, &exploration, path, args),
    }
}

/// What is to be looked at: an exploration by its name, or what the bounds say.
fn exploration(args: &Explore) -> Result<Exploration, String> {
    for (flag, given) in [("--symmetry", args.paper.symmetry), ("--liveness", args.paper.liveness)]
    {
        if given {
            return Err(format!("{flag} is for `zabcheck check`: here every state is itself"));
        }
    }
    let all = Preset::Nightly.explorations();
    let exploration =
        match all.into_iter().find(|one| args.exploration.as_deref() == Some(one.name)) {
            Some(exploration) => exploration,
            None => bounds::exploration(args.model, &args.bounds, &args.paper)?,
        };
    if exploration.family.is_unlimited() {
        let why = "an exploration without a bound on failures is for `zabcheck check`: here every run \
                   has as many as --timeouts and --restarts allow";
        return Err(why.to_owned());
    }
    let mut explorations = vec![exploration];
    bounds::follow(args.profile, args.grain, &mut explorations)?;
    Ok(explorations.remove(0))
}

/// Serves until somebody asks the command to end.
fn serve(
    exploration: Exploration,
    model: Box<dyn Look>,
    address: SocketAddr,
) -> Result<Exit, String> {
    let _asked = interrupt::flag();
    let listening = TcpListener::bind(address).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    let (listener, address) = listening.map_err(|error| {
        format!("cannot listen on {address}: {error}; try --address 127.0.0.1:0")
    })?;
    let (title, bounds) = look::words(&exploration);
    out::line(format_args!("exploring {title}: {bounds}"));
    out::line(format_args!("open http://{address}/ (Ctrl-C ends)"));
    if out::failed() {
        // Nobody knows the address.
        return Ok(Exit::Good);
    }
    explorer::serve(exploration, model, listener, interrupt::until_asked())?;
    Ok(Exit::Good)
}

/// Prints where a path leads and what can happen there, or draws it, or writes it for other tools.
fn print(
    model: &dyn Look,
    exploration: &Exploration,
    path: &str,
    args: &Explore,
) -> Result<Exit, String> {
    let astray = |why: String| format!("--path {path}: {why}");
    let numbers = explorer::numbers(path).map_err(astray)?;
    let place = model.follow(&numbers).map_err(|error| astray(error.to_string()))?;
    let svg = || zab_view::svg(&place.run.sequence);
    if args.svg.as_deref() == Some(Path::new(STDOUT)) {
        out::text(svg());
        return Ok(Exit::Good);
    }
    let mut written = args.svg.as_deref().map_or(Exit::Good, |file| write(file, &svg()));
    if let Some(export) = &args.export {
        let title = format!("a run of {} steps", place.run.steps.len());
        written = written.and(export.write(exploration, &place.run, &title));
    }
    if written != Exit::Good {
        return Ok(written);
    }
    tell(&place);
    Ok(Exit::Good)
}

fn tell(place: &Place) {
    let Place { run, shown, next } = place;
    for (number, step) in (1..).zip(&run.steps) {
        out::line(format_args!("{number:>4}  {}", step.text()));
    }
    out::line(format_args!("\n{}", run.last_page()));
    for Shown { name, violated, first, here } in shown {
        let what = match (violated, here) {
            (true, true) => "is violated here",
            (true, false) => "is violated on the way",
            (false, true) => "is reached here",
            (false, false) => "is reached on the way",
        };
        out::line(format_args!("{name} {what}, first after {first} steps"));
    }
    for choice in next {
        out::line(format_args!("next {}: {}", choice.number, choice.action));
    }
    if next.is_empty() {
        out::line("nothing more can happen");
    }
}
