//! `zabcheck explore`: stateright's Explorer on either family, and the same without a browser.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use zab_ensemble::ReservedAddress;
use zab_presets::{Exploration, Look, Place, Preset, Shown};

use crate::args::Explore;
use crate::bounds;
use crate::exit::Exit;
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
    let exploration = exploration(args)?;
    let family = exploration.family.clone();
    let what = format!("{} {family}", family.name());
    let model = family.look().map_err(|error| error.to_string())?;
    match &args.path {
        None => serve(model, &what, args.address),
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
    match all.into_iter().find(|one| args.exploration.as_deref() == Some(one.name)) {
        Some(exploration) => Ok(exploration),
        None => bounds::exploration(args.model, &args.bounds, &args.paper),
    }
}

/// Serves until the process ends.
fn serve(model: Box<dyn Look>, what: &str, address: SocketAddr) -> Result<Exit, String> {
    // stateright binds by itself and panics if it cannot, nor does it tell the port that it got.
    // So the address is reserved before: nobody else gets it until stateright listens on it, and
    // one that cannot be had is refused here.
    let reserved = ReservedAddress::reserve(address).map_err(|error| {
        format!("cannot listen on {address}: {error}; try --address 127.0.0.1:0")
    })?;
    let address = reserved.address();
    let server = std::thread::spawn(move || model.serve(address));
    wait_for(&server, address);
    if !server.is_finished() {
        out::line(format_args!("exploring {what} at http://{address}/ (Ctrl-C ends)"));
        if out::failed() {
            // Nobody knows the address.
            return Ok(Exit::Good);
        }
    }
    match server.join() {
        Ok(()) => Ok(Exit::Good),
        Err(_) => Err(format!("the Explorer at {address} has ended; the reason is above")),
    }
}

/// Waits until the Explorer can be reached, or has ended.
fn wait_for(server: &JoinHandle<()>, mut address: SocketAddr) {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    while !server.is_finished() && TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Prints where a path leads and what can happen there, or draws it, or writes it for other tools.
fn print(
    model: &dyn Look,
    exploration: &Exploration,
    path: &str,
    args: &Explore,
) -> Result<Exit, String> {
    let astray = |why: String| format!("--path {path}: {why}");
    let numbers = numbers(path).map_err(astray)?;
    let place = model.follow(&numbers).map_err(|error| astray(error.to_string()))?;
    let svg = || zab_view::svg(&place.run.sequence);
    if args.svg.as_deref() == Some(Path::new(STDOUT)) {
        out::text(svg());
        return Ok(Exit::Good);
    }
    let mut written = args.svg.as_deref().map_or(Exit::Good, |file| write(file, &svg()));
    if let Some(export) = &args.export {
        let title = format!("a run of {} steps", place.run.steps.len());
        written = written.and(export.write(&place.run, &look::at(exploration, &place.run), &title));
    }
    if written != Exit::Good {
        return Ok(written);
    }
    tell(&place);
    Ok(Exit::Good)
}

/// The numbers of a path.
fn numbers(path: &str) -> Result<Vec<usize>, String> {
    let number =
        |part: &str| part.parse().map_err(|_| format!("`{part}` is no number; expected 0/N/N…"));
    path.trim_matches('/').split('/').map(number).collect()
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
