//! Runs as files for other tools; the extension says in which format.

use std::path::PathBuf;
use std::str::FromStr;

use zab_view::{Run, Sequence};

use crate::exit::Exit;
use crate::intervals::Intervals;
use crate::report::{can_write, write};

/// Where a run goes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    path: PathBuf,
    format: Format,
}

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
        let Some(format) = Format::of(text) else {
            return Err("expected a name that ends with .svg, .mmd, .itf.json or .json".to_owned());
        };
        Ok(Self { path: text.into(), format })
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

    /// Writes a run. `command` is how to look at its model, `title` what it shows.
    pub(crate) fn write(&self, run: &Run, command: &str, title: &str) -> Exit {
        write(&self.path, &self.format.text(run, command, title))
    }
}

/// Where a sequence diagram goes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture(Export);

impl FromStr for Picture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Format::of(text) {
            Some(format @ (Format::Svg | Format::Mermaid)) => {
                Ok(Self(Export { path: text.into(), format }))
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
        self.0.can_write()
    }

    /// Its name, for messages.
    pub(crate) fn name(&self) -> String {
        self.0.name()
    }

    /// Draws operations of clients.
    pub(crate) fn intervals(&self, intervals: &Intervals) -> Exit {
        let svg = self.0.format == Format::Svg;
        let text = if svg { intervals.svg() } else { intervals.mermaid() };
        write(&self.0.path, &text)
    }

    /// Draws.
    pub(crate) fn write(&self, sequence: &Sequence) -> Exit {
        let text = if self.0.format == Format::Svg {
            zab_view::svg(sequence)
        } else {
            zab_view::mermaid(sequence)
        };
        write(&self.0.path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Export, Format};

    #[test]
    fn the_extension_says_the_format() {
        let format = |name: &str| name.parse::<Export>().map(|export| export.format);
        assert_eq!(format("a/run.svg"), Ok(Format::Svg));
        assert_eq!(format("run.mmd"), Ok(Format::Mermaid));
        assert_eq!(format("run.itf.json"), Ok(Format::Itf));
        assert_eq!(format("itf.json"), Ok(Format::Json));
        let refused = format("run.png").expect_err("no such format");
        assert_eq!(refused, "expected a name that ends with .svg, .mmd, .itf.json or .json");
    }
}
