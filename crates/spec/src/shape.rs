//! The shapes that layers make of shapes, checked while the manifest is read, so that a skeleton that cannot be is told
//! at the layer that is wrong.

use std::fmt;

use crate::codes::Code;
use crate::layer::{Layer, Window};

/// The shape of what flows between layers, for one example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A vector of this length.
    Vector(usize),
    /// An image, channels last.
    Image { height: usize, width: usize, channels: usize },
}

/// Why a layer does not fit a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    pub code: Code,
    pub message: String,
    pub help: String,
}

/// The greatest number of values a layer may make for one example, and of weights it may have.
pub const VALUES_MAX: usize = 1 << 31;

impl Shape {
    /// The number of values.
    pub fn values(self) -> usize {
        match self {
            Shape::Vector(length) => length,
            Shape::Image { height, width, channels } => height * width * channels,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Shape::Vector(length) => write!(f, "a vector of {length}"),
            Shape::Image { height, width, channels } => write!(f, "an image of {height}×{width}×{channels}"),
        }
    }
}

impl Layer {
    /// The shape that the layer makes of a shape.
    pub fn shape(&self, input: Shape) -> Result<Shape, ShapeError> {
        match self {
            Layer::Conv { window, channels, groups } => {
                let (size, channels_in) = image(self, input)?;
                if !channels_in.is_multiple_of(*groups) || !channels.is_multiple_of(*groups) {
                    let message = format!("{groups} groups do not divide {channels_in} channels into {channels}");
                    let help = "choose groups that divide both numbers of channels".to_owned();
                    return Err(ShapeError { code: Code::LayerShape, message, help });
                }
                limited(self, &[window.kernel[0], window.kernel[1], channels_in / groups, *channels])?;
                windowed(self, window, size, *channels)
            }
            Layer::Depthwise { window } | Layer::Pool { window } | Layer::AveragePool { window } => {
                let (size, channels) = image(self, input)?;
                windowed(self, window, size, channels)
            }
            Layer::Dense { units, groups } => match input {
                Shape::Vector(length) => {
                    if !length.is_multiple_of(*groups) || !units.is_multiple_of(*groups) {
                        let message = format!("{groups} groups do not divide {length} values into {units}");
                        let help = "choose groups that divide both numbers".to_owned();
                        return Err(ShapeError { code: Code::LayerShape, message, help });
                    }
                    limited(self, &[length / groups, *units])?;
                    Ok(Shape::Vector(*units))
                }
                Shape::Image { .. } => {
                    let message = format!("`{self}` needs a vector, but {input} reaches it");
                    let help = "put `flatten` or `global-average-pool` before it".to_owned();
                    Err(ShapeError { code: Code::LayerShape, message, help })
                }
            },
            Layer::GlobalAveragePool => image(self, input).map(|(_, channels)| Shape::Vector(channels)),
            Layer::Flatten => Ok(Shape::Vector(input.values())),
            Layer::Relu
            | Layer::Gelu
            | Layer::Tanh
            | Layer::Sigmoid
            | Layer::BatchNorm
            | Layer::LayerNorm
            | Layer::Dropout { .. } => Ok(input),
            Layer::Residual { layers, shortcut } => {
                let behind = |layers: &[Layer]| layers.iter().try_fold(input, |shape, layer| layer.shape(shape));
                residual(input, behind(shortcut)?, behind(layers)?)
            }
        }
    }
}

/// What a residual makes of its input when its layers make `inner` and its shortcut `passed` of it.
pub(crate) fn residual(input: Shape, passed: Shape, inner: Shape) -> Result<Shape, ShapeError> {
    if passed == inner {
        return Ok(inner);
    }
    let (message, help) = match input == passed {
        true => (
            format!("the layers of this `residual` turn {input} into {inner}, so the two cannot be added"),
            "choose layers that keep the shape, or give it a `shortcut` such as `[\"conv 1x1 32 stride 2\"]` that makes the same",
        ),
        false => (
            format!(
                "the layers of this `residual` make {inner} and its `shortcut` {passed}, so the two cannot be added"
            ),
            "choose the same strides and the same number of channels in both",
        ),
    };
    let help = help.to_owned();
    Err(ShapeError { code: Code::LayerShape, message, help })
}

fn image(layer: &Layer, input: Shape) -> Result<([usize; 2], usize), ShapeError> {
    match input {
        Shape::Image { height, width, channels } => Ok(([height, width], channels)),
        Shape::Vector(_) => {
            let message = format!("`{layer}` needs an image, but {input} reaches it");
            let help = "move it before the layer that makes a vector, or use `dense`".to_owned();
            Err(ShapeError { code: Code::LayerShape, message, help })
        }
    }
}

fn windowed(layer: &Layer, window: &Window, size: [usize; 2], channels: usize) -> Result<Shape, ShapeError> {
    let Some([height, width]) = window.places(size) else {
        let message = format!("`{layer}` does not fit into {}×{}", size[0], size[1]);
        let help = "choose a smaller window, or shrink the image less before it".to_owned();
        return Err(ShapeError { code: Code::LayerShape, message, help });
    };
    limited(layer, &[height, width, channels])?;
    Ok(Shape::Image { height, width, channels })
}

/// Refuses sizes whose product no machine would hold, before anybody multiplies them unchecked.
fn limited(layer: &Layer, sizes: &[usize]) -> Result<(), ShapeError> {
    let product = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    if product.is_some_and(|product| product <= VALUES_MAX) {
        return Ok(());
    }
    let message = format!("`{layer}` would need more than {VALUES_MAX} values or weights");
    Err(ShapeError { code: Code::TooLarge, message, help: "make it narrower, or shrink what reaches it".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::parse_layer;

    fn after(shape: Shape, layers: &[&str]) -> Result<Shape, Code> {
        layers.iter().try_fold(shape, |shape, layer| parse_layer(layer).unwrap().shape(shape)).map_err(|e| e.code)
    }

    const IMAGE: Shape = Shape::Image { height: 8, width: 8, channels: 1 };

    #[test]
    fn shapes_follow_the_layers() {
        let image = |height, width, channels| Ok(Shape::Image { height, width, channels });
        assert_eq!(after(IMAGE, &["conv 3x3 16", "relu", "conv 3x3 32 stride 2"]), image(4, 4, 32));
        assert_eq!(after(IMAGE, &["conv 3x3 16 valid", "pool 2"]), image(3, 3, 16));
        assert_eq!(after(IMAGE, &["pool 3 stride 2", "depthwise 3x3"]), image(3, 3, 1));
        assert_eq!(after(IMAGE, &["flatten", "dense 64", "dropout 0.5"]), Ok(Shape::Vector(64)));
        assert_eq!(after(IMAGE, &["conv 1x1 6", "conv 3x3 9 groups 3", "global-average-pool"]), Ok(Shape::Vector(9)));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        assert_eq!(after(IMAGE, &["dense 3"]), Err(Code::LayerShape));
        assert_eq!(after(Shape::Vector(4), &["pool 2"]), Err(Code::LayerShape));
        assert_eq!(after(IMAGE, &["pool 9"]), Err(Code::LayerShape));
        assert_eq!(after(IMAGE, &["conv 3x3 4 groups 2"]), Err(Code::LayerShape));
        assert_eq!(after(Shape::Vector(1 << 20), &["dense 1000000"]), Err(Code::TooLarge));
        let residual = Layer::Residual { layers: vec![parse_layer("conv 3x3 2").unwrap()], shortcut: vec![] };
        assert_eq!(residual.shape(IMAGE).unwrap_err().code, Code::LayerShape);
    }
}
