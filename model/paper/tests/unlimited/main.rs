//! No bound on failures: what is closed, and why it speaks for every run.

mod closed;
mod laws;
mod lives;
mod places;
mod says_so;
mod states;
