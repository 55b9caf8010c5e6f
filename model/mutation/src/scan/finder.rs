//! Walks a function of the rules, and finds its conditions and effects.

use std::ops::Range;

use syn::spanned::Spanned;

use super::helpers::{Answer, Helpers};
use super::known::Known;
use super::reads::{Reads, variable};
use super::regions::{Regions, observes};
use super::{Call, Form, Found, Reason, Scan, Use};

pub(super) struct Finder<'a> {
    pub(super) helpers: &'a Helpers,
    pub(super) known: Known,
    pub(super) function: String,
    pub(super) per_call: bool,
    pub(super) reads: Reads,
    pub(super) regions: Regions,
    /// Calls of functions of the rules.
    pub(super) uses: Vec<(String, Range<usize>)>,
    /// Names of programs, where each is run.
    pub(super) programs: Vec<(String, Range<usize>)>,
    pub(super) scan: &'a mut Scan,
    pub(super) errors: Vec<String>,
}

/// Finds everything in a function.
///
/// # Errors
/// When there is something in it whose meaning is not known.
pub(super) fn find(
    function: &syn::ImplItemFn,
    helpers: &Helpers,
    scan: &mut Scan,
) -> Result<(), String> {
    let name = function.sig.ident.to_string();
    let per_call = helpers.is_per_call(&name);
    if let (true, Some(last)) = (per_call, function.sig.inputs.last()) {
        scan.parameters.push(last.span().byte_range().end);
    }
    let first = scan.found.len();
    let mut finder = Finder {
        helpers,
        known: helpers.known.clone(),
        reads: Reads::of(&function.block),
        regions: Regions::default(),
        per_call,
        uses: Vec::new(),
        programs: Vec::new(),
        scan,
        errors: Vec::new(),
        function: name,
    };
    if helpers.is_plumbing(&finder.function) {
        finder.regions.add(&function.block, Reason::Plumbing);
    }
    finder.block(&function.block);
    let hidden = finder.scan.found[first..].iter().filter(|found| found.form.is_hidden_effect());
    let effects: Vec<_> = hidden.map(|found| found.range.clone()).collect();
    finder.regions.spread(&finder.reads, &effects);
    finder.exclude(first);
    for (callee, range) in &finder.uses {
        let reason = finder.regions.reason(range);
        finder.scan.uses.push(Use {
            callee: callee.clone(),
            caller: finder.function.clone(),
            reason,
        });
    }
    let run = finder.programs.iter().filter(|(_, place)| finder.regions.reason(place).is_none());
    finder.scan.run.extend(run.map(|(name, _)| name.clone()));
    match finder.errors.as_slice() {
        [] => Ok(()),
        errors => Err(errors.join("\n")),
    }
}

impl Finder<'_> {
    /// Notes why what was found is not to be broken, where that is so.
    fn exclude(&mut self, first: usize) {
        let found = &mut self.scan.found[first..];
        for found in &mut *found {
            let reason = self.regions.reason(&found.range);
            // Whether there is room is asked of an effect, which is none the less one.
            if reason != Some(Reason::Observer) || !found.form.is_hidden_effect() {
                found.reason = found.reason.or(reason);
            }
        }
        let live = |found: &Found| found.reason.is_none();
        let named: Vec<String> =
            found.iter().filter(|f| live(f)).filter_map(|f| f.name.clone()).collect();
        for found in found.iter_mut().filter(|found| live(found)) {
            let Some(name) = &found.name else { continue };
            let computed = self.reads.lets.iter().any(|(known, _)| known == name);
            if computed && named.iter().filter(|other| *other == name).count() == 1 {
                found.reason = Some(Reason::Named);
            }
        }
    }

    pub(super) fn add(&mut self, piece: &impl Spanned, form: Form) {
        self.add_at(piece.span().byte_range(), piece.span().start().line, form, None);
    }

    pub(super) fn add_at(
        &mut self,
        range: Range<usize>,
        line: usize,
        form: Form,
        reason: Option<Reason>,
    ) {
        let (function, per_call) = (self.function.clone(), self.per_call);
        let found = Found { range, form, line, function, per_call, name: None, reason };
        self.scan.found.push(found);
    }

    pub(super) fn add_excluded(&mut self, piece: &impl Spanned, form: Form, reason: Reason) {
        let span = piece.span();
        self.add_at(span.byte_range(), span.start().line, form, Some(reason));
    }

    pub(super) fn unknown(&mut self, what: &str, piece: &impl Spanned) {
        let (span, function) = (piece.span(), &self.function);
        let text = span.source_text().unwrap_or_default();
        self.errors.push(format!("line {}, {function}: {what}: {text}", span.start().line));
    }

    pub(super) fn block(&mut self, block: &syn::Block) {
        for statement in &block.stmts {
            match statement {
                syn::Stmt::Local(local) => {
                    if let Some(init) = &local.init {
                        if let (syn::Pat::Ident(name), Some((value, _))) =
                            (&local.pat, self.known.fixed(&init.expr))
                        {
                            self.known.variables.insert(name.ident.to_string(), value);
                            self.regions.add(&init.expr, Reason::Reading);
                        }
                        self.expression(&init.expr);
                        if let Some((_, diverge)) = &init.diverge {
                            self.expression(diverge);
                        }
                    }
                }
                syn::Stmt::Expr(expression, semicolon) => {
                    self.statement(expression, statement, semicolon.is_some());
                }
                syn::Stmt::Item(syn::Item::Use(_)) => {}
                syn::Stmt::Item(_) | syn::Stmt::Macro(_) => {
                    self.unknown("an item or a macro in a function", statement);
                }
            }
        }
    }

    /// `whole` is the expression with its semicolon, if it has one; an arm has none.
    pub(super) fn statement(&mut self, expression: &syn::Expr, whole: &impl Spanned, ends: bool) {
        match expression {
            _ if observes(expression) => {
                self.add_excluded(whole, Form::Statement, Reason::Observer);
            }
            syn::Expr::Assign(assign) => {
                self.add(whole, Form::Statement);
                self.expression(&assign.left);
                self.expression(&assign.right);
                self.fields(&assign.right);
            }
            syn::Expr::Binary(binary) if is_assignment(binary.op) => {
                self.add(whole, Form::Statement);
                self.expression(&binary.left);
                self.expression(&binary.right);
            }
            syn::Expr::MethodCall(call) if self.may_refuse(call) => {
                self.add(whole, if ends { Form::Statement } else { Form::Refusable });
                self.arguments(call);
            }
            syn::Expr::Try(tried) if self.tries_effect(&tried.expr) => {
                self.add(whole, Form::Statement);
                if let syn::Expr::MethodCall(call) = &*tried.expr {
                    self.arguments(call);
                }
            }
            syn::Expr::MethodCall(call) if ends || self.changes(call) => {
                if !self.changes(call) {
                    return self.unknown("a call for nothing", call);
                }
                self.add(whole, Form::Statement);
                self.arguments(call);
            }
            syn::Expr::ForLoop(each) => {
                if let syn::Expr::Array(places) = &*each.expr {
                    places.elems.iter().for_each(|place| self.add(place, Form::Element));
                } else {
                    self.expression(&each.expr);
                }
                self.block(&each.body);
            }
            _ => self.expression(expression),
        }
    }

    /// What a call that is an effect is given.
    fn arguments(&mut self, call: &syn::ExprMethodCall) {
        self.note_use(call);
        self.note_call(call);
        self.expression(&call.receiver);
        for argument in &call.args {
            // What is done for each is omitted with the whole.
            let each = match argument {
                syn::Expr::Closure(closure) => self.is_change(&closure.body),
                _ => false,
            };
            if !each {
                self.expression(argument);
            }
        }
    }

    /// Whether a call is an effect that may be refused.
    pub(super) fn may_refuse(&self, call: &syn::ExprMethodCall) -> bool {
        is_self(&call.receiver) && self.helpers.may_refuse(&call.method.to_string())
    }

    fn tries_effect(&self, expression: &syn::Expr) -> bool {
        match expression {
            syn::Expr::MethodCall(call) => self.may_refuse(call),
            _ => false,
        }
    }

    /// The fields of a struct that is assigned are effects of their own.
    fn fields(&mut self, value: &syn::Expr) {
        let syn::Expr::Struct(value) = value else { return };
        for field in &value.fields {
            let form = if field.colon_token.is_some() { Form::Field } else { Form::FieldShorthand };
            self.add(&field.expr, form);
        }
    }

    pub(super) fn is_change(&self, expression: &syn::Expr) -> bool {
        match expression {
            syn::Expr::MethodCall(call) => self.changes(call),
            _ => false,
        }
    }

    pub(super) fn changes(&self, call: &syn::ExprMethodCall) -> bool {
        let name = call.method.to_string();
        let helper = self.helpers.get(&name).filter(|_| is_self(&call.receiver));
        helper.map_or(self.helpers.words.changing.contains(&name.as_str()), |helper| {
            helper.changes && helper.answer == Answer::Nothing
        })
    }

    pub(super) fn expression(&mut self, expression: &syn::Expr) {
        if self.asks(expression) {
            self.condition(expression, Form::Whole);
        } else {
            self.inside(expression);
        }
    }

    /// Notes a call of a function whose conditions are broken for one call at a time.
    pub(super) fn note_call(&mut self, call: &syn::ExprMethodCall) {
        let name = call.method.to_string();
        if !is_self(&call.receiver) || !self.helpers.is_per_call(&name) {
            return;
        }
        if let Some(last) = call.args.last() {
            self.scan.calls.push(Call {
                end: last.span().byte_range().end,
                line: call.method.span().start().line,
                function: self.function.clone(),
                callee: name,
            });
        }
    }

    /// Notes that a function of the rules is called.
    pub(super) fn note_use(&mut self, call: &syn::ExprMethodCall) {
        let name = call.method.to_string();
        if is_self(&call.receiver) && self.helpers.get(&name).is_some() {
            self.uses.push((name, call.span().byte_range()));
        }
    }
}

pub(super) fn is_self(expression: &syn::Expr) -> bool {
    variable(expression).as_deref() == Some("self")
}

fn is_assignment(op: syn::BinOp) -> bool {
    use syn::BinOp::{
        AddAssign, BitAndAssign, BitOrAssign, BitXorAssign, DivAssign, MulAssign, RemAssign,
        ShlAssign, ShrAssign, SubAssign,
    };
    matches!(
        op,
        AddAssign(_)
            | SubAssign(_)
            | MulAssign(_)
            | DivAssign(_)
            | RemAssign(_)
            | BitXorAssign(_)
            | BitAndAssign(_)
            | BitOrAssign(_)
            | ShlAssign(_)
            | ShrAssign(_)
    )
}
