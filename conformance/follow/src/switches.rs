//! What a capture shows of each switch: whether a server could have sent what it sent with another value.

use zab_capture::Item;
use zab_capture::properties::Members;
use zab_model::Profile;
use zab_model::profile::RELEASES;
use zab_model::profile::SWITCHES;
use zab_model::profile::Switch;

use crate::answer::Answer;
use crate::case::Case;
use crate::moves::successors;
use crate::node::Node;
use crate::node::Track;
use crate::reasons::Witness;

/// What a capture shows of a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Only values of older releases explain it.
    OldOnly,
    /// Only the value that `fixed` has, which is that of the newest releases or of none, explains it.
    NewOnly,
    /// Both explain it, each by a run of its own.
    Both,
    /// The run that explains it is, step by step, a run with each other value too: at no step of it did
    /// the switch make a difference.
    NotExercised,
    /// Some search was given up, or the model has no words for what is seen.
    Unknown,
}

/// One value of a switch, all others being those of the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The value.
    pub value: &'static str,
    /// Whether it is that of `fixed`.
    pub is_new: bool,
    /// Whether the server can send what it sent.
    pub answer: Answer,
    /// Whether the very same run does: nothing in it depends on the value.
    pub is_same_run: bool,
}

/// What a capture shows of one switch at one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The name of the switch.
    pub switch: &'static str,
    /// The rule that reads it.
    pub rule: &'static str,
    /// Every value that some release has, that of `fixed` first.
    pub trials: Vec<Trial>,
}

impl Shown {
    /// The answer.
    #[must_use]
    pub fn shows(&self) -> Shows {
        if self.trials.iter().all(|trial| trial.is_same_run) {
            return Shows::NotExercised;
        }
        if self.trials.iter().any(|trial| matches!(trial.answer, Answer::Inconclusive(_))) {
            return Shows::Unknown;
        }
        let explains = |is_new: bool| {
            let mut trials = self.trials.iter().filter(|trial| trial.is_new == is_new);
            trials.any(|trial| trial.answer == Answer::Conforms)
        };
        match (explains(false), explains(true)) {
            (true, false) => Shows::OldOnly,
            (false, true) => Shows::NewOnly,
            (true, true) => Shows::Both,
            // The release itself has one of the values, and explains it.
            (false, false) => Shows::Unknown,
        }
    }
}

/// What a capture shows of every switch that releases set differently, at a server that is a run of
/// `profile`: it is followed under that profile with one switch at another value. None, if it is no run of
/// it.
#[must_use]
pub fn switches(
    items: &[Item],
    members: &Members,
    server: i64,
    profile: Profile,
) -> Option<Vec<Shown>> {
    let mut case = Case::new(items, members, server).ok()?;
    let (answer, run) = case.run(profile);
    if answer != Answer::Conforms {
        return None;
    }
    let shown = |switch: &Switch| {
        let values = values(switch);
        let trials = values.iter().map(|value| trial(&mut case, switch, value, profile, &run));
        let trials = trials.collect();
        (values.len() > 1).then_some(Shown { switch: switch.name, rule: switch.rule, trials })
    };
    Some(SWITCHES.iter().filter_map(shown).collect())
}

/// The values that releases have, that of `fixed` first.
fn values(switch: &Switch) -> Vec<&'static str> {
    let is_used = |name: &str| RELEASES.iter().any(|one| switch.of(&one.profile).name == name);
    switch.values.iter().map(|value| value.name).filter(|name| is_used(name)).collect()
}

fn trial(
    case: &mut Case<'_>,
    switch: &Switch,
    value: &'static str,
    profile: Profile,
    run: &[Node],
) -> Trial {
    let is_new = switch.of(&Profile::FIXED).name == value;
    let is_own = switch.of(&profile).name == value;
    let other = switch.set(&profile, value).unwrap_or(profile);
    let is_same_run = is_own || is_run(case.track(other, true), run);
    let answer = if is_same_run { Answer::Conforms } else { case.follow(other, true).answer };
    Trial { value, is_new, answer, is_same_run }
}

/// Whether each node leads to the next one.
fn is_run(track: Track<'_>, run: &[Node]) -> bool {
    let is_first = Node::new(track).is_some_and(|node| run.first() == Some(&node));
    let leads = |pair: &[Node]| {
        let [from, to] = pair else { return false };
        successors(track, from, &mut Witness::None).iter().any(|(node, _)| node == to)
    };
    is_first && run.windows(2).all(leads)
}
