//! `[skeleton]`: a preset or a list of layers, checked against the shape of the inputs.

use std::ops::Range;

use crate::codes::Code;
use crate::layer::{Layer, Padding, Window, parse_layer};
use crate::read::{Field, Reader, Table};
use crate::report::quoted;
use crate::shape::{Shape, ShapeError, residual};

/// A usual skeleton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// No layers: a linear (for a category, logistic) regression.
    Linear,
    /// Two hidden layers, for vectors and small images.
    Mlp,
    /// Convolutions that halve the image as its channels double, for images.
    ConvNet,
}

impl Preset {
    pub const ALL: &[Preset] = &[Preset::Linear, Preset::Mlp, Preset::ConvNet];

    pub fn name(self) -> &'static str {
        match self {
            Preset::Linear => "linear",
            Preset::Mlp => "mlp",
            Preset::ConvNet => "convnet",
        }
    }

    /// The layers of the preset for an input of this shape, or nothing if it is not for such inputs.
    pub fn layers(self, input: Shape) -> Option<Vec<Layer>> {
        let flat = match input {
            Shape::Vector(_) => Vec::new(),
            Shape::Image { .. } => vec![Layer::Flatten],
        };
        match (self, input) {
            (Preset::Linear, Shape::Vector(_) | Shape::Image { .. }) => Some(flat),
            (Preset::Mlp, Shape::Vector(_) | Shape::Image { .. }) => {
                let hidden = [Layer::Dense { units: 64 }, Layer::Relu];
                Some([flat.as_slice(), &hidden, &hidden].concat())
            }
            (Preset::ConvNet, Shape::Vector(_)) => None,
            (Preset::ConvNet, Shape::Image { height, width, .. }) => Some(convnet(height.min(width))),
        }
    }
}

/// The layers of `[skeleton]`; `input` is missing if the inputs have errors, and shapes are then not checked.
pub(crate) fn skeleton(reader: &mut Reader, table: &Table, input: Option<Shape>) -> Option<Vec<Layer>> {
    if let Some(width) = table.get("width") {
        let message = "searching for widths is not available yet";
        let help = "remove `width` and write the widths in `layers`";
        let diagnostic = reader.error(Code::NotAvailable, &width.span, message).help(help);
        reader.push(diagnostic);
    }
    match (table.get("preset"), table.get("layers")) {
        (Some(preset), None) => preset_layers(reader, &preset, input),
        (None, Some(layers)) => {
            let mut budget = LAYERS_MAX;
            list(reader, &layers, input, RESIDUAL_DEPTH_MAX, &mut budget).map(|(layers, _)| layers)
        }
        (Some(_), Some(layers)) => {
            let message = "`layers` means nothing here: `preset` names the layers already";
            let help = "remove `preset` or `layers`";
            let diagnostic = reader.error(Code::NotApplicable, &layers.span, message).help(help);
            reader.push(diagnostic);
            None
        }
        (None, None) => {
            let message = "`[skeleton]` has neither `preset` nor `layers`";
            let help = "add `preset = \"mlp\"`, or `preset = \"convnet\"` for images";
            let diagnostic = reader.error(Code::MissingKey, &table.span, message).help(help);
            reader.push(diagnostic);
            None
        }
    }
}

/// Far more than anybody writes by hand, and few enough that every pass over them is quick.
const LAYERS_MAX: usize = 1000;
const RESIDUAL_DEPTH_MAX: usize = 8;

/// Stages of two convolutions each, with 16, 32, 64, … channels; each halves the image until it is 4 wide or less.
fn convnet(size: usize) -> Vec<Layer> {
    const CHANNELS_MAX: usize = 256;
    let conv = |channels, stride| {
        let window = Window { kernel: [3, 3], stride: [stride; 2], dilation: [1, 1], padding: Padding::Same };
        [Layer::Conv { window, channels, groups: 1 }, Layer::BatchNorm, Layer::Relu]
    };
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

fn preset_layers(reader: &mut Reader, field: &Field, input: Option<Shape>) -> Option<Vec<Layer>> {
    let preset = field.choice(reader, Preset::ALL, Preset::name)?;
    let input = input?;
    let Some(layers) = preset.layers(input) else {
        let message = format!("the preset `{}` needs an image, but the input is {input}", preset.name());
        let diagnostic = reader.error(Code::LayerShape, &field.span, message).help("write `preset = \"mlp\"`");
        reader.push(diagnostic);
        return None;
    };
    let mut shape = input;
    for layer in &layers {
        shape = next_shape(reader, layer.shape(shape), &field.span)?;
    }
    Some(layers)
}

/// A list of layers and the shape they make. Every layer is read, whatever is wrong with those before it; shapes are
/// followed up to the first that is not known.
fn list(
    reader: &mut Reader,
    field: &Field,
    input: Option<Shape>,
    depth: usize,
    budget: &mut usize,
) -> Option<(Vec<Layer>, Option<Shape>)> {
    let fields = field.list(reader)?;
    let (mut layers, mut shape, mut complete) = (Vec::new(), input, true);
    for field in fields {
        if *budget == 0 {
            let message = format!("the skeleton has more than {LAYERS_MAX} layers");
            let diagnostic = reader.error(Code::TooLarge, &field.span, message).help("write fewer layers");
            reader.push(diagnostic);
            return None;
        }
        *budget -= 1;
        match one(reader, &field, shape, depth, budget) {
            Some((layer, next)) => {
                layers.push(layer);
                shape = next;
            }
            None => (shape, complete) = (None, false),
        }
        // An exhausted budget is told once, by the innermost list.
        if *budget == 0 && !complete {
            return None;
        }
    }
    complete.then_some((layers, shape))
}

fn one(
    reader: &mut Reader,
    field: &Field,
    input: Option<Shape>,
    depth: usize,
    budget: &mut usize,
) -> Option<(Layer, Option<Shape>)> {
    if let Some(text) = field.value.as_str() {
        return match parse_layer(text) {
            Ok(layer) => {
                let shape = input.and_then(|input| next_shape(reader, layer.shape(input), &field.span));
                Some((layer, shape))
            }
            Err(error) => {
                let span = reader.part(field, error.span);
                let diagnostic = reader.error(error.code, &span, error.message).help(error.help);
                reader.push(diagnostic);
                None
            }
        };
    }
    let inner = field.value.as_table().filter(|table| table.len() == 1).and_then(|table| table.get("residual"));
    let Some(inner) = inner else {
        let message = format!("{} is not a layer", quoted(&field.name));
        let help = "write a layer such as `\"conv 3x3 16\"`, or `{ residual = [\"…\"] }`";
        let diagnostic = reader.error(Code::WrongType, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    };
    let Some(depth) = depth.checked_sub(1) else {
        let message = format!("residuals are nested more than {RESIDUAL_DEPTH_MAX} deep");
        let diagnostic = reader.error(Code::TooLarge, &field.span, message).help("nest them less");
        reader.push(diagnostic);
        return None;
    };
    let inner = Field { name: "residual".into(), span: inner.span(), value: inner.get_ref() };
    let (layers, inner_shape) = list(reader, &inner, input, depth, budget)?;
    if layers.is_empty() {
        let message = "this `residual` holds no layers";
        let diagnostic = reader.error(Code::LayerArguments, &inner.span, message).help("add layers, or remove it");
        reader.push(diagnostic);
        return None;
    }
    let shapes = input.zip(inner_shape);
    let shape = shapes.and_then(|(input, made)| next_shape(reader, residual(input, made), &field.span));
    Some((Layer::Residual(layers), shape))
}

fn next_shape(reader: &mut Reader, shape: Result<Shape, ShapeError>, span: &Range<usize>) -> Option<Shape> {
    match shape {
        Ok(shape) => Some(shape),
        Err(error) => {
            let diagnostic = reader.error(error.code, span, error.message).help(error.help);
            reader.push(diagnostic);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_fit_the_shapes_they_are_for() {
        let shapes = [
            Shape::Vector(1),
            Shape::Vector(13),
            Shape::Image { height: 1, width: 1, channels: 1 },
            Shape::Image { height: 28, width: 31, channels: 1 },
            Shape::Image { height: 224, width: 224, channels: 3 },
        ];
        for shape in shapes {
            for preset in Preset::ALL {
                let Some(layers) = preset.layers(shape) else {
                    assert_eq!((*preset, shape), (Preset::ConvNet, Shape::Vector(shape.values())));
                    continue;
                };
                let end = layers.iter().try_fold(shape, |shape, layer| layer.shape(shape)).unwrap();
                assert!(matches!(end, Shape::Vector(_)), "{preset:?} of {shape} ends in {end}");
            }
        }
    }
}
