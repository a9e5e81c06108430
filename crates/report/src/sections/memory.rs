//! Where every intermediate lies, and when.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::element::{Figure, Section, Table, count_cell, data, responsive};
use crate::figures::Unit;
use crate::format;
use crate::scale::Axis;
use crate::svg::{Plot, Px, drawing, fitted, text_width};

/// The plan of the arena.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryMap {
    /// How many kernels run, one after another.
    pub kernels: u64,
    pub arena_bytes: u64,
    /// The greatest sum of bytes that live at once: no placement needs less.
    pub lower_bound_bytes: u64,
    pub buffers: Vec<MemoryBuffer>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryBuffer {
    /// What it holds, in short; may be empty.
    pub label: String,
    pub offset: u64,
    pub bytes: u64,
    /// The kernel that writes it, counted from 0.
    pub first_kernel: u64,
    /// The last kernel that reads it.
    pub last_kernel: u64,
}

/// The buffers that are drawn: the largest, since others could not be seen.
const DRAWN_MAX: usize = 1500;
/// The buffers that the table lists.
const LISTED_MAX: usize = 25;

pub(crate) fn draw(map: &MemoryMap) -> Option<Section> {
    if map.buffers.is_empty() || map.arena_bytes == 0 {
        return None;
    }
    let mut largest: Vec<&MemoryBuffer> = map.buffers.iter().filter(|buffer| buffer.bytes > 0).collect();
    largest.sort_by_key(|buffer| (std::cmp::Reverse(buffer.bytes), buffer.offset, buffer.first_kernel));
    let mut table = Table::new("The largest buffers")
        .text("Buffer")
        .numbers("Offset")
        .numbers("Bytes")
        .numbers("Written by kernel")
        .numbers("Last read by");
    for buffer in largest.iter().take(LISTED_MAX) {
        table.row(vec![
            html! { @if buffer.label.is_empty() { (format::NONE) } @else { (data(&buffer.label)) } },
            count_cell(Some(buffer.offset)),
            count_cell(Some(buffer.bytes)),
            count_cell(Some(buffer.first_kernel)),
            count_cell(Some(buffer.last_kernel)),
        ]);
    }
    if largest.len() > LISTED_MAX {
        table.note(format!("The largest {LISTED_MAX} of {} buffers.", format::count(largest.len() as u64)));
    }
    let drawn = &largest[..largest.len().min(DRAWN_MAX)];
    let body = html! {
        (Figure {
            title: "Arena",
            note: "each rectangle is a buffer: its width is when it is needed, its height where it lies",
            drawing: responsive(|width| chart(map, drawn, width)),
            table: Some(table),
        })
    };
    let bytes = |bytes: u64| format::value(bytes as f64, Unit::Bytes);
    let excess = match map.arena_bytes == map.lower_bound_bytes {
        true => "the least that this order of kernels allows".to_owned(),
        false => format!("the least possible for this order of kernels is {}", bytes(map.lower_bound_bytes)),
    };
    let lead = format!(
        "{} lie in one arena of {}; {excess}. Nothing is allocated while the program runs.",
        format::counted(map.buffers.len() as u64, "buffer", "buffers"),
        bytes(map.arena_bytes)
    );
    Some(Section::new("memory", "Memory", lead, body))
}

fn chart(map: &MemoryMap, buffers: &[&MemoryBuffer], width: f64) -> Markup {
    let last = buffers.iter().map(|buffer| buffer.last_kernel).max().unwrap_or(0).max(map.kernels.saturating_sub(1));
    let top = map.arena_bytes.max(map.lower_bound_bytes) as f64;
    let x = Axis::over("kernel", [0.0, last as f64 + 1.0]).unit(Unit::Count).ticks(if width < 500.0 { 5 } else { 10 });
    let y = Axis::over("address", [0.0, top]).unit(Unit::Bytes).ticks(5);
    let plot = Plot::new(width, if width < 500.0 { 280.0 } else { 360.0 }, 10.0, x, y);
    let rectangle = |buffer: &MemoryBuffer| {
        let left = plot.x(buffer.first_kernel as f64);
        let right = plot.x(buffer.last_kernel as f64 + 1.0);
        let upper = plot.y(buffer.offset as f64 + buffer.bytes as f64);
        (left, upper, right - left, plot.y(buffer.offset as f64) - upper)
    };
    let tip = |buffer: &MemoryBuffer| {
        let bytes = format::value(buffer.bytes as f64, Unit::Bytes);
        let kernels = format!("kernels {} to {}", buffer.first_kernel, buffer.last_kernel);
        let words = format!("{bytes} at {}\n{kernels}", format::count(buffer.offset));
        if buffer.label.is_empty() { words } else { format!("{}\n{words}", buffer.label) }
    };
    let body = html! {
        (plot.frame())
        @for buffer in buffers {
            @let (left, upper, wide, high) = rectangle(buffer);
            rect class="buffer" x=(Px(left)) y=(Px(upper)) width=(Px((wide - 0.8).max(0.6))) height=(Px((high - 0.8).max(0.6)))
                data-tip=(tip(buffer)) {}
            @if high >= 15.0 && wide >= 40.0 && !buffer.label.is_empty() && text_width(&buffer.label, 10.5) <= wide * 1.6 {
                text class="buffer-name" x=(Px(left + 5.0)) y=(Px(upper + 12.0)) { (fitted(&buffer.label, 10.5, wide - 8.0)) }
            }
        }
        @if map.lower_bound_bytes < map.arena_bytes {
            (plot.mark_y(map.lower_bound_bytes as f64, "least possible", "strong"))
        }
    };
    drawing(width, plot.height, "The buffers of the arena over the kernels, the largest in the table of the data", body)
}
