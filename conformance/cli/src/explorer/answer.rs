//! The answers: the page, and what its paths lead to.

use serde_json::{Value, json};
use zab_presets::{Choice, Exploration, Look, Place, Shown, Stated};
use zab_view::{Run, Sequence};

use super::numbers;
use crate::export::Format;
use crate::look;

/// A path of more steps than this is refused: every question goes through it from the beginning.
pub(super) const STEPS_MAX: usize = 2_000;

/// An answer to a request.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The type of its content.
    pub(super) kind: &'static str,
    pub(super) body: String,
}

impl Answer {
    fn page(kind: &'static str, body: &str) -> Self {
        Self { status: 200, kind, body: body.to_owned() }
    }

    fn json(status: u16, value: &Value) -> Self {
        Self { status, kind: "application/json", body: value.to_string() }
    }

    /// An answer that says why there is none.
    pub(super) fn refusal(status: u16, why: &str) -> Self {
        Self::json(status, &json!({"error": why}))
    }
}

/// What is served.
pub(super) struct Site {
    exploration: Exploration,
    model: Box<dyn Look>,
}

impl Site {
    pub(super) fn new(exploration: Exploration, model: Box<dyn Look>) -> Self {
        Self { exploration, model }
    }

    pub(super) fn answer(&self, url: &str) -> Answer {
        let (resource, query) = url.split_once('?').unwrap_or((url, ""));
        match resource {
            "/" => Answer::page("text/html; charset=utf-8", include_str!("page.html")),
            "/explorer.js" => {
                Answer::page("text/javascript; charset=utf-8", include_str!("explorer.js"))
            }
            "/explorer.css" => {
                Answer::page("text/css; charset=utf-8", include_str!("explorer.css"))
            }
            "/api/model" => Answer::json(200, &self.about()),
            "/api/state" => self.at(query, |place| Answer::json(200, &self.state(&place))),
            _ => match resource.strip_prefix("/api/run").and_then(Format::of) {
                Some(format) => self.at(query, |place| self.export(&place.run, format)),
                None => Answer::refusal(404, &format!("there is nothing here: {resource}")),
            },
        }
    }

    /// The answer about the place that the query's path leads to.
    fn at(&self, query: &str, answer: impl FnOnce(Place) -> Answer) -> Answer {
        let path = query.split('&').find_map(|part| part.strip_prefix("path=")).unwrap_or("0");
        let path = path.replace("%2F", "/").replace("%2f", "/");
        let numbers = match numbers(&path) {
            Ok(numbers) => numbers,
            Err(why) => return Answer::refusal(400, &why),
        };
        if numbers.len() > STEPS_MAX {
            return Answer::refusal(400, &format!("a path has at most {STEPS_MAX} steps"));
        }
        match self.model.follow(&numbers) {
            Ok(place) => answer(place),
            Err(astray) => Answer::refusal(404, &astray.to_string()),
        }
    }

    /// The model in words, and its properties.
    fn about(&self) -> Value {
        let (title, bounds) = look::words(&self.exploration);
        let property = |property: Stated| {
            let Stated { name, kind, says } = property;
            json!({"name": name, "kind": kind, "says": says})
        };
        let properties = self.model.properties().into_iter().map(property);
        json!({
            "title": title,
            "bounds": bounds,
            "command": look::command(&self.exploration),
            "starts": self.model.starts(),
            "properties": properties.collect::<Vec<_>>(),
        })
    }

    fn state(&self, place: &Place) -> Value {
        let Place { run, shown, next } = place;
        let shows = |number: usize| -> Vec<Value> {
            let here = shown.iter().filter(|one| one.first == number);
            here.map(|one| json!({"name": one.name, "violated": one.violated})).collect()
        };
        let paths = (2..).map(|length| {
            let numbers: Vec<String> = run.path.iter().take(length).map(usize::to_string).collect();
            numbers.join("/")
        });
        let steps = (1..).zip(&run.steps).zip(paths).map(|((number, step), path)| {
            json!({
                "action": step.action,
                "rules": step.rules,
                "path": path,
                "shows": shows(number),
            })
        });
        let before = run.steps.len().checked_sub(1).and_then(|place| run.states().nth(place));
        let last = run.steps.last();
        json!({
            "path": run.path_text(),
            "look": look::at(&self.exploration, run),
            "steps": steps.collect::<Vec<_>>(),
            "start_shows": shows(0),
            "columns": run.columns,
            "before": before.map(|(_, facts)| zab_view::state(facts)),
            "state": zab_view::state(run.last()),
            "changes": last.map_or(&[][..], |step| &step.changes),
            "shown": shown.iter().map(seen).collect::<Vec<_>>(),
            "next": next.iter().map(choice).collect::<Vec<_>>(),
            "svg": zab_view::svg(&numbered(&run.sequence)),
        })
    }

    fn export(&self, run: &Run, format: Format) -> Answer {
        let title = format!("a run of {} steps", run.steps.len());
        let body = format.text(run, &look::at(&self.exploration, run), &title);
        Answer { status: 200, kind: format.mime(), body }
    }
}

/// The diagram beside the list of steps, which has their names: its rows have their numbers alone, so
/// that it fits beside the list.
fn numbered(sequence: &Sequence) -> Sequence {
    let mut sequence = sequence.clone();
    sequence.rows.iter_mut().skip(1).for_each(|row| row.text.clear());
    sequence
}

fn seen(shown: &Shown) -> Value {
    let Shown { name, violated, first, here } = shown;
    json!({"name": name, "violated": violated, "first": first, "here": here})
}

fn choice(choice: &Choice) -> Value {
    let Choice { number, action, rules } = choice;
    json!({"number": number, "action": action, "rules": rules})
}
