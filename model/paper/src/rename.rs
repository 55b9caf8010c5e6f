//! Other epochs and other values of requests: every place of a state in which there is one.

use crate::queue::Kind;
use crate::state::State;
use crate::types::Zxid;

/// The numbers that occur somewhere, each a bit; they are below 128.
#[derive(Clone, Copy)]
struct Used(u128);

impl Used {
    fn insert(&mut self, number: u8) {
        self.0 |= 1 << (number & 127);
    }

    /// How many of them are less than this one.
    fn rank(self, number: u8) -> u8 {
        let below = self.0 & ((1 << (number & 127)) - 1);
        below.count_ones().to_le_bytes()[0]
    }

    /// Whether each is its own rank.
    fn are_ranks(self) -> bool {
        self.0 & self.0.wrapping_add(1) == 0
    }
}

/// Changes a zxid and the value beside it. Without an epoch, and where no value belongs to it, both
/// stay what they are: 0.
fn change(
    zxid: &mut Zxid,
    value: Option<&mut u8>,
    map_epoch: &mut impl FnMut(u8) -> u8,
    map_value: &mut impl FnMut(u8) -> u8,
) {
    if *zxid == Zxid::ZERO {
        return;
    }
    *zxid = Zxid::new(map_epoch(zxid.epoch()), zxid.counter());
    if let Some(value) = value {
        *value = map_value(*value);
    }
}

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    /// Changes every epoch and every value that occurs in servers, histories, reports and messages.
    fn change_all(
        &mut self,
        mut map_epoch: impl FnMut(u8) -> u8,
        mut map_value: impl FnMut(u8) -> u8,
    ) {
        for server in &mut self.servers {
            server.accepted_epoch = map_epoch(server.accepted_epoch);
            server.current_epoch = map_epoch(server.current_epoch);
            for report in &mut server.leading.reports {
                report.epoch = map_epoch(report.epoch);
            }
            let reported = server.leading.reports.iter_mut().map(|report| &mut report.history);
            let histories = [&mut server.history, &mut server.link.history];
            for txn in reported.chain(histories).flat_map(|history| history.slots_mut()) {
                change(&mut txn.zxid, Some(&mut txn.value), &mut map_epoch, &mut map_value);
            }
            for queue in [&mut server.link.down, &mut server.link.up] {
                for message in queue.slots_mut() {
                    let value = (message.kind == Kind::Propose).then_some(&mut message.value);
                    change(&mut message.zxid, value, &mut map_epoch, &mut map_value);
                }
            }
        }
    }

    /// The same state with other epochs. It means the same if the map is strictly monotone and keeps
    /// 0, which stands for no epoch.
    #[must_use]
    pub fn with_epochs(&self, map: impl FnMut(u8) -> u8) -> Self {
        let mut state = *self;
        state.change_all(map, |value| value);
        state
    }

    /// The same state with other values of requests. It means the same if the map is strictly
    /// monotone.
    #[must_use]
    pub fn with_values(&self, map: impl FnMut(u8) -> u8) -> Self {
        let mut state = *self;
        state.change_all(|epoch| epoch, map);
        state
    }

    /// The epochs and the values that occur; 0 is always an epoch.
    fn used(&mut self) -> [Used; 2] {
        let (mut epochs, mut values) = (Used(1), Used(0));
        let (in_epochs, in_values) = (&mut epochs, &mut values);
        self.change_all(
            |epoch| {
                in_epochs.insert(epoch);
                epoch
            },
            |value| {
                in_values.insert(value);
                value
            },
        );
        [epochs, values]
    }

    /// Every epoch becomes its rank among those that occur, and so does every value. Gives back how
    /// many there are: 0, which is always an epoch, included.
    pub(super) fn become_ranks(&mut self) -> [u32; 2] {
        let [epochs, values] = self.used();
        if !(epochs.are_ranks() && values.are_ranks()) {
            self.change_all(|epoch| epochs.rank(epoch), |value| values.rank(value));
        }
        [epochs.0.count_ones(), values.0.count_ones()]
    }

    /// How many epochs and values occur; 0 is always an epoch.
    pub(super) fn count_used(&self) -> [u32; 2] {
        let mut state = *self;
        state.used().map(|used| used.0.count_ones())
    }
}
