//! What a manifest leaves open, decided by the skeleton and by the size of the data, before the search begins.
//!
//! A choice depends on nothing but the manifest and these facts, so that the same data gives the same program.

use crate::codes::Code;
use crate::layer::{Layer, Padding, Window};
use crate::report::Diagnostic;
use crate::shape::{Shape, ShapeError};
use crate::skeleton::Preset;
use crate::specification::*;

/// What is known of the data when the choices are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub training_rows: usize,
    /// The columns of numbers, the columns of labels.
    pub numbers: usize,
    pub categories: usize,
    /// The values that the outputs take together: classes, labels, numbers.
    pub answers: usize,
}

/// Every choice made. What the manifest says stands; the rest is by the rules of this module.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// The most intervals of a piecewise encoding; 0 where numbers are only standardised.
    pub bins: usize,
    /// The numbers that a label becomes.
    pub embedding: usize,
    /// Whether each column becomes as many features as any other, so that layers can work column by column.
    pub even_columns: bool,
    pub members: usize,
    pub epochs: u64,
    pub batch: usize,
    /// None if a range test finds it.
    pub learning_rate: Option<f64>,
    pub weight_decay: f64,
    pub schedule: Schedule,
    pub warmup_steps: u64,
    pub clip: Option<f64>,
    pub patience_epochs: Option<u64>,
    pub average: Option<f64>,
}

/// Makes the choices that a manifest leaves open.
pub fn choices(specification: &Specification, facts: &Facts) -> Choices {
    let preset = match &specification.skeleton.body {
        Body::Preset(preset) => Some(*preset),
        Body::Layers(_) => None,
    };
    let search = &specification.search;
    let is_table = facts.numbers + facts.categories > 0;
    let batch = search.batch.unwrap_or_else(|| if is_table { batch_of_rows(facts.training_rows) } else { IMAGE_BATCH });
    let epochs = search.epochs.unwrap_or_else(|| match is_table {
        true => epochs_of_rows(facts.training_rows),
        false => epochs_of_images(facts.training_rows),
    });
    let steps = (epochs * facts.training_rows as u64).div_ceil(batch as u64);
    let schedule = search.schedule.unwrap_or(Schedule::Cosine);
    let is_adamw = search.optimiser == Optimiser::AdamW;
    Choices {
        bins: match preset {
            Some(Preset::Mlp | Preset::ResNet | Preset::Additive) if is_table => bins(facts.training_rows),
            Some(_) | None => 0,
        },
        embedding: EMBEDDING,
        even_columns: preset == Some(Preset::Additive),
        members: specification.skeleton.members.unwrap_or(match preset {
            Some(Preset::Mlp) if is_table => MEMBERS,
            Some(_) | None => 1,
        }),
        epochs,
        batch,
        learning_rate: match search.learning_rate {
            LearningRate::Value(rate) => Some(rate),
            LearningRate::RangeTest => None,
            LearningRate::Usual => Some(learning_rate(search.optimiser, preset, facts.training_rows)),
        },
        weight_decay: search.weight_decay.unwrap_or(if is_adamw { 0.01 } else { 0.0 }),
        schedule,
        warmup_steps: search.warmup_steps.unwrap_or(match schedule {
            Schedule::OneCycle => 0,
            Schedule::Constant | Schedule::Cosine => steps / WARMUP_PART,
        }),
        clip: search.clip.or((is_table && is_adamw).then_some(CLIP)),
        patience_epochs: search.patience_epochs,
        average: search.average,
    }
}

/// The layers of a skeleton for the features that reach it.
///
/// # Errors
/// A layer that does not fit, which a manifest cannot know before the data is read: groups that do not divide.
pub fn layers(specification: &Specification, facts: &Facts, features: Shape) -> Result<Vec<Layer>, Vec<Diagnostic>> {
    let layers = match &specification.skeleton.body {
        Body::Layers(layers) => layers.clone(),
        Body::Preset(preset) => preset_layers(*preset, facts, features),
    };
    let mut shape = features;
    for layer in &layers {
        shape = layer.shape(shape).map_err(|ShapeError { code, message, help }| {
            vec![Diagnostic::error(code, specification.skeleton.place.clone(), message).help(help)]
        })?;
    }
    match shape {
        Shape::Vector(_) | Shape::Image { .. } if shape.values() > 0 => Ok(layers),
        Shape::Vector(_) | Shape::Image { .. } => {
            let message = "the skeleton ends in no value";
            let place = specification.skeleton.place.clone();
            Err(vec![Diagnostic::error(Code::LayerShape, place, message).help("add an input")])
        }
    }
}

/// The numbers that a label becomes.
const EMBEDDING: usize = 8;
/// Rows in one step, for images.
const IMAGE_BATCH: usize = 64;
/// The learning rate rises over one step in so many.
const WARMUP_PART: u64 = 20;
/// The greatest norm of the gradients, for tables.
const CLIP: f64 = 1.0;

/// A power of two near a sixteenth of the rows, from 16 to 256.
fn batch_of_rows(rows: usize) -> usize {
    let sixteenth = (rows / 16).max(1);
    let (below, above) = (1usize << sixteenth.ilog2(), 2usize << sixteenth.ilog2());
    let nearest = if sixteenth * sixteenth < below * above { below } else { above };
    nearest.clamp(16, 256)
}

/// 3,200/√rows passes, from 20 to 60: few rows are seen often.
fn epochs_of_rows(rows: usize) -> u64 {
    (3_200 / rows.isqrt().max(1)).clamp(20, 60) as u64
}

/// So many passes that about 600,000 images are seen, from 10 to 100.
fn epochs_of_images(rows: usize) -> u64 {
    (600_000 / rows.max(1)).clamp(10, 100) as u64
}

fn learning_rate(optimiser: Optimiser, preset: Option<Preset>, rows: usize) -> f64 {
    match (optimiser, preset) {
        (Optimiser::Sgd { .. }, _) => 0.05,
        (Optimiser::AdamW, Some(Preset::Linear)) => 0.01,
        (Optimiser::AdamW, Some(Preset::Mlp | Preset::ResNet | Preset::Additive)) if rows < 1_000 => 0.0015,
        (Optimiser::AdamW, Some(Preset::Mlp | Preset::ResNet | Preset::Additive)) => 0.003,
        (Optimiser::AdamW, Some(Preset::ConvNet)) => 0.002,
        (Optimiser::AdamW, Some(Preset::Autoencoder) | None) => 0.001,
    }
}

/// One for each 128 rows, from 2 to 32.
fn bins(rows: usize) -> usize {
    ((rows + 64) / 128).clamp(2, 32)
}

/// The members of the preset `mlp` for tables.
const MEMBERS: usize = 8;

/// The width of hidden layers.
const WIDTH: usize = 128;

fn preset_layers(preset: Preset, facts: &Facts, features: Shape) -> Vec<Layer> {
    let flat = match features {
        Shape::Vector(_) => Vec::new(),
        Shape::Image { .. } => vec![Layer::Flatten],
    };
    let dense = |units| Layer::Dense { units, groups: 1 };
    match (preset, features) {
        (Preset::Linear, _) => flat,
        (Preset::Mlp, _) => {
            let hidden = [dense(WIDTH), Layer::Relu, Layer::Dropout { probability: DROPOUT }];
            [flat.as_slice(), &hidden, &hidden].concat()
        }
        (Preset::ResNet, Shape::Vector(_)) => table_resnet(WIDTH),
        (Preset::ResNet, Shape::Image { height, width, .. }) => image_resnet(height.min(width)),
        (Preset::ConvNet, _) => match features {
            Shape::Image { height, width, .. } => convnet(height.min(width)),
            // A checked manifest asks for no convolutions of a vector.
            Shape::Vector(_) => Vec::new(),
        },
        (Preset::Additive, _) => {
            let columns = facts.numbers + facts.categories;
            let hidden = [Layer::Dense { units: COLUMN_UNITS * columns, groups: columns }, Layer::Relu];
            hidden.to_vec()
        }
        (Preset::Autoencoder, _) => {
            let values = features.values();
            let [wide, narrow] = [values.clamp(16, 128), (values / 4).clamp(2, 16)];
            let wide = [dense(wide), Layer::Relu];
            [flat.as_slice(), &wide, &wide, &[dense(narrow), Layer::Relu], &wide, &wide].concat()
        }
    }
}

/// The share of values that are zero while training.
const DROPOUT: f64 = 0.1;
/// The hidden units of each column's network.
const COLUMN_UNITS: usize = 16;

fn table_resnet(width: usize) -> Vec<Layer> {
    const BLOCKS: usize = 2;
    let dense = |units| Layer::Dense { units, groups: 1 };
    let inside =
        vec![Layer::LayerNorm, dense(2 * width), Layer::Relu, Layer::Dropout { probability: DROPOUT }, dense(width)];
    let block = Layer::Residual { layers: inside, shortcut: Vec::new() };
    let mut layers = vec![dense(width)];
    layers.extend(std::iter::repeat_n(block, BLOCKS));
    layers.extend([Layer::LayerNorm, Layer::Relu]);
    layers
}

fn conv(channels: usize, stride: usize) -> [Layer; 3] {
    let window = Window { kernel: [3, 3], stride: [stride; 2], dilation: [1, 1], padding: Padding::Same };
    [Layer::Conv { window, channels, groups: 1 }, Layer::BatchNorm, Layer::Relu]
}

/// The most channels of an image's stages.
const CHANNELS_MAX: usize = 256;

/// Stages of two convolutions each, with 16, 32, 64, … channels; each halves the image until it is 4 wide or less.
fn convnet(size: usize) -> Vec<Layer> {
    let mut layers = conv(16, 1).to_vec();
    let (mut size, mut channels) = (size, 16);
    while size > 4 {
        size = size.div_ceil(2);
        channels = (2 * channels).min(CHANNELS_MAX);
        layers.extend(conv(channels, 2));
        layers.extend(conv(channels, 1));
    }
    layers.push(Layer::GlobalAveragePool);
    layers
}

/// As [`convnet`], a residual of two convolutions behind each that halves.
fn image_resnet(size: usize) -> Vec<Layer> {
    let mut layers = conv(16, 1).to_vec();
    let (mut size, mut channels) = (size, 16);
    loop {
        let [first, norm, relu] = conv(channels, 1);
        let inside = vec![first.clone(), norm.clone(), relu, first, norm];
        layers.extend([Layer::Residual { layers: inside, shortcut: Vec::new() }, Layer::Relu]);
        if size <= 7 {
            break;
        }
        size = size.div_ceil(2);
        channels = (2 * channels).min(CHANNELS_MAX);
        layers.extend(conv(channels, 2));
    }
    layers.push(Layer::GlobalAveragePool);
    layers
}
