//! A run as a picture: time runs down, every server has a lane, every step a row.
//!
//! A dozen shapes of fixed form need no builder: each is one line of text, so that differences
//! between pictures can be read. Colours follow the reader's light or dark scheme, and the
//! Explorer's where that is around; what does not know style sheets sees black on white.

use super::sequence::{Arrow, End, Lane, Row, Sequence};

/// Sizes in pixels.
const CHARACTER: usize = 7;
const HEADER: usize = 44;
const ROW: usize = 34;
/// What one more message that ends in a row adds to its height.
const ENDING: usize = 28;
const LANE_MIN: usize = 130;
const MARGIN: usize = 16;
/// What the names below the lanes take.
const NAMES: usize = 16;
/// Of a line of words.
const HEIGHT: usize = 11;
/// Of words, above and below them.
const HALO: usize = 3;

/// The bands and what they stand for.
const PHASES: [(Option<Lane>, &str); 5] = [
    (None, "DOWN"),
    (Some(Lane::Election), "ELECTION"),
    (Some(Lane::Discovery), "DISCOVERY"),
    (Some(Lane::Synchronization), "SYNCHRONIZATION"),
    (Some(Lane::Broadcast), "BROADCAST"),
];

const STYLE: &str = "\
.zab-run { color-scheme: light dark; color: var(--fg-lit, CanvasText); }
.zab-run text { font: 11px ui-monospace, monospace; stroke: var(--bg-drk, Canvas); }
.zab-run .ground { fill: var(--bg-drk, Canvas); }
";

/// The picture of a run.
pub fn svg(sequence: &Sequence) -> String {
    Picture::new(sequence).draw()
}

/// Where everything is.
struct Picture<'a> {
    sequence: &'a Sequence,
    lanes: usize,
    /// From one lane to the next.
    gap: usize,
    /// Of the first lane.
    left: usize,
    /// The middle of every row; then the first place below all rows.
    rows: Vec<usize>,
    width: usize,
    height: usize,
}

impl<'a> Picture<'a> {
    fn new(sequence: &'a Sequence) -> Self {
        let lanes = sequence.rows.first().map_or(0, |row| row.phases.len());
        let widest = |texts: &mut dyn Iterator<Item = &'a String>| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0) * CHARACTER
        };
        let arrows = widest(&mut sequence.arrows.iter().map(|arrow| &arrow.text));
        let notes = widest(&mut sequence.rows.iter().flat_map(|row| &row.notes));
        let actions = widest(&mut sequence.rows.iter().map(|row| &row.text));
        // The words of a message have three fifths of the last gap, which their middle halves.
        let gap = LANE_MIN.max(arrows * 6 / 5 + 3 * MARGIN).max(notes + 3 * MARGIN);
        // Beside the outer lanes there may be notes.
        let beside = |lane: usize, left: bool| {
            let rows = sequence.rows.iter().enumerate();
            let here = rows.filter(|(number, _)| is_left_of_lane(sequence, *number, lane) == left);
            widest(&mut here.filter_map(|(_, row)| row.notes.get(lane)))
        };
        let left = actions + 6 * CHARACTER + 2 * MARGIN + beside(0, true);
        let right = 2 * MARGIN + beside(lanes.saturating_sub(1), false);
        let mut rows = Vec::new();
        let mut next = HEADER + ROW / 2;
        for row in 0..sequence.rows.len() {
            rows.push(next);
            let endings = sequence.arrows.iter().filter(|arrow| ends_in(arrow) == Some(row));
            next += ROW + endings.count().saturating_sub(1) * ENDING;
        }
        rows.push(next);
        let under_way = sequence.arrows.iter().filter(|arrow| arrow.end == End::UnderWay).count();
        let legend: usize = PHASES.iter().map(|(_, name)| legend_width(name)).sum();
        let width = (left + lanes.saturating_sub(1) * gap + right).max(legend + 2 * MARGIN);
        let height = next + under_way * ENDING + NAMES + ROW;
        Self { sequence, lanes, gap, left, rows, width, height }
    }

    fn lane(&self, index: usize) -> usize {
        self.left + index * self.gap
    }

    fn draw(&self) -> String {
        let (width, height) = (self.width, self.height);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"zab-run\" role=\"img\" \
             width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             fill=\"currentColor\" stroke=\"currentColor\" color=\"#222\" \
             font-family=\"monospace\" font-size=\"11\">\n<style>\n{STYLE}</style>\n"
        );
        push(&mut out, "<title>Sequence diagram of a run: time runs down</title>".to_owned());
        push(
            &mut out,
            format!(
                "<rect class=\"ground\" width=\"{width}\" height=\"{height}\" fill=\"#fff\" \
                 stroke=\"none\"/>"
            ),
        );
        for (row, y) in self.sequence.rows.iter().zip(&self.rows) {
            if row.marked {
                push(&mut out, self.mark(*y));
            }
        }
        for index in 0..self.lanes {
            let x = self.lane(index);
            // Of a long run only one end may be in view.
            for y in [18, self.height - ROW] {
                push(&mut out, text(x, y, "middle", &self.sequence.lanes[index]));
            }
            self.draw_lane(&mut out, index);
        }
        let arrows = self.places();
        for (arrow, y) in &arrows {
            self.draw_arrow(&mut out, arrow, *y);
        }
        // Words are written over lines.
        self.draw_words(&mut out, &arrows);
        for (number, row) in self.sequence.rows.iter().enumerate() {
            self.draw_row(&mut out, number, row);
        }
        self.draw_legend(&mut out);
        out.push_str("</svg>\n");
        out
    }

    /// What lies under a row that is marked.
    fn mark(&self, y: usize) -> String {
        let (top, width) = (y - ROW / 2, self.width - 4);
        format!(
            "<rect class=\"marked\" x=\"2\" y=\"{top}\" width=\"{width}\" height=\"{ROW}\" \
             fill=\"#e5484d\" fill-opacity=\"0.18\" stroke=\"#e5484d\"/>"
        )
    }

    /// A lane is a band for each phase that its server is in, one after the other.
    fn draw_lane(&self, out: &mut String, index: usize) {
        let rows = &self.sequence.rows;
        let phase = |row: usize| rows[row].phases[index];
        let mut begin = 0;
        for row in 1..=rows.len() {
            if row < rows.len() && phase(row) == phase(begin) {
                continue;
            }
            let top = if begin == 0 { HEADER - ROW / 2 } else { self.rows[begin] };
            let end = self.height - NAMES - ROW;
            let bottom = if row == rows.len() { end } else { self.rows[row] };
            push(out, band(phase(begin), self.lane(index), top, bottom));
            begin = row;
        }
    }

    fn draw_row(&self, out: &mut String, number: usize, row: &Row) {
        let y = self.rows[number];
        let words =
            if number == 0 { row.text.clone() } else { format!("{number:>3}  {}", row.text) };
        push(out, text(MARGIN, y + 4, "start", &words));
        for server in row.servers.iter().map(|server| self.lane(*server)) {
            push(
                out,
                if row.crash {
                    cross("crash", server, y, 8)
                } else {
                    format!("<circle class=\"step\" cx=\"{server}\" cy=\"{y}\" r=\"4\"/>")
                },
            );
        }
        for (index, note) in row.notes.iter().enumerate().filter(|(_, note)| !note.is_empty()) {
            let x = self.lane(index);
            push(
                out,
                if is_left_of_lane(self.sequence, number, index) {
                    text(x - MARGIN / 2, y - 5, "end", note)
                } else {
                    text(x + MARGIN / 2, y - 5, "start", note)
                },
            );
        }
    }

    /// Every message with the height at which it ends: in its row those that are received come
    /// before those that are lost, and what is still under way ends below all rows.
    fn places(&self) -> Vec<(&'a Arrow, usize)> {
        let arrows = &self.sequence.arrows;
        let mut places = Vec::new();
        let mut place = |row: usize, here: Vec<&'a Arrow>| {
            let heights = (0..).map(|line| self.rows[row] + line * ENDING);
            places.extend(here.into_iter().zip(heights));
        };
        for row in 0..self.sequence.rows.len() {
            let received = arrows.iter().filter(|arrow| arrow.end == End::Received(row));
            let lost = arrows.iter().filter(|arrow| arrow.end == End::Lost(row));
            place(row, received.chain(lost).collect());
        }
        let under_way = arrows.iter().filter(|arrow| arrow.end == End::UnderWay);
        place(self.sequence.rows.len(), under_way.collect());
        places
    }

    /// So far before the lane of its receiver, seen from where a message comes.
    fn before(&self, arrow: &Arrow, pixels: usize) -> usize {
        let receiver = self.lane(arrow.to);
        if arrow.from < arrow.to { receiver - pixels } else { receiver + pixels }
    }

    /// A message that does not arrive ends halfway between its receiver and the lane before.
    fn draw_arrow(&self, out: &mut String, arrow: &Arrow, y: usize) {
        let (x, begin) = (self.lane(arrow.from), self.rows[arrow.sent]);
        let (middle, tip) = (self.before(arrow, self.gap / 2), self.before(arrow, 4));
        let line = |class: &str, end: usize, dashes: &str| {
            format!(
                "<line class=\"{class}\" x1=\"{x}\" y1=\"{begin}\" x2=\"{end}\" y2=\"{y}\"{dashes}/>"
            )
        };
        match arrow.end {
            End::Received(_) => {
                let (wing, top, bottom) = (self.before(arrow, 13), y - 4, y + 4);
                let head = format!("M{tip} {y}L{wing} {top}L{wing} {bottom}Z");
                push(out, line("received", tip, ""));
                push(out, format!("<path class=\"head\" d=\"{head}\"/>"));
            }
            End::Lost(_) => {
                push(out, line("lost", middle, ""));
                push(out, cross("end", middle, y, 5));
            }
            End::UnderWay => push(out, line("under-way", middle, " stroke-dasharray=\"4 4\"")),
        }
    }

    /// What each message says. Lines stay clear of it, since the halo of words leaves the spaces
    /// between them open.
    fn draw_words(&self, out: &mut String, arrows: &[(&Arrow, usize)]) {
        let mut taken = self.notes();
        let lanes = (0..self.lanes).map(|index| self.lane(index) - 6);
        taken.extend(lanes.map(|left| Area { left, top: 0, width: 12, height: self.height }));
        // Words that can stand in one place only come first, and those of long lines last, on which
        // there is the most room.
        let (fixed, mut free): (Vec<_>, Vec<_>) =
            arrows.iter().partition(|(arrow, _)| ends_in(arrow).is_none() || is_lost(arrow));
        free.sort_by_key(|(arrow, y)| {
            self.lane(arrow.to).abs_diff(self.lane(arrow.from)) + (y - self.rows[arrow.sent])
        });
        for (arrow, y) in fixed.into_iter().chain(free) {
            let place = self.place_of_words(arrow, y, &taken);
            taken.push(place);
            let Area { left, top, width, height } = place;
            push(
                out,
                format!(
                    "<rect class=\"ground\" x=\"{left}\" y=\"{top}\" width=\"{width}\" \
                     height=\"{height}\" fill=\"#fff\" stroke=\"none\"/>"
                ),
            );
            push(out, text(left + width / 2, top + 9, "middle", &arrow.text));
        }
    }

    /// Below the place where a message ends on its way; otherwise on its line, where the fewest
    /// other words and lanes are, and three fifths along it if there is a choice.
    fn place_of_words(&self, arrow: &Arrow, y: usize, taken: &[Area]) -> Area {
        let middle = self.before(arrow, self.gap / 2);
        match arrow.end {
            End::Lost(_) => return Area::of_words(middle, y + 17, &arrow.text),
            End::UnderWay => return Area::of_words(middle, y + 12, &arrow.text),
            End::Received(_) => {}
        }
        let (from, to) = (self.lane(arrow.from), self.lane(arrow.to));
        let (begin, length) = (self.rows[arrow.sent], to.abs_diff(from));
        let at = |hundredths: &usize| {
            let (along, down) = (length * hundredths / 100, (y - begin) * hundredths / 100);
            let x = if from < to { from + along } else { from - along };
            Area::of_words(x, begin + down + 4, &arrow.text)
        };
        // In hundredths of the line, the best first.
        let places = (0..=30).flat_map(|off| [60 - off, 60 + off]).filter(|place| *place <= 85);
        let places: Vec<usize> = places.collect();
        let hidden = |area: &Area| {
            let area = area.with_halo();
            taken.iter().map(|other| area.in_common(other)).sum::<usize>()
        };
        let free = places.iter().map(at).min_by_key(hidden);
        free.unwrap_or_else(|| at(&60))
    }

    /// Where notes stand.
    fn notes(&self) -> Vec<Area> {
        let mut areas = Vec::new();
        for (number, row) in self.sequence.rows.iter().enumerate() {
            for (index, note) in row.notes.iter().enumerate().filter(|(_, note)| !note.is_empty()) {
                let width = note.chars().count() * CHARACTER + MARGIN / 2;
                let lane = self.lane(index);
                let is_left = is_left_of_lane(self.sequence, number, index);
                let left = if is_left { lane.saturating_sub(width) } else { lane };
                areas.push(Area { left, top: self.rows[number] - 15, width, height: HEIGHT });
            }
        }
        areas
    }

    fn draw_legend(&self, out: &mut String) {
        let y = self.height - MARGIN / 2;
        let mut x = MARGIN;
        for (phase, name) in PHASES {
            push(out, band(phase, x, y - 14, y + 2));
            push(out, text(x + 8, y, "start", name));
            x += legend_width(name);
        }
    }
}

/// Where words are.
#[derive(Clone, Copy)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Area {
    /// Of words whose middle is at `x`, and whose base line is at `y`.
    fn of_words(x: usize, y: usize, words: &str) -> Self {
        let width = (words.chars().count() + 1) * CHARACTER;
        Self { left: x.saturating_sub(width / 2), top: y - 9, width, height: HEIGHT }
    }

    /// With the halo of its words, which hides what is above and below.
    fn with_halo(&self) -> Self {
        Self { top: self.top.saturating_sub(HALO), height: self.height + 2 * HALO, ..*self }
    }

    /// How many pixels both cover.
    fn in_common(&self, other: &Self) -> usize {
        let along = |begin: usize, length: usize, other: usize, its: usize| {
            (begin + length).min(other + its).saturating_sub(begin.max(other))
        };
        along(self.left, self.width, other.left, other.width)
            * along(self.top, self.height, other.top, other.height)
    }
}

fn is_lost(arrow: &Arrow) -> bool {
    matches!(arrow.end, End::Lost(_))
}

/// Whether a note goes to the left of its lane: it makes way for the message that is received there.
fn is_left_of_lane(sequence: &Sequence, row: usize, lane: usize) -> bool {
    let mut received = sequence.arrows.iter().filter(|arrow| arrow.end == End::Received(row));
    received.any(|arrow| arrow.to == lane && arrow.from > lane)
}

/// The row in which a message ends; `None` for one that does not.
fn ends_in(arrow: &Arrow) -> Option<usize> {
    match arrow.end {
        End::Received(row) | End::Lost(row) => Some(row),
        End::UnderWay => None,
    }
}

/// What a phase takes in the legend.
fn legend_width(name: &str) -> usize {
    (name.len() + 4) * CHARACTER
}

fn push(out: &mut String, element: String) {
    out.push_str(&element);
    out.push('\n');
}

fn band(phase: Option<Lane>, x: usize, top: usize, bottom: usize) -> String {
    // Widths tell the phases apart without their colours, which are seen on black and on white.
    let (class, look) = match phase {
        None => ("down", "stroke-dasharray=\"2 5\""),
        Some(Lane::Election) => ("election", "stroke-width=\"1\""),
        Some(Lane::Discovery) => ("discovery", "stroke=\"#d08700\" stroke-width=\"4\""),
        Some(Lane::Synchronization) => ("synchronization", "stroke=\"#3b82f6\" stroke-width=\"7\""),
        Some(Lane::Broadcast) => ("broadcast", "stroke=\"#2e9e5b\" stroke-width=\"10\""),
    };
    format!("<line class=\"{class}\" x1=\"{x}\" y1=\"{top}\" x2=\"{x}\" y2=\"{bottom}\" {look}/>")
}

fn cross(class: &str, x: usize, y: usize, arm: usize) -> String {
    let (left, right, top, bottom) = (x - arm, x + arm, y - arm, y + arm);
    format!(
        "<path class=\"{class}\" d=\"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}\" \
         stroke=\"#e5484d\" stroke-width=\"2.5\"/>"
    )
}

fn text(x: usize, y: usize, anchor: &str, words: &str) -> String {
    let mut text = format!(
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" stroke=\"#fff\" \
         stroke-width=\"6\" stroke-linejoin=\"round\" paint-order=\"stroke\" xml:space=\"preserve\">"
    );
    for character in words.chars() {
        match character {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            other => text.push(other),
        }
    }
    text + "</text>"
}
