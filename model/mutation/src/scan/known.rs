//! What a condition is in the protocol as it is explored, where that is known from the source.

use std::collections::BTreeMap;

use super::Reason;
use super::defaults::Defaults;
use super::reads::variable;

/// What is known of conditions.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The readings.
    pub defaults: Defaults,
    /// Functions that answer yes or no as a reading says, by name.
    pub functions: BTreeMap<String, bool>,
    /// Variables of a function that are as a reading says.
    pub variables: BTreeMap<String, bool>,
}

impl Known {
    /// Whether a condition holds, if the readings alone say so.
    pub(super) fn fixed(&self, expression: &syn::Expr) -> Option<(bool, Reason)> {
        let reading = |value: bool| (value, Reason::Reading);
        match expression {
            syn::Expr::Paren(paren) => self.fixed(&paren.expr),
            syn::Expr::Field(_) if is_reading(expression) => Some(reading(false)),
            syn::Expr::Path(_) => {
                let name = variable(expression)?;
                self.variables.get(&name).map(|value| reading(*value))
            }
            syn::Expr::MethodCall(call) => {
                let own = variable(&call.receiver).as_deref() == Some("self");
                let value = self.functions.get(&call.method.to_string()).filter(|_| own);
                value.map(|value| reading(*value))
            }
            syn::Expr::Match(choice) => self.arm(choice).map(reading),
            syn::Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Not(_)) => {
                self.fixed(&unary.expr).map(|(value, reason)| (!value, reason))
            }
            syn::Expr::Binary(binary) if is_reading(&binary.left) => {
                let syn::Expr::Path(path) = &*binary.right else { return None };
                let is_default = self.defaults.is_default(&path_text(&path.path))?;
                match binary.op {
                    syn::BinOp::Eq(_) => Some(reading(is_default)),
                    syn::BinOp::Ne(_) => Some(reading(!is_default)),
                    _ => None,
                }
            }
            syn::Expr::Binary(binary) => self.chain(binary),
            _ => None,
        }
    }

    fn chain(&self, binary: &syn::ExprBinary) -> Option<(bool, Reason)> {
        let absorbing = match binary.op {
            syn::BinOp::And(_) => false,
            syn::BinOp::Or(_) => true,
            _ => return None,
        };
        let sides = [self.fixed(&binary.left), self.fixed(&binary.right)];
        if let Some(side) = sides.iter().flatten().find(|(value, _)| *value == absorbing) {
            return Some(*side);
        }
        let [left, right] = sides;
        left.and(right)
    }

    /// What a `match` on a reading answers, if the arm of the default is a literal.
    fn arm(&self, choice: &syn::ExprMatch) -> Option<bool> {
        if !is_reading(&choice.expr) {
            return None;
        }
        let is_it = |arm: &&syn::Arm| self.is_default_arm(&arm.pat) == Some(true);
        let arm = choice.arms.iter().find(is_it)?;
        let syn::Expr::Lit(literal) = &*arm.body else { return None };
        let syn::Lit::Bool(value) = &literal.lit else { return None };
        Some(value.value)
    }

    /// What a function answers whose body is nothing but such a `match`.
    pub(super) fn answer(&self, body: &syn::Block) -> Option<bool> {
        let [syn::Stmt::Expr(syn::Expr::Match(choice), None)] = body.stmts.as_slice() else {
            return None;
        };
        self.arm(choice)
    }

    /// Whether an arm of a `match` on a reading is taken under the default; `None` if its pattern
    /// is no list of variants.
    pub(super) fn is_default_arm(&self, pattern: &syn::Pat) -> Option<bool> {
        match pattern {
            syn::Pat::Path(path) => self.defaults.is_default(&path_text(&path.path)),
            syn::Pat::Or(any) => any
                .cases
                .iter()
                .map(|case| self.is_default_arm(case))
                .try_fold(false, |found, case| Some(found | case?)),
            syn::Pat::Guard(guard) => self.is_default_arm(&guard.pat),
            _ => None,
        }
    }
}

/// Whether it is a field of the readings: of `rules.variant`, of `self.profile()`, or of a profile
/// in a field.
pub(super) fn is_reading(expression: &syn::Expr) -> bool {
    let syn::Expr::Field(field) = expression else { return false };
    match &*field.base {
        syn::Expr::MethodCall(call) => call.method == "profile" && call.args.is_empty(),
        syn::Expr::Field(all) => match &all.member {
            syn::Member::Named(name) if name == "profile" => true,
            syn::Member::Named(name) if name == "variant" => {
                variable(&all.base).as_deref() == Some("rules")
            }
            syn::Member::Named(_) | syn::Member::Unnamed(_) => false,
        },
        _ => false,
    }
}

/// Whether it is the grain, which says how much is one step: both are explored.
pub(super) fn is_grain(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::MethodCall(call) => call.method == "grain" && call.args.is_empty(),
        _ => false,
    }
}

fn path_text(path: &syn::Path) -> String {
    let words: Vec<String> =
        path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    words.join("::")
}
