//! One column: what its stored values mean, and cells made of them.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::schema::types::{ColumnDescriptor, Type};
use tacit_spec::Code;

use super::civil;
use crate::source::{Cell, SourceOptions, image};

/// How the values of a column are read.
pub(super) struct Leaf {
    meaning: Meaning,
    /// The definition level of a value that is there.
    defined: i16,
    /// For a list: the definition level from which on it has an element.
    element: Option<i16>,
}

/// A cell that cannot be read, with the code, message and help of its fault.
pub(super) struct Unreadable {
    pub code: Code,
    pub message: String,
    pub help: String,
    pub found: String,
}

/// What the stored values stand for.
#[derive(Clone, Copy)]
enum Meaning {
    Plain,
    /// An integer stored in a signed type of the same width.
    Unsigned,
    Date,
    /// Parts of a second.
    Time(i64),
    Moment(i64),
    /// With so many digits behind the point.
    Decimal(usize),
    Half,
    Text,
}

/// One stored value.
enum Value {
    Number(f64),
    Text(String),
    Bytes(Vec<u8>),
    Unreadable(Unreadable),
}

/// The greatest integer up to which every integer is a 64-bit floating-point number.
const EXACT_MAX: u64 = 1 << 53;

/// The most digits of a decimal that 128 bits hold.
const DECIMAL_DIGITS: usize = 38;

impl Leaf {
    /// The leaf of a field that has only this one; nothing if it lies in a structure.
    pub(super) fn of(field: &Type, column: &ColumnDescriptor) -> Option<Leaf> {
        let mut level = 0;
        let mut element = None;
        let mut node = field;
        loop {
            match node.get_basic_info().has_repetition().then(|| node.get_basic_info().repetition()) {
                Some(Repetition::OPTIONAL) => level += 1,
                Some(Repetition::REPEATED) => {
                    level += 1;
                    element = element.or(Some(level));
                }
                Some(Repetition::REQUIRED) | None => {}
            }
            if node.is_primitive() {
                break;
            }
            // A group of one field is a list, or a level of one, or else a structure.
            let in_list = element.is_some() || node.get_basic_info().converted_type() == ConvertedType::LIST;
            let [child] = node.get_fields() else { return None };
            if !in_list {
                return None;
            }
            node = child;
        }
        Some(Leaf { meaning: meaning(column), defined: column.max_def_level(), element })
    }

    /// Reads the cells of the next rows, fewer at the end.
    pub(super) fn read(
        &self,
        reader: &mut ColumnReader,
        rows: usize,
        options: &SourceOptions,
    ) -> Result<Vec<Result<Cell, Unreadable>>, ParquetError> {
        let meaning = self.meaning;
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                self.cells(reader, rows, options, |value| Value::Text(value.to_string()))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                self.cells(reader, rows, options, |value| integer(meaning, i64::from(*value), u64::from(*value as u32)))
            }
            ColumnReader::Int64ColumnReader(reader) => {
                self.cells(reader, rows, options, |value| integer(meaning, *value, *value as u64))
            }
            ColumnReader::Int96ColumnReader(reader) => {
                self.cells(reader, rows, options, |value| Value::Text(civil::moment(value.to_nanos(), 1_000_000_000)))
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.cells(reader, rows, options, |value| Value::Number(f64::from(*value)))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                self.cells(reader, rows, options, |value| Value::Number(*value))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.cells(reader, rows, options, |value| bytes(meaning, value.data()))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.cells(reader, rows, options, |value| bytes(meaning, value.data()))
            }
        }
    }

    fn cells<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        rows: usize,
        options: &SourceOptions,
        value: impl Fn(&T::T) -> Value,
    ) -> Result<Vec<Result<Cell, Unreadable>>, ParquetError> {
        let (mut defined, mut repeated, mut stored) = (Vec::new(), Vec::new(), Vec::new());
        let mut records = 0;
        while records < rows {
            let left = rows - records;
            let (read, _, _) = reader.read_records(left, Some(&mut defined), Some(&mut repeated), &mut stored)?;
            if read == 0 {
                break;
            }
            records += read;
        }
        let mut stored = stored.iter().map(value);
        if self.defined == 0 {
            return Ok(stored.map(|value| cell(value, options)).collect());
        }
        let Some(element) = self.element else {
            let cell = |level: &i16| match *level == self.defined {
                true => stored.next().map_or(Ok(Cell::Missing), |value| cell(value, options)),
                false => Ok(Cell::Missing),
            };
            return Ok(defined.iter().map(cell).collect());
        };
        let mut cells = Vec::new();
        let mut start = 0;
        while start < defined.len() {
            let more = repeated.iter().skip(start + 1).take_while(|level| **level > 0).count();
            let end = (start + 1 + more).min(defined.len());
            let levels = &defined[start..end];
            let there = levels.iter().filter(|level| **level == self.defined).count();
            let values: Vec<Value> = stored.by_ref().take(there).collect();
            cells.push(if levels[0] < element {
                // Without elements: the list is empty, or below that level it is not there.
                Ok(if levels[0] + 1 == element { Cell::Numbers(Vec::new()) } else { Cell::Missing })
            } else if there < levels.len() {
                Err(nested("a list holds something that is missing", "[…]"))
            } else if !is_regular(&repeated[start..end]) {
                Err(nested("the lists in this list differ in length", "[…]"))
            } else {
                list(values)
            });
            start = end;
        }
        Ok(cells)
    }
}

fn meaning(column: &ColumnDescriptor) -> Meaning {
    let parts = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    let scale = |scale: i32| Meaning::Decimal(usize::try_from(scale).unwrap_or_default().min(DECIMAL_DIGITS));
    match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Timestamp(kind)), _) => Meaning::Moment(parts(&kind.unit)),
        (Some(LogicalType::Time(kind)), _) => Meaning::Time(parts(&kind.unit)),
        (Some(LogicalType::Decimal(kind)), _) => scale(kind.scale),
        (Some(LogicalType::Float16), _) => Meaning::Half,
        (_, ConvertedType::DECIMAL) => scale(column.type_scale()),
        (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => Meaning::Date,
        (_, ConvertedType::TIME_MILLIS) => Meaning::Time(1000),
        (_, ConvertedType::TIME_MICROS) => Meaning::Time(1_000_000),
        (_, ConvertedType::TIMESTAMP_MILLIS) => Meaning::Moment(1000),
        (_, ConvertedType::TIMESTAMP_MICROS) => Meaning::Moment(1_000_000),
        (_, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64) => {
            Meaning::Unsigned
        }
        (Some(LogicalType::Integer(kind)), _) if !kind.is_signed => Meaning::Unsigned,
        (Some(LogicalType::String | LogicalType::Enum | LogicalType::Json), _)
        | (_, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON) => Meaning::Text,
        _ => Meaning::Plain,
    }
}

/// An integer, which is both numbers in its signed and its unsigned reading.
fn integer(meaning: Meaning, signed: i64, unsigned: u64) -> Value {
    match meaning {
        Meaning::Plain | Meaning::Half | Meaning::Text => match signed.unsigned_abs() <= EXACT_MAX {
            true => Value::Number(signed as f64),
            false => Value::Text(signed.to_string()),
        },
        Meaning::Unsigned => match unsigned <= EXACT_MAX {
            true => Value::Number(unsigned as f64),
            false => Value::Text(unsigned.to_string()),
        },
        // Days beyond 32 bits are not days.
        Meaning::Date => Value::Text(civil::date(i64::from(signed as i32))),
        Meaning::Time(parts) => Value::Text(civil::time(signed, parts)),
        Meaning::Moment(parts) => Value::Text(civil::moment(signed, parts)),
        Meaning::Decimal(scale) => Value::Text(civil::decimal(i128::from(signed), scale)),
    }
}

fn bytes(meaning: Meaning, data: &[u8]) -> Value {
    match (meaning, data) {
        (Meaning::Decimal(scale), data) => match twos_complement(data) {
            Some(unscaled) => Value::Text(civil::decimal(unscaled, scale)),
            None => Value::Unreadable(Unreadable {
                code: Code::BadNumber,
                message: format!("a decimal of {} bytes is too long", data.len()),
                help: format!("write decimals of at most {DECIMAL_DIGITS} digits"),
                found: String::new(),
            }),
        },
        (Meaning::Half, [low, high]) => Value::Number(half(u16::from_le_bytes([*low, *high]))),
        (
            Meaning::Plain | Meaning::Unsigned | Meaning::Date | Meaning::Time(_) | Meaning::Moment(_) | Meaning::Half,
            _,
        ) => Value::Bytes(data.to_vec()),
        (Meaning::Text, _) => match std::str::from_utf8(data) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Unreadable(not_utf8()),
        },
    }
}

/// A big-endian integer of two's complement; nothing if it takes more than 128 bits.
fn twos_complement(data: &[u8]) -> Option<i128> {
    let negative = data.first().is_some_and(|byte| *byte >= 0x80);
    let start = if negative { -1 } else { 0 };
    (data.len() <= 16).then(|| data.iter().fold(start, |value: i128, byte| value << 8 | i128::from(*byte)))
}

/// A number of 16-bit floating point (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let sign = if bits >= 0x8000 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    // Powers of two are exact.
    let power = |exponent: i32| f64::from_bits(((1023 + exponent) as u64) << 52);
    sign * match (exponent, fraction) {
        (0, fraction) => fraction * power(-24),
        (31, 0.0) => f64::INFINITY,
        (31, _) => f64::NAN,
        (exponent, fraction) => (1024.0 + fraction) * power(exponent - 25),
    }
}

fn cell(value: Value, options: &SourceOptions) -> Result<Cell, Unreadable> {
    let mut cell = Cell::Missing;
    match value {
        Value::Number(number) if number.is_nan() && options.missing.iter().any(|token| token == "NaN") => {}
        Value::Number(number) if !number.is_finite() => return Err(not_finite(number)),
        Value::Number(number) => cell = Cell::Number(number),
        Value::Text(text) => cell.set_text(&text, &options.missing),
        Value::Bytes(bytes) if image::is_picture(&bytes) => {
            let picture = image::decode(&bytes, &options.limits);
            cell = Cell::Image(picture.map_err(|fault| Unreadable {
                code: fault.code,
                message: fault.message,
                help: fault.help,
                found: String::new(),
            })?);
        }
        Value::Bytes(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => cell.set_text(text, &options.missing),
            Err(_) => return Err(not_utf8()),
        },
        Value::Unreadable(found) => return Err(found),
    }
    Ok(cell)
}

/// A cell of a list's values, which are all there.
fn list(values: Vec<Value>) -> Result<Cell, Unreadable> {
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    let length = values.len();
    for value in values {
        match value {
            Value::Number(number) if (number as f32).is_finite() => numbers.push(number as f32),
            Value::Number(number) => return Err(not_finite(number)),
            Value::Text(text) => texts.push(text.trim().to_owned()),
            Value::Bytes(_) => return Err(nested("a list holds bytes", "[…]")),
            Value::Unreadable(found) => return Err(found),
        }
    }
    match (numbers.len() == length, texts.len() == length) {
        (true, _) => Ok(Cell::Numbers(numbers)),
        (false, true) => Ok(Cell::Texts(texts)),
        // Integers of which some are beyond 53 bits.
        (false, false) => Err(nested("a list holds integers of more than 53 bits", "[…]")),
    }
}

/// Whether nested lists are as regular as an array, by the repetition level of each value: the depth at which it goes on.
fn is_regular(levels: &[i16]) -> bool {
    let deepest = levels.iter().copied().max().unwrap_or_default();
    (1..deepest).all(|depth| {
        // The values between two beginnings of a list at this depth.
        let begins: Vec<usize> = (0..levels.len()).filter(|index| levels[*index] <= depth).collect();
        let lengths = begins.windows(2).map(|pair| pair[1] - pair[0]);
        let last = begins.last().map_or(0, |begin| levels.len() - begin);
        lengths.chain([last]).all(|length| length == last)
    })
}

fn nested(message: &str, found: &str) -> Unreadable {
    Unreadable {
        code: Code::NestedValue,
        message: message.to_owned(),
        help: "write lists of numbers or lists of texts, as regular as an array".to_owned(),
        found: found.to_owned(),
    }
}

fn not_finite(number: f64) -> Unreadable {
    Unreadable {
        code: Code::NotFinite,
        message: format!("`{number}` is not a finite number"),
        help: "write null where there is no value, or let the token `NaN` stand for a missing value".to_owned(),
        found: number.to_string(),
    }
}

fn not_utf8() -> Unreadable {
    Unreadable {
        code: Code::NotUtf8,
        message: "these bytes are neither a picture nor UTF-8".to_owned(),
        help: "write text as UTF-8, or leave the column out".to_owned(),
        found: String::new(),
    }
}
