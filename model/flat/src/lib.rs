//! `#[flat]`: all that makes a type part of an explored state.

use proc_macro::TokenStream;

/// A type that is plain bytes: it is copied, compared and hashed as its bytes, and made of them
/// again. The compiler refuses padding and alignment. The type states its `repr` below this, and
/// derives what else it needs.
#[proc_macro_attribute]
pub fn flat(_: TokenStream, item: TokenStream) -> TokenStream {
    let derived: TokenStream = "#[derive(Clone, Copy, PartialEq, Eq, Hash, ::zerocopy::IntoBytes, \
         ::zerocopy::TryFromBytes, ::zerocopy::Immutable, ::zerocopy::Unaligned)]"
        .parse()
        .expect("an attribute");
    derived.into_iter().chain(item).collect()
}
