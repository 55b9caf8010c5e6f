//! Where variables are given a value, and where they are read.

use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// The variables of a function.
#[derive(Default)]
pub(super) struct Reads {
    /// `let name = value`: the name and the place of the value.
    pub lets: Vec<(String, Range<usize>)>,
    /// Every place where a variable is read.
    pub reads: Vec<(String, Range<usize>)>,
}

impl Reads {
    /// Those of a body.
    pub(super) fn of(body: &syn::Block) -> Self {
        let mut all = Self::default();
        all.visit_block(body);
        all
    }

    /// The places where a variable is read.
    pub(super) fn of_name(&self, name: &str) -> impl Iterator<Item = &Range<usize>> {
        self.reads.iter().filter(move |(read, _)| read == name).map(|(_, range)| range)
    }
}

/// The name of an expression that is a variable and nothing else.
pub(super) fn variable(expression: &syn::Expr) -> Option<String> {
    match expression {
        syn::Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Reads {
    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let (syn::Pat::Ident(name), Some(init)) = (&local.pat, &local.init) {
            self.lets.push((name.ident.to_string(), init.expr.span().byte_range()));
        }
        visit::visit_local(self, local);
    }

    fn visit_expr(&mut self, expression: &'ast syn::Expr) {
        if let Some(name) = variable(expression) {
            self.reads.push((name, expression.span().byte_range()));
        }
        visit::visit_expr(self, expression);
    }
}
