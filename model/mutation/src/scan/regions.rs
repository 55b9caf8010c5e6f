//! Parts of a function that are not the protocol.

use std::ops::Range;

use syn::spanned::Spanned;

use super::Reason;
use super::defaults::Defaults;
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
    let syn::Expr::MethodCall(call) = expression else { return false };
    let noted = call.method == "note_violation" || call.method == "note_commit";
    match &*call.receiver {
        syn::Expr::Field(field) => {
            let ghost = matches!(&field.member, syn::Member::Named(name) if name == "ghost");
            ghost && variable(&field.base).as_deref() == Some("self")
        }
        receiver => noted && variable(receiver).as_deref() == Some("self"),
    }
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

/// What a condition is in the protocol as published, where that is known from the source: the
/// reading is the default.
pub(super) fn fixed(expression: &syn::Expr, defaults: &Defaults) -> Option<(bool, Reason)> {
    match expression {
        syn::Expr::Paren(paren) => fixed(&paren.expr, defaults),
        syn::Expr::Field(_) if is_reading(expression) => Some((false, Reason::Reading)),
        syn::Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Not(_)) => {
            fixed(&unary.expr, defaults).map(|(value, reason)| (!value, reason))
        }
        syn::Expr::Binary(binary) if is_reading(&binary.left) => {
            let syn::Expr::Path(path) = &*binary.right else { return None };
            let is_default = defaults.is_default(&path_text(&path.path))?;
            match binary.op {
                syn::BinOp::Eq(_) => Some((is_default, Reason::Reading)),
                syn::BinOp::Ne(_) => Some((!is_default, Reason::Reading)),
                _ => None,
            }
        }
        syn::Expr::Binary(binary) => {
            let absorbing = match binary.op {
                syn::BinOp::And(_) => false,
                syn::BinOp::Or(_) => true,
                _ => return None,
            };
            let sides = [fixed(&binary.left, defaults), fixed(&binary.right, defaults)];
            if let Some(side) = sides.iter().flatten().find(|(value, _)| *value == absorbing) {
                return Some(*side);
            }
            let [left, right] = sides;
            left.and(right)
        }
        _ => None,
    }
}

fn is_rules(expression: &syn::Expr) -> bool {
    variable(expression).as_deref() == Some("rules")
}

/// Whether it is a field of `rules.variant`.
pub(super) fn is_reading(expression: &syn::Expr) -> bool {
    let syn::Expr::Field(field) = expression else { return false };
    let syn::Expr::Field(variant) = &*field.base else { return false };
    matches!(&variant.member, syn::Member::Named(name) if name == "variant")
        && is_rules(&variant.base)
}

/// Whether an arm of a `match` on a reading is taken under the default; `None` if its pattern is
/// no list of variants.
pub(super) fn is_default_arm(pattern: &syn::Pat, defaults: &Defaults) -> Option<bool> {
    match pattern {
        syn::Pat::Path(path) => defaults.is_default(&path_text(&path.path)),
        syn::Pat::Or(any) => any
            .cases
            .iter()
            .map(|case| is_default_arm(case, defaults))
            .try_fold(false, |found, case| Some(found | case?)),
        syn::Pat::Guard(guard) => is_default_arm(&guard.pat, defaults),
        _ => None,
    }
}

fn path_text(path: &syn::Path) -> String {
    let words: Vec<String> =
        path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    words.join("::")
}
