//! Captures of the bytes between servers, followed through the model.
//!
//! A capture shows packets and nothing else: each is seen once, after it was sent and before it is
//! received. [`follow`] looks for a run of the model, at grain `threads` and under the rules of a release,
//! in which one server sends what the capture has of it, and receives only what the capture has for it.
//! What lies between two packets is hidden and searched: when packets are processed, votes that are counted,
//! what is written and when, handlers, requests of clients, timers.
//!
//! # What the answers mean
//!
//! * [`Answer::Conforms`]: every server, by itself, has such a run, whatever the others did.
//! * [`Answer::Diverges`]: a server has none, and every way to go on was looked at.
//! * [`Answer::Inconclusive`]: too many ways, or something that the model has no words for.
//!
//! Each server is explained alone. The runs of two servers need not fit together in what the capture does
//! not show: how much of a SNAP's state is which transactions, which votes were lost, what a server that
//! was killed had written. One run of all servers together would add just that.
//!
//! # What is weaker than a trace
//!
//! * Links of the election port lose, repeat and replace votes ([`node`], [`view`]).
//! * Of a connection of the quorum port, the last packets of each direction may be missing, and may never
//!   have been received.
//! * Packets that the model does not know are left out, each with its reason ([`translate`]).
//! * A process that is killed may have lost any part of the log that it had not synced.

#![expect(rustdoc::private_intra_doc_links, reason = "the modules hold the reasons")]

mod answer;
mod case;
mod moves;
mod node;
mod reasons;
mod reliance;
mod search;
mod software;
mod switches;
mod translate;
mod verdict;
mod view;
mod voters;

pub use answer::Answer;
pub use answer::Divergence;
pub use answer::Followed;
pub use reliance::Reliance;
pub use reliance::reliances;
pub use software::release_of;
pub use switches::Shown;
pub use switches::Shows;
pub use switches::Trial;
pub use switches::switches;
pub use verdict::answer;
pub use verdict::follow;
pub use verdict::follow_all;
pub use verdict::follow_in_every_order;
pub use verdict::servers;
