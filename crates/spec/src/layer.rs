//! Layers as they are written in a skeleton: each is defined once, in [`LAYERS`], with its name, arguments and meaning.

use std::fmt;
use std::ops::Range;

use crate::codes::Code;
use crate::read::listed;
use crate::report::quoted;
use crate::suggest::nearest;

/// A layer of a skeleton. Images are h × w × c, channels last.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A convolution with bias. The filters see the channels of one group only, in the order of the channels.
    Conv {
        window: Window,
        channels: usize,
        groups: usize,
    },
    /// A convolution of each channel with a filter of its own, with bias.
    Depthwise {
        window: Window,
    },
    /// A matrix product with bias. With groups, each part of the vector has units of its own, which see nothing else.
    Dense {
        units: usize,
        groups: usize,
    },
    /// max(x, 0).
    Relu,
    /// x·Φ(x), in its tanh form (Hendrycks and Gimpel, arXiv:1606.08415, section 2).
    Gelu,
    Tanh,
    /// 1 / (1 + exp(−x)).
    Sigmoid,
    /// The greatest value of each window.
    Pool {
        window: Window,
    },
    /// The mean of each window.
    AveragePool {
        window: Window,
    },
    /// The mean of each channel.
    GlobalAveragePool,
    /// h × w × c values as one vector, row by row, channels last.
    Flatten,
    /// Each channel to mean 0 and variance 1 over the batch, then a learnt scale and shift; running statistics in the
    /// finished program (Ioffe and Szegedy, arXiv:1502.03167).
    BatchNorm,
    /// Over the channels at each place of an image, or over a vector, to mean 0 and variance 1, then a learnt scale and
    /// shift (Ba, Kiros and Hinton, arXiv:1607.06450).
    LayerNorm,
    /// While training, each value is zero with this probability and else divided by one minus it.
    Dropout {
        probability: f64,
    },
    /// What the layers make of x, plus x or what the shortcut makes of it (He et al., arXiv:1512.03385, equations 1 and 2).
    Residual {
        layers: Vec<Layer>,
        shortcut: Vec<Layer>,
    },
}

/// How a window slides over the height and width of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub padding: Padding,
}

/// What happens at the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// The window may hang over; what is outside counts as zero. The output has ⌈size / stride⌉ places.
    Same,
    /// Windows lie inside. The output has ⌊(size − reach) / stride⌋ + 1 places, reach = (kernel − 1)·dilation + 1.
    Valid,
}

/// How a layer is written and what it means.
pub struct LayerDefinition {
    pub name: &'static str,
    /// The name with its arguments; optional ones stand in brackets.
    pub usage: &'static str,
    pub doc: &'static str,
    pub example: &'static str,
    parse: fn(&mut Arguments) -> Result<Layer, LayerError>,
}

/// What is wrong with the text of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerError {
    pub code: Code,
    /// The bytes of the text that are wrong.
    pub span: Range<usize>,
    pub message: String,
    pub help: String,
}

/// Every layer.
pub const LAYERS: &[LayerDefinition] = &[
    LayerDefinition {
        name: "conv",
        usage: "conv KxK CHANNELS [stride S] [same | valid] [dilation D] [groups G]",
        doc: "A convolution with bias; `same` keeps the size (with stride 1) and is the default.",
        example: "conv 3x3 16 stride 2",
        parse: |arguments| {
            let kernel = arguments.pair("the kernel's size")?;
            let channels = arguments.count("the number of channels")?;
            let options = arguments.options(&["stride", "same", "valid", "dilation", "groups"])?;
            let window = options.window(kernel, [1, 1], Padding::Same);
            Ok(Layer::Conv { window, channels, groups: options.groups.unwrap_or(1) })
        },
    },
    LayerDefinition {
        name: "depthwise",
        usage: "depthwise KxK [stride S] [same | valid] [dilation D]",
        doc: "A convolution of each channel with a filter of its own, with bias.",
        example: "depthwise 5x5 dilation 2",
        parse: |arguments| {
            let kernel = arguments.pair("the kernel's size")?;
            let options = arguments.options(&["stride", "same", "valid", "dilation"])?;
            Ok(Layer::Depthwise { window: options.window(kernel, [1, 1], Padding::Same) })
        },
    },
    LayerDefinition {
        name: "dense",
        usage: "dense UNITS [groups G]",
        doc: "Every output depends on every input: a matrix product with bias. With groups, only on those of its group.",
        example: "dense 64",
        parse: |arguments| {
            let units = arguments.count("the number of units")?;
            let options = arguments.options(&["groups"])?;
            Ok(Layer::Dense { units, groups: options.groups.unwrap_or(1) })
        },
    },
    LayerDefinition {
        name: "relu",
        usage: "relu",
        doc: "max(x, 0).",
        example: "relu",
        parse: |arguments| arguments.end(Layer::Relu),
    },
    LayerDefinition {
        name: "gelu",
        usage: "gelu",
        doc: "x·Φ(x), smooth where relu has its corner.",
        example: "gelu",
        parse: |arguments| arguments.end(Layer::Gelu),
    },
    LayerDefinition {
        name: "tanh",
        usage: "tanh",
        doc: "The hyperbolic tangent.",
        example: "tanh",
        parse: |arguments| arguments.end(Layer::Tanh),
    },
    LayerDefinition {
        name: "sigmoid",
        usage: "sigmoid",
        doc: "1 / (1 + exp(−x)).",
        example: "sigmoid",
        parse: |arguments| arguments.end(Layer::Sigmoid),
    },
    LayerDefinition {
        name: "pool",
        usage: "pool K [stride S]",
        doc: "The greatest value of each window; windows do not overlap unless a stride says so.",
        example: "pool 3x3 stride 2",
        parse: |arguments| Ok(Layer::Pool { window: arguments.pool()? }),
    },
    LayerDefinition {
        name: "average-pool",
        usage: "average-pool K [stride S]",
        doc: "The mean of each window.",
        example: "average-pool 2x2",
        parse: |arguments| Ok(Layer::AveragePool { window: arguments.pool()? }),
    },
    LayerDefinition {
        name: "global-average-pool",
        usage: "global-average-pool",
        doc: "The mean of each channel: an image becomes a vector.",
        example: "global-average-pool",
        parse: |arguments| arguments.end(Layer::GlobalAveragePool),
    },
    LayerDefinition {
        name: "flatten",
        usage: "flatten",
        doc: "All values of an image as one vector.",
        example: "flatten",
        parse: |arguments| arguments.end(Layer::Flatten),
    },
    LayerDefinition {
        name: "batch-norm",
        usage: "batch-norm",
        doc: "Brings each channel to mean 0 and variance 1 over the batch, then scales and shifts it as learnt.",
        example: "batch-norm",
        parse: |arguments| arguments.end(Layer::BatchNorm),
    },
    LayerDefinition {
        name: "layer-norm",
        usage: "layer-norm",
        doc: "The same over the channels of each place, or over a vector, for every example by itself.",
        example: "layer-norm",
        parse: |arguments| arguments.end(Layer::LayerNorm),
    },
    LayerDefinition {
        name: "dropout",
        usage: "dropout P",
        doc: "While training, sets each value to zero with probability P, at least 0 and below 1.",
        example: "dropout 0.2",
        parse: |arguments| {
            let probability = arguments.probability()?;
            arguments.end(Layer::Dropout { probability })
        },
    },
    LayerDefinition {
        name: "residual",
        usage: "{ residual = [LAYERS], shortcut = [LAYERS] }",
        doc: "Adds what the layers make of x to x, or to what the shortcut makes of x where their shapes differ.",
        example: "{ residual = [\"conv 3x3 32 stride 2\", \"relu\", \"conv 3x3 32\"], shortcut = [\"conv 1x1 32 stride 2\"] }",
        parse: |arguments| {
            let message = "`residual` holds layers, so it is written as a table".to_owned();
            Err(arguments.error(arguments.name.clone(), message, "write `{ residual = [\"…\"] }`".to_owned()))
        },
    },
];

/// Reads a layer such as `conv 3x3 16 stride 2`.
pub fn parse_layer(text: &str) -> Result<Layer, LayerError> {
    let words: Vec<Range<usize>> = word_spans(text);
    let names = || LAYERS.iter().map(|definition| definition.name);
    let Some(name) = words.first() else {
        let help = format!("the layers are {}", listed(names()));
        return Err(LayerError {
            code: Code::UnknownLayer,
            span: 0..text.len(),
            message: "this layer is empty".into(),
            help,
        });
    };
    let word = &text[name.clone()];
    let Some(definition) = LAYERS.iter().find(|definition| definition.name == word) else {
        let help = match nearest(word, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the layers are {}", listed(names())),
        };
        let message = format!("there is no layer {}", quoted(word));
        return Err(LayerError { code: Code::UnknownLayer, span: name.clone(), message, help });
    };
    (definition.parse)(&mut Arguments { text, name: name.clone(), words: &words[1..], definition })
}

impl Layer {
    /// Whether the layer, or one inside it, works on images alone.
    pub fn needs_image(&self) -> bool {
        match self {
            Layer::Conv { .. }
            | Layer::Depthwise { .. }
            | Layer::Pool { .. }
            | Layer::AveragePool { .. }
            | Layer::GlobalAveragePool => true,
            Layer::Residual { layers, shortcut } => layers.iter().chain(shortcut).any(Layer::needs_image),
            Layer::Dense { .. }
            | Layer::Relu
            | Layer::Gelu
            | Layer::Tanh
            | Layer::Sigmoid
            | Layer::Flatten
            | Layer::BatchNorm
            | Layer::LayerNorm
            | Layer::Dropout { .. } => false,
        }
    }
}

impl Window {
    /// The number of places of the output along height and width, or nothing if a window does not fit.
    pub fn places(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let mut places = [0; 2];
        for axis in 0..2 {
            places[axis] = match self.padding {
                Padding::Same => size[axis].div_ceil(self.stride[axis]),
                Padding::Valid => size[axis].checked_sub(self.reach(axis))? / self.stride[axis] + 1,
            };
        }
        Some(places)
    }

    /// How far the first window hangs over the top and left edge: place p of the output sees, with its kernel element k,
    /// place p·stride + k·dilation − before of the input. It does not depend on the size of the image.
    pub fn before(&self) -> [usize; 2] {
        match self.padding {
            Padding::Same => [(self.reach(0) - 1) / 2, (self.reach(1) - 1) / 2],
            Padding::Valid => [0, 0],
        }
    }

    fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }
}

/// The layer as it is written; reading it gives the same layer.
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Layer::Conv { window, channels, groups } => {
                write!(f, "conv {} {channels}", pair(window.kernel))?;
                fmt_window(f, window, [1, 1])?;
                if *groups == 1 { Ok(()) } else { write!(f, " groups {groups}") }
            }
            Layer::Depthwise { window } => {
                write!(f, "depthwise {}", pair(window.kernel))?;
                fmt_window(f, window, [1, 1])
            }
            Layer::Dense { units, groups: 1 } => write!(f, "dense {units}"),
            Layer::Dense { units, groups } => write!(f, "dense {units} groups {groups}"),
            Layer::Relu => f.write_str("relu"),
            Layer::Gelu => f.write_str("gelu"),
            Layer::Tanh => f.write_str("tanh"),
            Layer::Sigmoid => f.write_str("sigmoid"),
            Layer::Pool { window } => {
                write!(f, "pool {}", pair(window.kernel))?;
                fmt_stride(f, window, window.kernel)
            }
            Layer::AveragePool { window } => {
                write!(f, "average-pool {}", pair(window.kernel))?;
                fmt_stride(f, window, window.kernel)
            }
            Layer::GlobalAveragePool => f.write_str("global-average-pool"),
            Layer::Flatten => f.write_str("flatten"),
            Layer::BatchNorm => f.write_str("batch-norm"),
            Layer::LayerNorm => f.write_str("layer-norm"),
            Layer::Dropout { probability } => write!(f, "dropout {probability}"),
            Layer::Residual { layers, shortcut } => {
                f.write_str("{ residual = [")?;
                fmt_list(f, layers)?;
                if !shortcut.is_empty() {
                    f.write_str("], shortcut = [")?;
                    fmt_list(f, shortcut)?;
                }
                f.write_str("] }")
            }
        }
    }
}

/// The words after a layer's name, taken from the front.
struct Arguments<'a> {
    text: &'a str,
    name: Range<usize>,
    words: &'a [Range<usize>],
    definition: &'static LayerDefinition,
}

/// What the words after the positional arguments said.
#[derive(Default)]
struct Options {
    stride: Option<[usize; 2]>,
    dilation: Option<[usize; 2]>,
    groups: Option<usize>,
    padding: Option<Padding>,
}

impl Options {
    fn window(&self, kernel: [usize; 2], stride: [usize; 2], padding: Padding) -> Window {
        Window {
            kernel,
            stride: self.stride.unwrap_or(stride),
            dilation: self.dilation.unwrap_or([1, 1]),
            padding: self.padding.unwrap_or(padding),
        }
    }
}

/// The greatest number of channels or units, and of a group's parts.
const COUNT_MAX: usize = 1 << 20;
/// The greatest kernel, stride and dilation.
const WINDOW_MAX: usize = 1 << 10;

impl<'a> Arguments<'a> {
    fn error(&self, span: Range<usize>, message: String, help: String) -> LayerError {
        LayerError { code: Code::LayerArguments, span, message, help }
    }

    fn usage(&self) -> String {
        format!("write `{}`", self.definition.usage)
    }

    fn next(&mut self) -> Option<(&'a str, Range<usize>)> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some((&self.text[first.clone()], first.clone()))
    }

    fn expect(&mut self, what: &str) -> Result<(&'a str, Range<usize>), LayerError> {
        let missing =
            self.error(self.name.start..self.text.trim_end().len(), format!("{what} is missing"), self.usage());
        self.next().ok_or(missing)
    }

    fn number(&self, word: &str, span: &Range<usize>, what: &str, max: usize) -> Result<usize, LayerError> {
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            return Err(self.error(span.clone(), format!("{what} cannot be {}", quoted(word)), self.usage()));
        }
        // Digits that overflow are too large as well.
        match word.parse::<usize>() {
            Ok(number) if (1..=max).contains(&number) => Ok(number),
            Ok(_) | Err(_) => {
                let message = format!("{what} must be from 1 to {max}");
                Err(self.error(span.clone(), message, format!("choose a number from 1 to {max}")))
            }
        }
    }

    fn count(&mut self, what: &str) -> Result<usize, LayerError> {
        let (word, span) = self.expect(what)?;
        self.number(word, &span, what, COUNT_MAX)
    }

    /// `3x5`, or `3` for `3x3`.
    fn pair(&mut self, what: &str) -> Result<[usize; 2], LayerError> {
        let (word, span) = self.expect(what)?;
        let (height, width) = word.split_once('x').unwrap_or((word, word));
        Ok([self.number(height, &span, what, WINDOW_MAX)?, self.number(width, &span, what, WINDOW_MAX)?])
    }

    fn probability(&mut self) -> Result<f64, LayerError> {
        let (word, span) = self.expect("the probability")?;
        match word.parse::<f64>() {
            // Adding zero turns −0 into 0, so that equal layers are written alike.
            Ok(number) if (0.0..1.0).contains(&number) => Ok(number + 0.0),
            Ok(_) | Err(_) => {
                let message = format!("the probability cannot be {}", quoted(word));
                Err(self.error(span, message, "choose a number of at least 0 and below 1".into()))
            }
        }
    }

    fn pool(&mut self) -> Result<Window, LayerError> {
        let kernel = self.pair("the window's size")?;
        Ok(self.options(&["stride"])?.window(kernel, kernel, Padding::Valid))
    }

    /// The rest of the words as options, each at most once.
    fn options(&mut self, allowed: &[&str]) -> Result<Options, LayerError> {
        let mut options = Options::default();
        while let Some((word, span)) = self.next() {
            if !allowed.contains(&word) {
                let message = format!("`{}` has no argument {}", self.definition.name, quoted(word));
                let help = match nearest(word, allowed.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => self.usage(),
                };
                return Err(self.error(span, message, help));
            }
            let repeated = match word {
                "stride" => options.stride.replace(self.pair("the stride")?).is_some(),
                "dilation" => options.dilation.replace(self.pair("the dilation")?).is_some(),
                "groups" => options.groups.replace(self.count("the number of groups")?).is_some(),
                "same" => options.padding.replace(Padding::Same).is_some(),
                "valid" => options.padding.replace(Padding::Valid).is_some(),
                other => unreachable!("the option {other} is allowed but not read"),
            };
            if repeated {
                let message = format!("`{word}` says again what was said before");
                return Err(self.error(span, message, self.usage()));
            }
        }
        Ok(options)
    }

    fn end(&mut self, layer: Layer) -> Result<Layer, LayerError> {
        self.options(&[]).map(|_| layer)
    }
}

fn word_spans(text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (start, character) in text.char_indices() {
        let end = start + character.len_utf8();
        if character.is_whitespace() {
            continue;
        }
        match spans.last_mut() {
            Some(last) if last.end == start => last.end = end,
            Some(_) | None => spans.push(start..end),
        }
    }
    spans
}

fn pair(values: [usize; 2]) -> String {
    format!("{}x{}", values[0], values[1])
}

fn fmt_window(f: &mut fmt::Formatter, window: &Window, stride: [usize; 2]) -> fmt::Result {
    fmt_stride(f, window, stride)?;
    match window.padding {
        Padding::Same => {}
        Padding::Valid => f.write_str(" valid")?,
    }
    if window.dilation == [1, 1] { Ok(()) } else { write!(f, " dilation {}", scalar_or_pair(window.dilation)) }
}

/// Layers as they stand in a list: all but residuals are strings.
fn fmt_list(f: &mut fmt::Formatter, layers: &[Layer]) -> fmt::Result {
    for (index, layer) in layers.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        match matches!(layer, Layer::Residual { .. }) {
            true => write!(f, "{comma}{layer}")?,
            false => write!(f, "{comma}\"{layer}\"")?,
        }
    }
    Ok(())
}

fn fmt_stride(f: &mut fmt::Formatter, window: &Window, default: [usize; 2]) -> fmt::Result {
    if window.stride == default { Ok(()) } else { write!(f, " stride {}", scalar_or_pair(window.stride)) }
}

fn scalar_or_pair(values: [usize; 2]) -> String {
    if values[0] == values[1] { values[0].to_string() } else { pair(values) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_definition_reads_its_example_and_writes_it_again() {
        for definition in LAYERS {
            if definition.name == "residual" {
                assert_eq!(parse_layer("residual").unwrap_err().code, Code::LayerArguments);
                continue;
            }
            let layer = parse_layer(definition.example).unwrap();
            assert_eq!(layer.to_string(), definition.example);
        }
    }

    #[test]
    fn errors_point_at_the_word() {
        let cases = [
            ("cnov 3x3 16", "cnov", Code::UnknownLayer, "did you mean `conv`?"),
            ("conv 3x3", "conv 3x3", Code::LayerArguments, "write `conv KxK"),
            ("conv 3x3 many", "many", Code::LayerArguments, "write `conv KxK"),
            ("conv 3x0 8", "3x0", Code::LayerArguments, "choose a number from 1"),
            ("conv 3x3 16 strde 2", "strde", Code::LayerArguments, "did you mean `stride`?"),
            ("conv 3x3 16 same valid", "valid", Code::LayerArguments, "write `conv KxK"),
            ("dense 99999999999999999999999", "99999999999999999999999", Code::LayerArguments, "choose a number"),
            ("dropout 1", "1", Code::LayerArguments, "choose a number"),
            ("dropout nan", "nan", Code::LayerArguments, "choose a number"),
            ("relu 3", "3", Code::LayerArguments, "write `relu`"),
            ("  ", "  ", Code::UnknownLayer, "the layers are"),
        ];
        for (text, part, code, help) in cases {
            let error = parse_layer(text).unwrap_err();
            assert_eq!((&text[error.span.clone()], error.code), (part, code), "{text}: {error:?}");
            assert!(error.help.starts_with(help), "{text}: {error:?}");
        }
    }

    #[test]
    fn windows_count_their_places() {
        let window = |kernel, stride, dilation, padding| Window {
            kernel: [kernel; 2],
            stride: [stride; 2],
            dilation: [dilation; 2],
            padding,
        };
        assert_eq!(window(3, 1, 1, Padding::Same).places([8, 8]), Some([8, 8]));
        assert_eq!(window(3, 2, 1, Padding::Same).places([7, 8]), Some([4, 4]));
        assert_eq!(window(3, 1, 2, Padding::Valid).places([8, 5]), Some([4, 1]));
        assert_eq!(window(3, 1, 2, Padding::Valid).places([8, 4]), None);
        assert_eq!(window(3, 2, 1, Padding::Same).before(), [1, 1]);
        assert_eq!(window(2, 2, 1, Padding::Same).before(), [0, 0]);
    }

    fn any_window() -> impl Strategy<Value = Window> {
        let pair = || prop::array::uniform2(1usize..9);
        (pair(), pair(), pair(), any::<bool>()).prop_map(|(kernel, stride, dilation, same)| Window {
            kernel,
            stride,
            dilation,
            padding: if same { Padding::Same } else { Padding::Valid },
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_same_layer(window in any_window(), count in 1usize..2000, groups in 1usize..9, p in 0.0..1.0f64) {
            let pool = Window { dilation: [1, 1], padding: Padding::Valid, ..window };
            for layer in [
                Layer::Conv { window, channels: count, groups },
                Layer::Depthwise { window },
                Layer::Dense { units: count, groups },
                Layer::Pool { window: pool },
                Layer::AveragePool { window: pool },
                Layer::Dropout { probability: p },
            ] {
                prop_assert_eq!(parse_layer(&layer.to_string()), Ok(layer));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", words in prop::collection::vec("conv|pool|dense|dropout|3x3|x|stride|same|-1|1e9|99999999999999999999|é", 0..6)) {
            for text in [text, words.join(" ")] {
                if let Err(error) = parse_layer(&text) {
                    prop_assert!(text.get(error.span).is_some());
                }
            }
        }
    }
}
