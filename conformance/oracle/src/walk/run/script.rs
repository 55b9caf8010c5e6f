//! A run that an exploration has found, step by step at the finest grain: every step of a server is
//! taken by the same rules, and what it sends is sent at once.
//!
//! The coarse election lets a server join a leader while another one writes and cannot answer. A
//! server whose next step is not possible yet waits, and the others go on; whenever none waits, all
//! servers are as the exploration has them.

use stateright::Model;
use zab_model::explore::{self, Action, Flat, Zab};
use zab_model::{
    Config, Item, Ledger, Message, Number, Phase, Role, Server, ServerId, ServerSet, Shape, Step,
    Wide, Zxid,
};
use zab_trace::{Event, EventKind};

use super::Walker;
use crate::walk::NotShown;
use zab_check::convert;

/// Exchanges of votes after which an election has not ended.
const EXCHANGES_MAX: usize = 4;

impl Walker {
    /// Takes the actions, and ends every process that is left.
    pub(in crate::walk) fn play<const N: usize, const P: usize>(
        mut self,
        model: &Zab<N, P>,
        actions: &[Action],
    ) -> Result<Vec<Event>, NotShown> {
        let rows = 0..self.nodes.len();
        for row in rows.clone() {
            self.start_with(row, 0);
            self.show_all(row);
        }
        let mut state = model.init_states().into_iter().next().ok_or(NotShown::Past)?;
        let mut waiting = Vec::new();
        for action in actions {
            state = model.next_state(&state, *action).ok_or(NotShown::NotPossible(*action))?;
            waiting.push(*action);
            self.go_on(&mut waiting)?;
            if waiting.is_empty() && !rows.clone().all(|row| self.is_at(row, model, &state)) {
                return Err(NotShown::Differs(*action));
            }
        }
        if let Some(first) = waiting.first() {
            return Err(NotShown::NotPossible(*first));
        }
        for row in rows {
            if self.nodes[row].server.role != Role::Down {
                self.killed(row);
            }
        }
        Ok(self.events)
    }

    /// Takes those of the actions that are possible, those of each server in their order.
    fn go_on(&mut self, waiting: &mut Vec<Action>) -> Result<(), NotShown> {
        loop {
            let mut behind = ServerSet::default();
            let mut taken = None;
            for (place, action) in waiting.iter().enumerate() {
                let takers = takers(*action);
                // Of several connections of a learner the newest is accepted.
                let dials =
                    if let Action::Accept(learner, _) = action { Some(*learner) } else { None };
                let mut needed = takers.iter().chain(dials);
                if needed.all(|id| !behind.contains(id)) && self.play_one(*action)? {
                    taken = Some(place);
                    break;
                }
                takers.iter().for_each(|id| behind.insert(id));
            }
            let Some(place) = taken else { return Ok(()) };
            waiting.remove(place);
            (0..self.nodes.len()).for_each(|row| self.show_all(row));
        }
    }

    /// Takes one action; `false` if it is not possible yet.
    fn play_one(&mut self, action: Action) -> Result<bool, NotShown> {
        let lines = self.events.len();
        let row = of(action.server());
        match action {
            Action::Start(_, survived) => {
                // The machine of a process that was killed has written everything.
                let tail = self.nodes[row].server.unsynced();
                let survived = if self.killed[row] { tail } else { usize::from(survived) };
                self.start_with(row, survived);
            }
            Action::Crash(_) | Action::Kill(_) => {
                self.killed[row] = matches!(action, Action::Kill(_));
                self.killed(row);
                self.down(row);
            }
            // The line of the next start shows it.
            Action::CutReturns(_) => return Ok(self.nodes[row].step(&self.cfg, Step::CutReturns)),
            Action::Elect(leader, followers) => return self.elect(action, leader, followers),
            Action::Join(_, leader) => return Ok(self.join(row, leader)),
            Action::Connect(_) => self.connect(row),
            Action::Accept(learner, _) => self.accept_and_take(row, of(learner)),
            Action::ToLeader(learner, _) => self.take_from(row, of(learner)),
            Action::ToLearner(_) => self.take_from(row, self.leader_of(row)),
            // Nobody has noticed anything yet.
            Action::Cut(_) => return Ok(true),
            Action::LearnerNotices(_) => self.notice_end(row, self.leader_of(row)),
            Action::LeaderNotices(learner, _) => self.notice_end(row, of(learner)),
            Action::LeaveRole(_) => self.leave_role(row),
            Action::Write(_) => return Ok(self.write(row, Step::ProgramNext)),
            Action::ZombieWrites(_) => return Ok(self.write(row, Step::ZombieWrites)),
            Action::Sync(_, up_to) => {
                self.sync_to(row, Zxid::new(up_to.epoch.into(), up_to.counter.into()));
            }
            Action::Request(_) => self.request(row),
            Action::LoseDisk(_) | Action::AppendFails(_) | Action::Lose(_) | Action::Swap(_) => {
                return Err(NotShown::NoLine(action));
            }
            Action::Notification(..) | Action::Settle(_) | Action::Resend(_) => {
                return Err(NotShown::Election);
            }
            Action::Apply(_) | Action::Handler(..) => return Err(NotShown::Threads),
            Action::OlderToLeader(..) | Action::OlderEnds(..) => return Err(NotShown::Older),
            Action::Observe(..) => return Err(NotShown::Observers),
        }
        Ok(self.events.len() > lines)
    }

    /// Whether a server is as the exploration has it.
    fn is_at<const N: usize, const P: usize>(
        &self,
        row: usize,
        model: &Zab<N, P>,
        state: &explore::State<N, P>,
    ) -> bool {
        let flat =
            Config::<Flat<N>> { ensemble: model.ensemble, logs: Ledger::new(state.transactions) };
        seen(&flat, &state.servers[row]) == seen(&self.cfg, &self.nodes[row].server)
    }

    fn leader_of(&self, row: usize) -> usize {
        of(self.nodes[row].server.vote.leader)
    }

    /// Shows everything that the last step has produced, and sends what it sends.
    fn show_all(&mut self, row: usize) {
        while let Some(line) = self.nodes[row].lines[0].pop_front() {
            self.line(row, line.line());
        }
        self.show_decisions(row);
        while let Some((link, message)) = self.next_to_send(row) {
            let Some(end) = self.net.links[link].end(row) else { return };
            let ordinal = self.net.links[link].send(end, message);
            self.packet(row, link, ordinal, &message, true);
        }
        while let Some(link) = self.nodes[row].ended.pop() {
            self.nodes[row].sends.retain(|(other, _)| *other != link);
            self.disconnected(row, link);
        }
    }

    fn next_to_send(&mut self, row: usize) -> Option<(usize, convert::ModelMessage)> {
        let mut sends = self.nodes[row].sends.iter_mut();
        sends.find_map(|(link, queue)| Some((*link, queue.pop_front()?)))
    }

    /// Whether a server answers notifications now.
    fn answers(&self, row: usize) -> bool {
        let server = &self.nodes[row].server;
        server.role != Role::Down && server.program.is_finished()
    }

    /// The voters tell their votes until nobody has anything to say, and settle.
    fn elect(
        &mut self,
        action: Action,
        leader: ServerId,
        followers: ServerSet,
    ) -> Result<bool, NotShown> {
        let rows: Vec<usize> = [leader].into_iter().chain(followers.iter()).map(of).collect();
        if !rows.iter().all(|row| self.answers(*row)) {
            return Ok(false);
        }
        for _ in 0..EXCHANGES_MAX {
            self.tell_again(&rows);
            self.exchange(&rows);
            if rows.iter().all(|row| self.nodes[*row].server.vote.leader == leader) {
                for row in &rows {
                    self.settle(*row);
                }
            }
            if rows.iter().all(|row| self.nodes[*row].server.role != Role::Looking) {
                return Ok(true);
            }
        }
        Err(NotShown::NotPossible(action))
    }

    /// A server that looks asks those who have settled on a leader and can answer, until it follows
    /// it. Who cannot answer now is asked later; what the others have told stays.
    fn join(&mut self, row: usize, leader: ServerId) -> bool {
        let settled = |other: &usize| {
            let server = &self.nodes[*other].server;
            let has_role = matches!(server.role, Role::Following | Role::Leading);
            *other != row && has_role && server.vote.leader == leader && self.answers(*other)
        };
        let mut rows: Vec<usize> = (0..self.nodes.len()).filter(settled).collect();
        if !self.answers(row) || self.asked[row] == rows {
            return false;
        }
        self.asked[row].clone_from(&rows);
        rows.push(row);
        self.tell_again(&rows);
        self.exchange(&rows);
        let joined = self.nodes[row].server.role != Role::Looking;
        if joined {
            self.asked[row].clear();
        }
        joined
    }

    /// What was to be told earlier is not told any more; who looks tells its vote now.
    fn tell_again(&mut self, rows: &[usize]) {
        for from in rows {
            for to in rows {
                self.nodes[*from].notices[*to].clear();
            }
        }
        for row in rows {
            self.resend(*row);
        }
    }

    /// Notifications between these servers, until none is left.
    fn exchange(&mut self, rows: &[usize]) {
        let pairs = rows.iter().flat_map(|from| rows.iter().map(move |to| (*from, *to)));
        let pairs: Vec<(usize, usize)> = pairs.filter(|(from, to)| from != to).collect();
        while pairs.iter().any(|(from, to)| self.carry(*from, *to)) {
            rows.iter().for_each(|row| self.show_all(*row));
        }
    }

    /// The next notification of a server reaches another one.
    fn carry(&mut self, from: usize, to: usize) -> bool {
        let Some(notification) = self.nodes[from].notices[to].pop_front() else { return false };
        let existing = self.net.election(from, to);
        let link = existing.unwrap_or_else(|| self.open([from.max(to), from.min(to)], true));
        let Some(end) = self.net.links[link].end(from) else { return false };
        self.nodes[from].last[to] = Some(notification);
        let message = Message::Notification(notification);
        let ordinal = self.net.links[link].send(end, message);
        self.packet(from, link, ordinal, &message, true);
        self.take(to, link, 1 - end);
        true
    }

    /// A leader shows the newest connection of a learner, and receives its first packet.
    fn accept_and_take(&mut self, row: usize, learner: usize) {
        if !self.answers(row) || self.nodes[row].server.role != Role::Leading {
            return;
        }
        let waits = |link: usize| {
            let link = &self.net.links[link];
            let is_new = !link.shown[1] && !link.queue[1].is_empty();
            link.ends == [learner, row] && is_new && link.up[1] && !link.election
        };
        let Some(link) = (0..self.net.links.len()).rev().find(|link| waits(*link)) else { return };
        self.accept(row, link);
        self.take(row, link, 1);
    }

    fn take_from(&mut self, row: usize, peer: usize) {
        let Some(link) = self.wire(row, peer) else { return };
        if let Some(end) = self.net.links[link].end(row) {
            self.take(row, link, end);
        }
    }

    fn notice_end(&mut self, row: usize, peer: usize) {
        if let Some(link) = self.wire(row, peer) {
            self.notice(row, link);
        }
    }

    fn wire(&self, row: usize, peer: usize) -> Option<usize> {
        self.nodes[row].wires.get(peer).copied().flatten()
    }

    /// As [`Walker::leave`], also with transactions that are not synced: the line comes before the
    /// write then.
    fn leave_role(&mut self, row: usize) {
        if !self.nodes[row].step(&self.cfg, Step::LeaveRole) {
            return;
        }
        if let Some(kind) = self.nodes[row].lines[1].pop_back() {
            return self.line(row, kind.line());
        }
        let round = self.nodes[row].server.round;
        self.nodes[row].looking_shown = true;
        self.line(row, EventKind::Looking { round });
    }

    /// A step that writes something, or nothing; whether it was taken.
    fn write(&mut self, row: usize, step: Step<Wide>) -> bool {
        let taken = self.nodes[row].step(&self.cfg, step);
        if taken && let Some(write) = self.nodes[row].written {
            self.line(row, EventKind::Persisted(convert::persisted(write)));
        }
        taken
    }

    fn sync_to(&mut self, row: usize, up_to: Zxid<u32>) {
        if self.nodes[row].step(&self.cfg, Step::SyncLog { up_to }) {
            let write = zab_trace::Persisted::Log(convert::zxid(up_to));
            self.line(row, EventKind::Persisted(write));
        }
    }
}

/// The row of a server.
fn of(id: ServerId) -> usize {
    usize::from(id.0).saturating_sub(1)
}

/// Every server that takes part in an action.
fn takers(action: Action) -> ServerSet {
    let mut takers = ServerSet::of(action.server());
    if let Action::Elect(_, followers) = action {
        followers.iter().for_each(|id| takers.insert(id));
    }
    takers
}

/// What two shapes of a server have in common.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    role: (Role, Phase),
    leader: Option<ServerId>,
    epochs: [usize; 2],
    log: (usize, usize),
    last: Zxid<usize>,
    committed: Option<Zxid<usize>>,
    label: Zxid<usize>,
    next: Item,
}

fn seen<S: Shape>(cfg: &Config<S>, server: &Server<S>) -> Seen {
    let shown = server.projection(cfg);
    let zxid = |zxid: Zxid<S::Num>| Zxid {
        epoch: zxid.epoch.to_usize(),
        counter: zxid.counter.to_usize(),
    };
    let settled = matches!(shown.role, Role::Following | Role::Leading);
    // Elsewhere an exploration forgets it.
    let served = shown.phase == Phase::Broadcast;
    Seen {
        role: (shown.role, shown.phase),
        leader: settled.then_some(server.vote.leader),
        epochs: [shown.accepted_epoch.to_usize(), shown.current_epoch.to_usize()],
        log: (shown.log_length, S::length(&server.disk.history)),
        last: zxid(shown.last_zxid),
        committed: served.then_some(zxid(shown.last_committed)),
        label: zxid(server.database.label),
        next: server.program.next(),
    }
}
