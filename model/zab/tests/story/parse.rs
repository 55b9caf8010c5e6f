//! The words of a story.

use zab_model::{
    Config, Disk, Grain, Message, Notification, Number, Profile, Role, Round, RoundOf, Server,
    ServerId, Step, Txn, TxnOf, Vote, Zxid,
};

use super::Told;

fn number<S: Told>(word: &str) -> S::Num {
    S::Num::from(word.parse::<u8>().unwrap_or_else(|_| panic!("{word} is no number")))
}

pub(crate) fn id(word: &str) -> ServerId {
    ServerId(word.parse().unwrap_or_else(|_| panic!("{word} is no server")))
}

fn zxid<S: Told>(word: &str) -> Zxid<S::Num> {
    let (epoch, counter) = word.split_once('.').unwrap_or_else(|| panic!("{word} is no zxid"));
    Zxid::new(number::<S>(epoch), number::<S>(counter))
}

/// `epoch.counter:payload`
fn txn<S: Told>(word: &str) -> TxnOf<S> {
    let (id, payload) = word.split_once(':').unwrap_or((word, "0"));
    Txn { zxid: zxid::<S>(id), payload: S::Payload::from(payload.parse().unwrap()) }
}

/// Transactions with commas between them, or `-` for none.
fn log<S: Told>(cfg: &Config<S>, word: &str) -> S::Log {
    word.split(',')
        .filter(|txn| *txn != "-")
        .fold(S::Log::default(), |log, word| S::append(&cfg.logs, &log, txn::<S>(word)).unwrap())
}

/// `2 of 3 observers=1 accepted=1 current=1 log=1.1:7,1.2:8 base=1 window=2 profile=switch=value release=3.9.1`
pub(super) fn server<S: Told>(words: &str) -> (Config<S>, Server<S>) {
    let voters = words.split_whitespace().nth(2).unwrap().parse().unwrap();
    let mut cfg = Config::<S>::new(voters).unwrap();
    let disk = disk(&mut cfg, words);
    (cfg, Server::recovered(id(words.split_whitespace().next().unwrap()), disk))
}

/// The disk of such a server, and the settings that are beside it.
pub(crate) fn disk<S: Told>(cfg: &mut Config<S>, words: &str) -> Disk<S> {
    let (mut disk, mut base) = (Disk::<S>::default(), 0);
    for word in words.split_whitespace().skip(3) {
        let (key, value) = word.split_once('=').unwrap();
        match key {
            "accepted" => disk.accepted_epoch = number::<S>(value),
            "current" => disk.current_epoch = number::<S>(value),
            "observers" => cfg.ensemble.observers = value.parse().unwrap(),
            "log" => disk.history = log::<S>(cfg, value),
            "base" => base = value.parse().unwrap(),
            "window" => cfg.ensemble.window = value.parse().unwrap(),
            "release" => cfg.ensemble.profile = Profile::named(value).unwrap(),
            "profile" => cfg.ensemble.profile = Profile::FIXED.with(value).unwrap(),
            "grain" => {
                let named = |grain: &Grain| grain.name() == value;
                cfg.ensemble.grain = Grain::ALL.into_iter().find(named).unwrap();
            }
            "forget" => cfg.ensemble.forget_committed = value == "yes",
            other => panic!("{other} is nothing that a server has"),
        }
    }
    disk.snapshot = Disk::with_log(cfg, disk.history, base).snapshot;
    disk
}

/// One step, as the stories write it.
pub(super) fn step<S: Told>(cfg: &Config<S>, line: &str) -> Step<S> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["start"] => Step::Start { survived: S::Num::ZERO },
        ["start", survived] => Step::Start { survived: number::<S>(survived) },
        ["crash"] => Step::Crash,
        ["connected", peer] => Step::Connected { peer: id(peer) },
        ["disconnected", peer] => Step::Disconnected { peer: id(peer) },
        ["write"] => Step::ProgramNext,
        ["apply"] => Step::Apply,
        ["handler", learner] => Step::Handler { learner: id(learner) },
        ["sync", up_to] => Step::SyncLog { up_to: zxid::<S>(up_to) },
        ["fail"] => Step::AppendFails,
        ["settle"] => Step::Settle,
        ["resend"] => Step::Resend,
        ["observe", leader] => Step::Observe { leader: id(leader) },
        ["leave"] => Step::LeaveRole,
        ["request", payload] => {
            Step::Request { payload: S::Payload::from(payload.parse().unwrap()) }
        }
        ["from", from, ..] => Step::Receive { from: id(from), message: message(cfg, &words[2..]) },
        ["older", from, ..] => {
            Step::ReceiveOlder { from: id(from), message: message(cfg, &words[2..]) }
        }
        ["ended", peer] => Step::OlderEnds { peer: id(peer) },
        _ => panic!("{line} is no step"),
    }
}

pub(crate) fn message<S: Told>(cfg: &Config<S>, words: &[&str]) -> Message<S> {
    match *words {
        // role (leader, zxid, peerEpoch) round
        ["NOTIFICATION", sender, leader, last, epoch, round] => {
            let vote =
                Vote { leader: id(leader), zxid: zxid::<S>(last), peer_epoch: number::<S>(epoch) };
            Message::Notification(Notification {
                role: role(sender),
                vote,
                round: round_of::<S>(round),
            })
        }
        ["FOLLOWERINFO", epoch] => Message::FollowerInfo { accepted_epoch: number::<S>(epoch) },
        ["OBSERVERINFO", epoch] => Message::ObserverInfo { accepted_epoch: number::<S>(epoch) },
        ["LEADERINFO", epoch] => Message::LeaderInfo { epoch: number::<S>(epoch) },
        ["ACKEPOCH", epoch, last] => {
            let current_epoch = (epoch != "none").then(|| number::<S>(epoch));
            Message::AckEpoch { current_epoch, last_zxid: zxid::<S>(last) }
        }
        ["DIFF", last] => Message::Diff { zxid: zxid::<S>(last) },
        ["TRUNC", last] => Message::Trunc { zxid: zxid::<S>(last) },
        ["SNAP", txns] => {
            let history = log::<S>(cfg, txns);
            Message::Snap { zxid: cfg.history(history).last(), history }
        }
        ["SNAP", label, txns] => {
            Message::Snap { zxid: zxid::<S>(label), history: log::<S>(cfg, txns) }
        }
        ["PROPOSAL", proposed] => Message::Proposal(txn::<S>(proposed)),
        ["INFORM", committed] => Message::Inform(txn::<S>(committed)),
        ["COMMIT", committed] => Message::Commit { zxid: zxid::<S>(committed) },
        ["NEWLEADER", epoch] => Message::NewLeader { epoch: number::<S>(epoch) },
        ["ACK-LD", epoch] => Message::AckLd { epoch: number::<S>(epoch) },
        ["ACK", acknowledged] => Message::Ack { zxid: zxid::<S>(acknowledged) },
        ["UPTODATE"] => Message::UpToDate,
        _ => panic!("{words:?} is no message"),
    }
}

/// A small round, -1 included.
fn round_of<S: Told>(word: &str) -> RoundOf<S> {
    let mut rounds = std::iter::successors(Some(RoundOf::<S>::NONE), |round| round.next());
    rounds.find(|round| round.to_string() == word).unwrap()
}

fn role(word: &str) -> Role {
    match word {
        "LOOKING" => Role::Looking,
        "FOLLOWING" => Role::Following,
        "LEADING" => Role::Leading,
        _ => panic!("{word} is no role"),
    }
}
