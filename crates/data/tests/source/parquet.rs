use std::path::PathBuf;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tacit_data::random::SplitMix64;
use tacit_data::source::{Cell, SourceKind, SourceOptions, open, sniff};
use tacit_spec::Code;

use crate::support::{All, picture, png, read_path, text};

/// The values of a column with their levels.
enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<Vec<u8>>),
    Fixed(Vec<Vec<u8>>),
}

struct Column {
    values: Values,
    defined: Option<Vec<i16>>,
    repeated: Option<Vec<i16>>,
}

fn all(values: Values) -> Column {
    Column { values, defined: None, repeated: None }
}

fn some(values: Values, defined: &[i16]) -> Column {
    Column { values, defined: Some(defined.to_vec()), repeated: None }
}

fn list(values: Values, defined: &[i16], repeated: &[i16]) -> Column {
    Column { values, defined: Some(defined.to_vec()), repeated: Some(repeated.to_vec()) }
}

/// The file of a schema; each row group has its columns.
fn write(schema: &str, groups: &[Vec<Column>], compression: Compression) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message m {{ {schema} }}")).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for columns in groups {
        let mut group = writer.next_row_group().unwrap();
        for column in columns {
            let mut writer = group.next_column().unwrap().unwrap();
            let (defined, repeated) = (column.defined.as_deref(), column.repeated.as_deref());
            let byte_arrays =
                |values: &[Vec<u8>]| values.iter().map(|v| ByteArray::from(v.clone())).collect::<Vec<_>>();
            match (writer.untyped(), &column.values) {
                (ColumnWriter::BoolColumnWriter(w), Values::Bool(v)) => w.write_batch(v, defined, repeated),
                (ColumnWriter::Int32ColumnWriter(w), Values::Int32(v)) => w.write_batch(v, defined, repeated),
                (ColumnWriter::Int64ColumnWriter(w), Values::Int64(v)) => w.write_batch(v, defined, repeated),
                (ColumnWriter::Int96ColumnWriter(w), Values::Int96(v)) => w.write_batch(v, defined, repeated),
                (ColumnWriter::FloatColumnWriter(w), Values::Float(v)) => w.write_batch(v, defined, repeated),
                (ColumnWriter::DoubleColumnWriter(w), Values::Double(v)) => w.write_batch(v, defined, repeated),
                (ColumnWriter::ByteArrayColumnWriter(w), Values::Bytes(v)) => {
                    w.write_batch(&byte_arrays(v), defined, repeated)
                }
                (ColumnWriter::FixedLenByteArrayColumnWriter(w), Values::Fixed(v)) => {
                    let values: Vec<FixedLenByteArray> = byte_arrays(v).into_iter().map(Into::into).collect();
                    w.write_batch(&values, defined, repeated)
                }
                _ => panic!("the values are of the column's type"),
            }
            .unwrap();
            writer.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn stored(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn read_with(bytes: &[u8], options: &SourceOptions) -> All {
    let (_folder, path) = stored(bytes);
    read_path(&path, options).unwrap()
}

fn read(bytes: &[u8]) -> All {
    read_with(bytes, &SourceOptions::default())
}

/// The cells of one column.
fn column(schema: &str, column: Column) -> Vec<Cell> {
    let all = read(&write(schema, &[vec![column]], Compression::UNCOMPRESSED));
    assert!(all.faults.is_empty(), "{:?}", all.faults);
    all.rows.into_iter().flatten().collect()
}

fn faults(schema: &str, column: Column) -> Vec<Code> {
    let all = read(&write(schema, &[vec![column]], Compression::UNCOMPRESSED));
    all.faults.iter().map(|fault| fault.code).collect()
}

#[test]
fn flat_types_become_cells() {
    let numbers = |values: &[f64]| values.iter().map(|value| Cell::Number(*value)).collect::<Vec<_>>();
    let texts = |values: &[&str]| values.iter().map(|value| text(value)).collect::<Vec<_>>();
    assert_eq!(column("required boolean a;", all(Values::Bool(vec![true, false]))), texts(&["true", "false"]));
    assert_eq!(column("required int32 a;", all(Values::Int32(vec![-5, 7]))), numbers(&[-5.0, 7.0]));
    assert_eq!(
        column("required int32 a (INTEGER(32,false));", all(Values::Int32(vec![-1]))),
        numbers(&[4_294_967_295.0])
    );
    let big = 9_007_199_254_740_993;
    assert_eq!(
        column("required int64 a;", all(Values::Int64(vec![-3, big]))),
        [Cell::Number(-3.0), text("9007199254740993")]
    );
    assert_eq!(column("required int64 a (UINT_64);", all(Values::Int64(vec![-1]))), texts(&["18446744073709551615"]));
    assert_eq!(column("required float a;", all(Values::Float(vec![1.5]))), numbers(&[1.5]));
    assert_eq!(column("required double a;", all(Values::Double(vec![0.1]))), numbers(&[0.1]));
    let strings = Values::Bytes(vec![b" caf\xc3\xa9 ".to_vec(), b"".to_vec()]);
    assert_eq!(column("required binary a (UTF8);", all(strings)), [text("café"), Cell::Missing]);
    let halves = vec![vec![0x00, 0x3e], vec![0x01, 0x80], vec![0xff, 0x7b]];
    let expected = numbers(&[1.5, -5.960_464_477_539_063e-8, 65504.0]);
    assert_eq!(column("required fixed_len_byte_array(2) a (FLOAT16);", all(Values::Fixed(halves))), expected);
    let photo = picture(3, 2, 3);
    let bytes = Values::Bytes(vec![png(&photo), b"plain".to_vec()]);
    assert_eq!(column("required binary a;", all(bytes)), [Cell::Image(photo), text("plain")]);
}

#[test]
fn decimals_dates_and_times_become_text() {
    let texts = |values: &[&str]| values.iter().map(|value| text(value)).collect::<Vec<_>>();
    assert_eq!(
        column("required int32 a (DECIMAL(9,2));", all(Values::Int32(vec![-1234, 5]))),
        texts(&["-12.34", "0.05"])
    );
    let fixed = Values::Fixed(vec![vec![0xff, 0xfe], vec![0x01, 0x00]]);
    assert_eq!(column("required fixed_len_byte_array(2) a (DECIMAL(4,1));", all(fixed)), texts(&["-0.2", "25.6"]));
    let bytes = Values::Bytes(vec![vec![0x7f], vec![0xff; 3]]);
    assert_eq!(column("required binary a (DECIMAL(4,0));", all(bytes)), texts(&["127", "-1"]));
    assert_eq!(
        column("required int32 a (DATE);", all(Values::Int32(vec![19_782, -1]))),
        texts(&["2024-02-29", "1969-12-31"])
    );
    assert_eq!(
        column("required int32 a (TIME(MILLIS,true));", all(Values::Int32(vec![32_730_250]))),
        texts(&["09:05:30.25"])
    );
    assert_eq!(column("required int64 a (TIME_MICROS);", all(Values::Int64(vec![1_000_000]))), texts(&["00:00:01"]));
    let moments = [("MILLIS", 1_000), ("MICROS", 1_000_000), ("NANOS", 1_000_000_000)];
    for (unit, parts) in moments {
        let schema = format!("required int64 a (TIMESTAMP({unit},true));");
        let value = 1_709_197_530 * parts + parts / 4;
        assert_eq!(column(&schema, all(Values::Int64(vec![value]))), texts(&["2024-02-29T09:05:30.25"]));
    }
    let mut old = Int96::new();
    // Nanoseconds of the day in two words, then the Julian day.
    old.set_data(1_000_000_000, 0, 2_440_588);
    assert_eq!(column("required int96 a;", all(Values::Int96(vec![old]))), texts(&["1970-01-01T00:00:01"]));
}

#[test]
fn nulls_are_missing_and_so_are_tokens() {
    let cells = column("optional int32 a;", some(Values::Int32(vec![1, 2]), &[1, 0, 1]));
    assert_eq!(cells, [Cell::Number(1.0), Cell::Missing, Cell::Number(2.0)]);
    let options = SourceOptions { missing: vec!["NaN".into(), "?".into()], ..SourceOptions::default() };
    let bytes = write(
        "required double a; required binary b (UTF8);",
        &[vec![all(Values::Double(vec![f64::NAN, 1.0])), all(Values::Bytes(vec![b"?".to_vec(), b"x".to_vec()]))]],
        Compression::SNAPPY,
    );
    assert_eq!(read_with(&bytes, &options).rows, [[Cell::Missing, Cell::Missing], [Cell::Number(1.0), text("x")]]);
    let strict = read(&bytes);
    assert_eq!(
        (strict.faults[0].code, strict.faults[0].column.as_deref(), strict.lines),
        (Code::NotFinite, Some("a"), vec![2])
    );
}

#[test]
fn lists_become_cells_and_nested_ones_must_be_regular() {
    let list_of = |element: &str| format!("optional group a (LIST) {{ repeated group list {{ {element} element; }} }}");
    let floats = list_of("optional float");
    // [1, 2], null, [], [3]
    let cells = column(&floats, list(Values::Float(vec![1., 2., 3.]), &[3, 3, 0, 1, 3], &[0, 1, 0, 0, 0]));
    let expected = [vec![1.0, 2.0].into(), None, Some(vec![]), Some(vec![3.0])];
    assert_eq!(cells, expected.map(|numbers: Option<Vec<f32>>| numbers.map_or(Cell::Missing, Cell::Numbers)));
    // [1, null]
    assert_eq!(faults(&floats, list(Values::Float(vec![1.]), &[3, 2], &[0, 1])), [Code::NestedValue]);
    assert_eq!(faults(&floats, list(Values::Float(vec![f32::NAN]), &[3], &[0])), [Code::NotFinite]);
    let labels = Values::Bytes(vec![b"x".to_vec(), b"y ".to_vec()]);
    let cells = column(
        "optional group a (LIST) { repeated group list { required binary element (UTF8); } }",
        list(labels, &[2, 2], &[0, 1]),
    );
    assert_eq!(cells, [Cell::Texts(vec!["x".into(), "y".into()])]);
    let plain = column("repeated int32 a;", list(Values::Int32(vec![4, 5]), &[1, 1, 0], &[0, 1, 0]));
    assert_eq!(plain, [Cell::Numbers(vec![4.0, 5.0]), Cell::Numbers(vec![])]);
    let nested = "required group a (LIST) { repeated group list { required group element (LIST) {
        repeated group list { required int32 element; } } } }";
    let four = || Values::Int32(vec![1, 2, 3, 4]);
    // [[1, 2], [3, 4]], then [[1, 2, 3], [4]], then [[1], []]
    assert_eq!(column(nested, list(four(), &[2; 4], &[0, 2, 1, 2])), [Cell::Numbers(vec![1., 2., 3., 4.])]);
    assert_eq!(faults(nested, list(four(), &[2; 4], &[0, 2, 2, 1])), [Code::NestedValue]);
    assert_eq!(faults(nested, list(Values::Int32(vec![1]), &[2, 1], &[0, 1])), [Code::NestedValue]);
}

#[test]
fn structures_and_maps_are_named() {
    let group = "required group a { required int32 x; required int32 y; }";
    let single = "required group a { required int32 x; }";
    for (schema, columns) in [(group, 2), (single, 1)] {
        let columns = (0..columns).map(|_| all(Values::Int32(vec![1]))).collect();
        let (_folder, path) = stored(&write(schema, &[columns], Compression::UNCOMPRESSED));
        let found = open(&path, &SourceOptions::default()).err().unwrap();
        assert_eq!((found[0].code, found[0].message.as_str()), (Code::NestedValue, "the column `a` holds structures"));
    }
}

/// Three row groups of some hundred rows each, and what must be read.
fn large(compression: Compression) -> (Vec<u8>, Vec<Vec<Cell>>) {
    let mut groups = Vec::new();
    let mut expected = Vec::new();
    for group in 0..3i32 {
        let ids: Vec<i32> = (0..700).map(|row| group * 1000 + row).collect();
        let (mut levels, mut names) = (Vec::new(), Vec::new());
        for id in &ids {
            levels.push(i16::from(id % 3 != 0));
            if id % 3 != 0 {
                names.push(format!("name {}", id % 50).into_bytes());
            }
            let name = if id % 3 != 0 { text(&format!("name {}", id % 50)) } else { Cell::Missing };
            expected.push(vec![Cell::Number(f64::from(*id)), name]);
        }
        groups.push(vec![all(Values::Int32(ids)), some(Values::Bytes(names), &levels)]);
    }
    (write("required int32 id; optional binary name (UTF8);", &groups, compression), expected)
}

#[test]
fn all_row_groups_are_read_whatever_their_compression() {
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(Default::default()), Compression::LZ4_RAW]
    {
        let (bytes, expected) = large(compression);
        let all = read(&bytes);
        assert_eq!((&all.columns[..], &all.rows), (&["id".to_owned(), "name".to_owned()][..], &expected));
        assert_eq!(all.lines, (1..=2100).collect::<Vec<u64>>());
        assert_eq!(all.summary.hash, blake3::hash(&bytes).to_hex().as_str());
        assert_eq!(all.summary.bytes, bytes.len() as u64);
        let (_folder, path) = stored(&bytes);
        let sniffed = sniff::sniff(&path).unwrap();
        assert_eq!((sniffed.kind, sniffed.columns), (SourceKind::Parquet, all.columns));
    }
    let (_folder, path) = stored(&crate::support::gzip(&large(Compression::SNAPPY).0));
    assert_eq!(open(&path, &SourceOptions::default()).err().unwrap()[0].code, Code::UnknownFormat);
}

#[test]
fn a_file_cut_at_any_length_is_told() {
    let columns = vec![all(Values::Int32(vec![1, 2, 3])), some(Values::Bytes(vec![b"x".to_vec()]), &[1, 0, 0])];
    let bytes = write("required int32 id; optional binary name (UTF8);", &[columns], Compression::SNAPPY);
    let options = SourceOptions { kind: Some(SourceKind::Parquet), ..SourceOptions::default() };
    for length in 0..bytes.len() {
        let (_folder, path) = stored(&bytes[..length]);
        assert_eq!(open(&path, &options).err().unwrap()[0].code, Code::DamagedFile, "{length}");
    }
}

#[test]
fn garbled_files_give_rows_or_coded_errors() {
    let (bytes, _) = large(Compression::SNAPPY);
    let options = SourceOptions { kind: Some(SourceKind::Parquet), ..SourceOptions::default() };
    let mut random = SplitMix64::new(5);
    for _ in 0..1500 {
        let mut garbled = bytes.clone();
        for _ in 0..=random.below(3) {
            // Half of the changes go to the metadata at the end.
            let range = if random.below(2) == 0 { garbled.len() as u64 } else { 600 };
            let at = garbled.len() - 1 - random.below(range) as usize;
            garbled[at] = random.next_u64() as u8;
        }
        let (_folder, path) = stored(&garbled);
        if let Err(found) = read_path(&path, &options) {
            assert!(found[0].help.is_some());
        }
    }
}
