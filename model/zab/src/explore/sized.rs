//! From bounds that are known when the program runs to a model whose size is known when it is
//! compiled.

use super::bounds::Bounds;
use super::model::{Start, Zab};
use super::sizes::{Flat, PAIRS, SERVERS, SERVERS_MAX};
use crate::config::Config;
use crate::stores::{Disk, Snapshot};

/// A model of the largest size. Whatever is to be explored can be written down as one; [`with_size`]
/// makes of it the model that is explored.
pub type Largest = Zab<SERVERS_MAX, { SERVERS_MAX * (SERVERS_MAX - 1) }>;

/// Something to be done with a model, whatever its size.
pub trait WithSize {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<const N: usize, const P: usize>(self, model: &Zab<N, P>) -> Self::Output;
}

/// Does something with the model of the smallest size that has room. Every size has the same states;
/// smaller ones are faster. There are two sizes, because each is compiled: [`SERVERS`] and
/// [`SERVERS_MAX`].
pub fn with_size<W: WithSize>(model: &Largest, work: W) -> W::Output {
    match model.resized::<SERVERS, PAIRS>() {
        Some(small) => work.run(&small),
        None => work.run(model),
    }
}

impl<const N: usize, const P: usize> Zab<N, P> {
    /// The same model with other room; `None` if that is not enough.
    #[must_use]
    pub fn resized<const M: usize, const Q: usize>(&self) -> Option<Zab<M, Q>> {
        let Bounds { servers, observers, .. } = self.bounds;
        Config::<Flat<M>>::with_observers(servers, observers).map(|_| self.moved())
    }

    /// The same model with as much room as there is.
    #[must_use]
    pub fn largest(&self) -> Largest {
        self.moved()
    }

    fn moved<const M: usize, const Q: usize>(&self) -> Zab<M, Q> {
        let Self { bounds, ensemble, starts, network } = self;
        Zab {
            bounds: *bounds,
            ensemble: *ensemble,
            starts: starts.iter().map(Start::resized).collect(),
            network: *network,
        }
    }
}

impl<const N: usize> Start<N> {
    /// The same disks, and empty ones for servers that there were not.
    fn resized<const M: usize>(&self) -> Start<M> {
        let Self { disks, transactions, committed, established, settled, down } = *self;
        let disk = |index: usize| disks.get(index).map_or_else(Disk::default, resized);
        let disks = std::array::from_fn(disk);
        Start { disks, transactions, committed, established, settled, down }
    }
}

/// A disk has no row for each server, so it is the same in any room.
fn resized<const N: usize, const M: usize>(disk: &Disk<Flat<N>>) -> Disk<Flat<M>> {
    let Disk { accepted_epoch, current_epoch, history, snapshot, cut } = *disk;
    let Snapshot { label, tree } = snapshot;
    Disk { accepted_epoch, current_epoch, history, snapshot: Snapshot { label, tree }, cut }
}
