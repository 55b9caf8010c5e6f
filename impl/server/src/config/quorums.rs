//! `group.N` and `weight.N`: quorums of groups. Source: `QuorumHierarchical`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use zab_core::Quorums;

use super::Config;
use super::parse::{Draft, parse_id};

impl Draft {
    /// Which sets of voters are quorums.
    pub(super) fn quorums(&self) -> Result<Quorums, String> {
        let with = |prefix: &'static str| {
            let all = self.values.values();
            all.filter_map(move |one| Some((one, one.key.strip_prefix(prefix)?)))
        };
        let (mut groups, mut weights) = (BTreeMap::new(), BTreeMap::new());
        for (property, number) in with("group.") {
            let at_line = |reason| format!("{}: {}: {reason}", property.place, property.key);
            let group: u64 =
                number.parse().map_err(|_| at_line(format!("{number} is no number of a group")))?;
            for member in property.value.split(':') {
                let id = self.voter(member.trim()).map_err(at_line)?;
                if groups.insert(id, group).is_some() {
                    return Err(at_line(format!("server {id} is in a group already")));
                }
            }
        }
        for (property, number) in with("weight.") {
            let at_line = |reason| format!("{}: {}: {reason}", property.place, property.key);
            let id = self.voter(number).map_err(at_line)?;
            let weight = property.value.parse::<u64>();
            let weight = weight.map_err(|_| at_line("the weight is not a number".to_owned()))?;
            weights.insert(id, weight);
        }
        if groups.is_empty() {
            return match weights.keys().next() {
                None => Ok(Quorums::Majority),
                Some(id) => Err(format!("weight.{id} means nothing without group.N settings")),
            };
        }
        let without: BTreeSet<u64> = self.voters().filter(|id| !groups.contains_key(id)).collect();
        if let Some(id) = without.first() {
            return Err(format!("server {id} is in no group; every server that votes must be"));
        }
        if groups.keys().all(|id| weights.get(id) == Some(&0)) {
            return Err("no server has a weight, so that none can lead".to_owned());
        }
        Ok(Quorums::Hierarchical { groups, weights })
    }

    fn voters(&self) -> impl Iterator<Item = u64> + '_ {
        self.servers.iter().filter(|(_, server)| !server.observes).map(|(id, _)| *id)
    }

    fn voter(&self, text: &str) -> Result<u64, String> {
        let id = parse_id(text)?;
        if self.voters().any(|voter| voter == id) {
            return Ok(id);
        }
        Err(format!("there is no server {id} that votes"))
    }
}

/// What the text of the ensemble says of it (`QuorumHierarchical.toString`).
pub(super) fn text(config: &Config) -> String {
    let Quorums::Hierarchical { groups, .. } = &config.quorums else { return String::new() };
    let mut members: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for (server, group) in groups {
        members.entry(*group).or_default().push(server.to_string());
    }
    let mut text = String::new();
    for (group, members) in members {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(text, "group.{group}={}", members.join(":"));
    }
    for server in groups.keys() {
        let _ = writeln!(text, "weight.{server}={}", config.quorums.weight(*server));
    }
    text
}
