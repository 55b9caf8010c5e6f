//! What the functions of the rules are, by their signatures.

use std::collections::BTreeMap;

use syn::spanned::Spanned;

use super::Source;
use super::defaults::Defaults;
use super::known::Known;
use super::words::{Guards, Words};

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
#[derive(Clone, Debug)]
pub(super) struct Helpers {
    all: BTreeMap<String, Helper>,
    /// The words of the family.
    pub words: &'static Words,
    /// What the readings say.
    pub known: Known,
}

impl Helpers {
    /// Those of some files.
    ///
    /// # Errors
    /// When one is no Rust, or two functions share a name.
    pub(super) fn of(
        sources: &[Source<'_>],
        defaults: &Defaults,
        words: &'static Words,
    ) -> Result<Self, String> {
        let known = Known { defaults: defaults.clone(), ..Known::default() };
        let mut all = Self { all: BTreeMap::new(), words, known };
        for source in sources {
            let file = syn::parse_file(source.text)
                .map_err(|error| format!("{}: {error}", source.name))?;
            for function in functions(&file) {
                // What has no receiver is called by the name of its type.
                if function.sig.receiver().is_none() {
                    continue;
                }
                let name = function.sig.ident.to_string();
                if let Some(answer) = all.known.answer(&function.block) {
                    all.known.functions.insert(name.clone(), answer);
                }
                if all.all.insert(name.clone(), helper(function)).is_some() {
                    return Err(format!("{}: a second function `{name}`", source.name));
                }
            }
        }
        Ok(all)
    }

    /// The function of that name.
    pub(super) fn get(&self, name: &str) -> Option<Helper> {
        self.all.get(name).copied()
    }

    /// Whether a function is no rule.
    pub(super) fn is_plumbing(&self, name: &str) -> bool {
        self.words.plumbing.contains(&name)
    }

    /// Whether the conditions of a function are broken for one call at a time.
    pub(super) fn is_per_call(&self, name: &str) -> bool {
        match &self.words.guards {
            Guards::Values => {
                let answers = self.get(name).is_some_and(|helper| helper.answer == Answer::Value);
                answers && !self.is_plumbing(name)
            }
            Guards::Compared { shared, .. } => shared.contains(&name),
        }
    }

    /// Whether a function is an effect that may be refused: to omit it is to go on.
    pub(super) fn may_refuse(&self, name: &str) -> bool {
        match &self.words.guards {
            Guards::Values => false,
            guards @ Guards::Compared { .. } => {
                let is_it = |helper: Helper| helper.answer == Answer::Enabled && helper.changes;
                self.get(name).is_some_and(is_it) && !guards.looks(name)
            }
        }
    }
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

/// Functions that are no methods, and have neither guards nor effects: they compare, or are asked
/// from outside.
const FREE: [&str; 4] = ["apply", "elect", "sync_window", "zk_fle_order"];

/// Refuses what has guards or effects outside of methods.
///
/// # Errors
/// When there is an item that is no import, no module, no type and no method.
pub(super) fn refuse_others(file: &syn::File) -> Result<(), String> {
    let refused = file.items.iter().find(|item| match item {
        syn::Item::Use(_)
        | syn::Item::Mod(_)
        | syn::Item::Type(_)
        | syn::Item::Const(_)
        | syn::Item::Struct(_)
        | syn::Item::Enum(_) => false,
        syn::Item::Fn(function) => !FREE.contains(&function.sig.ident.to_string().as_str()),
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
        "Option<()>" | "Outcome" => Answer::Enabled,
        _ => Answer::Value,
    }
}

/// The source of a piece of syntax.
fn text_of(piece: &impl Spanned) -> String {
    piece.span().source_text().unwrap_or_default()
}
