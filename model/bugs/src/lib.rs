//! The known bugs of ZooKeeper's protocol, and the hazards: each is one switch of a profile, found
//! by exploration from empty disks.
//!
//! [`BUGS`] says of each what it is made of, which releases have it, how far it has to be looked for
//! ([`Budget`]), and what the damage is. [`Scene::find`] looks for it: with the fewest faults, then
//! with the fewest steps, told in the order with the fewest changes of server. [`control`] explores
//! the same without the bug.
//!
//! [`REASONS`] tells why each happens and what its fix changes; [`behaves_as`] knows which release behaves like which.
//!
//! The model in which a bug is looked for is [`Hunt`]: the `zookeeper` family at the coarsest grain
//! that shows the bug (leaders elected in one step, a step up to each write or, where the bug is between
//! threads, for each item of each thread), in which only the servers that are named suffer a fault.

mod budget;
mod diff;
mod find;
mod hunt;
mod impossible;
mod reasons;
mod releases;
mod sized;
mod story;
mod table;

pub use budget::Budget;
pub use diff::{Compared, Difference, Seen, difference};
pub use find::{Control, Search, Shown, control};
pub use hunt::Hunt;
pub use impossible::Impossible;
pub use reasons::{REASONS, Reason, reason};
pub use releases::{ALIKE, behaves_as};
pub use sized::{WithHunt, with_hunt};
pub use table::{BUGS, Bug, FoundIn, Scene};
