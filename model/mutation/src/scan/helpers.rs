//! What the functions of the rules are, by their signatures.

use std::collections::BTreeMap;

use syn::spanned::Spanned;

use super::Source;

/// Functions that are no rules: they call the rules, or tell the ghosts.
const PLUMBING: [&str; 4] = ["after", "take", "act", "note_commit"];

/// What a function of the rules answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing.
    Nothing,
    /// Yes or no.
    Bool,
    /// Whether it was possible.
    Enabled,
    /// A value, if it was possible.
    Value,
}

/// One function of the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Helper {
    /// Whether it may change the state.
    pub changes: bool,
    /// What it answers.
    pub answer: Answer,
}

/// All functions of the rules, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Helpers(BTreeMap<String, Helper>);

impl Helpers {
    /// Those of some files.
    ///
    /// # Errors
    /// When one is no Rust, or two functions share a name.
    pub(super) fn of(sources: &[Source<'_>]) -> Result<Self, String> {
        let mut all = Self::default();
        for source in sources {
            let file = syn::parse_file(source.text)
                .map_err(|error| format!("{}: {error}", source.name))?;
            for function in functions(&file) {
                let name = function.sig.ident.to_string();
                if all.0.insert(name.clone(), helper(function)).is_some() {
                    return Err(format!("{}: a second function `{name}`", source.name));
                }
            }
        }
        Ok(all)
    }

    /// The function of that name.
    pub(super) fn get(&self, name: &str) -> Option<Helper> {
        self.0.get(name).copied()
    }
}

/// Whether a function is no rule.
pub(super) fn is_plumbing(name: &str) -> bool {
    PLUMBING.contains(&name)
}

/// All functions of a file that are methods.
pub(super) fn functions(file: &syn::File) -> impl Iterator<Item = &syn::ImplItemFn> {
    let blocks = file.items.iter().filter_map(|item| match item {
        syn::Item::Impl(block) => Some(&block.items),
        _ => None,
    });
    blocks.flatten().filter_map(|item| match item {
        syn::ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

/// Refuses what has guards or effects outside of methods.
///
/// # Errors
/// When there is an item that is no import, no module and no method.
pub(super) fn refuse_others(file: &syn::File) -> Result<(), String> {
    let refused = file.items.iter().find(|item| match item {
        syn::Item::Use(_) | syn::Item::Mod(_) => false,
        syn::Item::Impl(block) => {
            !block.items.iter().all(|item| matches!(item, syn::ImplItem::Fn(_)))
        }
        _ => true,
    });
    refused.map_or(Ok(()), |item| Err(format!("more than methods: {}", text_of(item))))
}

fn helper(function: &syn::ImplItemFn) -> Helper {
    let changes = match function.sig.inputs.first() {
        Some(syn::FnArg::Receiver(receiver)) => is_mutable(receiver),
        Some(syn::FnArg::Typed(_)) | None => false,
    };
    let answer = match &function.sig.output {
        syn::ReturnType::Default => Answer::Nothing,
        syn::ReturnType::Type(_, answer) => answer_of(answer),
    };
    Helper { changes, answer }
}

fn is_mutable(receiver: &syn::Receiver) -> bool {
    text_of(receiver).contains("mut")
}

fn answer_of(answer: &syn::Type) -> Answer {
    match text_of(answer).as_str() {
        "bool" => Answer::Bool,
        "Option<()>" => Answer::Enabled,
        _ => Answer::Value,
    }
}

/// The source of a piece of syntax.
fn text_of(piece: &impl Spanned) -> String {
    piece.span().source_text().unwrap_or_default()
}
