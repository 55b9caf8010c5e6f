//! A tiny ensemble, as ZooKeeper promises one: a log of writes, servers that are somewhere in it,
//! clients at servers. It makes histories that are legal by construction. It shares nothing with the
//! checker but the format.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;
use zab_history::{
    Call, Clock, Header, History, Kind, Line, Operation, Reply, ReplyPart, Stat, WatchKind, What,
};
use zab_trace::Zxid;

#[derive(Clone, Debug)]
struct Node {
    czxid: Zxid,
    mzxid: Zxid,
    pzxid: Zxid,
    version: i32,
    creates: i32,
    owner: Option<String>,
    data: String,
}

type Tree = BTreeMap<String, Node>;

/// The state after a write, and whom it tells of what.
#[derive(Clone, Debug)]
struct State {
    zxid: Zxid,
    tree: Tree,
    events: Vec<(WatchKind, String)>,
}

#[derive(Clone, Debug)]
struct Client {
    id: u32,
    session: String,
    server: usize,
    seen: Zxid,
    pending: Option<(u64, Call)>,
    watches: BTreeSet<(String, bool)>,
}

/// How large and how unruly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) clients: u32,
    pub(crate) servers: usize,
    pub(crate) steps: usize,
    /// Whether connections are lost and sessions end.
    pub(crate) faults: bool,
    /// Whether there are only plain nodes, and no transactions.
    pub(crate) plain: bool,
}

struct Simulator {
    rng: SplitMix64,
    now: u64,
    states: Vec<State>,
    /// How many states each server has applied.
    applied: Vec<usize>,
    clients: Vec<Client>,
    sessions: u32,
    values: u32,
    plain: bool,
    lines: Vec<Line>,
}

/// A legal history.
pub(crate) fn history(seed: u64, size: Size) -> History {
    let root = Node {
        czxid: Zxid::ZERO,
        mzxid: Zxid::ZERO,
        pzxid: Zxid::ZERO,
        version: 0,
        creates: 0,
        owner: None,
        data: String::new(),
    };
    let tree = Tree::from([("/".to_owned(), root)]);
    let mut simulator = Simulator {
        rng: SplitMix64::seed_from_u64(seed),
        now: 0,
        states: vec![State { zxid: Zxid::ZERO, tree, events: Vec::new() }],
        applied: vec![1; size.servers],
        clients: Vec::new(),
        sessions: 0,
        values: 0,
        plain: size.plain,
        lines: Vec::new(),
    };
    for id in 1..=size.clients {
        simulator.connect(id);
    }
    for _ in 0..size.steps {
        simulator.step(size.faults);
    }
    let header = Header {
        zab_history: zab_history::VERSION,
        source: "simulator".to_owned(),
        clock: Clock::Shared,
        since: Zxid::ZERO,
        timely: None,
        note: format!("seed {seed}"),
    };
    History::new(header, simulator.lines).expect("well formed")
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

impl Simulator {
    fn moment(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    fn connect(&mut self, id: u32) {
        self.sessions += 1;
        let server = self.rng.random_range(0..self.applied.len());
        // The session is a transaction too, which this client then has seen.
        let last = self.states.last().expect("a first state").clone();
        let zxid = Zxid::new(last.zxid.epoch, last.zxid.counter + 1);
        self.states.push(State { zxid, events: Vec::new(), ..last });
        let session = format!("0x{:x}", self.sessions);
        let client =
            Client { id, session, server, seen: zxid, pending: None, watches: BTreeSet::new() };
        self.clients.push(client);
        let at = self.moment();
        let client = self.clients.len() - 1;
        self.advance(server, self.states.len());
        self.line(client, What::Connected { at });
    }

    fn line(&mut self, client: usize, what: What) {
        let client = &self.clients[client];
        let session = Some(client.session.clone());
        let server = Some(format!("s{}", client.server + 1));
        self.lines.push(Line { client: client.id, session, server, what });
    }

    /// Applies writes at a server up to `count` states; its clients are told.
    fn advance(&mut self, server: usize, count: usize) {
        for place in self.applied[server]..count.max(self.applied[server]) {
            let events = self.states[place].events.clone();
            for client in 0..self.clients.len() {
                if self.clients[client].server != server {
                    continue;
                }
                for (kind, path) in &events {
                    self.tell(client, *kind, path);
                }
            }
            self.applied[server] = place + 1;
        }
    }

    fn tell(&mut self, client: usize, kind: WatchKind, path: &str) {
        let watches = &mut self.clients[client].watches;
        let data =
            kind != WatchKind::NodeChildrenChanged && watches.remove(&(path.to_owned(), false));
        let below = matches!(kind, WatchKind::NodeChildrenChanged | WatchKind::NodeDeleted)
            && watches.remove(&(path.to_owned(), true));
        if data || below {
            let at = self.moment();
            self.line(client, What::Watch { at, kind, path: path.to_owned(), zxid: None });
        }
    }

    fn step(&mut self, faults: bool) {
        let client = self.rng.random_range(0..self.clients.len());
        let server = self.clients[client].server;
        match self.rng.random_range(0..100) {
            0..20 => {
                let count = self.rng.random_range(self.applied[server]..=self.states.len());
                self.advance(server, count);
            }
            20..25 if faults => self.lose(client),
            25..28 if faults => self.expire(client),
            _ => match self.clients[client].pending.take() {
                None => {
                    let call = self.call();
                    let invoked = self.moment();
                    self.clients[client].pending = Some((invoked, call));
                }
                Some((invoked, call)) => self.answer(client, invoked, call),
            },
        }
    }

    fn path(&mut self) -> String {
        let paths = ["/a", "/b", "/a/x", "/a/y"];
        (*paths.choose(&mut self.rng).expect("some")).to_owned()
    }

    fn part(&mut self) -> Call {
        let path = self.path();
        self.values += 1;
        let data = format!("v{}", self.values);
        match self.rng.random_range(0..10) {
            0..4 => {
                let kinds = [
                    Kind::Persistent,
                    Kind::Persistent,
                    Kind::Ephemeral,
                    Kind::PersistentSequential,
                    Kind::EphemeralSequential,
                ];
                Call::Create { path, data, kind: *kinds.choose(&mut self.rng).expect("some") }
            }
            4..6 => Call::Delete { path, version: None },
            _ => {
                let version = self.rng.random_bool(0.3).then(|| self.rng.random_range(0..3));
                Call::Set { path, data, version }
            }
        }
    }

    fn plain(&mut self) -> Call {
        let path = ["/a", "/b"].choose(&mut self.rng).expect("some");
        let path = (*path).to_owned();
        self.values += 1;
        let data = format!("v{}", self.values);
        match self.rng.random_range(0..8) {
            0 | 1 => Call::Create { path, data, kind: Kind::Persistent },
            2 => Call::Delete { path, version: None },
            3 | 4 => Call::Set { path, data, version: None },
            _ => Call::Get { path, watch: false },
        }
    }

    fn call(&mut self) -> Call {
        if self.plain {
            return self.plain();
        }
        let (path, watch) = (self.path(), self.rng.random_bool(0.4));
        match self.rng.random_range(0..12) {
            0..5 => self.part(),
            5 => Call::Multi { parts: (0..2).map(|_| self.part()).collect() },
            6 | 7 => Call::Get { path, watch },
            8 => Call::Exists { path, watch },
            9 | 10 => Call::Children { path, watch },
            _ => Call::Sync { path },
        }
    }

    /// Makes a write: whether it succeeded or why not, and the parts of the answer.
    fn write(&mut self, session: &str, call: &Call) -> (Zxid, Option<String>, Vec<ReplyPart>) {
        let last = self.states.last().expect("a first state");
        let (mut tree, zxid) = (last.tree.clone(), Zxid::new(1, last.zxid.counter + 1));
        let (mut events, mut replies) = (Vec::new(), Vec::new());
        let parts = match call {
            Call::Multi { parts } => parts.clone(),
            one => vec![one.clone()],
        };
        let mut error = None;
        for part in &parts {
            match apply(&mut tree, zxid, session, part, &mut events) {
                Ok(reply) => replies.push(reply),
                Err(why) => {
                    error = Some(why.to_owned());
                    break;
                }
            }
        }
        let state = match &error {
            None => State { zxid, tree, events },
            Some(_) => State { zxid, tree: last.tree.clone(), events: Vec::new() },
        };
        if let Some(why) = &error {
            let failed = replies.len();
            let part = |number| ReplyPart {
                error: Some(if number == failed { why } else { "RuntimeInconsistency" }.to_owned()),
                ..ReplyPart::default()
            };
            replies = (0..parts.len()).map(part).collect();
        }
        self.states.push(state);
        (zxid, error, replies)
    }

    fn answer(&mut self, client: usize, invoked: u64, call: Call) {
        let server = self.clients[client].server;
        let mut reply = Reply::default();
        let (zxid, error) = if call.is_write() {
            let session = self.clients[client].session.clone();
            let (zxid, error, parts) = self.write(&session, &call);
            self.advance(server, self.states.len());
            if matches!(call, Call::Multi { .. }) {
                reply.parts = parts;
            } else if let (None, Some(part)) = (&error, parts.into_iter().next()) {
                (reply.path, reply.stat) = (part.path, part.stat);
            }
            (zxid, error)
        } else {
            if matches!(call, Call::Sync { .. }) {
                self.advance(server, self.states.len());
            }
            let state = &self.states[self.applied[server] - 1];
            (state.zxid, read(&state.tree, &call, &mut reply))
        };
        let fine = error.is_none();
        let watch = match &call {
            Call::Get { path, watch: true } if fine => Some((path.clone(), false)),
            Call::Exists { path, watch: true } => Some((path.clone(), false)),
            Call::Children { path, watch: true } if fine => Some((path.clone(), true)),
            _ => None,
        };
        self.clients[client].watches.extend(watch);
        self.clients[client].seen = zxid;
        let returned = Some(self.moment());
        let operation = Operation { invoked, returned, call, zxid: Some(zxid), error, reply };
        self.line(client, What::Operation(operation));
    }

    /// The connection is lost, with what was asked: a write may have happened, and may still.
    fn lose(&mut self, client: usize) {
        if let Some((invoked, call)) = self.clients[client].pending.take() {
            if call.is_write() && self.rng.random_bool(0.5) {
                let session = self.clients[client].session.clone();
                self.write(&session, &call);
            }
            let reply = Reply::default();
            let operation =
                Operation { invoked, returned: None, call, zxid: None, error: None, reply };
            self.line(client, What::Operation(operation));
        }
        let at = self.moment();
        self.line(client, What::Disconnected { at });
        let server = self.rng.random_range(0..self.applied.len());
        let seen = self.clients[client].seen;
        let needed = self.states.iter().take_while(|state| state.zxid <= seen).count();
        self.clients[client].watches.clear();
        self.advance(server, needed);
        self.clients[client].server = server;
        let at = self.moment();
        self.line(client, What::Connected { at });
    }

    /// The leader ends a session; its client learns of it when it comes back.
    fn expire(&mut self, client: usize) {
        if let Some((invoked, call)) = self.clients[client].pending.take() {
            let reply = Reply::default();
            let operation =
                Operation { invoked, returned: None, call, zxid: None, error: None, reply };
            self.line(client, What::Operation(operation));
        }
        let session = self.clients[client].session.clone();
        self.write(&session, &Call::Close);
        let at = self.moment();
        self.line(client, What::Expired { at });
        let old = self.clients.remove(client);
        self.connect(old.id);
    }
}

fn stat(tree: &Tree, path: &str) -> Option<Stat> {
    let node = tree.get(path)?;
    let children = tree.keys().filter(|other| *other != "/" && parent(other) == path).count();
    let num_children = u32::try_from(children).expect("few");
    Some(Stat {
        czxid: node.czxid,
        mzxid: node.mzxid,
        pzxid: node.pzxid,
        version: node.version,
        cversion: node.creates * 2 - i32::try_from(children).expect("few"),
        ephemeral_owner: node.owner.clone(),
        num_children,
    })
}

fn apply(
    tree: &mut Tree,
    zxid: Zxid,
    session: &str,
    part: &Call,
    events: &mut Vec<(WatchKind, String)>,
) -> Result<ReplyPart, &'static str> {
    match part {
        Call::Create { path, data, kind } => {
            let above = tree.get_mut(parent(path)).ok_or("NoNode")?;
            if above.owner.is_some() {
                return Err("NoChildrenForEphemerals");
            }
            let number =
                if kind.is_sequential() { format!("{:010}", above.creates) } else { String::new() };
            let path = format!("{path}{number}");
            if tree.contains_key(&path) {
                return Err("NodeExists");
            }
            let above = tree.get_mut(parent(&path)).ok_or("NoNode")?;
            (above.creates, above.pzxid) = (above.creates + 1, zxid);
            let owner = kind.is_ephemeral().then(|| session.to_owned());
            let node = Node {
                czxid: zxid,
                mzxid: zxid,
                pzxid: zxid,
                version: 0,
                creates: 0,
                owner,
                data: data.clone(),
            };
            tree.insert(path.clone(), node);
            events.push((WatchKind::NodeCreated, path.clone()));
            events.push((WatchKind::NodeChildrenChanged, parent(&path).to_owned()));
            let stat = stat(tree, &path);
            Ok(ReplyPart { path: Some(path), stat, error: None })
        }
        Call::Delete { path, .. } => {
            if !tree.contains_key(path) {
                return Err("NoNode");
            }
            if tree.keys().any(|other| other != "/" && parent(other) == path) {
                return Err("NotEmpty");
            }
            remove(tree, zxid, path, events);
            Ok(ReplyPart::default())
        }
        Call::Set { path, data, version } => {
            let node = tree.get_mut(path).ok_or("NoNode")?;
            if version.is_some_and(|version| version != node.version) {
                return Err("BadVersion");
            }
            (node.data, node.mzxid, node.version) = (data.clone(), zxid, node.version + 1);
            events.push((WatchKind::NodeDataChanged, path.clone()));
            Ok(ReplyPart { path: None, stat: stat(tree, path), error: None })
        }
        Call::Close => {
            let own = tree.iter().filter(|(_, node)| node.owner.as_deref() == Some(session));
            let own: Vec<String> = own.map(|(path, _)| path.clone()).collect();
            own.iter().for_each(|path| remove(tree, zxid, path, events));
            Ok(ReplyPart::default())
        }
        _ => Ok(ReplyPart::default()),
    }
}

fn remove(tree: &mut Tree, zxid: Zxid, path: &str, events: &mut Vec<(WatchKind, String)>) {
    tree.remove(path);
    if let Some(above) = tree.get_mut(parent(path)) {
        above.pzxid = zxid;
    }
    events.push((WatchKind::NodeDeleted, path.to_owned()));
    events.push((WatchKind::NodeChildrenChanged, parent(path).to_owned()));
}

fn read(tree: &Tree, call: &Call, reply: &mut Reply) -> Option<String> {
    let (Call::Get { path, .. } | Call::Exists { path, .. } | Call::Children { path, .. }) = call
    else {
        return None;
    };
    let Some(node) = tree.get(path) else { return Some("NoNode".to_owned()) };
    reply.stat = stat(tree, path);
    match call {
        Call::Get { .. } => reply.data = Some(node.data.clone()),
        Call::Children { .. } => {
            let own = tree.keys().filter(|other| *other != "/" && parent(other) == path);
            let names = own.map(|other| other.rsplit('/').next().unwrap_or("").to_owned());
            reply.children = Some(names.collect());
        }
        _ => {}
    }
    None
}
