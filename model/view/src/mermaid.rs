//! A run as a sequence diagram of Mermaid, which GitHub, GitLab and many editors draw.
//!
//! Mermaid draws every message at one height. So a message stands where it ends: where it is received,
//! where it is lost (a cross), or below all steps if it is still on its way (dashed). How long it was on
//! its way is to be seen in the SVG only.

use std::fmt::Write;

use super::sequence::{Arrow, End, Row, Sequence};

/// The diagram of a run.
#[must_use]
pub fn mermaid(sequence: &Sequence) -> String {
    let mut out = String::from("sequenceDiagram\n");
    for (index, name) in sequence.lanes.iter().enumerate() {
        line(&mut out, &format!("participant s{index} as {}", escaped(name)));
    }
    for (number, row) in sequence.rows.iter().enumerate() {
        draw_row(&mut out, number, row, sequence.lanes.len());
        let ends_here =
            |arrow: &&Arrow| matches!(arrow.end, End::Received(at) | End::Lost(at) if at == number);
        for arrow in sequence.arrows.iter().filter(ends_here) {
            let head = if matches!(arrow.end, End::Lost(_)) { "-x" } else { "->>" };
            message(&mut out, arrow, head, "");
        }
        draw_notes(&mut out, row);
    }
    for arrow in sequence.arrows.iter().filter(|arrow| arrow.end == End::UnderWay) {
        message(&mut out, arrow, "--)", " (on its way)");
    }
    out
}

/// What happens, over the lanes that it is about.
fn draw_row(out: &mut String, number: usize, row: &Row, lanes: usize) {
    let all: Vec<usize> = (0..lanes).collect();
    let servers = if row.servers.is_empty() { &all } else { &row.servers };
    let [Some(first), Some(last)] = [servers.iter().min(), servers.iter().max()] else { return };
    let over = if first == last { format!("s{first}") } else { format!("s{first},s{last}") };
    let number = if number == 0 { String::new() } else { format!("{number}  ") };
    let text = escaped(&format!("{number}{}", row.text));
    if row.marked {
        // A box of its own colour around what the picture is about.
        line(out, "rect rgb(255, 205, 205)");
        line(out, &format!("Note over {over}: {text}"));
        line(out, "end");
    } else {
        line(out, &format!("Note over {over}: {text}"));
    }
}

/// What changed.
fn draw_notes(out: &mut String, row: &Row) {
    for (index, note) in row.notes.iter().enumerate().filter(|(_, note)| !note.is_empty()) {
        line(out, &format!("Note right of s{index}: {}", escaped(note)));
    }
}

fn message(out: &mut String, arrow: &Arrow, head: &str, more: &str) {
    let Arrow { from, to, text, .. } = arrow;
    line(out, &format!("s{from}{head}s{to}: {}{more}", escaped(text)));
}

fn line(out: &mut String, text: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(out, "    {text}");
}

/// Text without what means something to Mermaid or to HTML.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '#' => out.push_str("#35;"),
            ';' => out.push_str("#59;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '%' => out.push_str("#37;"),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
