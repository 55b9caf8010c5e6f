//! Flags of `zabcheck explore`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use zab_model::{Grain, Profile};
use zab_presets::Preset;

use super::check::{SINGLE, ZOOKEEPER};
use super::{Bounds, Family, PaperBounds, grain, profile, values};
use crate::export::Export;

/// The flags of `explore`.
#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Which model to look at
    #[arg(long, value_enum, default_value = "zookeeper")]
    pub(crate) model: Family,
    /// Look at this exploration of a preset, as `zabcheck check --list` names it
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(names()),
          hide_possible_values = true, conflicts_with = "model", conflicts_with_all = SINGLE)]
    pub(crate) exploration: Option<String>,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    /// What servers do where releases differ, as `zabcheck profiles` lists it [default: fixed]
    #[arg(long, value_name = "RELEASE[,SWITCH=VALUE]…", help_heading = ZOOKEEPER,
          value_parser = profile)]
    pub(crate) profile: Option<Profile>,
    /// How much of what a server does is one step: `writes`, everything up to the next write;
    /// `threads`, one item of one thread [default: writes]
    #[arg(long, value_name = "GRAIN", help_heading = ZOOKEEPER, value_parser = grain)]
    pub(crate) grain: Option<Grain>,
    #[command(flatten)]
    pub(crate) paper: PaperBounds,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3000", value_parser = values::address)]
    pub(crate) address: SocketAddr,
    /// Serve nothing: follow this path, numbered as in the Explorer's addresses, print where it
    /// leads and what can happen there
    #[arg(long, value_name = "0/N/N", conflicts_with = "address")]
    pub(crate) path: Option<String>,
    /// With --path: write the sequence diagram of that run; - prints it, and nothing else
    #[arg(long, value_name = "FILE", requires = "path")]
    pub(crate) svg: Option<PathBuf>,
    /// With --path: write that run; the extension says how: .svg and .mmd (Mermaid) are sequence
    /// diagrams, .itf.json and .json are for other tools, .ndjson is a trace for `zabcheck conform`
    #[arg(long, value_name = "FILE", requires = "path")]
    pub(crate) export: Option<Export>,
}

fn names() -> Vec<&'static str> {
    Preset::Nightly.explorations().iter().map(|exploration| exploration.name).collect()
}
