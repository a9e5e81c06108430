//! Event files against bytes that TensorBoard itself has read (tests/tensorboard/check.py), and against their framing.

use tacit_report::{Better, Curves, Epoch, RangeTest, tensorboard};

fn curves() -> Curves {
    Curves {
        figure: "macro F1".to_owned(),
        better: Better::Higher,
        epochs: vec![
            Epoch {
                epoch: 1,
                step: 100,
                training_loss: Some(0.75),
                validation_loss: Some(0.875),
                validation_figure: Some(0.5),
                learning_rate: Some(0.001),
            },
            Epoch { epoch: 2, step: 70_000, training_loss: Some(0.1), validation_loss: None, ..Epoch::default() },
            Epoch { epoch: 3, step: 5_000_000_000, validation_figure: Some(0.9375), ..Epoch::default() },
        ],
        best: Some(3),
        range_test: Some(RangeTest { points: vec![[1e-6, 1.5], [1e-5, 1.25]], chosen: None }),
    }
}

#[test]
fn the_bytes_are_those_that_tensorboard_has_read() {
    let golden: &[u8] = include_bytes!("tensorboard/events.out.tfevents.1700000000.sample");
    let events = tensorboard::events(&curves(), 1_700_000_000.0, 2.5);
    if std::env::var_os("TACIT_UPDATE_SNAPSHOTS").is_some() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tensorboard");
        let path = std::path::Path::new(folder).join(tensorboard::file_name(1_700_000_000.0, "sample"));
        std::fs::write(path, &events).expect("the file can be written");
    }
    assert!(events == golden, "if this is meant, run tests/tensorboard/check.py on the new bytes");
}

#[test]
fn every_record_is_as_long_as_it_says() {
    let file = tensorboard::events(&curves(), 0.0, 0.0);
    let mut rest = &file[..];
    let mut records = 0;
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().expect("eight bytes")) as usize;
        rest = &rest[8 + 4 + length + 4..];
        records += 1;
    }
    // The version, two figures for each point of the range test, and the figures that were measured.
    assert_eq!(records, 1 + 4 + 4 + 1 + 1);
}

#[test]
fn curves_without_epochs_have_the_version_only() {
    let file = tensorboard::events(&Curves::default(), 0.0, 0.0);
    assert_eq!(file.len(), 8 + 4 + 9 + 2 + 13 + 4);
    assert!(file.windows(13).any(|bytes| bytes == b"brain.Event:2"));
}
