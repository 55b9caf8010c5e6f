//! One server of a capture, made ready once, and followed under the rules of any release.

use zab_capture::Item;
use zab_capture::What;
use zab_capture::properties::Members;
use zab_model::Config;
use zab_model::Grain;
use zab_model::Profile;
use zab_model::Shape as _;
use zab_model::Wide;
use zab_model::profile::GAPS;
use zab_model::profile::SWITCHES;

use crate::answer::Answer;
use crate::answer::Divergence;
use crate::answer::Followed;
use crate::node::Node;
use crate::node::Track;
use crate::reasons::Reasons;
use crate::reasons::rule_of;
use crate::search::Effort;
use crate::search::End;
use crate::search::NODES_MAX;
use crate::search::search;
use crate::search::search_with_run;
use crate::translate::Known;
use crate::translate::Translator;
use crate::view::Message;
use crate::view::View;
use crate::voters::Voters;

/// One server of a capture. All searches of it share the storage of histories, so what they find can be
/// compared.
pub(crate) struct Case<'a> {
    items: &'a [Item],
    server: i64,
    voters: Voters,
    known: Known,
    cfg: Config<Wide>,
    view: View,
}

impl<'a> Case<'a> {
    /// What a capture has of a server.
    ///
    /// # Errors
    /// Why nothing can be said of it under any rules.
    pub(crate) fn new(items: &'a [Item], members: &Members, server: i64) -> Result<Self, String> {
        let voters = Voters::of(members);
        let id = voters.number(server).ok_or("it is none of the ensemble")?;
        let (votes, observes) = voters.counts();
        let counts = u8::try_from(votes).ok().zip(u8::try_from(observes).ok());
        let config = counts
            .and_then(|(voters, observers)| Config::<Wide>::with_observers(voters, observers));
        let mut cfg = config.ok_or_else(|| {
            format!(
                "{votes} voters and {observes} observers are {} servers, and the model has room for {}",
                votes + observes,
                Wide::SERVERS_MAX
            )
        })?;
        cfg.ensemble.grain = Grain::Threads;
        let known = Known::of(items);
        let translator = Translator { voters: &voters, known: &known, cfg: &cfg };
        let view = View::of(items, &voters, id, &translator);
        match view.unsaid.first().cloned().or_else(|| view.begins_late()) {
            Some(why) => Err(why),
            None => Ok(Self { items, server, voters, known, cfg, view }),
        }
    }

    /// The server, to be followed under some rules.
    pub(crate) fn track(&mut self, profile: Profile, is_eager: bool) -> Track<'_> {
        self.cfg.ensemble.profile = profile;
        let Self { cfg, view, known, .. } = &*self;
        Track { cfg, view, known, is_eager }
    }

    /// Looks for a run.
    pub(crate) fn follow(&mut self, profile: Profile, is_eager: bool) -> Followed {
        let (end, effort) = search(self.track(profile, is_eager));
        self.judge(profile, end, effort)
    }

    /// The same, and the nodes of the run, if there is one.
    pub(crate) fn run(&mut self, profile: Profile) -> (Answer, Vec<Node>) {
        let (end, effort, run) = search_with_run(self.track(profile, true));
        (self.judge(profile, end, effort).answer, run)
    }

    fn judge(&self, profile: Profile, end: End, effort: Effort) -> Followed {
        let Effort { nodes, largest, packets } = effort;
        let answer = match end {
            End::Found => Answer::Conforms,
            End::GivenUp { place } => {
                let packet = self.items.get(place).map(ToString::to_string).unwrap_or_default();
                Answer::Inconclusive(format!("{NODES_MAX} ways to come to this packet: {packet}"))
            }
            End::Refused { place, reasons } => self.refused(place, &reasons, profile),
        };
        Followed { server: self.server, answer, packets, nodes, largest }
    }

    fn refused(&self, place: usize, reasons: &Reasons, profile: Profile) -> Answer {
        let item = self.items.get(place);
        let Self { voters, known, cfg, .. } = self;
        let translator = Translator { voters, known, cfg };
        let message = match item.map(|item| &item.what) {
            Some(What::Sent { message, .. }) => translator.message(message, true),
            Some(What::Lost { .. } | What::Other(_)) | None => Ok(None),
        };
        let message = message.ok().flatten();
        let divergence = Divergence {
            server: self.server,
            line: item.map_or(0, |item| item.line),
            packet: item.map(ToString::to_string).unwrap_or_default(),
            rule: message.as_ref().map_or("zk.start", rule_of),
            instead: reasons.instead(),
            guards: reasons.guards(),
        };
        unmodelled(&self.view, place, message.as_ref(), reasons, profile)
            .map_or(Answer::Diverges(divergence), Answer::Inconclusive)
    }
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
