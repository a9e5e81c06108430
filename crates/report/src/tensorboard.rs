//! The curves of a search as a TensorBoard event file.
//!
//! A file is a sequence of records in the framing of TFRecord: the length of the data (8 bytes, little-endian), the masked
//! CRC of these bytes, the data, and the masked CRC of the data (tensorflow/core/lib/io/record_writer.h). The data of each
//! record is an `Event` in protocol buffers (tensorflow/core/util/event.proto); a figure is a `Summary` with one `Value`
//! that has a tag and a `simple_value` (tensorflow/core/framework/summary.proto).

use crate::sections::curves::Curves;

/// What the name of an event file has to begin with, so that TensorBoard finds it.
pub const FILE_NAME_PREFIX: &str = "events.out.tfevents.";

/// The name of the event file of a program. `wall_time` is the first event's, in seconds since 1970.
pub fn file_name(wall_time: f64, program: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let program: String = program.chars().map(plain).collect();
    format!("{FILE_NAME_PREFIX}{:010}.{program}", wall_time.max(0.0) as u64)
}

/// The curves as the bytes of an event file: one scalar for each figure and epoch, at the number of its training step. Epoch
/// k is given the time `wall_time` + k · `epoch_seconds`; both 0 make a file that depends on the curves alone. Figures that
/// were not measured have no event.
///
/// Tags are `loss/training`, `loss/validation`, `validation/` and the name of the figure, `learning_rate`, and
/// `range_test/loss` over the number of the point for a range test.
pub fn events(curves: &Curves, wall_time: f64, epoch_seconds: f64) -> Vec<u8> {
    let mut file = Vec::new();
    record(&mut file, &version_event(wall_time));
    let figure = match curves.figure.is_empty() {
        true => "validation/figure".to_owned(),
        false => format!("validation/{}", curves.figure),
    };
    if let Some(test) = &curves.range_test {
        for (point, [rate, loss]) in test.points.iter().enumerate() {
            record(&mut file, &scalar_event(wall_time, point as u64, "range_test/learning_rate", *rate));
            record(&mut file, &scalar_event(wall_time, point as u64, "range_test/loss", *loss));
        }
    }
    for (k, epoch) in curves.epochs.iter().enumerate() {
        let time = wall_time + k as f64 * epoch_seconds;
        let figures = [
            ("loss/training", epoch.training_loss),
            ("loss/validation", epoch.validation_loss),
            (&figure[..], epoch.validation_figure),
            ("learning_rate", epoch.learning_rate),
        ];
        for (tag, value) in figures {
            if let Some(value) = value {
                record(&mut file, &scalar_event(time, epoch.step, tag, value));
            }
        }
    }
    file
}

/// The event that every file begins with.
fn version_event(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    double_field(&mut event, 1, wall_time);
    bytes_field(&mut event, 3, b"brain.Event:2");
    event
}

fn scalar_event(wall_time: f64, step: u64, tag: &str, value: f64) -> Vec<u8> {
    let mut scalar = Vec::new();
    bytes_field(&mut scalar, 1, tag.as_bytes());
    float_field(&mut scalar, 2, value as f32);
    let mut summary = Vec::new();
    bytes_field(&mut summary, 1, &scalar);
    let mut event = Vec::new();
    double_field(&mut event, 1, wall_time);
    varint_field(&mut event, 2, step);
    bytes_field(&mut event, 5, &summary);
    event
}

fn record(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_crc(&length).to_le_bytes());
    file.extend(data);
    file.extend(masked_crc(data).to_le_bytes());
}

const CRC32C: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

/// CRC-32C, rotated and offset, since a CRC of data that holds CRCs is weak (tensorflow/core/lib/hash/crc32c.h).
fn masked_crc(data: &[u8]) -> u32 {
    CRC32C.checksum(data).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// The wire types of protocol buffers.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

fn key(message: &mut Vec<u8>, field: u64, wire: Wire) {
    varint(message, field << 3 | wire as u64);
}

fn varint_field(message: &mut Vec<u8>, field: u64, value: u64) {
    key(message, field, Wire::Varint);
    varint(message, value);
}

fn double_field(message: &mut Vec<u8>, field: u64, value: f64) {
    key(message, field, Wire::Fixed64);
    message.extend(value.to_le_bytes());
}

fn float_field(message: &mut Vec<u8>, field: u64, value: f32) {
    key(message, field, Wire::Fixed32);
    message.extend(value.to_le_bytes());
}

fn bytes_field(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    key(message, field, Wire::Bytes);
    varint(message, bytes.len() as u64);
    message.extend(bytes);
}

/// Seven bits a byte, the lowest first; the top bit says that more follow.
fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_that_of_rfc_3720_appendix_b_4() {
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        assert_eq!(CRC32C.checksum(&[0; 32]), 0x8A91_36AA);
        assert_eq!(CRC32C.checksum(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(CRC32C.checksum(&ascending), 0x46DD_794E);
        assert_eq!(CRC32C.checksum(&descending), 0x113F_DB5C);
        let mut read_command = [0u8; 48];
        for (at, byte) in [(0, 0x01), (1, 0xC0), (16, 0x14), (22, 0x04), (27, 0x14), (31, 0x18), (32, 0x28), (40, 0x02)]
        {
            read_command[at] = byte;
        }
        assert_eq!(CRC32C.checksum(&read_command), 0xD996_3A56);
    }

    #[test]
    fn numbers_of_any_size_are_varints() {
        let bytes = |value| {
            let mut bytes = vec![];
            varint(&mut bytes, value);
            bytes
        };
        assert_eq!(bytes(0), [0]);
        assert_eq!(bytes(127), [0x7F]);
        assert_eq!(bytes(300), [0xAC, 0x02]);
        assert_eq!(bytes(u64::MAX).len(), 10);
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name(0.0, "a b/ü"), "events.out.tfevents.0000000000.a_b__");
        assert_eq!(file_name(1_700_000_000.9, "digits"), "events.out.tfevents.1700000000.digits");
    }
}
