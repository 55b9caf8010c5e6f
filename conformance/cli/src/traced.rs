//! Runs of the model as traces of real servers, for `zabcheck conform`.

use std::fs;
use std::path::Path;

use stateright::Model;
use zab_bugs::{Budget, Bug, Shown};
use zab_model::explore::{Action, WithSize, Zab, with_size};
use zab_oracle::script;
use zab_presets::{Exploration, Family};
use zab_trace::{Event, Header, Writer};
use zab_view::Run;

use crate::exit::Exit;
use crate::look::CUSTOM;
use crate::out;
use crate::report::bugs::Row;
use crate::report::write;
use crate::retold::{Retold, retold};
use crate::saved::Saved;

/// Writes the run of each bug that was found, saved and as a trace.
pub(crate) fn stories(folder: &Path, rows: &[Row]) -> Exit {
    if let Err(error) = fs::create_dir_all(folder) {
        out::error(format_args!("cannot make the folder {}: {error}", folder.display()));
        return Exit::Usage;
    }
    let mut exit = Exit::Good;
    for Row { bug, budget, search } in rows {
        let Some(damage) = search.as_ref().and_then(|search| search.damage.as_ref()) else {
            continue;
        };
        exit = exit.and(story(folder, bug, *budget, damage));
    }
    exit
}

fn story(folder: &Path, bug: &Bug, budget: Budget, damage: &Shown) -> Exit {
    let Some(Retold { family, run }) = retold(&bug.scene, budget, &damage.actions) else {
        return Exit::Usage;
    };
    let Some(run) = run else { return Exit::Unknown };
    let saved = Saved::new(bug.name, &family, budget, damage);
    let exit = write(&folder.join(format!("{}.json", bug.name)), &saved.text());
    let exploration = Exploration {
        name: CUSTOM,
        covers: bug.says,
        family: Family::Zookeeper(family),
        liveness: false,
    };
    match text(&exploration, &run) {
        Ok(trace) => exit.and(write(&folder.join(format!("{}.ndjson", bug.name)), &trace)),
        Err(why) => {
            out::line(format_args!("{}: no trace: {why}", bug.name));
            exit
        }
    }
}

/// A run as a trace.
///
/// # Errors
/// Why there is none.
pub(crate) fn text(exploration: &Exploration, run: &Run) -> Result<String, String> {
    let Family::Zookeeper(model) = &exploration.family else {
        return Err("only runs of the model `zookeeper` are made into traces".to_owned());
    };
    if run.returns_to.is_some() {
        return Err("a run that goes on for ever is no trace".to_owned());
    }
    let (header, events) = with_size(model, Scripted(&run.path))?;
    let failed = |error: std::io::Error| error.to_string();
    let mut writer = Writer::new(Vec::new(), &header).map_err(failed)?;
    for event in &events {
        writer.write(event).map_err(failed)?;
    }
    String::from_utf8(writer.into_inner()).map_err(|error| error.to_string())
}

/// The lines of the run with this path.
struct Scripted<'a>(&'a [usize]);

impl WithSize for Scripted<'_> {
    type Output = Result<(Header, Vec<Event>), String>;

    fn run<const N: usize, const P: usize>(self, model: &Zab<N, P>) -> Self::Output {
        let actions = actions(model, self.0).ok_or("the model does not make that run again")?;
        script(model, &actions).map_err(|why| why.to_string())
    }
}

/// The actions of a path of numbers.
fn actions<const N: usize, const P: usize>(
    model: &Zab<N, P>,
    path: &[usize],
) -> Option<Vec<Action>> {
    let (first, numbers) = path.split_first()?;
    let mut state = model.init_states().into_iter().nth(*first)?;
    let mut taken = Vec::new();
    for number in numbers {
        let mut offered = Vec::new();
        model.actions(&state, &mut offered);
        let action = *offered.get(*number)?;
        state = model.next_state(&state, action)?;
        taken.push(action);
    }
    Some(taken)
}
