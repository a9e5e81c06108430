//! tract: answers of the network in the ONNX file that a script of `bench/peers` leaves beside the exported weights.

use crate::export::{Export, Stored};
use crate::protocol::{Arguments, FIRST_OUTPUTS, Prepared};
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
    let input = read_input(arguments)?.cast_to_dt(kind)?.into_owned();
    if input.shape() != shape {
        return Err(TractError::msg(format!("the input is {:?} and should be {shape:?}", input.shape())));
    }
    let state = model.into_runnable()?.spawn()?;
    Ok(Box::new(Tract { state, input: TValue::from_const(Arc::new(input)), outputs: tvec![] }))
}

/// The input of the export file, images by channel.
fn read_input(arguments: &Arguments) -> TractResult<Tensor> {
    let export = Export::read(&arguments.file).map_err(TractError::msg)?;
    match export.tensor("input/x").map_err(TractError::msg)? {
        Stored::Numbers(numbers) => {
            let numbers = numbers.images_by_channel();
            Tensor::from_shape(&numbers.shape, &numbers.values)
        }
        Stored::Integers(integers) => Tensor::from_shape(&integers.shape, &integers.values),
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
