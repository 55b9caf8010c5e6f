//! The format: a list, of which the first item is a header and every other one a step.
//!
//! It is what `trace_reader.py` of the specifications' authors writes; see `docs/src/import.md`.

use serde_json::Value;
use zab_model::explore::SERVERS;
use zab_model::{Phase, Role, Zxid};

use crate::fields::{Field, NotRead};

/// The versions of the format that are read: what `version` of the header may be. Files of the older
/// specifications have no `version`.
pub const VERSIONS: &[&str] = &["MSPEC_2", "MSPEC_2_5"];

/// A trace.
#[derive(Clone, Debug)]
pub struct TlcTrace {
    /// The version in the header, if it has one.
    pub version: Option<String>,
    /// The names of the servers.
    pub servers: Vec<String>,
    /// The first one is `SetInitState`.
    pub steps: Vec<TlcStep>,
}

/// One step of a trace. Servers are places in [`TlcTrace::servers`].
#[derive(Clone, Debug)]
pub struct TlcStep {
    /// Its number in the file.
    pub number: u64,
    /// What happens.
    pub action: ActionKind,
    /// Whose step it is.
    pub node: usize,
    /// The other party; of an election, the followers.
    pub peers: Vec<usize>,
    /// The zxid of the message, where the file tells it.
    pub zxid: Option<Zxid<u8>>,
    /// How a learner is synchronized, where the file tells it.
    pub sync: Option<Sync>,
    /// What `coreParam` says of the state after the step, and what `variables` says of the same.
    pub claims: Vec<Claim>,
    /// What every server is like afterwards.
    pub after: Vec<Post>,
    /// The pairs of servers that cannot reach each other afterwards.
    pub partition: Vec<(usize, usize)>,
}

/// Something that a step says twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it is about.
    pub what: &'static str,
    /// What `coreParam` says.
    pub told: String,
    /// What `variables` says.
    pub variables: String,
}

/// The first packet of a synchronization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// DIFF.
    Diff,
    /// TRUNC.
    Trunc,
    /// SNAP.
    Snap,
}

/// What a server is like after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Whether it runs.
    pub online: bool,
    /// LOOKING, FOLLOWING or LEADING.
    pub role: Role,
    /// How far it is; ELECTION is that of a server that looks for a leader.
    pub phase: Phase,
    /// acceptedEpoch.
    pub accepted_epoch: u8,
    /// currentEpoch.
    pub current_epoch: u8,
    /// The log.
    pub history: Vec<Zxid<u8>>,
    /// How much of it is known to be committed.
    pub committed: u8,
    /// With what it would vote.
    pub last_processed: Zxid<u8>,
    /// What waits for the sync thread; empty where the specification has no such queue.
    pub queued: Vec<Zxid<u8>>,
    /// How many commits wait for the commit thread; 0 where the specification has no such queue.
    pub to_commit: usize,
    /// Of a leader: who is sent every PROPOSAL, as places in [`TlcTrace::servers`].
    pub forwarding: Vec<usize>,
}

macro_rules! actions {
    ($($(#[doc = $says:literal])+ $Name:ident,)+) => {
        /// The actions of the specifications that the format tells.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ActionKind {
            $($(#[doc = $says])+ $Name,)+
        }

        /// Every action with its name.
        pub const ACTIONS: &[(&str, ActionKind)] = &[$((stringify!($Name), ActionKind::$Name),)+];
    };
}

actions! {
    /// The state in the middle of a run in which traces begin.
    SetInitState,
    /// An election, and phase 1.
    ElectionAndDiscovery,
    /// A leader chooses how a learner is synchronized, and queues all that for it.
    LeaderSyncFollower,
    /// A follower receives DIFF, TRUNC or SNAP.
    FollowerProcessSyncMessage,
    /// A follower that is not synchronized yet receives PROPOSAL.
    FollowerProcessPROPOSALInSync,
    /// A follower that is not synchronized yet receives COMMIT.
    FollowerProcessCOMMITInSync,
    /// A follower receives NEWLEADER.
    FollowerProcessNEWLEADER,
    /// The rest of what it does then, where the specification has two steps.
    FollowerProcessNEWLEADERAfterCurrentEpochUpdated,
    /// A leader receives the acknowledgement of NEWLEADER.
    LeaderProcessACKLD,
    /// A follower receives UPTODATE.
    FollowerProcessUPTODATE,
    /// A request reaches a leader.
    LeaderProcessRequest,
    /// A follower receives PROPOSAL.
    FollowerProcessPROPOSAL,
    /// A leader receives ACK.
    LeaderProcessACK,
    /// A follower receives COMMIT.
    FollowerProcessCOMMIT,
    /// A follower's sync thread writes what comes next.
    FollowerSyncProcessorLogRequest,
    /// A follower's commit thread applies what comes next.
    FollowerCommitProcessorCommit,
    /// A packet is received that should not come now.
    FilterNonexistentMessage,
    /// A server crashes.
    NodeCrash,
    /// A server starts.
    NodeStart,
    /// Two servers cannot reach each other any more.
    PartitionStart,
    /// They can again.
    PartitionRecover,
}

impl ActionKind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ACTIONS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether the step has one other party.
    fn has_peer(self) -> bool {
        match self {
            Self::LeaderSyncFollower
            | Self::FollowerProcessSyncMessage
            | Self::FollowerProcessPROPOSALInSync
            | Self::FollowerProcessCOMMITInSync
            | Self::FollowerProcessNEWLEADER
            | Self::FollowerProcessNEWLEADERAfterCurrentEpochUpdated
            | Self::LeaderProcessACKLD
            | Self::FollowerProcessUPTODATE
            | Self::FollowerProcessPROPOSAL
            | Self::LeaderProcessACK
            | Self::FollowerProcessCOMMIT
            | Self::FollowerSyncProcessorLogRequest
            | Self::PartitionStart
            | Self::PartitionRecover => true,
            Self::SetInitState
            | Self::ElectionAndDiscovery
            | Self::LeaderProcessRequest
            | Self::FollowerCommitProcessorCommit
            | Self::FilterNonexistentMessage
            | Self::NodeCrash
            | Self::NodeStart => false,
        }
    }

    /// Whether `coreParam` is the zxid of a message or a transaction.
    fn has_zxid(self) -> bool {
        matches!(
            self,
            Self::FollowerProcessPROPOSALInSync
                | Self::FollowerProcessCOMMITInSync
                | Self::LeaderProcessRequest
                | Self::FollowerProcessPROPOSAL
                | Self::LeaderProcessACK
                | Self::FollowerProcessCOMMIT
                | Self::FollowerProcessUPTODATE
                | Self::FollowerSyncProcessorLogRequest
        )
    }
}

/// Reads a trace.
///
/// # Errors
/// Which field is not as the format says, and where it is.
pub fn read(text: &str) -> Result<TlcTrace, NotRead> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| NotRead::Syntax(error.to_string()))?;
    let document = Field::document(&value);
    if !document.is_list() {
        return Err(document.is_not("a list of a header and steps"));
    }
    let items = document.items()?;
    let Some((header, steps)) = items.split_first() else {
        return Err(document.is_not("a header and steps"));
    };
    let (version, servers) = header_of(header)?;
    if steps.is_empty() {
        return Err(document.is_not("a step after the header"));
    }
    let mut read = Vec::new();
    for (step, number) in steps.iter().zip(1..) {
        let step_read = step_of(step, &servers)?;
        if step_read.number != number {
            return Err(step.field("Step")?.is_not(&format!("{number}: steps have no gaps")));
        }
        let is_first = read.is_empty();
        if (step_read.action == ActionKind::SetInitState) != is_first {
            let why = if is_first {
                "the first step is to be SetInitState"
            } else {
                "SetInitState is the first step only"
            };
            return Err(step.wrong(why.to_owned()));
        }
        read.push(step_read);
    }
    Ok(TlcTrace { version, servers, steps: read })
}

fn header_of(header: &Field<'_>) -> Result<(Option<String>, Vec<String>), NotRead> {
    let version = header.optional("version")?;
    if let Some(version) = &version
        && !VERSIONS.contains(&version.text()?)
    {
        let known = VERSIONS.join(", ");
        return Err(version.is_not(&format!("one of {known}, or no such field")));
    }
    let number = header.field("server_num")?;
    let ids = header.field("server_id")?;
    let mut servers = Vec::<String>::new();
    for id in ids.items()? {
        let name = id.text()?;
        if servers.iter().any(|known| known == name) {
            return Err(id.wrong(format!("{name:?} is there twice")));
        }
        servers.push(name.to_owned());
    }
    if !u64::try_from(servers.len()).is_ok_and(|count| number.whole() == Ok(count)) {
        return Err(number.is_not(&format!("{}, as many as server_id has", servers.len())));
    }
    if servers.is_empty() || servers.len() > SERVERS {
        return Err(ids.is_not(&format!("1 to {SERVERS} servers, as many as the model has")));
    }
    Ok((version.map(|version| version.text().unwrap_or_default().to_owned()), servers))
}

fn step_of(step: &Field<'_>, servers: &[String]) -> Result<TlcStep, NotRead> {
    let number = step.field("Step")?.whole()?;
    let names: Vec<&str> = step.names()?.into_iter().filter(|name| *name != "Step").collect();
    let [name] = names.as_slice() else {
        return Err(step.wrong(format!("expected one action beside Step, found {}", names.len())));
    };
    let known = ACTIONS.iter().find(|(known, _)| known == name);
    let Some((_, action)) = known else {
        let known: Vec<&str> = ACTIONS.iter().map(|(known, _)| *known).collect();
        return Err(step.wrong(format!("{name} is no action; known are {}", known.join(", "))));
    };
    let body = step.field(name)?;
    let server = |field: &Field<'_>| server_of(field, servers);
    let node = server(&body.field("nodeId")?)?;
    let peers = match body.optional("peerId")? {
        Some(peers) if peers.is_list() => {
            peers.items()?.iter().map(server).collect::<Result<_, _>>()?
        }
        Some(peer) => vec![server(&peer)?],
        None => vec![],
    };
    if action.has_peer() && peers.len() != 1 {
        return Err(body.wrong(format!("{name} needs one server as peerId")));
    }
    let (zxid, sync) = params_of(&body, *action)?;
    let (after, partition) = variables_of(&body.field("variables")?, servers)?;
    let claims = claims_of(&body, *action, &after[node])?;
    Ok(TlcStep { number, action: *action, node, peers, zxid, sync, claims, after, partition })
}

/// Of a request: its zxid. Of a start and an election: currentEpoch, lastProcessed, and the new epoch.
fn claims_of(body: &Field<'_>, action: ActionKind, node: &Post) -> Result<Vec<Claim>, NotRead> {
    let claim = |what, told: &dyn ToString, variables: &dyn ToString| Claim {
        what,
        told: told.to_string(),
        variables: variables.to_string(),
    };
    if let (ActionKind::LeaderProcessRequest, (Some(zxid), _)) = (action, params_of(body, action)?)
    {
        let last = node.history.last().copied().unwrap_or_default();
        return Ok(vec![claim("the last zxid of history", &zxid, &last)]);
    }
    let has_claims = matches!(action, ActionKind::NodeStart | ActionKind::ElectionAndDiscovery);
    let params = body.optional("coreParam")?.filter(|_| has_claims);
    let Some(params) = params else { return Ok(vec![]) };
    let items = params.items()?;
    let (Some(epoch), Some(last)) = (items.first(), items.get(1)) else {
        return if items.is_empty() { Ok(vec![]) } else { Err(params.is_not("two or more items")) };
    };
    let last = last.field("zxid")?.zxid()?;
    let mut claims = vec![claim("lastProcessed", &last, &node.last_processed)];
    match items.get(2) {
        // The first one is the epoch before the election then.
        Some(new) => claims.push(claim("acceptedEpoch", &new.number()?, &node.accepted_epoch)),
        None => claims.push(claim("currentEpoch", &epoch.number()?, &node.current_epoch)),
    }
    Ok(claims)
}

/// The place of the server that is named.
fn server_of(field: &Field<'_>, servers: &[String]) -> Result<usize, NotRead> {
    let name = field.text()?;
    let place = servers.iter().position(|known| known == name);
    place.ok_or_else(|| field.is_not(&format!("one of {}", servers.join(", "))))
}

type Params = (Option<Zxid<u8>>, Option<Sync>);

const MODES: &[(&str, Sync)] =
    &[("DIFF", Sync::Diff), ("TRUNC", Sync::Trunc), ("SNAP", Sync::Snap)];

/// What `coreParam` tells; the oldest files have none.
fn params_of(body: &Field<'_>, action: ActionKind) -> Result<Params, NotRead> {
    let Some(params) = body.optional("coreParam")? else { return Ok((None, None)) };
    let items = params.items()?;
    if action == ActionKind::FollowerProcessSyncMessage {
        // One specification has the mode first, the other one the zxid.
        return match items.as_slice() {
            [zxid, mode] if zxid.is_list() => Ok((Some(zxid.zxid()?), Some(mode.one_of(MODES)?))),
            [mode, zxid] => Ok((Some(zxid.zxid()?), Some(mode.one_of(MODES)?))),
            _ => Err(params.is_not("a mode and a zxid")),
        };
    }
    match items.as_slice() {
        [zxid] if action.has_zxid() => Ok((Some(zxid.zxid()?), None)),
        _ if action.has_zxid() => Err(params.is_not("[zxid]")),
        _ => Ok((None, None)),
    }
}

type Variables = (Vec<Post>, Vec<(usize, usize)>);

fn variables_of(variables: &Field<'_>, servers: &[String]) -> Result<Variables, NotRead> {
    let after = servers.iter().map(|name| post_of(variables, name, servers));
    let after = after.collect::<Result<_, _>>()?;
    let rows = variables.field("partition")?;
    let mut partition = Vec::new();
    for (from, row) in servers.iter().enumerate() {
        let row = rows.field(row)?;
        for (to, name) in servers.iter().enumerate() {
            if row.field(name)?.truth()? && from < to {
                partition.push((from, to));
            }
        }
    }
    Ok((after, partition))
}

fn post_of(variables: &Field<'_>, name: &str, servers: &[String]) -> Result<Post, NotRead> {
    let of = |variable: &str| variables.field(variable)?.field(name);
    let queue = |variable: &str| {
        let queue = variables.optional(variable)?;
        queue.map(|queue| queue.field(name)).transpose()
    };
    let queued = queue("queuedRequests")?;
    let to_commit = queue("committedRequests")?;
    Ok(Post {
        online: of("status")?.one_of(&[("ONLINE", true), ("OFFLINE", false)])?,
        role: of("state")?.one_of(&[
            ("LOOKING", Role::Looking),
            ("FOLLOWING", Role::Following),
            ("LEADING", Role::Leading),
        ])?,
        phase: of("zabState")?.one_of(&[
            ("ELECTION", Phase::Election),
            ("DISCOVERY", Phase::Discovery),
            ("SYNCHRONIZATION", Phase::Synchronization),
            ("BROADCAST", Phase::Broadcast),
        ])?,
        accepted_epoch: of("acceptedEpoch")?.number()?,
        current_epoch: of("currentEpoch")?.number()?,
        history: of("history")?.zxids_of_txns()?,
        committed: of("lastCommitted")?.field("index")?.number()?,
        last_processed: of("lastProcessed")?.field("zxid")?.zxid()?,
        queued: queued.map_or(Ok(vec![]), |queue| queue.zxids_of_txns())?,
        to_commit: to_commit.map_or(Ok(0), |queue| Ok(queue.items()?.len()))?,
        forwarding: of("forwarding")?
            .items()?
            .iter()
            .map(|item| server_of(item, servers))
            .collect::<Result<_, _>>()?,
    })
}
