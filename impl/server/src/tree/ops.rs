//! One file for each operation: how the leader checks a request and what it proposes
//! ([`Preparer`](super::Preparer)), and what every server does with the transaction
//! ([`Tree`](super::Tree)).

mod check;
mod create;
mod delete;
mod multi;
mod session;
mod set_acl;
mod set_data;

pub(super) use create::NewNode;
use zab_wire::ErrorCode;

/// The version after a change that asks for version `asked`; −1 asks for none.
fn next_version(current: i32, asked: i32) -> Result<i32, ErrorCode> {
    if asked != -1 && asked != current {
        return Err(ErrorCode::BadVersion);
    }
    Ok(current.wrapping_add(1))
}
