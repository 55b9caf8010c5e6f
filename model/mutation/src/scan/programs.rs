//! The items of programs, each of which is an effect.

use syn::spanned::Spanned;

use super::{Form, Found, Scan, Source, helpers};

/// Finds the items of the programs that are run; where their lists are, `items` says.
///
/// # Errors
/// When the file is no Rust, or has no such function, or a program is no list.
pub(crate) fn programs(source: Source<'_>, run: &[String]) -> Result<Scan, String> {
    let named = |error: &str| format!("{}: {error}", source.name);
    let file = syn::parse_file(source.text).map_err(|error| named(&error.to_string()))?;
    let items = helpers::functions(&file).find(|function| function.sig.ident == "items");
    let items = items.ok_or_else(|| named("no function `items`"))?;
    let Some(syn::Stmt::Expr(syn::Expr::Match(programs), None)) = items.block.stmts.last() else {
        return Err(named("`items` does not end with a `match`"));
    };
    let mut scan = Scan::default();
    for arm in &programs.arms {
        let text = |piece: &dyn Spanned| piece.span().source_text().unwrap_or_default();
        let name = text(&arm.pat).replace("Self::", "");
        if !run.contains(&name) {
            continue;
        }
        let syn::Expr::Reference(list) = &*arm.body else {
            return Err(named("a program that is no list"));
        };
        let syn::Expr::Array(items) = &*list.expr else {
            return Err(named("a program that is no list"));
        };
        let places = items.elems.iter().map(|item| item.span().byte_range()).collect();
        scan.programs.push((arm.body.span().byte_range(), places));
        scan.found.extend(items.elems.iter().map(|item| Found {
            range: item.span().byte_range(),
            form: Form::Item,
            line: item.span().start().line,
            function: name.clone(),
            per_call: false,
            name: None,
            reason: None,
        }));
    }
    match run.iter().find(|name| scan.found.iter().all(|found| found.function != **name)) {
        Some(name) => Err(named(&format!("no program {name}, or it is empty"))),
        None => Ok(scan),
    }
}
