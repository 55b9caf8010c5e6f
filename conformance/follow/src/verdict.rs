//! What is said of a capture.

use zab_capture::Item;
use zab_capture::properties::Members;
use zab_model::Profile;

use crate::answer::Answer;
use crate::answer::Followed;
use crate::case::Case;

/// The servers that are followed: the voters, then the observers.
pub fn servers(members: &Members) -> impl Iterator<Item = i64> {
    members.servers.difference(&members.observers).chain(&members.observers).copied()
}

/// Follows every server, each under its own rules.
pub fn follow_all(
    items: &[Item],
    members: &Members,
    rules: impl Fn(i64) -> Profile,
) -> Vec<Followed> {
    servers(members).map(|server| follow(items, members, server, rules(server))).collect()
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
    match Case::new(items, members, server) {
        Ok(mut case) => case.follow(profile, is_eager),
        Err(why) => Followed::unknown(server, why),
    }
}
