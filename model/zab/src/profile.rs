//! Profiles: how servers behave where releases of ZooKeeper differ.
//!
//! A profile is a value for each switch. A release is a profile; a known bug, and a defect that is
//! seeded to show that the properties notice, is `fixed` with one switch set otherwise. No rule
//! asks which release it is.

mod releases;
mod switches;

use std::fmt;

pub use releases::{GAPS, Gap, KNOWN, Known, RELEASES, Release};
pub use switches::*;

/// Something that servers can do in several ways.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    /// The name of the field.
    pub name: &'static str,
    /// The rule that reads it.
    pub rule: &'static str,
    /// What it is about.
    pub says: &'static str,
    /// Its values; the first one is that of `fixed`.
    pub values: &'static [Value],
    read: fn(&Profile) -> usize,
    write: fn(&mut Profile, usize),
}

/// One way to do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name.
    pub name: &'static str,
    /// What servers then do.
    pub says: &'static str,
}

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// What was to be named: `release`, `switch`, or `value of` a switch.
    pub what: String,
    /// The name that was given.
    pub given: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} is named {}; expected {}", self.what, self.given, self.known.join(", "))
    }
}

impl std::error::Error for UnknownName {}

impl Switch {
    /// The value that a profile has for this switch.
    #[must_use]
    pub fn of(&self, profile: &Profile) -> Value {
        self.values[(self.read)(profile)]
    }

    /// The profile with another value for this switch.
    ///
    /// # Errors
    /// When the switch has no such value.
    pub fn set(&self, profile: &Profile, value: &str) -> Result<Profile, UnknownName> {
        let place = self.values.iter().position(|known| known.name == value);
        let place = place.ok_or_else(|| UnknownName {
            what: format!("value of {}", self.name),
            given: value.to_owned(),
            known: self.values.iter().map(|value| value.name).collect(),
        })?;
        let mut changed = *profile;
        (self.write)(&mut changed, place);
        Ok(changed)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::FIXED
    }
}

impl Profile {
    /// `fixed` with one switch set otherwise, for each value that is not that of `fixed`: the known
    /// bugs and the defects to be seeded.
    pub fn defects() -> impl Iterator<Item = Self> {
        SWITCHES.iter().flat_map(|switch| {
            switch
                .values
                .iter()
                .skip(1)
                .filter_map(|value| switch.set(&Self::FIXED, value.name).ok())
        })
    }

    /// A release, with some switches set otherwise: `3.9.1,acks_of_cut=withdrawn`.
    ///
    /// # Errors
    /// When a release, a switch or a value has another name.
    pub fn named(text: &str) -> Result<Self, UnknownName> {
        let (name, settings) = text.split_once(',').unwrap_or((text, ""));
        let is_it = |release: &&Release| release.name == name || release.also.contains(&name);
        let release = RELEASES.iter().find(is_it).ok_or_else(|| UnknownName {
            what: "release".to_owned(),
            given: name.to_owned(),
            known: RELEASES
                .iter()
                .flat_map(|one| one.also.iter().chain([&one.name]))
                .copied()
                .collect(),
        })?;
        release.profile.with(settings)
    }

    /// The profile with these switches set: `acks_of_cut=kept,quorum=half`.
    ///
    /// # Errors
    /// When a switch or a value has another name.
    pub fn with(self, settings: &str) -> Result<Self, UnknownName> {
        settings.split(',').filter(|setting| !setting.is_empty()).try_fold(
            self,
            |profile, setting| {
                let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
                let switch = SWITCHES.iter().find(|switch| switch.name == name);
                let switch = switch.ok_or_else(|| UnknownName {
                    what: "switch".to_owned(),
                    given: name.to_owned(),
                    known: SWITCHES.iter().map(|switch| switch.name).collect(),
                })?;
                switch.set(&profile, value)
            },
        )
    }
}

/// What differs from `fixed`.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differs = |switch: &&Switch| (switch.read)(self) != 0;
        let settings: Vec<String> = SWITCHES
            .iter()
            .filter(differs)
            .map(|switch| format!("{}={}", switch.name, switch.of(self).name))
            .collect();
        f.write_str(if settings.is_empty() { "fixed" } else { "" })?;
        f.write_str(&settings.join(","))
    }
}
