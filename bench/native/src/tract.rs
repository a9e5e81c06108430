//! tract: answers of the network in the ONNX file that a script of `bench/peers` leaves beside the exported weights.

use crate::protocol::{Arguments, FIRST_OUTPUTS, Prepared};
use safetensors::{Dtype, SafeTensors};
use std::sync::Arc;
use tract_linalg::multithread::{Executor, set_default_executor};
use tract_onnx::prelude::*;

struct Tract {
    state: TypedSimpleState,
    input: TValue,
    outputs: TVec<TValue>,
}

/// Optimises the network and loads its input.
pub fn prepare(arguments: &Arguments) -> TractResult<Box<dyn Prepared>> {
    if arguments.is_training {
        return Err(TractError::msg("tract does not train"));
    }
    if arguments.threads > 1 {
        set_default_executor(Executor::multithread(arguments.threads));
    }
    let file = arguments.file.with_extension("onnx");
    if !file.exists() {
        return Err(TractError::msg("no other engine left the network as an ONNX file"));
    }
    let model = tract_onnx::onnx().model_for_path(file)?.into_optimized()?;
    let fact = model.input_fact(0)?;
    let kind = fact.datum_type;
    let shape: Vec<usize> = fact.shape.eval_to_usize(&SymbolValues::default())?.to_vec();
    let input = images_by_channel(read_input(arguments)?)?.cast_to_dt(kind)?.into_owned();
    if input.shape() != shape {
        return Err(TractError::msg(format!("the input is {:?} and should be {shape:?}", input.shape())));
    }
    let state = model.into_runnable()?.spawn()?;
    Ok(Box::new(Tract { state, input: TValue::from_const(Arc::new(input)), outputs: tvec![] }))
}

/// The input of the export file.
fn read_input(arguments: &Arguments) -> TractResult<Tensor> {
    let bytes = std::fs::read(&arguments.file)?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let view = tensors.tensor("input/x")?;
    let words = view.data().chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
    match view.dtype() == Dtype::I32 {
        true => Tensor::from_shape(view.shape(), &words.map(i32::from_le_bytes).collect::<Vec<_>>()),
        false => Tensor::from_shape(view.shape(), &words.map(f32::from_le_bytes).collect::<Vec<_>>()),
    }
}

/// Images as [n, channels, height, width], which is what ONNX has; anything else as it is.
fn images_by_channel(input: Tensor) -> TractResult<Tensor> {
    match input.rank() {
        4 => input.permute_axes(&[0, 3, 1, 2]),
        _ => Ok(input),
    }
}

impl Tract {
    fn answer(&mut self) -> TractResult<()> {
        self.outputs = self.state.run(tvec![self.input.clone()])?;
        Ok(())
    }
}

impl Prepared for Tract {
    fn version(&self) -> String {
        // That of Cargo.toml, which allows no other.
        "tract 0.23.9".into()
    }

    fn first(&mut self) -> Result<Vec<f32>, String> {
        self.answer().map_err(|error| format!("{error:#}"))?;
        let numbers = self.outputs[0].to_plain_array_view::<f32>().map_err(|error| error.to_string())?;
        Ok(numbers.iter().copied().take(FIRST_OUTPUTS).collect())
    }

    fn call(&mut self) {
        self.answer().expect("the network answered before");
    }
}
