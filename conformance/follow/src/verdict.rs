//! What is said of a capture.

use zab_capture::Item;
use zab_capture::What;
use zab_capture::properties::Members;
use zab_model::Config;
use zab_model::Grain;
use zab_model::Profile;
use zab_model::Wide;
use zab_model::profile::GAPS;
use zab_model::profile::SWITCHES;

use crate::node::Track;
use crate::reasons::Reasons;
use crate::reasons::rule_of;
use crate::search::Effort;
use crate::search::End;
use crate::search::NODES_MAX;
use crate::search::search;
use crate::translate::Known;
use crate::translate::Translator;
use crate::view::Message;
use crate::view::View;
use crate::voters::Voters;

/// What became of a server, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Some run of the model sends what the server sent and receives only what was sent to it.
    Conforms,
    /// No run of the model does.
    Diverges(Divergence),
    /// That cannot be said, and why.
    Inconclusive(String),
}

/// Where and why no run of the model goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The server.
    pub server: i64,
    /// The line of the capture.
    pub line: u64,
    /// The packet that the server cannot send, as `decode` shows it.
    pub packet: String,
    /// The rule by which such a packet is sent.
    pub rule: &'static str,
    /// What the server could send instead, each with its rule.
    pub instead: Vec<String>,
    /// Guards that did not hold, each with both values.
    pub guards: Vec<String>,
}

/// One server of a capture.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Its id in the capture.
    pub server: i64,
    /// What became of it.
    pub answer: Answer,
    /// Places of the capture at which it sent something that is accounted for.
    pub packets: usize,
    /// Nodes that were looked at.
    pub nodes: usize,
    /// Nodes that were looked at between two of its packets, at the most.
    pub largest: usize,
}

/// Follows every voter, each under its own rules.
pub fn follow_all(
    items: &[Item],
    members: &Members,
    rules: impl Fn(i64) -> Profile,
) -> Vec<Followed> {
    let voters = members.servers.difference(&members.observers);
    voters.map(|server| follow(items, members, *server, rules(*server))).collect()
}

/// The answer for all servers: the divergence that comes first in the capture; without one, the first
/// reason for which nothing can be said.
#[must_use]
pub fn answer(followed: &[Followed]) -> Answer {
    let diverges = |one: &Followed| match &one.answer {
        Answer::Diverges(divergence) => Some(divergence.clone()),
        Answer::Conforms | Answer::Inconclusive(_) => None,
    };
    let unknown = |one: &Followed| match &one.answer {
        Answer::Inconclusive(why) => Some(format!("server {}: {why}", one.server)),
        Answer::Conforms | Answer::Diverges(_) => None,
    };
    let first = followed.iter().filter_map(diverges).min_by_key(|divergence| divergence.line);
    let reason = || followed.iter().find_map(unknown).map(Answer::Inconclusive);
    first.map(Answer::Diverges).or_else(reason).unwrap_or(Answer::Conforms)
}

/// Follows one server.
#[must_use]
pub fn follow(items: &[Item], members: &Members, server: i64, profile: Profile) -> Followed {
    follow_with(items, members, server, profile, true)
}

/// Follows one server, and tries every order of its steps, also where they commute: the answers are those
/// of [`follow`], after a longer search.
#[must_use]
pub fn follow_in_every_order(
    items: &[Item],
    members: &Members,
    server: i64,
    profile: Profile,
) -> Followed {
    follow_with(items, members, server, profile, false)
}

fn follow_with(
    items: &[Item],
    members: &Members,
    server: i64,
    profile: Profile,
    is_eager: bool,
) -> Followed {
    let voters = Voters::of(members);
    let nothing = |why: &str| Followed {
        server,
        answer: Answer::Inconclusive(why.to_owned()),
        packets: 0,
        nodes: 0,
        largest: 0,
    };
    let Some(id) = voters.number(server) else { return nothing("it is an observer") };
    let config = u8::try_from(voters.count()).ok().and_then(Config::<Wide>::new);
    let Some(mut cfg) = config else { return nothing("the model has room for 16 voters") };
    (cfg.ensemble.profile, cfg.ensemble.grain) = (profile, Grain::Threads);
    let known = Known::of(items);
    let translator = Translator { voters: &voters, known: &known, cfg: &cfg };
    let view = View::of(items, &voters, id, &translator);
    let track = Track { cfg: &cfg, view: &view, known: &known, is_eager };
    let unsaid = view.unsaid.first().cloned().or_else(|| view.begins_late());
    let (end, Effort { nodes, largest, packets }) = match unsaid {
        Some(why) => return nothing(&why),
        None => search(track),
    };
    let answer = match end {
        End::Found => Answer::Conforms,
        End::GivenUp { place } => {
            let packet = items.get(place).map(ToString::to_string).unwrap_or_default();
            Answer::Inconclusive(format!("{NODES_MAX} ways to come to this packet: {packet}"))
        }
        End::Refused { place, reasons } => {
            let item = items.get(place);
            let message = match item.map(|item| &item.what) {
                Some(What::Sent { message, .. }) => translator.message(message, true),
                Some(What::Lost { .. } | What::Other(_)) | None => Ok(None),
            };
            let message = message.ok().flatten();
            let divergence = Divergence {
                server,
                line: item.map_or(0, |item| item.line),
                packet: item.map(ToString::to_string).unwrap_or_default(),
                rule: message.as_ref().map_or("zk.start", rule_of),
                instead: reasons.instead(),
                guards: reasons.guards(),
            };
            unmodelled(&view, place, message.as_ref(), &reasons, profile)
                .map_or(Answer::Diverges(divergence), Answer::Inconclusive)
        }
    };
    Followed { server, answer, packets, nodes, largest }
}

/// What releases do and no profile can say yet, if it may be the reason for a divergence.
fn unmodelled(
    view: &View,
    place: usize,
    message: Option<&Message>,
    reasons: &Reasons,
    profile: Profile,
) -> Option<String> {
    let has = |switch: &str, value: &str| {
        SWITCHES.iter().any(|one| one.name == switch && one.of(&profile).name == value)
    };
    // All releases, and nothing else.
    if !has("older_connection", "served") {
        return None;
    }
    let is_diff = matches!(message, Some(Message::Diff { .. } | Message::Trunc { .. }));
    let is_snap = |said: &String| said.starts_with("zk.sync.snap");
    let name = if view.serves_twice(place) {
        "connections_per_learner"
    } else if is_diff && reasons.instead().iter().any(is_snap) {
        "ondisk_diff"
    } else {
        return None;
    };
    let gap = GAPS.iter().find(|gap| gap.name == name)?;
    Some(format!("the model has no words for what it does from here on: {} ({name})", gap.says))
}
