//! Whether a run of the model agrees with a trace.

use zab_model::explore::{Packet, State};
use zab_model::{Profile, Role, ServerId, ServerSet};

use crate::closure::{Wanted, take, to_leader, to_learner};
use crate::compare::differences;
use crate::order::Order;
use crate::read::{ActionKind, Claim, TlcStep, TlcTrace};
use crate::start::{self, Unsupported};

/// What came of looking for a run.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The names of the servers, the one with the lowest id first. A specification orders servers by a
    /// table that is not in the file; this is the order with which a run gets furthest.
    pub order: Vec<String>,
    /// How many steps of the trace, from the first on, a run agrees with.
    pub agreed: usize,
    /// How many states of the model agree with the last of them.
    pub states: usize,
    /// Why no run agrees with the next one; `None` if all agree.
    pub rejected: Option<Rejected>,
}

/// Why no run agrees with a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The number of the step in the file.
    pub step: u64,
    /// What happens in it.
    pub action: &'static str,
    /// The server that takes it.
    pub node: String,
    /// What is not as the trace says, each in words.
    pub why: Vec<String>,
}

/// Looks for a run of servers of a profile that agrees with a trace.
///
/// # Errors
/// When the trace is too large for the model, or there are too many runs to look at.
pub fn judge(trace: &TlcTrace, profile: Profile) -> Result<Judged, Unsupported> {
    let mut best: Option<Judged> = None;
    for order in Order::all(&trace.servers) {
        let judged = judge_in_order(trace, profile, &order)?;
        let is_better = best.as_ref().is_none_or(|best| judged.agreed > best.agreed);
        if judged.rejected.is_none() {
            return Ok(judged);
        }
        if is_better {
            best = Some(judged);
        }
    }
    best.ok_or_else(|| Unsupported::Start("it has no server".to_owned()))
}

fn judge_in_order(
    trace: &TlcTrace,
    profile: Profile,
    order: &Order<'_>,
) -> Result<Judged, Unsupported> {
    let model = start::model(trace, profile, order)?;
    let mut judged = Judged { order: order.ranked(), agreed: 0, states: 0, rejected: None };
    let mut states = start::states(&model, trace, order);
    let mut partition: Vec<(usize, usize)> = Vec::new();
    for (place, step) in trace.steps.iter().enumerate() {
        let reached = if place == 0 {
            std::mem::take(&mut states)
        } else {
            let wanted = wanted(step, order, &states);
            let reached = take(&model, &states, &wanted);
            if reached.truncated {
                return Err(Unsupported::TooMany(step.number));
            }
            reached.after
        };
        let cannot = contradictions(&mut partition, step, &trace.servers);
        let agreeing: Vec<State> = reached
            .iter()
            .filter(|state| cannot.is_empty() && agree(state, step, order))
            .copied()
            .collect();
        if agreeing.is_empty() {
            let why =
                if cannot.is_empty() { reasons(step, order, &states, &reached) } else { cannot };
            judged.rejected = Some(Rejected {
                step: step.number,
                action: step.action.name(),
                node: trace.servers[step.node].clone(),
                why,
            });
            return Ok(judged);
        }
        states = agreeing;
        judged.agreed = place + 1;
        judged.states = states.len();
    }
    Ok(judged)
}

fn agree(state: &State, step: &TlcStep, order: &Order<'_>) -> bool {
    use ActionKind::FollowerProcessNEWLEADERAfterCurrentEpochUpdated as Rest;
    let leader = state.server(order.id(step.node)).vote.leader;
    if step.action == Rest && step.peers.iter().any(|place| order.id(*place) != leader) {
        return false;
    }
    let mut servers = step.after.iter().enumerate();
    servers.all(|(place, post)| differences(state, order, place, post).is_empty())
}

/// A step in the model's terms. A partition cuts the connection between a leader and its follower,
/// if there is one.
fn wanted(step: &TlcStep, order: &Order<'_>, states: &[State]) -> Wanted {
    let node = order.id(step.node);
    let peer = step.peers.first().map_or(ServerId::NOBODY, |place| order.id(*place));
    let mut peers = ServerSet::default();
    if step.action == ActionKind::PartitionStart {
        let connected = |learner: ServerId, leader: ServerId| {
            states.first().is_some_and(|state| {
                let server = state.server(learner);
                server.role == Role::Following && server.vote.leader == leader
            })
        };
        [(node, peer), (peer, node)]
            .into_iter()
            .filter(|(learner, leader)| connected(*learner, *leader))
            .for_each(|(learner, _)| peers.insert(learner));
    } else {
        step.peers.iter().for_each(|place| peers.insert(order.id(*place)));
    }
    Wanted { action: step.action, node, peer, peers, zxid: step.zxid, sync: step.sync }
}

/// What a step says that cannot be, whatever the model does: it tells one thing twice and differently,
/// or has servers reach each other that are separated. The model's network does not know partitions.
fn contradictions(
    partition: &mut Vec<(usize, usize)>,
    step: &TlcStep,
    names: &[String],
) -> Vec<String> {
    let pairs = step.peers.iter().map(|peer| (step.node.min(*peer), step.node.max(*peer)));
    let pairs: Vec<(usize, usize)> = pairs.collect();
    let text = |(from, to): &(usize, usize)| format!("{} and {}", names[*from], names[*to]);
    let differing = step.claims.iter().filter(|claim| claim.told != claim.variables);
    let mut wrong: Vec<String> = differing
        .map(|Claim { what, told, variables }| {
            format!("{what} is {told} in coreParam, and {variables} in variables")
        })
        .collect();
    if step.action == ActionKind::PartitionStart {
        partition.extend(pairs);
    } else if step.action == ActionKind::PartitionRecover {
        partition.retain(|pair| !pairs.contains(pair));
    } else {
        let cut = pairs.iter().filter(|pair| partition.contains(pair));
        wrong.extend(cut.map(|pair| format!("{} cannot reach each other", text(pair))));
    }
    partition.sort_unstable();
    partition.dedup();
    if *partition != step.partition {
        let told: Vec<String> = step.partition.iter().map(text).collect();
        let known: Vec<String> = partition.iter().map(text).collect();
        wrong.push(format!(
            "partition separates {}, and after the steps it is {}",
            or_nobody(&told),
            or_nobody(&known)
        ));
    }
    wrong
}

fn or_nobody(pairs: &[String]) -> String {
    if pairs.is_empty() { "nobody".to_owned() } else { pairs.join(", ") }
}

/// Why no state agrees: what differs in the state that is nearest, or why the step is not possible.
fn reasons(step: &TlcStep, order: &Order<'_>, before: &[State], reached: &[State]) -> Vec<String> {
    let differing = |state: &State| -> Vec<String> {
        let servers = step.after.iter().enumerate();
        servers.flat_map(|(place, post)| differences(state, order, place, post)).collect()
    };
    let nearest = reached.iter().map(differing).min_by_key(|found| (found.len(), found.clone()));
    nearest.unwrap_or_else(|| {
        let mut why = vec!["the model does not take this step".to_owned()];
        why.extend(waiting(step, order, before));
        why
    })
}

/// What the server that takes a step could receive instead.
fn waiting(step: &TlcStep, order: &Order<'_>, before: &[State]) -> Option<String> {
    let node = order.id(step.node);
    let peer = step.peers.first().map(|place| order.id(*place));
    let is_up =
        matches!(step.action, ActionKind::LeaderProcessACK | ActionKind::LeaderProcessACKLD);
    let next = |state: &State| match peer {
        Some(peer) if is_up => to_leader(state, peer, node),
        _ => to_learner(state, node),
    };
    let mut packets: Vec<String> = before
        .iter()
        .filter_map(next)
        .filter_map(Packet::decode)
        .map(|message| message.to_string())
        .collect();
    packets.sort_unstable();
    packets.dedup();
    (!packets.is_empty()).then(|| format!("what comes next is {}", packets.join(" or ")))
}
