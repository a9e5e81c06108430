//! The module around the functions: types, memory, exports and data.

use super::code::Code;
use super::function::{Surroundings, function, scratch_bytes};
use super::layout::{DATA_BEGINS, Layout, PAGE, exported};
use super::scalars::Helpers;
use super::{Exported, Module, Options, Products, Program, TooLarge};
use crate::loops::{Call, Copy, Loops, exclusive_operands, with_rounded_products};
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ExportKind, ExportSection, FunctionSection, GlobalSection,
    GlobalType, Instruction as I, MemorySection, MemoryType, StartSection, TypeSection, ValType,
};

/// The largest module that engines load: the limit of the JavaScript interface's specification.
const MODULE_BYTES_MAX: u64 = 1 << 30;
/// The segments of data: what the memory begins with, and what is kept, which `reset` copies.
const KEPT_SEGMENT: u32 = 1;

/// The module of a program.
///
/// # Errors
/// If the program does not fit.
pub fn emit(program: &Program, options: &Options) -> Result<Module, TooLarge> {
    let rounded = (options.products == Products::Rounded).then(|| with_rounded_products(program.loops));
    let loops = rounded.as_ref().unwrap_or(program.loops);
    let scratch = loops.functions.iter().map(scratch_bytes).max().unwrap_or(0);
    let layout = Layout::new(program, scratch)?;
    let keeps = layout.kept_bytes > 0;
    let mut parts = Parts::default();
    // Kernels are numbered as in the loops, `run` and `reset` follow, then the helpers that all of these call.
    let kernels = loops.functions.len() as u32;
    let (run, reset) = (kernels, kernels + 1);
    let mut helpers = Helpers::new(options.products, kernels + 1 + u32::from(keeps));
    let exclusive = exclusive_operands(loops);
    for (kernel, exclusive) in loops.functions.iter().zip(&exclusive) {
        let overlaps = exclusive.contains(&false);
        let surroundings = Surroundings { overlaps, scratch: layout.scratch as u32 };
        let code = function(kernel, &surroundings, options, &mut helpers);
        parts.add(&vec![ValType::I32; kernel.operands.len()], &[], &code);
    }
    parts.add(&[], &[], &run_code(loops, &layout));
    if keeps {
        parts.add(&[], &[], &reset_code(&layout));
    }
    for (parameters, result, code) in helpers.functions() {
        parts.add(&parameters, &[result], &code);
    }
    let (inputs, outputs) = exported(loops, &layout);
    let reset = keeps.then_some(reset);
    let bytes = parts.finish(&layout, inputs.iter().chain(&outputs), run, reset);
    let size = bytes.len() as u64;
    if size > MODULE_BYTES_MAX {
        return Err(TooLarge::Module { bytes: size, bytes_max: MODULE_BYTES_MAX });
    }
    Ok(Module { bytes, inputs, outputs, keeps, memory_bytes: layout.pages * PAGE })
}

/// All kernels in order, and then the copies.
fn run_code(loops: &Loops, layout: &Layout) -> Code {
    let mut code = Code::new(0);
    for Call { function, places, .. } in &loops.calls {
        for place in places {
            code.push(I::I32Const(layout.address(*place) as i32));
        }
        code.push(I::Call(*function as u32));
    }
    for Copy { to, from, bytes } in &loops.copies {
        let [to, from] = [to, from].map(|place| I::I32Const(layout.address(*place) as i32));
        code.all([to, from, I::I32Const(*bytes as i32), I::MemoryCopy { src_mem: 0, dst_mem: 0 }]);
    }
    code
}

/// What is kept as it is before the first run.
fn reset_code(layout: &Layout) -> Code {
    let mut code = Code::new(0);
    code.all([I::I32Const(layout.kept as i32), I::I32Const(0), I::I32Const(layout.kept_bytes as i32)]);
    code.push(I::MemoryInit { mem: 0, data_index: KEPT_SEGMENT });
    code
}

/// The parts of a module in which every function has an entry.
#[derive(Default)]
struct Parts {
    signatures: Vec<(Vec<ValType>, Vec<ValType>)>,
    types: TypeSection,
    functions: FunctionSection,
    code: CodeSection,
}

impl Parts {
    fn add(&mut self, parameters: &[ValType], results: &[ValType], code: &Code) {
        let signature = (parameters.to_vec(), results.to_vec());
        let ty = self.signatures.iter().position(|known| *known == signature).unwrap_or_else(|| {
            self.types.ty().function(parameters.iter().copied(), results.iter().copied());
            self.signatures.push(signature);
            self.signatures.len() - 1
        });
        self.functions.function(ty as u32);
        self.code.function(&code.function());
    }

    fn finish<'a>(
        &self,
        layout: &Layout,
        tensors: impl Iterator<Item = &'a Exported>,
        run: u32,
        reset: Option<u32>,
    ) -> Vec<u8> {
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: layout.pages,
            maximum: Some(layout.pages),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut globals = GlobalSection::new();
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        exports.export("run", ExportKind::Func, run);
        for (number, tensor) in tensors.enumerate() {
            let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
            globals.global(ty, &ConstExpr::i32_const(tensor.address as i32));
            exports.export(&tensor.global, ExportKind::Global, number as u32);
        }
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(DATA_BEGINS as i32), layout.data.iter().copied());
        if let Some(reset) = reset {
            exports.export("reset", ExportKind::Func, reset);
            data.passive(layout.kept_data.iter().copied());
        }
        let mut module = wasm_encoder::Module::new();
        module.section(&self.types).section(&self.functions).section(&memories).section(&globals).section(&exports);
        if let Some(reset) = reset {
            module.section(&StartSection { function_index: reset });
        }
        module.section(&DataCountSection { count: data.len() }).section(&self.code).section(&data);
        module.finish()
    }
}
