//! Other names for epochs, for values and for servers, and the steps of all states that differ in
//! names only: written down as plainly as can be.

use std::collections::BTreeSet;

use stateright::Model;
use zab_paper::{
    Action, History, Kind, Members, Message, Paper, Queue, Seat, Spent, State, Txn, Zxid,
};
use zerocopy::IntoBytes;

/// The same state, with other epochs and other values.
fn renumbered<const N: usize, const X: usize>(
    state: &State<N, X, 0>,
    epoch: &mut dyn FnMut(u8) -> u8,
    value: &mut dyn FnMut(u8) -> u8,
) -> State<N, X, 0> {
    // Without an epoch it stands for no transaction.
    let mut zxid = |old: Zxid| match old {
        Zxid::ZERO => old,
        _ => Zxid::new(epoch(old.epoch()), old.counter()),
    };
    let mut renamed = *state;
    for server in &mut renamed.servers {
        let mut history = |old: &mut History<X>| {
            let new = |txn: &Txn| Txn { zxid: zxid(txn.zxid), value: value(txn.value) };
            *old = History::of(old.txns().iter().map(new).collect::<Vec<_>>());
        };
        history(&mut server.history);
        history(&mut server.link.history);
        server.leading.reports.iter_mut().for_each(|report| history(&mut report.history));
        for queue in [&mut server.link.down, &mut server.link.up] {
            let mut new = Queue::default();
            for Message { kind, zxid: old, value: of } in queue.messages().copied() {
                let of = if kind == Kind::Propose { value(of) } else { of };
                let pushed = new.push(Message { kind, zxid: zxid(old), value: of });
                pushed.expect("a queue is as long as it was");
            }
            *queue = new;
        }
    }
    for server in &mut renamed.servers {
        server.accepted_epoch = epoch(server.accepted_epoch);
        server.current_epoch = epoch(server.current_epoch);
        server.leading.reports.iter_mut().for_each(|report| report.epoch = epoch(report.epoch));
    }
    renamed
}

/// The epochs and the values that occur; 0 is an epoch in any case.
fn used<const N: usize, const X: usize>(state: &State<N, X, 0>) -> [BTreeSet<u8>; 2] {
    let (mut epochs, mut values) = (BTreeSet::from([0]), BTreeSet::new());
    let mut epoch = |epoch| (epochs.insert(epoch), epoch).1;
    renumbered(state, &mut epoch, &mut |value| (values.insert(value), value).1);
    [epochs, values]
}

/// How many of them are less.
fn rank(all: &BTreeSet<u8>, number: u8) -> u8 {
    u8::try_from(all.range(..number).count()).expect("as many bytes")
}

/// The state in which nothing is spent, epochs and values are their ranks, and servers have the names
/// with which its bytes are least.
pub(crate) fn canonical<const N: usize, const X: usize>(
    state: &State<N, X, 0>,
    orders: &[[usize; N]],
) -> State<N, X, 0> {
    let [epochs, values] = used(state);
    let (mut epoch, mut value) = (|old| rank(&epochs, old), |old| rank(&values, old));
    let ranked = State { spent: Spent::default(), ..renumbered(state, &mut epoch, &mut value) };
    let all = orders.iter().map(|order| moved(&ranked, order));
    all.min_by(|a, b| a.as_bytes().cmp(b.as_bytes())).expect("there is an order")
}

/// All orders of `N` servers: of all lists of `N` of them, those in which each occurs.
pub(crate) fn orders<const N: usize>() -> Vec<[usize; N]> {
    let lists = (0..[N; N].iter().product()).map(|number: usize| {
        let mut rest = number;
        std::array::from_fn(|_| (rest % N, rest /= N).0)
    });
    lists.filter(|order| (0..N).all(|server| order.contains(&server))).collect()
}

/// The state after the server at each index has moved to `places[index]`.
fn moved<const N: usize, const X: usize>(
    state: &State<N, X, 0>,
    places: &[usize; N],
) -> State<N, X, 0> {
    let seat = |seat: Seat| seat.index().map_or(seat, |index| Seat::of(places[index]));
    let members = |set: &mut Members| {
        let old = std::mem::take(set);
        old.iter().for_each(|index| set.insert(places[index]));
    };
    let mut renamed = State { oracle: seat(state.oracle), ..*state };
    for (server, place) in state.servers.iter().zip(places) {
        let new = &mut renamed.servers[*place];
        *new = *server;
        new.leader = seat(server.leader);
        let leading = &mut new.leading;
        members(&mut leading.learners);
        leading.acks.iter_mut().for_each(members);
        for heard in [&mut leading.cepoch, &mut leading.ack_epoch, &mut leading.ack_ld] {
            members(&mut heard.senders);
            members(&mut heard.connected);
        }
        for (report, place) in server.leading.reports.iter().zip(places) {
            leading.reports[*place] = *report;
        }
    }
    renamed
}

/// Calls `visit` with every state that a step leads to, from any state that has the same canonical one.
pub(crate) fn for_each_step<const N: usize, const X: usize>(
    model: &Paper<N, X, 0>,
    state: &State<N, X, 0>,
    mut visit: impl FnMut(Action, State<N, X, 0>),
) {
    let ([epochs, values], txns) = (used(state), usize::from(model.bounds().txns));
    // Nothing is spent, and the next request has a value that is greater than all others.
    let spent = Spent { requests: rank(&values, u8::MAX), ..Spent::default() };
    let (unspent, mut actions) = (State { spent, ..*state }, Vec::new());
    model.actions(&unspent, &mut actions);
    for action in actions {
        // A request needs room in the history of the leader.
        if let Action::LeaderProcessRequest(i) = action
            && state.servers[i].history.len() >= txns
        {
            continue;
        }
        // The leader takes the epoch after the greatest that it has heard of. Maybe nobody has that
        // one, because there is a gap: wherever it is.
        let decides = matches!(action, Action::LeaderProcessCepoch(..));
        let gaps = if decides { rank(&epochs, u8::MAX) } else { 1 };
        model.next_state(&unspent, action).into_iter().for_each(|next| visit(action, next));
        for gap in 1..gaps {
            let mut epoch = |epoch| epoch + u8::from(epoch >= gap);
            let apart = renumbered(&unspent, &mut epoch, &mut |value| value);
            model.next_state(&apart, action).into_iter().for_each(|next| visit(action, next));
        }
    }
}
