//! Parts of a function that are not the protocol.

use std::ops::Range;

use syn::spanned::Spanned;

use super::Reason;
use super::reads::{Reads, variable};

/// Parts of a function, each with why nothing in it is broken.
#[derive(Default)]
pub(super) struct Regions(Vec<(Range<usize>, Reason)>);

impl Regions {
    /// Adds a part.
    pub(super) fn add(&mut self, piece: &impl Spanned, reason: Reason) {
        self.0.push((piece.span().byte_range(), reason));
    }

    /// Why a place is in none of the protocol, if that is so.
    pub(super) fn reason(&self, place: &Range<usize>) -> Option<Reason> {
        let around = |(region, _): &&(Range<usize>, Reason)| {
            region.start <= place.start && place.end <= region.end
        };
        self.0.iter().find(around).map(|(_, reason)| *reason)
    }

    /// Adds the values of variables that are read in these parts only, until there are no more.
    /// What is read for one of the `effects` is read for the protocol, wherever it stands.
    pub(super) fn spread(&mut self, reads: &Reads, effects: &[Range<usize>]) {
        let in_effect = |read: &Range<usize>| {
            effects.iter().any(|effect| effect.start <= read.start && read.end <= effect.end)
        };
        loop {
            let more = reads.lets.iter().find_map(|(name, value)| {
                let of_name = reads.of_name(name);
                let mut of_name =
                    of_name.map(|read| if in_effect(read) { None } else { self.reason(read) });
                let first = of_name.next()??;
                let all = self.reason(value).is_none() && of_name.all(|reason| reason.is_some());
                all.then(|| (value.clone(), first))
            });
            match more {
                Some(region) => self.0.push(region),
                None => return,
            }
        }
    }
}

/// Whether it notes a violation or tells the ghosts, and does nothing else.
pub(super) fn observes(expression: &syn::Expr) -> bool {
    const NOTES: [&str; 4] = ["note_violation", "note_commit", "fired", "decide"];
    let syn::Expr::MethodCall(call) = expression else { return false };
    let noted = NOTES.contains(&call.method.to_string().as_str());
    match &*call.receiver {
        syn::Expr::Field(field) => {
            let syn::Member::Named(name) = &field.member else { return false };
            let told = name == "ghost"
                || name == "probe"
                || name == "out" && call.args.iter().any(is_record);
            told && variable(&field.base).as_deref() == Some("self")
        }
        receiver => noted && variable(receiver).as_deref() == Some("self"),
    }
}

/// Whether it is an effect that only traces and properties see.
fn is_record(effect: &syn::Expr) -> bool {
    const RECORDS: [&str; 3] = ["Delivered", "Persisted", "Replaced"];
    let syn::Expr::Call(call) = effect else { return false };
    let syn::Expr::Path(path) = &*call.func else { return false };
    let name = path.path.segments.last().map(|segment| segment.ident.to_string());
    name.is_some_and(|name| RECORDS.contains(&name.as_str()))
}

/// Whether a block does nothing but observe, and perhaps return.
pub(super) fn only_observes(block: &syn::Block) -> bool {
    let observer = |statement: &syn::Stmt| match statement {
        syn::Stmt::Expr(expression, _) => observes(expression),
        syn::Stmt::Local(_) | syn::Stmt::Item(_) | syn::Stmt::Macro(_) => false,
    };
    let returns =
        |statement: &syn::Stmt| matches!(statement, syn::Stmt::Expr(syn::Expr::Return(_), _));
    block.stmts.iter().any(observer)
        && block.stmts.iter().all(|statement| observer(statement) || returns(statement))
}
