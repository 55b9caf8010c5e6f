//! Runs as files for other tools; the extension says in which format.

use std::path::PathBuf;
use std::str::FromStr;

use zab_view::Run;

use crate::exit::Exit;
use crate::report::{can_write, write};

/// Where a run goes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    path: PathBuf,
    format: Format,
}

/// How a run is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
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
}

impl FromStr for Export {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let format = Format::ALL.iter().find(|(extension, _)| text.ends_with(extension));
        let Some((_, format)) = format else {
            return Err("expected a name that ends with .svg, .mmd, .itf.json or .json".to_owned());
        };
        Ok(Self { path: text.into(), format: *format })
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
        let text = match self.format {
            Format::Svg => zab_view::svg(&run.sequence),
            Format::Mermaid => zab_view::mermaid(&run.sequence),
            Format::Itf => format!("{:#}\n", zab_view::itf(run, command, title)),
            Format::Json => format!("{:#}\n", zab_view::json(run)),
        };
        write(&self.path, &text)
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
