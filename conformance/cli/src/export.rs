//! Runs as files for other tools; the extension says in which format.

use std::path::PathBuf;
use std::str::FromStr;

use zab_presets::Exploration;
use zab_view::{Run, Sequence};

use crate::exit::Exit;
use crate::intervals::Intervals;
use crate::look;
use crate::out;
use crate::report::{can_write, write};
use crate::traced;

/// Where a run goes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    path: PathBuf,
    kind: Kind,
}

/// As what a run is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As the model has it.
    Run(Format),
    /// As a trace of real servers, for `zabcheck conform`.
    Trace,
}

/// How the name of a trace ends.
const TRACE: &str = ".ndjson";

/// How a run is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A sequence diagram as a picture.
    Svg,
    /// A sequence diagram for Mermaid.
    Mermaid,
    /// Apalache's Informal Trace Format.
    Itf,
    /// Our own.
    Json,
}

impl Format {
    /// By extension; the longer of two that fit comes first.
    const ALL: [(&'static str, Self); 4] = [
        (".svg", Self::Svg),
        (".mmd", Self::Mermaid),
        (".itf.json", Self::Itf),
        (".json", Self::Json),
    ];

    /// The one that a file's name asks for.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(extension, _)| name.ends_with(extension));
        found.map(|(_, format)| *format)
    }

    /// The type of its content.
    pub(crate) fn mime(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Mermaid => "text/plain; charset=utf-8",
            Self::Itf | Self::Json => "application/json",
        }
    }

    /// A run in this format. `command` is how to look at it, `title` what it shows.
    pub(crate) fn text(self, run: &Run, command: &str, title: &str) -> String {
        match self {
            Self::Svg => zab_view::svg(&run.sequence),
            Self::Mermaid => zab_view::mermaid(&run.sequence),
            Self::Itf => format!("{:#}\n", zab_view::itf(run, command, title)),
            Self::Json => format!("{:#}\n", zab_view::json(run)),
        }
    }
}

impl FromStr for Export {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind =
            if text.ends_with(TRACE) { Some(Kind::Trace) } else { Format::of(text).map(Kind::Run) };
        let kind = kind.ok_or(
            "expected a name that ends with .svg, .mmd, .itf.json, .json, or .ndjson for a trace",
        )?;
        Ok(Self { path: text.into(), kind })
    }
}

impl Export {
    /// Whether it can be written, to be known before there is something to write.
    pub(crate) fn can_write(&self) -> Result<(), String> {
        can_write(&self.path)
    }

    /// Its name, for messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Writes a run that an exploration has found; `title` says what it shows.
    pub(crate) fn write(&self, exploration: &Exploration, run: &Run, title: &str) -> Exit {
        let text = match self.kind {
            Kind::Run(format) => Ok(format.text(run, &look::at(exploration, run), title)),
            Kind::Trace => traced::text(exploration, run),
        };
        match text {
            Ok(text) => write(&self.path, &text),
            Err(why) => {
                out::error(format_args!("{} is not written: {why}", self.name()));
                Exit::Usage
            }
        }
    }
}

/// Where a sequence diagram goes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    path: PathBuf,
    is_svg: bool,
}

impl FromStr for Picture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Format::of(text) {
            Some(format @ (Format::Svg | Format::Mermaid)) => {
                Ok(Self { path: text.into(), is_svg: format == Format::Svg })
            }
            Some(Format::Itf | Format::Json) | None => {
                Err("expected a name that ends with .svg or .mmd".to_owned())
            }
        }
    }
}

impl Picture {
    /// Whether it can be written, to be known before there is something to draw.
    pub(crate) fn can_write(&self) -> Result<(), String> {
        can_write(&self.path)
    }

    /// Its name, for messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Draws operations of clients.
    pub(crate) fn intervals(&self, intervals: &Intervals) -> Exit {
        let text = if self.is_svg { intervals.svg() } else { intervals.mermaid() };
        write(&self.path, &text)
    }

    /// Draws.
    pub(crate) fn write(&self, sequence: &Sequence) -> Exit {
        let text = if self.is_svg { zab_view::svg(sequence) } else { zab_view::mermaid(sequence) };
        write(&self.path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Export, Format, Kind};

    #[test]
    fn the_extension_says_the_format() {
        let kind = |name: &str| name.parse::<Export>().map(|export| export.kind);
        assert_eq!(kind("a/run.svg"), Ok(Kind::Run(Format::Svg)));
        assert_eq!(kind("run.mmd"), Ok(Kind::Run(Format::Mermaid)));
        assert_eq!(kind("run.itf.json"), Ok(Kind::Run(Format::Itf)));
        assert_eq!(kind("itf.json"), Ok(Kind::Run(Format::Json)));
        assert_eq!(kind("run.ndjson"), Ok(Kind::Trace));
        let refused = kind("run.png").expect_err("no such format");
        assert_eq!(
            refused,
            "expected a name that ends with .svg, .mmd, .itf.json, .json, or .ndjson for a trace"
        );
    }
}
