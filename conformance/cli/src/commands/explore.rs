//! `zabcheck explore`: stateright's Explorer on either family, and the same without a browser.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use zab_ensemble::ReservedAddress;
use zab_presets::{Followed, Look};

use crate::args::Explore;
use crate::bounds;
use crate::exit::Exit;
use crate::out;

/// Serves until Ctrl-C, or prints what a path leads to.
pub(crate) fn run(args: &Explore) -> Exit {
    match look(args) {
        Ok(()) => Exit::Good,
        Err(message) => {
            out::error(message);
            Exit::Usage
        }
    }
}

fn look(args: &Explore) -> Result<(), String> {
    for (flag, given) in [("--symmetry", args.paper.symmetry), ("--liveness", args.paper.liveness)]
    {
        if given {
            return Err(format!("{flag} is for `zabcheck check`: here every state is itself"));
        }
    }
    let family = bounds::exploration(args.model, &args.bounds, &args.paper)?.family;
    let what = format!("{} {family}", family.name());
    let model = family.look().map_err(|error| error.to_string())?;
    match &args.path {
        None => serve(model, &what, args.address),
        Some(path) => print(&*model, path, args.svg.as_deref()),
    }
}

/// Serves until the process ends.
fn serve(model: Box<dyn Look>, what: &str, address: SocketAddr) -> Result<(), String> {
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
            return Ok(());
        }
    }
    match server.join() {
        Ok(()) => Ok(()),
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

/// Prints where a path leads and what can happen there, or draws it.
fn print(model: &dyn Look, path: &str, picture: Option<&Path>) -> Result<(), String> {
    let Followed { text, svg } = model.follow(path)?;
    match picture {
        Some(file) if file == Path::new("-") => {
            out::text(svg);
            return Ok(());
        }
        Some(file) => {
            std::fs::write(file, svg).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        None => {}
    }
    out::line(text);
    Ok(())
}
