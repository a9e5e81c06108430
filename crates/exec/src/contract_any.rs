//! Temporary.
use crate::block::Slot;
use crate::kernels::KernelSet;
use crate::memory::Slots;
use crate::team::Member;
use tacit_ir::{Data, Graph, Instruction, Tensor, ValueId, interpret::compute, types::DType};
pub struct ContractLoop {
    i: Instruction,
    shapes: Vec<(Vec<usize>, DType, Slot)>,
    out: Slot,
}
pub fn lower_contract(
    g: &Graph,
    v: ValueId,
    s: &dyn Fn(ValueId) -> Slot,
    _k: KernelSet,
    _t: usize,
) -> Result<ContractLoop, String> {
    let i = g.instruction(v).clone();
    let shapes = i.operands.iter().map(|o| (g.shape(*o).to_vec(), g.ty(*o).dtype, s(*o))).collect();
    Ok(ContractLoop { i, shapes, out: s(v) })
}
impl ContractLoop {
    pub fn workspace_bytes(&self) -> usize {
        0
    }
    pub fn run(&self, s: &Slots, _w: usize, m: &Member<'_>) {
        if m.worker != 0 {
            return;
        }
        let ts: Vec<Tensor<f32>> = self
            .shapes
            .iter()
            .map(|(sh, d, slot)| {
                let n = sh.iter().product::<usize>();
                let data = match d {
                    DType::F32 => Data::Float(s.read::<f32>(*slot)[..n].to_vec()),
                    DType::I32 => Data::I32(s.read::<i32>(*slot)[..n].to_vec()),
                    DType::I8 => Data::I8(s.read::<i8>(*slot)[..n].to_vec()),
                    DType::Bool => panic!(),
                };
                Tensor { shape: sh.clone(), data }
            })
            .collect();
        let r: Vec<&Tensor<f32>> = ts.iter().collect();
        let o = compute(&self.i, &r);
        match o.data {
            Data::Float(x) => s.write::<f32>(self.out, 0, x.len()).copy_from_slice(&x),
            Data::I32(x) => s.write::<i32>(self.out, 0, x.len()).copy_from_slice(&x),
            _ => panic!(),
        }
    }
}
