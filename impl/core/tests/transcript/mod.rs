//! Commands to one peer, and its effects as text.

mod show;

use std::collections::BTreeMap;
use std::str::FromStr;

use zab_core::{
    Base, Config, ConnectionId, Input, Message, Notification, Peer, Recovered, Role, ServerId,
    Timer, Txn, Vote, Zxid,
};

/// A command: its name and its arguments. An argument without value has none.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) args: BTreeMap<String, Vec<String>>,
}

/// The peer under test.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    peer: Option<Peer>,
    /// The defect of the peers that start from now on.
    mutant: Option<zab_core::Mutant>,
}

impl Command {
    /// Parses one line: `name key=value key=(value,value) flag`.
    pub(crate) fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let name = words.next().expect("a command").to_owned();
        let args = words
            .map(|word| match word.split_once('=') {
                None => (word.to_owned(), Vec::new()),
                Some((key, values)) => {
                    let values = values.trim_matches(['(', ')']).split(',');
                    (key.to_owned(), values.map(str::to_owned).collect())
                }
            })
            .collect();
        Self { name, args }
    }

    fn all<T: FromStr>(&self, key: &str) -> Vec<T> {
        let values = self.args.get(key).into_iter().flatten();
        values.map(|v| v.parse().unwrap_or_else(|_| panic!("{}: {key}={v}", self.name))).collect()
    }

    fn one<T: FromStr>(&self, key: &str) -> Option<T> {
        self.all(key).pop()
    }

    fn need<T: FromStr>(&self, key: &str) -> T {
        self.one(key).unwrap_or_else(|| panic!("{} needs {key}=", self.name))
    }

    /// The only argument that has no value, such as the zxid of `synced 1.2`.
    fn bare(&self) -> &str {
        let bare = self.args.iter().find(|(_, values)| values.is_empty());
        bare.unwrap_or_else(|| panic!("{} needs an argument", self.name)).0
    }

    /// Whom it is about: `from=`, or `leader=`.
    fn whom(&self) -> ServerId {
        self.one("from").unwrap_or_else(|| self.need("leader"))
    }

    fn connection(&self) -> ConnectionId {
        ConnectionId(self.one("connection").unwrap_or_else(|| self.whom()))
    }

    fn recover(&self) -> (Config, Recovered) {
        let mut config = Config::new(self.need("id"), self.all("voters"));
        config.observers = self.all("observers").into_iter().collect();
        config.window = self.one("window").unwrap_or(config.window);
        config.init_limit = self.one("init-limit").unwrap_or(config.init_limit);
        config.sync_limit = self.one("sync-limit").unwrap_or(config.sync_limit);
        let accepted_epoch = self.one("accepted").unwrap_or(0);
        let base = self.one("base").map_or(Base::EMPTY, |zxid| Base { zxid, log: None });
        let recovered = Recovered {
            accepted_epoch,
            current_epoch: self.one("current").unwrap_or(accepted_epoch),
            base,
            transactions: self.all("history").into_iter().map(txn).collect(),
        };
        (config, recovered)
    }

    fn input(&self) -> Input {
        match self.name.as_str() {
            "tick" => Input::Tick,
            "elapsed" => Input::Elapsed(match self.bare() {
                "finalize-wait" => Timer::FinalizeWait,
                "notification" => Timer::Notification,
                other => panic!("no timer {other}"),
            }),
            "notification" => Input::Notification {
                from: self.whom(),
                connection: ConnectionId(0),
                notification: self.notification(),
            },
            "connected" => Input::Connected { leader: self.whom(), connection: self.connection() },
            "connect-failed" => Input::ConnectFailed { leader: self.whom() },
            "accepted" => Input::Accepted { connection: self.connection() },
            "disconnected" => Input::Disconnected { connection: self.connection() },
            "flowing" => Input::Flowing { connection: self.connection() },
            "heard" => Input::Heard { connection: self.connection() },
            "synced" => Input::Synced { zxid: self.bare().parse().expect("a zxid") },
            "request" => Input::Request { payload: self.bare().as_bytes().into() },
            _ => Input::Message {
                from: self.whom(),
                connection: self.connection(),
                message: self.message(),
            },
        }
    }

    fn notification(&self) -> Notification {
        let role = match self.need::<String>("role").as_str() {
            "LOOKING" => Role::Looking,
            "FOLLOWING" => Role::Following,
            "LEADING" => Role::Leading,
            other => panic!("no role {other}"),
        };
        let vote = Vote {
            leader: self.need("leader"),
            zxid: self.one("zxid").unwrap_or(Zxid::ZERO),
            peer_epoch: self.one("peer-epoch").unwrap_or(0),
        };
        Notification { role, vote, round: self.one("round").unwrap_or(1) }
    }

    fn message(&self) -> Message {
        match self.name.as_str() {
            "follower-info" => Message::FollowerInfo { accepted_epoch: self.need("accepted") },
            "observer-info" => Message::ObserverInfo { accepted_epoch: self.need("accepted") },
            "inform" => Message::Inform { txn: txn(self.need("zxid")) },
            "leader-info" => Message::LeaderInfo { new_epoch: self.need("epoch") },
            "ack-epoch" => Message::AckEpoch {
                current_epoch: self.one("current"),
                last_zxid: self.need("last"),
            },
            "diff" => Message::Diff { zxid: self.need("zxid") },
            "trunc" => Message::Trunc { zxid: self.need("zxid") },
            "snap" => Message::Snap { zxid: self.need("zxid") },
            "proposal" => Message::Proposal { txn: txn(self.need("zxid")) },
            "commit" => Message::Commit { zxid: self.need("zxid") },
            "new-leader" => Message::NewLeader { epoch: self.need("epoch") },
            "ack-ld" => Message::AckLd { epoch: self.need("epoch") },
            "ack" => Message::Ack { zxid: self.need("zxid") },
            "up-to-date" => Message::UpToDate,
            "ping" => Message::Ping,
            other => panic!("no command {other}"),
        }
    }
}

impl Transcript {
    /// Peers that start from now on have this defect.
    #[cfg(feature = "mutants")]
    pub(crate) fn with_mutant(mutant: Option<zab_core::Mutant>) -> Self {
        Self { peer: None, mutant }
    }

    /// Runs a command and shows its effects.
    pub(crate) fn run(&mut self, command: &Command) -> String {
        if command.name == "state" {
            return show::state(self.peer());
        }
        if command.name == "peer" {
            let (config, recovered) = command.recover();
            let config = Config { mutant: self.mutant, ..config };
            return match Peer::recover(config, recovered) {
                Ok((peer, effects)) => {
                    self.peer = Some(peer);
                    show::effects(&effects)
                }
                Err(error) => format!("error: {error}\n"),
            };
        }
        let before = self.role_and_phase();
        let peer = self.peer.as_mut().expect("`peer` comes first");
        let mut text = String::new();
        for _ in 0..command.one("times").unwrap_or(1) {
            text.push_str(&show::effects(&peer.handle(command.input())));
        }
        let after = self.role_and_phase();
        if before != after {
            text.push_str(&format!("=> {after}\n"));
        }
        text
    }

    /// Such as `FOLLOWING DISCOVERY`.
    pub(crate) fn role_and_phase(&self) -> String {
        format!("{} {}", self.peer().role(), self.peer().phase())
    }

    fn peer(&self) -> &Peer {
        self.peer.as_ref().expect("`peer` comes first")
    }
}

/// A transaction whose payload is its zxid.
fn txn(zxid: Zxid) -> Txn {
    Txn::new(zxid, zxid.to_string().as_bytes())
}
