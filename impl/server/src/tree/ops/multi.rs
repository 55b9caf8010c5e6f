//! `multi`: several operations, of which all happen or none. Source: `PrepRequestProcessor`,
//! `DataTree.processTxn`.

use zab_wire::client::{MultiRequest, Op};
use zab_wire::txn::{MultiTxn, PartTxn};
use zab_wire::{ErrorCode, OpCode, TxnBody, TxnHeader};

use crate::mutant::Mutant;
use crate::tree::prepare::{Asked, Prepared};
use crate::tree::{Change, PartOutcome, Preparer, Tree};

impl Preparer {
    /// Each operation is checked against what those before it will have changed. When one fails,
    /// nothing of it remains but the errors: its own, and for those after it that they were not
    /// reached.
    pub(crate) fn multi(
        &mut self,
        tree: &Tree,
        asked: &Asked<'_>,
        request: MultiRequest,
        zxid: i64,
    ) -> Result<Prepared, ErrorCode> {
        if request.ops.iter().any(Op::is_read) {
            return Err(ErrorCode::MarshallingError);
        }
        let (mut parts, mut nodes) = (Vec::new(), Vec::new());
        let mut before = Vec::new();
        let mut has_failed = false;
        for op in request.ops {
            let error =
                |error: ErrorCode| PartTxn::new(OpCode::Error, &TxnBody::Error(error.number()));
            if has_failed {
                parts.push(error(ErrorCode::RuntimeInconsistency));
                continue;
            }
            let code = op.code();
            match self.check_part(tree, asked, op) {
                Ok(prepared) => {
                    for (path, state) in prepared.nodes {
                        let earlier = self.nodes.insert(path.clone(), (zxid, state.clone()));
                        before.push((path.clone(), earlier));
                        nodes.push((path, state));
                    }
                    parts.push(PartTxn::new(code, &prepared.body));
                }
                Err(reason) => {
                    has_failed = true;
                    parts.push(error(reason));
                }
            }
        }
        // What was entered for the parts goes out again, the last first. If all is well, the
        // caller enters it for the whole.
        for (path, earlier) in before.into_iter().rev() {
            match earlier {
                Some(state) => self.nodes.insert(path, state),
                None => self.nodes.remove(&path),
            };
        }
        if has_failed {
            nodes.clear();
        }
        Ok(Prepared::nodes(TxnBody::Multi(MultiTxn { parts }), nodes))
    }

    fn check_part(&self, tree: &Tree, asked: &Asked<'_>, op: Op) -> Result<Prepared, ErrorCode> {
        match op {
            Op::Create(code, request) => self.create(tree, asked, code, request),
            Op::CreateTtl(request) => self.create_ttl(tree, asked, request),
            Op::Delete(request) => self.delete(tree, asked, request),
            Op::SetData(request) => self.set_data(tree, asked, request),
            Op::Check(request) => self.check_version(tree, asked, request),
            Op::GetData(_) | Op::GetChildren(_) => Err(ErrorCode::MarshallingError),
        }
    }
}

impl Tree {
    /// Applies the parts of a `multi` under its header; none, if one of them is an error. Those
    /// before the error are told with 0, those after it with what the leader says of them.
    pub(crate) fn multi(&mut self, header: &TxnHeader, multi: &MultiTxn) -> Change {
        let bodies: Vec<TxnBody> =
            multi.parts.iter().filter_map(|part| part.decode_body().ok()).collect();
        assert_eq!(bodies.len(), multi.parts.len(), "the parts were let through");
        let has_failed = !Mutant::MultiInPart.is_on()
            && bodies.iter().any(|body| matches!(body, TxnBody::Error(_)));
        let mut is_after = false;
        let outcomes = bodies.into_iter().zip(&multi.parts).map(|(body, part)| {
            let outcome = if let TxnBody::Error(number) = body {
                is_after |= number != 0;
                Err(number)
            } else if has_failed {
                Err(if is_after { ErrorCode::RuntimeInconsistency.number() } else { 0 })
            } else {
                self.apply_body(header, body)
            };
            PartOutcome { kind: part.kind, outcome }
        });
        Change::Several(outcomes.collect())
    }
}
