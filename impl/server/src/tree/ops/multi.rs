//! `multi`: a transaction of a ZooKeeper leader. Clients of this server cannot ask for it yet.

use zab_wire::txn::MultiTxn;
use zab_wire::{TxnBody, TxnHeader};

use crate::tree::{Change, Tree};

impl Tree {
    /// Applies the parts of a `multi` under its header; none, if one of them is an error. The
    /// first error that a part comes to is that of the whole, and the others are applied.
    pub(crate) fn multi(&mut self, header: &TxnHeader, multi: &MultiTxn) -> Result<Change, i32> {
        let bodies: Vec<TxnBody> =
            multi.parts.iter().filter_map(|part| part.decode_body().ok()).collect();
        assert_eq!(bodies.len(), multi.parts.len(), "the parts were let through");
        let errors = bodies.iter().filter_map(|body| {
            if let TxnBody::Error(number) = body { Some(*number) } else { None }
        });
        let errors: Vec<i32> = errors.collect();
        if !errors.is_empty() {
            // Error 0 marks the parts before the one that failed.
            let first = errors.into_iter().find(|number| *number != 0);
            return first.map_or(Ok(Change::Several), Err);
        }
        let mut outcome = Ok(Change::Several);
        for body in bodies {
            if let Err(number) = self.apply_body(header, body)
                && outcome.is_ok()
            {
                outcome = Err(number);
            }
        }
        outcome
    }
}
