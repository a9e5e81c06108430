//! Pictures: decoded, and brought to the size and the channels that a program takes.

/// A picture of 8 bits a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    pub height: usize,
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// (height, width, channels), from the top left, row by row.
    pub pixels: Vec<u8>,
}
