//! What expressions are made of.

use syn::spanned::Spanned;

use super::finder::{Finder, is_self};
use super::helpers::Answer;
use super::known::{is_grain, is_reading};
use super::regions::observes;
use super::{Form, Reason};

impl Finder<'_> {
    /// The parts of an expression.
    pub(super) fn inside(&mut self, expression: &syn::Expr) {
        match expression {
            syn::Expr::MethodCall(call) => self.call(call),
            syn::Expr::Call(call) => self.path_call(call),
            syn::Expr::If(choice) => self.choice(choice),
            syn::Expr::Match(choice) => self.arms(choice),
            syn::Expr::Block(block) => self.block(&block.block),
            syn::Expr::Loop(repeated) => self.repeated(expression, &repeated.body),
            syn::Expr::While(repeated) => {
                self.condition(&repeated.cond, Form::Whole);
                self.repeated(expression, &repeated.body);
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
                answer.expr.iter().for_each(|answer| self.statement(answer, &**answer, false));
            }
            syn::Expr::Struct(value) => {
                value.fields.iter().for_each(|field| self.expression(&field.expr));
                value.rest.iter().for_each(|rest| self.expression(rest));
            }
            syn::Expr::Array(array) => array.elems.iter().for_each(|e| self.expression(e)),
            syn::Expr::Tuple(tuple) => tuple.elems.iter().for_each(|e| self.expression(e)),
            syn::Expr::Path(path) => self.program(&path.path),
            syn::Expr::Lit(_) | syn::Expr::Break(_) | syn::Expr::Infer(_) => {}
            _ => self.unknown("a form of expression that is not known", expression),
        }
    }

    /// Notes the name of a program.
    fn program(&mut self, path: &syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if let [of, name] = names.as_slice()
            && ["ProgramName", "Name"].contains(&of.as_str())
        {
            self.programs.push((name.clone(), path.span().byte_range()));
        }
    }

    /// A loop that only what is in it ends.
    fn repeated(&mut self, whole: &syn::Expr, body: &syn::Block) {
        self.scan.loops.push((whole.span().byte_range(), body.span().byte_range().start + 1));
        self.block(body);
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
        let words = self.helpers.words;
        let in_plumbing = self.helpers.is_plumbing(&self.function);
        let known = words.asking.contains(&name.as_str()) || words.reading.contains(&name.as_str());
        if words.guards.makes(&name) && is_self(&call.receiver) {
            self.add(call, Form::Compared);
        }
        match (name.as_str(), helper) {
            (_, Some(_)) if self.helpers.is_per_call(&name) => self.note_call(call),
            (_, Some(_)) if words.guards.looks(&name) || words.guards.makes(&name) => {}
            (_, Some(helper)) if helper.answer == Answer::Bool => {}
            (_, Some(helper)) if !helper.changes || in_plumbing => {}
            ("then" | "then_some", None) => return self.then(call),
            ("push", None) => self.add(call, Form::Push),
            _ if known || observes(&syn::Expr::MethodCall(call.clone())) => {}
            _ if in_plumbing => {}
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

    /// A comparison that is made for a guard.
    fn comparison(&mut self, call: &syn::ExprCall, name: &str) {
        let mut arguments = call.args.iter();
        let condition = match name {
            // These take a condition.
            "new" | "holds" => arguments.next(),
            _ => None,
        };
        match condition {
            // It never holds: there is no more to break than what it refuses.
            Some(syn::Expr::Lit(never)) => self.add(never, Form::Never),
            Some(condition) => self.condition(condition, Form::Whole),
            None => self.add(call, Form::Compared),
        }
        arguments.for_each(|argument| self.expression(argument));
    }

    fn path_call(&mut self, call: &syn::ExprCall) {
        let mut names = match &*call.func {
            syn::Expr::Path(path) => path.path.segments.iter().map(|s| s.ident.to_string()),
            _ => return self.unknown("a call of something without a name", call),
        };
        let (first, last) = (names.next().unwrap_or_default(), names.next_back());
        let takes = last.as_deref().unwrap_or(&first) == "take";
        let guards = &self.helpers.words.guards;
        match &last {
            None if guards.makes(&first) => return self.comparison(call, &first),
            Some(new) if first == "Guard" && guards.makes(new) => {
                return self.comparison(call, new);
            }
            _ => {}
        }
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
        let asks_readings = reading || is_grain(&choice.expr);
        let reason = if asks_readings { Reason::Reading } else { Reason::Needed };
        self.add_excluded(&choice.expr, Form::Whole, reason);
        self.expression(&choice.expr);
        for arm in &choice.arms {
            if reading {
                match self.known.is_default_arm(&arm.pat) {
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
