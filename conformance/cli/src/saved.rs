//! Runs of the model as files, which `bugs --save` writes and `replay` reads.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stateright::Model;
use zab_bugs::{Budget, Hunt, Shown, WithHunt, with_hunt};
use zab_model::explore::{Action, State, Zab};
use zab_model::{Grain, Profile};

use crate::report::VERSION;
use crate::retold::Retold;

/// What such a file is.
const SCHEMA: &str = "zabcheck-run/2";

/// The model whose runs are saved.
const MODEL: &str = "zookeeper";

/// A run: what is explored, and the actions from its only initial state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "the fields of a saved run")]
pub(crate) struct Saved {
    schema: String,
    /// The program that found it. Another one may have other actions, or other rules.
    build: String,
    model: String,
    /// The bug that it shows.
    pub(crate) bug: String,
    /// What differs from `fixed`.
    profile: String,
    /// How much one step of a server does.
    grain: String,
    /// As a budget is printed.
    pub(crate) bounds: String,
    /// The safety properties that its last state violates.
    pub(crate) violates: Vec<String>,
    /// The actions as they are printed.
    pub(crate) steps: Vec<String>,
}

/// What a file is, and who has written it.
#[derive(Deserialize)]
#[serde(expecting = "the fields of a saved run")]
struct Head {
    schema: String,
    model: String,
    build: String,
}

/// A run that the model has made again.
pub(crate) struct Replayed {
    pub(crate) retold: Retold,
    pub(crate) actions: Vec<Action>,
    /// The properties that each state violates, the first state included.
    pub(crate) violated: Vec<Vec<&'static str>>,
}

/// Why a run is not made again.
pub(crate) enum NotMade {
    /// The file is none, or of another model or build.
    Refused(String),
    /// The model does not take a step, or the run does not show what the file says.
    Differs(String),
}

impl Saved {
    /// The file of a run.
    pub(crate) fn new<const N: usize, const P: usize>(
        bug: &str,
        model: &Zab<N, P>,
        budget: Budget,
        shown: &Shown,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            build: VERSION.to_owned(),
            model: MODEL.to_owned(),
            bug: bug.to_owned(),
            profile: model.ensemble.profile.to_string(),
            grain: model.ensemble.grain.to_string(),
            bounds: budget.to_string(),
            violates: shown.properties.iter().map(ToString::to_string).collect(),
            steps: shown.actions.iter().map(ToString::to_string).collect(),
        }
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        // Strings and lists of strings can always be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| format!("cannot read {name}: {error}"))?;
        let none = |why: String| format!("{name} is no saved run: {why}");
        // What the file is comes first: of another form other fields are missing.
        let Head { schema, model, build } = from_json(&text).map_err(none)?;
        let fields =
            [("schema", &schema, SCHEMA), ("model", &model, MODEL), ("build", &build, VERSION)];
        let wrong = fields.into_iter().find(|(_, found, wanted)| found != wanted);
        let wrong = wrong.map(|(field, found, wanted)| {
            format!(
                "{name}: {field} {found:?}, expected {wanted:?} (hint: `zabcheck bugs NAME --save \
                 FILE` saves the run of this build)"
            )
        });
        wrong.map_or_else(|| from_json(&text).map_err(none), Err)
    }

    /// Makes the run again, step by step, and judges each state.
    pub(crate) fn replay(&self) -> Result<Replayed, NotMade> {
        let refused = |field: &str, why: String| NotMade::Refused(format!("{field}: {why}"));
        let settings = if self.profile == "fixed" { "" } else { &self.profile };
        let profile =
            Profile::FIXED.with(settings).map_err(|why| refused("profile", why.to_string()))?;
        let budget = Budget::parse(&self.bounds).map_err(|why| refused("bounds", why))?;
        let grain = Grain::ALL.into_iter().find(|grain| grain.name() == self.grain);
        let grain = grain.ok_or_else(|| refused("grain", format!("no grain is {}", self.grain)))?;
        with_hunt(profile, grain, budget, &[], &[], self)
            .map_err(|why| refused("bounds", why.to_string()))?
    }
}

impl WithHunt for &Saved {
    type Output = Result<Replayed, NotMade>;

    fn run<const N: usize, const P: usize>(self, model: &Hunt<N, P>) -> Self::Output {
        let mut state = model.init_states().remove(0);
        let mut violated = vec![model.violated(&state)];
        let mut actions = Vec::new();
        for (number, wanted) in (1..).zip(&self.steps) {
            let (action, next) = step(model, &state, wanted).map_err(|why| {
                NotMade::Differs(format!("step {number}, {wanted:?}, is not possible: {why}"))
            })?;
            actions.push(action);
            violated.push(model.violated(&next));
            state = next;
        }
        let last = violated.last().map(Vec::as_slice).unwrap_or_default();
        if let Some(name) = self.violates.iter().find(|name| !last.contains(&name.as_str())) {
            return Err(NotMade::Differs(format!("the last state does not violate {name}")));
        }
        Ok(Replayed { retold: Retold::new(model, &actions), actions, violated })
    }
}

/// Reads a JSON document.
///
/// # Errors
/// Which field is wrong, how, and in which line and column.
fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(read)
}

/// The action with that text, and the state after it.
fn step<const N: usize, const P: usize>(
    model: &Hunt<N, P>,
    state: &State<N, P>,
    wanted: &str,
) -> Result<(Action, State<N, P>), String> {
    let steps = model.next_steps(state);
    if let Some(found) = steps.iter().find(|(action, _)| action.to_string() == wanted) {
        return Ok(*found);
    }
    let possible: Vec<String> = steps.iter().map(|(action, _)| action.to_string()).collect();
    Err(if possible.is_empty() {
        "nothing is".to_owned()
    } else {
        format!("possible are {}", possible.join(", "))
    })
}
