//! Flags of `zabcheck explore`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{Bounds, Family, PaperBounds};

/// The flags of `explore`.
#[derive(Debug, Args)]
pub(crate) struct Explore {
    /// Which model to look at
    #[arg(long, value_enum, default_value = "zookeeper")]
    pub(crate) model: Family,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    #[command(flatten)]
    pub(crate) paper: PaperBounds,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3000")]
    pub(crate) address: SocketAddr,
    /// Serve nothing: follow this path, numbered as in the Explorer's addresses, print where it
    /// leads and what can happen there
    #[arg(long, value_name = "0/N/N", conflicts_with = "address")]
    pub(crate) path: Option<String>,
    /// With --path: write the sequence diagram of that run; - prints it, and nothing else
    #[arg(long, value_name = "FILE", requires = "path")]
    pub(crate) svg: Option<PathBuf>,
}
