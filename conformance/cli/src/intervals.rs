//! Operations of clients as intervals: a lane for each client, time from left to right.

use std::fmt::Write as _;

/// Sizes in pixels.
const CHARACTER: usize = 7;
const LANE: usize = 26;
const MARGIN: usize = 12;
const STEP_MIN: usize = 24;

/// An operation, or something that has no length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Whose it is.
    pub(crate) lane: String,
    /// From this moment.
    pub(crate) from: u64,
    /// To this one; none if it never ended.
    pub(crate) to: Option<u64>,
    /// What it was, and what came of it.
    pub(crate) text: String,
    /// Whether it is what the picture is about.
    pub(crate) marked: bool,
}

/// Bars, ready to be drawn. Moments are drawn at equal distances: what counts is their order.
pub(crate) struct Intervals {
    bars: Vec<Bar>,
    moments: Vec<u64>,
}

impl Intervals {
    pub(crate) fn new(mut bars: Vec<Bar>) -> Self {
        bars.sort_by(|one, other| (&one.lane, one.from).cmp(&(&other.lane, other.from)));
        let ends = bars.iter().flat_map(|bar| [Some(bar.from), bar.to]).flatten();
        let mut moments: Vec<u64> = ends.collect();
        moments.sort_unstable();
        moments.dedup();
        Self { bars, moments }
    }

    fn rank(&self, moment: u64) -> usize {
        self.moments.partition_point(|other| *other < moment)
    }

    /// One picture, a row for each bar, so that no text lies on another.
    pub(crate) fn svg(&self) -> String {
        let widest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0) * CHARACTER
        };
        let names = widest(&mut self.bars.iter().map(|bar| &bar.lane)) + 2 * MARGIN;
        let texts = widest(&mut self.bars.iter().map(|bar| &bar.text)) + 2 * MARGIN;
        let span = (self.moments.len() + 1) * STEP_MIN;
        let (width, height) = (names + span + texts, self.bars.len() * LANE + 2 * MARGIN);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"zab-history\" width=\"{width}\" \
             height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<style>\n\
             .zab-history {{ color-scheme: light dark; color: CanvasText; }}\n\
             .zab-history text {{ font: 11px ui-monospace, monospace; fill: CanvasText; }}\n\
             .zab-history .bar {{ fill: #4a7ab5; }}\n\
             .zab-history .marked {{ fill: #c33; }}\n\
             .zab-history .open {{ fill-opacity: 0.4; }}\n</style>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"Canvas\"/>\n"
        );
        let mut before = "";
        for (row, bar) in self.bars.iter().enumerate() {
            let y = MARGIN + row * LANE;
            if bar.lane != before {
                text(&mut out, MARGIN, y + 13, &bar.lane);
                before = &bar.lane;
            }
            let left = names + self.rank(bar.from) * STEP_MIN;
            let to = bar.to.map_or(self.moments.len(), |to| self.rank(to));
            let length = (names + to * STEP_MIN).saturating_sub(left).max(6);
            let marked = if bar.marked { " marked" } else { "" };
            let open = if bar.to.is_none() { " open" } else { "" };
            let _ = writeln!(
                out,
                "<rect class=\"bar{marked}{open}\" x=\"{left}\" y=\"{}\" width=\"{length}\" height=\"14\" rx=\"3\"/>",
                y + 2
            );
            text(&mut out, left + length + 6, y + 13, &bar.text);
        }
        out.push_str("</svg>\n");
        out
    }

    /// A Gantt diagram for Mermaid.
    pub(crate) fn mermaid(&self) -> String {
        let mut out = "gantt\n  dateFormat x\n  axisFormat %L\n".to_owned();
        let mut before = "";
        for bar in &self.bars {
            if bar.lane != before {
                let _ = writeln!(out, "  section {}", plain(&bar.lane));
                before = &bar.lane;
            }
            let (from, to) =
                (self.rank(bar.from), bar.to.map_or(self.moments.len(), |to| self.rank(to)));
            let how = if bar.marked { "crit, " } else { "" };
            let _ = writeln!(out, "  {} :{how}{from}, {}", plain(&bar.text), to.max(from + 1));
        }
        out
    }
}

fn text(out: &mut String, x: usize, y: usize, text: &str) {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\">{}</text>", zab_trace::Printable(&escaped));
}

/// Words without the signs that mean something to Mermaid.
fn plain(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ':' | ';' | '#' | ',' | '\n') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Bar, Intervals};

    fn two() -> Intervals {
        let bar = |lane: &str, from, to, marked| Bar {
            lane: lane.to_owned(),
            from,
            to,
            text: "set /a \"<x>\": 1.2".to_owned(),
            marked,
        };
        Intervals::new(vec![
            bar("client 2", 100, None, true),
            bar("client 1", 10, Some(500), false),
        ])
    }

    #[test]
    fn an_interval_goes_from_its_first_moment_to_its_last() {
        let mermaid = two().mermaid();
        let lines: Vec<&str> = mermaid.lines().skip(3).map(str::trim).collect();
        let expected = [
            "section client 1",
            "set /a \"<x>\"  1.2 :0, 2",
            "section client 2",
            "set /a \"<x>\"  1.2 :crit, 1, 3",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_picture_has_a_bar_for_each_and_no_open_signs() {
        let svg = two().svg();
        assert_eq!(svg.matches("class=\"bar").count(), 2);
        assert_eq!(svg.matches("marked open\"").count(), 1);
        assert!(svg.contains("&lt;x&gt;"), "{svg}");
    }
}
