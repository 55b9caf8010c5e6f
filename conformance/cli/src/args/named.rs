//! Profiles as arguments, which keep the name that they were given.

use std::fmt;

use zab_bugs::{ALIKE, behaves_as};
use zab_model::Profile;
use zab_model::profile::{RELEASES, Release};

/// A profile with the name that it was given: two releases that do the same are not mixed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) profile: Profile,
}

impl Named {
    /// The protocol of `docs/src/rules.md`.
    pub(crate) fn fixed() -> Self {
        Self { name: "fixed".to_owned(), profile: Profile::FIXED }
    }

    /// A release that is modelled, by its name.
    pub(crate) fn release(name: &str) -> Option<Self> {
        let profile = Profile::named(name).ok()?;
        Some(Self { name: name.to_owned(), profile })
    }

    /// The same of one that is known.
    pub(crate) fn of(release: &Release) -> Self {
        Self { name: release.name.to_owned(), profile: release.profile }
    }

    /// The other releases that do the same, as far as it is modelled.
    pub(crate) fn alike(&self) -> impl Iterator<Item = &'static str> {
        RELEASES.iter().filter(|release| release.profile == self.profile).flat_map(|release| {
            let like = ALIKE.iter().filter(|(_, like)| *like == release.name);
            let others = like.map(|(name, _)| *name).chain(release.also.iter().copied());
            [release.name].into_iter().chain(others).filter(|name| *name != self.name)
        })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A profile by its name; a release may be one that behaves like another one.
pub(super) fn named(text: &str) -> Result<Named, String> {
    profile(text).map(|profile| Named { name: text.to_owned(), profile })
}

/// The same without its name; of a name that nothing has, what may have been meant.
pub(super) fn profile(text: &str) -> Result<Profile, String> {
    let (release, settings) = text.split_once(',').unwrap_or((text, ""));
    let like = behaves_as(release).map(|like| format!("{},{settings}", like.name));
    Profile::named(like.as_deref().unwrap_or(text)).map_err(|error| {
        let distance = |name: &&&str| strsim::damerau_levenshtein(name, &error.given);
        match error.known.iter().min_by_key(distance) {
            Some(nearest) => format!("{error}; the nearest is {nearest}"),
            None => error.to_string(),
        }
    })
}
