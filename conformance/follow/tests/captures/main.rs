//! Captures of real servers, as they are and made wrong, followed through the model.

mod common;
mod corpus;
mod corrupt;
mod variants;
