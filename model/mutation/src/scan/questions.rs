//! Conditions.

use super::finder::{Finder, is_self};
use super::helpers::Answer;
use super::known::is_grain;
use super::reads::variable;
use super::regions::only_observes;
use super::{Form, Reason};

impl Finder<'_> {
    pub(super) fn asks(&self, expression: &syn::Expr) -> bool {
        match expression {
            syn::Expr::Paren(paren) => self.asks(&paren.expr),
            syn::Expr::Binary(binary) => is_question(binary.op),
            syn::Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Not(_)),
            syn::Expr::MethodCall(call) => {
                let name = call.method.to_string();
                let helper = self.helpers.get(&name).filter(|_| is_self(&call.receiver));
                let asking = self.helpers.words.asking.contains(&name.as_str());
                helper.map_or(asking, |h| h.answer == Answer::Bool)
            }
            _ => false,
        }
    }

    /// Something that is true or false.
    pub(super) fn condition(&mut self, expression: &syn::Expr, form: Form) {
        if let Some((_, reason)) = self.known.fixed(expression) {
            self.regions.add(expression, reason);
        }
        match expression {
            syn::Expr::Paren(paren) => self.condition(&paren.expr, form),
            syn::Expr::Let(binding) => {
                self.add_excluded(expression, form, Reason::Needed);
                self.expression(&binding.expr);
            }
            // Both grains are explored.
            _ if asks_grain(expression) => self.add_excluded(expression, form, Reason::Reading),
            // What it looks at is a comparison, which is broken where it is made.
            looks if self.looks(looks) => self.inside(inner(looks)),
            syn::Expr::Unary(unary) if self.looks(&unary.expr) => self.inside(inner(&unary.expr)),
            syn::Expr::Unary(unary) => {
                self.add(expression, form);
                // Breaking what is negated is breaking the negation, unless it is a chain.
                match inner(&unary.expr) {
                    chain @ syn::Expr::Binary(binary) if is_chain(binary.op) => {
                        self.operands(chain, binary.op);
                    }
                    name if variable(name).is_some() => self.name_last(variable(name)),
                    call => self.inside(call),
                }
            }
            syn::Expr::Binary(binary) if is_chain(binary.op) => {
                let mut operands = Vec::new();
                flatten(expression, binary.op, &mut operands);
                let open = |operand: &&&syn::Expr| {
                    self.known.fixed(operand).is_none()
                        && !is_pattern(operand)
                        && !asks_grain(operand)
                };
                let is_other = |operand: &&syn::Expr| is_pattern(operand) || asks_grain(operand);
                let has_other = operands.iter().any(is_other);
                if operands.iter().filter(open).count() == 1 {
                    operands.iter().for_each(|operand| self.condition(operand, form));
                } else if has_other {
                    self.operands(expression, binary.op);
                } else {
                    self.add(expression, form);
                    self.operands(expression, binary.op);
                }
            }
            _ => {
                self.add(expression, form);
                self.name_last(variable(expression));
                self.inside(expression);
            }
        }
    }

    /// Whether it is a call that looks at a comparison, or asks one whether it holds.
    fn looks(&self, expression: &syn::Expr) -> bool {
        match inner(expression) {
            syn::Expr::Field(field) => match &field.member {
                syn::Member::Named(name) => name == "holds",
                syn::Member::Unnamed(_) => false,
            },
            syn::Expr::MethodCall(call) => {
                is_self(&call.receiver) && self.helpers.words.guards.looks(&call.method.to_string())
            }
            _ => false,
        }
    }

    pub(super) fn name_last(&mut self, name: Option<String>) {
        if let Some(last) = self.scan.found.last_mut() {
            last.name = name;
        }
    }

    fn operands(&mut self, chain: &syn::Expr, op: syn::BinOp) {
        let form = if matches!(op, syn::BinOp::And(_)) { Form::And } else { Form::Or };
        let mut operands = Vec::new();
        flatten(chain, op, &mut operands);
        operands.into_iter().for_each(|operand| self.condition(operand, form));
    }

    pub(super) fn choice(&mut self, choice: &syn::ExprIf) {
        let fixed = self.known.fixed(&choice.cond);
        let otherwise = choice.else_branch.as_ref().map(|(_, otherwise)| &**otherwise);
        let observes_otherwise = match otherwise {
            None => true,
            Some(syn::Expr::Block(block)) => only_observes(&block.block),
            Some(_) => false,
        };
        match (fixed, otherwise) {
            (Some((false, reason)), _) => self.regions.add(&choice.then_branch, reason),
            (Some((true, reason)), Some(otherwise)) => self.regions.add(otherwise, reason),
            (Some((true, _)), None) => {}
            (None, _) if only_observes(&choice.then_branch) && observes_otherwise => {
                self.regions.add(choice, Reason::Observer);
            }
            (None, _) => {}
        }
        self.condition(&choice.cond, Form::Whole);
        self.block(&choice.then_branch);
        if let Some(otherwise) = otherwise {
            self.inside(otherwise);
        }
    }
}

fn is_pattern(expression: &syn::Expr) -> bool {
    matches!(expression, syn::Expr::Let(_))
}

/// Whether it compares the grain.
fn asks_grain(expression: &syn::Expr) -> bool {
    matches!(expression, syn::Expr::Binary(binary) if is_grain(&binary.left))
}

fn inner(expression: &syn::Expr) -> &syn::Expr {
    match expression {
        syn::Expr::Paren(paren) => inner(&paren.expr),
        _ => expression,
    }
}

fn is_chain(op: syn::BinOp) -> bool {
    matches!(op, syn::BinOp::And(_) | syn::BinOp::Or(_))
}

/// The operands of a chain of `&&`, or of `||`.
fn flatten<'e>(chain: &'e syn::Expr, op: syn::BinOp, operands: &mut Vec<&'e syn::Expr>) {
    match chain {
        syn::Expr::Binary(binary)
            if std::mem::discriminant(&binary.op) == std::mem::discriminant(&op) =>
        {
            flatten(&binary.left, op, operands);
            flatten(&binary.right, op, operands);
        }
        _ => operands.push(chain),
    }
}

fn is_question(op: syn::BinOp) -> bool {
    use syn::BinOp::{And, Eq, Ge, Gt, Le, Lt, Ne, Or};
    matches!(op, And(_) | Or(_) | Eq(_) | Ne(_) | Lt(_) | Le(_) | Gt(_) | Ge(_))
}
