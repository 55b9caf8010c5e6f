//! `zabcheck explore`: stateright's Explorer on either family, and the same without a browser.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Args;
use stateright::{Model, Path as Run};
use zab_capture::ReservedAddress;
use zab_model::presets;
use zab_paper::{Paper, Rules};

use crate::args::{self, Family, PaperBounds};
use crate::bounds;
use crate::exit::Exit;
use crate::exploring::GHOSTS;
use crate::out;

/// Transactions that histories have room for.
const TXNS: usize = 6;

/// The flags of `explore`.
#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Which model to look at
    #[arg(long, value_enum, default_value = "zookeeper")]
    pub(crate) model: Family,
    #[command(flatten)]
    pub(crate) bounds: args::Bounds,
    #[command(flatten)]
    pub(crate) paper: PaperBounds,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3000")]
    pub(crate) address: SocketAddr,
    /// Serve nothing: follow this path, numbered as in the Explorer's addresses, print where it
    /// leads and what can happen there
    #[arg(long, value_name = "0/N/N", conflicts_with = "address")]
    pub(crate) path: Option<String>,
    /// With --path: write the sequence diagram of that run; - prints it, and nothing else
    #[arg(long, value_name = "FILE", requires = "path")]
    pub(crate) svg: Option<PathBuf>,
}

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
    let what = bounds::exploration(args.model, &args.bounds, &args.paper)?.family;
    let look = Look { args, what: format!("{} {what}", what.name()) };
    match what {
        presets::Family::Zookeeper(model) => look.at(model),
        presets::Family::Paper(run) if run.ghosts => look.at_paper::<GHOSTS>(run.rules),
        presets::Family::Paper(run) => look.at_paper::<0>(run.rules),
    }
}

/// What to do with a model of any type.
struct Look<'a> {
    args: &'a Explore,
    /// The model and its bounds in words.
    what: String,
}

impl Look<'_> {
    /// Nobody is in a hurry here: one size for each number of servers is enough to compile.
    fn at_paper<const G: usize>(self, rules: Rules) -> Result<(), String> {
        match rules.bounds.servers {
            2 => self.at_size::<2, G>(rules),
            4 => self.at_size::<4, G>(rules),
            5 => self.at_size::<5, G>(rules),
            // Three; any other number is refused by the model.
            _ => self.at_size::<3, G>(rules),
        }
    }

    fn at_size<const N: usize, const G: usize>(self, rules: Rules) -> Result<(), String> {
        let model = Paper::<N, TXNS, G>::new(rules);
        model.map_err(|error| error.to_string()).and_then(|model| self.at(model))
    }

    fn at<M>(self, model: M) -> Result<(), String>
    where
        M: Model<State: State, Action: Action> + Send + Sync + 'static,
    {
        match &self.args.path {
            None => serve(model, &self.what, self.args.address),
            Some(path) => print(&model, path, self.args.svg.as_deref()),
        }
    }
}

/// What stateright asks of the states that it serves.
trait State: Clone + Debug + Hash + PartialEq + Send + Sync {}
impl<T: Clone + Debug + Hash + PartialEq + Send + Sync> State for T {}

/// And of the actions.
trait Action: Clone + Debug + PartialEq + Send + Sync {}
impl<T: Clone + Debug + PartialEq + Send + Sync> Action for T {}

/// Serves until the process ends.
fn serve<M>(model: M, what: &str, address: SocketAddr) -> Result<(), String>
where
    M: Model<State: State, Action: Action> + Send + Sync + 'static,
{
    // stateright binds by itself and panics if it cannot, nor does it tell the port that it got.
    // So the address is reserved before: nobody else gets it until stateright listens on it, and
    // one that cannot be had is refused here.
    let reserved = ReservedAddress::reserve(address).map_err(|error| {
        format!("cannot listen on {address}: {error}; try --address 127.0.0.1:0")
    })?;
    let address = reserved.address();
    let server = std::thread::spawn(move || {
        model.checker().serve(address);
    });
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

/// Follows a path from an initial state, as the Explorer's addresses do.
fn print<M>(model: &M, path: &str, svg: Option<&Path>) -> Result<(), String>
where
    M: Model<State: State, Action: Action>,
{
    let run = follow(model, path)?;
    let last = run.last_state().clone();
    let picture = || model.as_svg(run.clone()).unwrap_or_default();
    match svg {
        Some(file) if file == Path::new("-") => {
            out::text(picture());
            return Ok(());
        }
        Some(file) => std::fs::write(file, picture())
            .map_err(|error| format!("{}: {error}", file.display()))?,
        None => {}
    }
    for (number, action) in (1..).zip(run.into_actions()) {
        out::line(format_args!("{number:>4}  {}", model.format_action(&action)));
    }
    out::line(format_args!("\n{last:#?}"));
    let mut actions = Vec::new();
    model.actions(&last, &mut actions);
    let possible =
        |(_, action): &(usize, M::Action)| model.next_state(&last, action.clone()).is_some();
    let next: Vec<_> = actions.into_iter().enumerate().filter(possible).collect();
    for (number, action) in &next {
        out::line(format_args!("next {number}: {}", model.format_action(action)));
    }
    if next.is_empty() {
        out::line("nothing more can happen");
    }
    Ok(())
}

/// The run that a path of numbers stands for.
fn follow<M>(model: &M, path: &str) -> Result<Run<M::State, M::Action>, String>
where
    M: Model<State: State, Action: Action>,
{
    let number = |part: &str| {
        let number = part.parse::<usize>();
        number.map_err(|_| format!("--path {path}: `{part}` is no number; expected 0/N/N…"))
    };
    let parts = path.trim_matches('/').split('/');
    let mut numbers = parts.map(number).collect::<Result<VecDeque<usize>, String>>()?;
    let out_of = |offered: usize, place: usize, of: usize| {
        format!("--path {path}: number {place} is {offered}, but there are 0 to {} only", of - 1)
    };
    let starts = model.init_states();
    let first = numbers.pop_front().unwrap_or(0);
    let start = starts.get(first).ok_or_else(|| out_of(first, 1, starts.len()))?.clone();
    let (mut last, mut taken) = (start.clone(), Vec::new());
    for (place, chosen) in (2..).zip(numbers) {
        let mut actions = Vec::new();
        model.actions(&last, &mut actions);
        if actions.is_empty() {
            return Err(format!("--path {path}: nothing can happen before number {place}"));
        }
        let action = actions.get(chosen).ok_or_else(|| out_of(chosen, place, actions.len()))?;
        let next = model.next_state(&last, action.clone());
        last = next.ok_or_else(|| {
            let name = model.format_action(action);
            format!("--path {path}: number {place}, {name}, is not possible there")
        })?;
        taken.push(action.clone());
    }
    let run = Run::from_actions(model, start, &taken);
    run.ok_or_else(|| format!("--path {path}: no run of the model"))
}
