//! What expressions are made of.

use syn::spanned::Spanned;

use super::finder::{Finder, is_self};
use super::helpers::{Answer, is_plumbing};
use super::questions::ASKING;
use super::regions::{is_default_arm, is_reading, observes};
use super::{Call, Form, Reason};

/// Methods that answer something else, and change nothing.
const READING: [&str; 26] = [
    "and",
    "at",
    "chain",
    "copied",
    "count",
    "counter",
    "epoch",
    "get",
    "head",
    "index",
    "iter",
    "iter_mut",
    "last",
    "len",
    "map",
    "max",
    "max_by_key",
    "position",
    "prefix",
    "rposition",
    "take_while",
    "txns",
    "unwrap_or",
    "without",
    "zxid_at",
    "then_some",
];

impl Finder<'_> {
    /// The parts of an expression.
    pub(super) fn inside(&mut self, expression: &syn::Expr) {
        match expression {
            syn::Expr::MethodCall(call) => self.call(call),
            syn::Expr::Call(call) => self.path_call(call),
            syn::Expr::If(choice) => self.choice(choice),
            syn::Expr::Match(choice) => self.arms(choice),
            syn::Expr::Block(block) => self.block(&block.block),
            syn::Expr::Loop(repeated) => {
                self.scan.loops.push((
                    expression.span().byte_range(),
                    repeated.body.span().byte_range().start + 1,
                ));
                self.block(&repeated.body);
            }
            syn::Expr::Closure(closure) => match &*closure.body {
                syn::Expr::Block(block) => self.block(&block.block),
                body => self.statement(body, body, false),
            },
            syn::Expr::Try(tried) => {
                if !self.is_guard(&tried.expr) {
                    self.add_excluded(expression, Form::Whole, Reason::Needed);
                }
                self.expression(&tried.expr);
            }
            syn::Expr::Binary(binary) => {
                self.expression(&binary.left);
                self.expression(&binary.right);
            }
            syn::Expr::Unary(unary) => self.expression(&unary.expr),
            syn::Expr::Paren(paren) => self.expression(&paren.expr),
            syn::Expr::Reference(reference) => self.expression(&reference.expr),
            syn::Expr::Field(field) => self.expression(&field.base),
            syn::Expr::Index(index) => {
                self.expression(&index.expr);
                self.expression(&index.index);
            }
            syn::Expr::Range(range) => {
                [&range.start, &range.end].into_iter().flatten().for_each(|e| self.expression(e));
            }
            syn::Expr::Return(answer) => {
                answer.expr.iter().for_each(|answer| self.expression(answer));
            }
            syn::Expr::Struct(value) => {
                value.fields.iter().for_each(|field| self.expression(&field.expr));
                value.rest.iter().for_each(|rest| self.expression(rest));
            }
            syn::Expr::Array(array) => array.elems.iter().for_each(|e| self.expression(e)),
            syn::Expr::Tuple(tuple) => tuple.elems.iter().for_each(|e| self.expression(e)),
            syn::Expr::Path(_) | syn::Expr::Lit(_) => {}
            _ => self.unknown("a form of expression that is not known", expression),
        }
    }

    /// Whether `?` makes a guard of it that is listed elsewhere.
    fn is_guard(&self, expression: &syn::Expr) -> bool {
        let syn::Expr::MethodCall(call) = expression else { return false };
        let helper = self.helpers.get(&call.method.to_string());
        call.method == "then_some" || (helper.is_some() && is_self(&call.receiver))
    }

    pub(super) fn call(&mut self, call: &syn::ExprMethodCall) {
        self.note_use(call);
        let name = call.method.to_string();
        let helper = self.helpers.get(&name).filter(|_| is_self(&call.receiver));
        let known = ASKING.contains(&name.as_str()) || READING.contains(&name.as_str());
        match (name.as_str(), helper) {
            (_, Some(helper)) if helper.answer == Answer::Value && !is_plumbing(&name) => {
                if let Some(last) = call.args.last() {
                    self.scan.calls.push(Call {
                        end: last.span().byte_range().end,
                        line: call.method.span().start().line,
                        function: self.function.clone(),
                        callee: name,
                    });
                }
            }
            (_, Some(helper)) if !helper.changes || is_plumbing(&self.function) => {}
            ("then" | "then_some", None) => return self.then(call),
            ("push", None) => self.add(call, Form::Push),
            (_, None) if known || observes(&syn::Expr::MethodCall(call.clone())) => {}
            (_, Some(_) | None) if is_plumbing(&self.function) => {}
            (_, Some(_) | None) => self.unknown("a call that is not known here", call),
        }
        self.expression(&call.receiver);
        call.args.iter().for_each(|argument| self.expression(argument));
    }

    /// `then` and `then_some`, which are guards.
    fn then(&mut self, call: &syn::ExprMethodCall) {
        self.condition(&call.receiver, Form::Whole);
        call.args.iter().for_each(|argument| self.expression(argument));
    }

    fn path_call(&mut self, call: &syn::ExprCall) {
        let takes = match &*call.func {
            syn::Expr::Path(path) => path.path.segments.last().is_some_and(|s| s.ident == "take"),
            _ => false,
        };
        for argument in &call.args {
            match argument {
                syn::Expr::Reference(place) if place.mutability.is_some() => {
                    if takes {
                        self.add(argument, Form::Take);
                    } else {
                        self.unknown("a place that is given away", call);
                    }
                }
                _ => self.expression(argument),
            }
        }
    }

    pub(super) fn arms(&mut self, choice: &syn::ExprMatch) {
        let reading = is_reading(&choice.expr);
        let reason = if reading { Reason::Reading } else { Reason::Needed };
        self.add_excluded(&choice.expr, Form::Whole, reason);
        self.expression(&choice.expr);
        for arm in &choice.arms {
            if reading {
                match is_default_arm(&arm.pat, self.defaults) {
                    Some(true) => {}
                    Some(false) => self.regions.add(arm, Reason::Reading),
                    None => self.unknown("a pattern that is no list of readings", arm),
                }
            }
            if let syn::Pat::Guard(guard) = &arm.pat {
                self.condition(&guard.guard, Form::Whole);
            }
            match &*arm.body {
                syn::Expr::Block(block) => self.block(&block.block),
                body => self.statement(body, body, false),
            }
        }
    }
}
