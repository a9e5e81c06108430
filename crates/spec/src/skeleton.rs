//! `[skeleton]`: a preset or a list of layers, checked against the shape of the inputs.

use std::ops::Range;

use crate::codes::Code;
use crate::layer::{Layer, parse_layer};
use crate::read::{Field, Reader, Table};
use crate::report::quoted;
use crate::shape::{Shape, ShapeError, residual};
use crate::specification::{Body, Output, OutputKind, Skeleton};

/// A usual skeleton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// No layers: a linear (for a category, logistic) regression.
    Linear,
    /// Hidden layers of one width, for vectors and small images.
    Mlp,
    /// For vectors, residual blocks after Gorishniy et al., arXiv:2106.11959, section 3.3; for images, residual blocks of
    /// convolutions after He et al., arXiv:1512.03385.
    ResNet,
    /// Convolutions that halve the image as its channels double.
    ConvNet,
    /// One small network for each column, whose results are added: what each column contributes can be read off.
    Additive,
    /// Through a narrow middle back to the input, for anomalies.
    Autoencoder,
}

impl Preset {
    pub const ALL: &[Preset] =
        &[Preset::Linear, Preset::Mlp, Preset::ResNet, Preset::ConvNet, Preset::Additive, Preset::Autoencoder];

    pub fn name(self) -> &'static str {
        match self {
            Preset::Linear => "linear",
            Preset::Mlp => "mlp",
            Preset::ResNet => "resnet",
            Preset::ConvNet => "convnet",
            Preset::Additive => "additive",
            Preset::Autoencoder => "autoencoder",
        }
    }
}

/// The skeleton; `input` is missing if the inputs have errors, and shapes are then not checked.
pub(crate) fn skeleton(
    reader: &mut Reader,
    table: &Table,
    input: Option<Shape>,
    outputs: Option<&[Output]>,
) -> Option<Skeleton> {
    if let Some(width) = table.get("width") {
        let message = "searching for widths is not available yet";
        let help = "remove `width` and write the widths in `layers`";
        let diagnostic = reader.error(Code::NotAvailable, &width.span, message).help(help);
        reader.push(diagnostic);
    }
    let members = match table.get("members") {
        Some(field) if matches!(input, Some(Shape::Image { .. })) => {
            table.refuse(reader, "members", "the input is an image");
            field.integer(reader, 1, MEMBERS_MAX).map(Some)
        }
        Some(field) => field.integer(reader, 1, MEMBERS_MAX).map(Some),
        None => Some(None),
    };
    let body = match (table.get("preset"), table.get("layers")) {
        (Some(preset), None) => preset_body(reader, &preset, input, outputs),
        (None, Some(layers)) => {
            let mut budget = LAYERS_MAX;
            // The length of a vector follows from the data, so groups are checked once it is known.
            let known = input.filter(|input| matches!(input, Shape::Image { .. }));
            let of_vector = input.is_some() && known.is_none();
            list(reader, &layers, known, RESIDUAL_DEPTH_MAX, &mut budget).and_then(|(layers, _)| {
                let fit = !of_vector || fits_vector(reader, &layers, table);
                fit.then_some(Body::Layers(layers))
            })
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
    };
    let members = members?.map(|members| members as usize);
    Some(Skeleton { body: body?, members, place: reader.place(&table.span) })
}

const MEMBERS_MAX: u64 = 1 << 10;

/// Far more than anybody writes by hand, and few enough that every pass over them is quick.
const LAYERS_MAX: usize = 1000;
const RESIDUAL_DEPTH_MAX: usize = 8;

/// A preset that is for such inputs and outputs.
fn preset_body(reader: &mut Reader, field: &Field, input: Option<Shape>, outputs: Option<&[Output]>) -> Option<Body> {
    let preset = field.choice(reader, Preset::ALL, Preset::name)?;
    let anomaly = outputs.map(|outputs| outputs.iter().any(|o| matches!(o.kind, OutputKind::Anomaly { .. })));
    let is_image = input.map(|input| matches!(input, Shape::Image { .. }));
    let fault = match (preset, is_image, anomaly) {
        (Preset::ConvNet, Some(false), _) => Some(("needs an image", "write `preset = \"mlp\"`")),
        (Preset::Additive, Some(true), _) => Some(("needs columns, not an image", "write `preset = \"convnet\"`")),
        (Preset::Autoencoder, _, Some(false)) => Some((
            "is for an output of type `anomaly`",
            "write `preset = \"mlp\"`, or `preset = \"convnet\"` for an image",
        )),
        (Preset::Linear | Preset::Mlp | Preset::ResNet | Preset::ConvNet | Preset::Additive, _, Some(true)) => {
            Some(("does not tell anomalies", "write `preset = \"autoencoder\"`"))
        }
        (
            Preset::Linear | Preset::Mlp | Preset::ResNet | Preset::ConvNet | Preset::Additive | Preset::Autoencoder,
            _,
            _,
        ) => None,
    };
    if let Some((why, help)) = fault {
        let message = format!("the preset `{}` {why}", preset.name());
        let diagnostic = reader.error(Code::LayerShape, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    Some(Body::Preset(preset))
}

/// Whether no layer needs an image, since a vector reaches the first.
fn fits_vector(reader: &mut Reader, layers: &[Layer], table: &Table) -> bool {
    let span = table.get("layers").map_or(table.span.clone(), |field| field.span);
    let misfit = layers.iter().find(|layer| layer.needs_image());
    if let Some(layer) = misfit {
        let message = format!("{} needs an image, but a vector reaches it", quoted(&layer.to_string()));
        let diagnostic =
            reader.error(Code::LayerShape, &span, message).help("use `dense`, or an input of type `image`");
        reader.push(diagnostic);
    }
    misfit.is_none()
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
    let table = field.value.as_table();
    let shortcut = table.and_then(|table| table.get("shortcut"));
    let keys = 1 + usize::from(shortcut.is_some());
    let inner = table.filter(|table| table.len() == keys).and_then(|table| table.get("residual"));
    let Some(inner) = inner else {
        let message = format!("{} is not a layer", quoted(&field.name));
        let help = "write a layer such as `\"conv 3x3 16\"`, or `{ residual = [\"…\"] }`, with a `shortcut` if need be";
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
    let (shortcut, passed_shape) = match shortcut {
        Some(value) => {
            let shortcut = Field { name: "shortcut".into(), span: value.span(), value: value.get_ref() };
            list(reader, &shortcut, input, depth, budget)?
        }
        None => (Vec::new(), input),
    };
    let shapes = input.zip(passed_shape).zip(inner_shape);
    let shape =
        shapes.and_then(|((input, passed), made)| next_shape(reader, residual(input, passed, made), &field.span));
    Some((Layer::Residual { layers, shortcut }, shape))
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
