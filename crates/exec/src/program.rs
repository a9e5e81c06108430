//! A planned program with its memory, ready to run step by step.

use crate::block::{ElementwiseLoop, Finish, Kept, ReduceLoop, Slot, lower_elementwise, lower_reduce, lower_windows};
use crate::contract::loops::{ContractLoop, lower_contract};
use crate::kernels::KernelSet;
use crate::machine::{Executable, Library, Routine};
use crate::memory::{ALIGNMENT, Arena, Slots, Span};
use crate::parts::{Claims, Home};
use crate::rows::{RowsLoop, random};
use crate::schedule::{Touch, Turn, Work, schedule};
use crate::team::{Member, Team};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::time::Instant;
use tacit_ir::passes::plan::{Fate, KernelKind, Plan, plan};
use tacit_ir::types::{DType, Literal, Scalar, TensorType};
use tacit_ir::{Graph, Op, ValueId};

/// How to run: the size of the thread team and the kernels. Neither changes a bit of any result.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub threads: usize,
    pub kernels: KernelSet,
}

/// A request that does not fit the program or the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecError {
    pub code: &'static str,
    pub message: String,
}

impl ExecError {
    fn new(code: &'static str, message: impl Into<String>) -> ExecError {
        ExecError { code, message: message.into() }
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ExecError {}

/// Every code of this crate with its explanation, for `tacit help`.
pub const CODES: &[(&str, &str)] = &[
    ("E1201", "An environment variable that chooses kernels or threads has a value that this machine does not offer."),
    ("E1202", "A program was given or asked for a tensor that it does not have, or of another type or size."),
    ("E1203", "A program uses an access for which there is no kernel; the message names the instruction."),
    (
        "E1204",
        "The machine does not have the memory that a program or a step of its search needs. A smaller `batch` in \
         `[search]`, smaller images or narrower layers need less; `tacit check` says what a program takes.",
    ),
];

impl Options {
    /// From `TACIT_THREADS` and `TACIT_KERNELS`, else every core and the best kernels.
    pub fn from_environment() -> Result<Options, ExecError> {
        let kernels = KernelSet::detect().map_err(|e| ExecError::new("E1201", e.to_string()))?;
        let threads = Team::default_size().map_err(|e| ExecError::new("E1201", e.to_string()))?;
        Ok(Options { threads, kernels })
    }
}

/// One lowered kernel.
enum Lowered {
    Elementwise(ElementwiseLoop),
    Reduce(Box<ReduceLoop>, Option<Epilogue>),
    Contract(Box<ContractLoop>, Option<Epilogue>),
    Gather(RowsLoop),
    Scatter { rows: RowsLoop, elements: usize },
    Random { slot: Slot, key: Slot, stream: u32, elements: usize },
}

impl Lowered {
    /// How often a run of it divides the work.
    fn divisions(&self) -> usize {
        match self {
            Lowered::Elementwise(_) => 1,
            Lowered::Reduce(reduce, _) => reduce.divisions(),
            Lowered::Contract(contract, _) => contract.divisions(),
            Lowered::Gather(_) | Lowered::Scatter { .. } | Lowered::Random { .. } => 0,
        }
    }

    /// The places of its machine code.
    fn routines(&mut self) -> impl Iterator<Item = &mut Option<Routine>> {
        let (maps, reduction, epilogue) = match self {
            Lowered::Elementwise(maps) => (Some(maps), None, None),
            Lowered::Reduce(reduce, epilogue) => (None, Some(&mut reduce.program.routine), epilogue.as_mut()),
            Lowered::Contract(_, epilogue) => (None, None, epilogue.as_mut()),
            Lowered::Gather(_) | Lowered::Scatter { .. } | Lowered::Random { .. } => (None, None, None),
        };
        let behind = epilogue.map(|epilogue| &mut epilogue.maps);
        maps.into_iter().chain(behind).flat_map(ElementwiseLoop::routines).chain(reduction)
    }
}

/// Where a kernel's homes lie in those of the program, and how many parts each worker has.
struct Handout {
    homes: Range<usize>,
    each: usize,
}

/// The most divisions of one run of a kernel in which workers take over each other's parts.
const HANDED_OUT_MAX: usize = 64;

/// The maps behind a contraction or reduction, over its results in their place.
struct Epilogue {
    maps: ElementwiseLoop,
    /// Each worker takes its results on as soon as they are finished. Where they would come in short pieces it is
    /// faster to wait for all.
    at_once: bool,
}

/// A program and the memory it runs in. Nothing is allocated after `compile`.
pub struct Program {
    plan: Plan,
    kernels: Vec<Lowered>,
    kernel_set: KernelSet,
    arena: Arena,
    spans: Vec<Span>,
    /// The slot that kernels use for packing and partial sums.
    workspace: Slot,
    /// Registers of all workers, one worker after another.
    registers: Vec<[u32; crate::block::BLOCK]>,
    registers_each: usize,
    team: Team,
    leaves: HashMap<String, (Slot, TensorType)>,
    outputs: HashMap<String, (Slot, TensorType)>,
    /// The slots of parameters that no step changes.
    settling: Vec<Slot>,
    /// The kernels of every step.
    turns: Vec<Turn>,
    /// Whether parameters were set since what follows from them was computed.
    stale: bool,
    /// What ends a step, in order: (to, from, bytes). Old values that other leaves take are set aside first.
    copies: Vec<(Slot, Slot, usize)>,
    /// How the kernels' work is handed out, in the order of the kernels.
    handouts: Vec<Handout>,
    homes: Vec<Home>,
    /// The number of the last step.
    run: u32,
    /// The code of the kernels' routines, which has to live as long as they do.
    _executable: Option<Executable>,
}

impl Program {
    /// Plans and lowers a graph and sets its constants and initial states. Parameters and inputs start as zeros.
    pub fn compile(graph: &Graph, options: &Options) -> Result<Program, ExecError> {
        let plan = plan(graph);
        let (mut spans, mut slots_of_values) = layout(graph, &plan);
        // Sums of i32 that become i8 have no place in the plan. Where a contraction does not take them on by itself, they
        // lie in the workspace, behind what the contraction needs.
        let mut sums_of_kernels = vec![None; plan.kernels.len()];
        let mut sums_places = vec![];
        for (kernel, sums) in plan.kernels.iter().zip(&mut sums_of_kernels) {
            if let Some(anchor) = kernel.anchor.filter(|anchor| graph.ty(*anchor) != graph.ty(kernel.root)) {
                *sums = Some(append(&mut spans, 0));
                slots_of_values[anchor.index()] = *sums;
            }
        }
        let slot_of = |value: ValueId| slots_of_values[value.index()].expect("the plan stores what kernels read");
        let mut kernels = vec![];
        let mut registers_each = 1;
        let mut workspace_bytes = 0;
        let mut library = options.kernels.has_fused_multiply_add().then(Library::default);
        let mut works = vec![];
        for (kernel, sums) in plan.kernels.iter().zip(&sums_of_kernels) {
            // What is computed once is not worth meeting for.
            let work = Work::of(graph, &plan, kernel);
            let divides = options.threads > 1 && !kernel.settled && work.divides();
            let workers = if divides { options.threads } else { 1 };
            let anchor = kernel.anchor.unwrap_or(kernel.root);
            let epilogue = |at_once, library: &mut Option<Library>| {
                let maps = kernel.anchor.map(|_| lower_elementwise(graph, &plan, kernel, &slot_of, library.as_mut()));
                maps.map(|maps| Epilogue { maps, at_once })
            };
            let mut own_workspace = 0;
            let lowered = match kernel.kind {
                KernelKind::Elementwise => {
                    Lowered::Elementwise(lower_elementwise(graph, &plan, kernel, &slot_of, library.as_mut()))
                }
                KernelKind::Reduce => match lower_windows(graph, &plan, kernel, &slot_of, library.as_mut()) {
                    Some(windows) => Lowered::Elementwise(windows),
                    None => {
                        let reduce =
                            lower_reduce(graph, &plan, kernel, &slot_of, library.as_mut()).ok_or_else(|| {
                                let line = tacit_ir::text::print_instruction(graph, kernel.root);
                                let message = format!("no kernel reduces through this output access: {line}");
                                ExecError::new("E1203", message)
                            })?;
                        own_workspace = reduce.workspace_bytes(workers);
                        let epilogue = epilogue(reduce.finishes_in_long_ranges(), &mut library);
                        Lowered::Reduce(Box::new(reduce), epilogue)
                    }
                },
                KernelKind::Contract => match lower_windows(graph, &plan, kernel, &slot_of, library.as_mut()) {
                    Some(windows) => Lowered::Elementwise(windows),
                    None => {
                        let stays = |operand| !kernel.settled && plan.stays(operand);
                        let parts = (workers, work.parts_each(workers));
                        let mut contract = lower_contract(graph, anchor, &slot_of, options.kernels, parts, &stays);
                        own_workspace = contract.workspace_bytes();
                        let maps = epilogue(true, &mut None).map(|epilogue| epilogue.maps);
                        let takes_on = maps.is_some_and(|maps| match sums {
                            None => maps
                                .as_behind(slot_of(anchor))
                                .is_some_and(|(behind, channels)| contract.take_on(behind, channels)),
                            Some(sums) => maps.as_requantise(*sums).is_some_and(|(maps, channels)| {
                                contract.requantise(maps, channels, (slot_of(kernel.root), graph.ty(kernel.root)))
                            }),
                        });
                        if let Some(sums) = sums
                            && !takes_on
                        {
                            let offset = own_workspace.next_multiple_of(ALIGNMENT);
                            let bytes = graph.ty(anchor).bytes();
                            sums_places.push((*sums, Span { offset, bytes }));
                            own_workspace = offset + bytes;
                        }
                        let epilogue = match takes_on {
                            true => None,
                            false => epilogue(contract.finishes_in_long_ranges(), &mut library),
                        };
                        Lowered::Contract(Box::new(contract), epilogue)
                    }
                },
                KernelKind::Gather => Lowered::Gather(RowsLoop::lower(graph, kernel.root, &slot_of)),
                KernelKind::Scatter => Lowered::Scatter {
                    rows: RowsLoop::lower(graph, kernel.root, &slot_of),
                    elements: graph.ty(kernel.root).elements(),
                },
                KernelKind::Random => {
                    let instruction = graph.instruction(kernel.root);
                    let Op::Random { stream } = instruction.op else { panic!("the plan tells kinds by instruction") };
                    Lowered::Random {
                        slot: slot_of(kernel.root),
                        key: slot_of(instruction.operands[0]),
                        stream,
                        elements: instruction.ty.elements(),
                    }
                }
            };
            let registers = match &lowered {
                Lowered::Elementwise(l) => l.program.register_count,
                Lowered::Reduce(l, epilogue) => {
                    l.program.register_count + crate::block::ACCUMULATORS + registers_of(epilogue)
                }
                Lowered::Contract(_, epilogue) => registers_of(epilogue),
                Lowered::Gather(_) | Lowered::Scatter { .. } | Lowered::Random { .. } => 0,
            };
            registers_each = registers_each.max(registers);
            kernels.push(lowered);
            workspace_bytes = workspace_bytes.max(own_workspace);
            works.push((work, divides, own_workspace));
        }
        let mut handouts = vec![];
        let mut homes_end = 0;
        for (kernel, (work, divides, _)) in kernels.iter().zip(&works) {
            let divisions = if *divides { kernel.divisions().min(HANDED_OUT_MAX) } else { 0 };
            let homes = homes_end..homes_end + divisions * options.threads;
            homes_end = homes.end;
            handouts.push(Handout { homes, each: work.parts_each(options.threads) });
        }
        let executable = library.and_then(Library::finish);
        for routine in kernels.iter_mut().flat_map(Lowered::routines) {
            // Without memory for code, the evaluator does everything.
            match &executable {
                Some(executable) => routine.as_mut().into_iter().for_each(|routine| routine.bind(executable)),
                None => *routine = None,
            }
        }
        let workspace = append(&mut spans, workspace_bytes);
        for (sums, Span { offset, bytes }) in sums_places {
            spans[sums] = Span { offset: spans[workspace].offset + offset, bytes };
        }
        for kernel in &mut kernels {
            if let Lowered::Contract(contract, _) = kernel
                && let Some(bytes) = contract.packed_bytes()
            {
                contract.set_packed(append(&mut spans, bytes));
            }
        }
        let named = |value: ValueId| (slot_of(value), graph.ty(value).clone());
        let leaves =
            graph.values().filter_map(|v| Some((graph.instruction(v).op.leaf_name()?.to_string(), named(v)))).collect();
        let mut outputs: HashMap<String, (Slot, TensorType)> =
            graph.outputs().iter().map(|(name, v)| (name.clone(), named(*v))).collect();
        let leaf_slots: Vec<Slot> =
            graph.values().filter(|v| graph.instruction(*v).op.leaf_name().is_some()).map(slot_of).collect();
        let range = |slot: Slot| spans[slot].offset..spans[slot].offset + spans[slot].bytes;
        let touches = works.iter().enumerate().map(|(k, (work, divides, own_workspace))| {
            let of = |values: &[ValueId]| values.iter().filter_map(|v| slots_of_values[v.index()]).map(range).collect();
            let (reads, mut writes): (Vec<_>, Vec<_>) = (of(&work.reads), of(&work.writes));
            if *own_workspace > 0 {
                writes.push(range(workspace));
            }
            (k, Touch { reads, writes, nanoseconds: work.nanoseconds(), divides: *divides })
        });
        let turns = schedule(touches.filter(|(k, _)| !plan.kernels[*k].settled), options.threads.max(1));
        let settling =
            graph.params().map(|(_, value)| value).filter(|v| plan.settled[v.index()]).map(slot_of).collect();
        let mut copies = vec![];
        let mut staged = vec![];
        for (leaf, next) in graph.updates() {
            let (to, from, bytes) = (slot_of(*leaf), slot_of(*next), graph.ty(*leaf).bytes());
            // Written in place, or the leaf keeps its value.
            if to == from {
                continue;
            }
            if leaf_slots.contains(&from) {
                // The old value of another leaf, which may be replaced itself: it is set aside first.
                let aside = append(&mut spans, bytes);
                staged.push((aside, from, bytes));
                copies.push((to, aside, bytes));
            } else {
                copies.push((to, from, bytes));
            }
        }
        // A result that is a leaf is the value before the update.
        for (slot, ty) in outputs.values_mut().filter(|(slot, _)| leaf_slots.contains(slot)) {
            let before = append(&mut spans, ty.bytes());
            staged.push((before, *slot, ty.bytes()));
            *slot = before;
        }
        let copies = staged.into_iter().chain(copies).collect();
        let arena_end = spans.iter().map(|s| s.offset + s.bytes).max().unwrap_or(0);
        let arena = Arena::new(arena_end).ok_or_else(|| {
            ExecError::new(
                "E1204",
                format!("the machine does not give the {arena_end} bytes of memory that are needed"),
            )
        })?;
        let mut program = Program {
            kernels,
            kernel_set: options.kernels,
            arena,
            spans,
            workspace,
            registers: vec![[0; crate::block::BLOCK]; registers_each * options.threads.max(1)],
            registers_each,
            team: Team::new(options.threads),
            leaves,
            outputs,
            copies,
            settling,
            turns,
            stale: true,
            handouts,
            homes: (0..homes_end).map(|_| Home::default()).collect(),
            run: 0,
            plan,
            _executable: executable,
        };
        program.set_constants(graph, &slots_of_values);
        Ok(program)
    }

    fn set_constants(&mut self, graph: &Graph, slots: &[Option<Slot>]) {
        for value in graph.values() {
            let Some(slot) = slots[value.index()] else { continue };
            let instruction = graph.instruction(value);
            let literal = match &instruction.op {
                Op::Constant { value } => value.clone(),
                Op::State { init, .. } => Literal::Splat(*init),
                _ if instruction.op.has_nest() => continue,
                Op::Input { .. } | Op::Param { .. } | Op::Iota | Op::Random { .. } | Op::Extent { .. } => continue,
                Op::Contract | Op::Map(_) | Op::Reduce(_) | Op::Move { .. } | Op::Gather | Op::Scatter => continue,
            };
            let table = Slots::new(&mut self.arena, &self.spans);
            for position in 0..instruction.ty.elements() {
                match literal.at(position) {
                    Scalar::F32(x) => table.write::<f32>(slot, position, 1)[0] = x,
                    Scalar::I32(x) => table.write::<i32>(slot, position, 1)[0] = x,
                    Scalar::I8(x) => table.write::<i8>(slot, position, 1)[0] = x,
                    Scalar::Bool(x) => table.write::<u8>(slot, position, 1)[0] = x as u8,
                }
            }
        }
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// One run: every kernel in order, then the updates. Allocates nothing.
    pub fn step(&mut self) {
        self.run_timed(None);
    }

    fn run_timed(&mut self, seconds: Option<&mut [f64]>) {
        let seconds = seconds.map(|s| SharedSeconds(s.as_mut_ptr()));
        let slots = Slots::new(&mut self.arena, &self.spans);
        let (kernels, set, copies) = (&self.kernels, self.kernel_set, &self.copies);
        let (plan, stale) = (&self.plan, std::mem::replace(&mut self.stale, false));
        let each = self.registers_each;
        let registers = SharedRegisters(self.registers.as_mut_ptr());
        let workspace = self.workspace;
        let turns = &self.turns;
        self.run = self.run.wrapping_add(1);
        let (run_number, handouts, homes) = (self.run, &self.handouts, &self.homes);
        let job = |member: Member<'_>| {
            let (worker, workers) = (member.worker, member.count);
            // SAFETY: every worker takes its own part of the registers.
            let registers = unsafe { registers.of(worker, each) };
            let mut run = |k: usize, member: Member<'_>| {
                let (worker, workers) = (member.worker, member.count);
                let Handout { homes: own, each } = &handouts[k];
                let claims = Claims { homes: &homes[own.clone()], run: run_number, each: *each };
                let member = member.with_claims((workers > 1).then_some(claims));
                match &kernels[k] {
                    Lowered::Elementwise(l) => l.run(set, &slots, registers, &member),
                    Lowered::Reduce(l, epilogue) => {
                        let own = l.program.register_count + crate::block::ACCUMULATORS;
                        let (registers, behind) = registers.split_at_mut(own);
                        finishing(epilogue, set, &slots, behind, &member, &mut |finish| {
                            l.run(set, &slots, workspace, registers, &member, finish.unwrap_or(&mut |_| {}))
                        });
                    }
                    Lowered::Contract(l, epilogue) => {
                        finishing(epilogue, set, &slots, registers, &member, &mut |finish| {
                            l.run(&slots, workspace, &member, finish)
                        });
                    }
                    Lowered::Gather(l) => l.gather(&slots, worker, workers),
                    Lowered::Scatter { rows, elements } => rows.scatter(&slots, *elements, worker, workers),
                    Lowered::Random { slot, key, stream, elements } => {
                        random(&slots, *slot, *key, *stream, *elements, worker, workers)
                    }
                }
            };
            if stale {
                let settled = (0..kernels.len()).filter(|k| plan.kernels[*k].settled);
                if worker == 0 {
                    settled.for_each(|k| run(k, Member::ALONE));
                }
                member.barrier();
                let contractions = kernels.iter().filter_map(|kernel| match kernel {
                    Lowered::Contract(contract, _) => Some(contract),
                    Lowered::Elementwise(_)
                    | Lowered::Reduce(..)
                    | Lowered::Gather(_)
                    | Lowered::Scatter { .. }
                    | Lowered::Random { .. } => None,
                });
                contractions.skip(worker).step_by(workers).for_each(|contract| contract.pack(&slots));
                member.barrier();
            }
            for turn in turns {
                // A kernel is timed by itself, and from before all have met: one who is late then may find its parts done.
                let start = seconds.as_ref().map(|_| Instant::now());
                if turn.meet || seconds.is_some() {
                    member.barrier();
                }
                match turn.alone {
                    None => run(turn.kernel, member),
                    Some(by) if by == worker => run(turn.kernel, Member::ALONE),
                    Some(_) => {}
                }
                if let (Some(seconds), Some(start)) = (&seconds, start) {
                    member.barrier();
                    if worker == 0 {
                        // SAFETY: the first worker alone writes, and there is one place for each kernel.
                        unsafe { *seconds.0.add(turn.kernel) = start.elapsed().as_secs_f64() };
                    }
                }
            }
            if !copies.is_empty() {
                member.barrier();
            }
            if worker == 0 {
                for (leaf, next, bytes) in copies {
                    slots.write::<u8>(*leaf, 0, *bytes).copy_from_slice(&slots.read::<u8>(*next)[..*bytes]);
                }
            }
        };
        // Where one worker does everything, the others are not woken.
        match turns.iter().all(|turn| turn.alone == Some(0)) {
            true => job(Member::ALONE),
            false => self.team.run(job),
        }
    }

    /// The seconds that each kernel takes in one more run, in the order of the plan.
    pub(crate) fn kernel_seconds(&mut self) -> Vec<f64> {
        let mut seconds = vec![0.0; self.kernels.len()];
        self.run_timed(Some(&mut seconds));
        seconds
    }

    fn find(table: &HashMap<String, (Slot, TensorType)>, name: &str, dtype: DType) -> Result<(Slot, usize), ExecError> {
        match table.get(name) {
            Some((slot, ty)) if ty.dtype == dtype => Ok((*slot, ty.elements())),
            Some((_, ty)) => Err(ExecError::new("E1202", format!("`{name}` is {ty}, not {}", dtype.name()))),
            None => Err(ExecError::new("E1202", format!("the program has no tensor `{name}`"))),
        }
    }

    fn set<T: Copy>(&mut self, name: &str, dtype: DType, values: &[T]) -> Result<(), ExecError> {
        let (slot, elements) = Program::find(&self.leaves, name, dtype)?;
        if values.len() != elements {
            return Err(ExecError::new("E1202", format!("`{name}` has {elements} elements, not {}", values.len())));
        }
        Slots::new(&mut self.arena, &self.spans).write::<T>(slot, 0, elements).copy_from_slice(values);
        self.stale |= self.settling.contains(&slot);
        Ok(())
    }

    fn get<T: Copy>(&self, (slot, elements): (Slot, usize)) -> &[T] {
        let span = self.spans[slot];
        assert!(elements * size_of::<T>() <= span.bytes);
        // SAFETY: the span lies in the arena; no step runs while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.arena.base().add(span.offset).cast::<T>(), elements) }
    }

    /// Sets an input, parameter or state of type f32, row-major.
    pub fn set_f32(&mut self, name: &str, values: &[f32]) -> Result<(), ExecError> {
        self.set(name, DType::F32, values)
    }

    pub fn set_i32(&mut self, name: &str, values: &[i32]) -> Result<(), ExecError> {
        self.set(name, DType::I32, values)
    }

    pub fn set_i8(&mut self, name: &str, values: &[i8]) -> Result<(), ExecError> {
        self.set(name, DType::I8, values)
    }

    /// Sets a bool tensor.
    pub fn set_bool(&mut self, name: &str, values: &[bool]) -> Result<(), ExecError> {
        self.set(name, DType::Bool, values)
    }

    /// An input, parameter or state as it is now.
    pub fn leaf_f32(&self, name: &str) -> Result<&[f32], ExecError> {
        Program::find(&self.leaves, name, DType::F32).map(|found| self.get(found))
    }

    pub fn leaf_i32(&self, name: &str) -> Result<&[i32], ExecError> {
        Program::find(&self.leaves, name, DType::I32).map(|found| self.get(found))
    }

    /// A result of the last step.
    pub fn output_f32(&self, name: &str) -> Result<&[f32], ExecError> {
        Program::find(&self.outputs, name, DType::F32).map(|found| self.get(found))
    }

    pub fn output_i32(&self, name: &str) -> Result<&[i32], ExecError> {
        Program::find(&self.outputs, name, DType::I32).map(|found| self.get(found))
    }

    pub fn output_i8(&self, name: &str) -> Result<&[i8], ExecError> {
        Program::find(&self.outputs, name, DType::I8).map(|found| self.get(found))
    }

    /// A bool result of the last step; kernels write 0 and 1 only.
    pub fn output_bool(&self, name: &str) -> Result<&[bool], ExecError> {
        Program::find(&self.outputs, name, DType::Bool).map(|found| self.get(found))
    }
}

fn registers_of(epilogue: &Option<Epilogue>) -> usize {
    epilogue.as_ref().map_or(0, |e| e.maps.program.register_count)
}

/// Elements that an epilogue waits for.
const TAKEN_ON_TOGETHER: usize = 2048;

/// Runs a kernel whose finished elements an epilogue, if there is one, takes on.
fn finishing(
    epilogue: &Option<Epilogue>,
    kernels: KernelSet,
    slots: &Slots,
    registers: &mut [[u32; crate::block::BLOCK]],
    member: &Member<'_>,
    run: &mut dyn FnMut(Option<Finish<'_>>),
) {
    match epilogue {
        None => run(None),
        Some(Epilogue { maps, at_once: true }) => {
            let mut kept = Kept::default();
            // Neighbouring ranges are taken on together, while they are in the first caches.
            let mut waiting = 0..0;
            run(Some(&mut |range| {
                if range.start == waiting.end && waiting.len() < TAKEN_ON_TOGETHER {
                    waiting.end = range.end;
                } else {
                    let finished = std::mem::replace(&mut waiting, range);
                    maps.run_range(kernels, slots, registers, &mut kept, finished);
                }
            }));
            maps.run_range(kernels, slots, registers, &mut kept, waiting);
        }
        Some(Epilogue { maps, at_once: false }) => {
            run(None);
            member.barrier();
            // The kernel's homes are used up.
            maps.run(kernels, slots, registers, &member.with_claims(None));
        }
    }
}

/// Where the first worker writes how long each kernel took.
struct SharedSeconds(*mut f64);

// SAFETY: only the first worker writes.
unsafe impl Sync for SharedSeconds {}

/// Registers of all workers; each takes its own part.
struct SharedRegisters(*mut [u32; crate::block::BLOCK]);

// SAFETY: workers take disjoint parts.
unsafe impl Sync for SharedRegisters {}

impl SharedRegisters {
    /// # Safety
    /// Each worker asks for its own number only, and all parts lie in the allocation.
    #[expect(clippy::mut_from_ref, reason = "workers take disjoint parts")]
    unsafe fn of(&self, worker: usize, each: usize) -> &mut [[u32; crate::block::BLOCK]] {
        // SAFETY: by the contract above.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(worker * each), each) }
    }
}

/// A slot of so many bytes behind all others.
fn append(spans: &mut Vec<Span>, bytes: usize) -> Slot {
    let offset = spans.last().map_or(0, |s| (s.offset + s.bytes).next_multiple_of(ALIGNMENT));
    spans.push(Span { offset, bytes });
    spans.len() - 1
}

/// Gives every leaf, stored value and alias its slot: leaves first, then the plan's arena.
fn layout(graph: &Graph, plan: &Plan) -> (Vec<Span>, Vec<Option<Slot>>) {
    let mut spans = vec![];
    let mut slots = vec![None; graph.instructions().len()];
    let mut end = 0;
    for value in graph.values() {
        // Leaves that nothing needs keep their place in the interface.
        let bound = graph.instruction(value).op.leaf_name().is_some();
        if bound || plan.fates[value.index()] == Fate::Leaf {
            slots[value.index()] = Some(spans.len());
            let bytes = graph.ty(value).bytes();
            spans.push(Span { offset: end, bytes });
            end += bytes.next_multiple_of(ALIGNMENT);
        }
    }
    for value in graph.values() {
        match &plan.fates[value.index()] {
            Fate::Stored(buffer) => {
                let buffer = &plan.buffers[*buffer];
                slots[value.index()] = Some(spans.len());
                spans.push(Span { offset: end + buffer.offset, bytes: buffer.bytes });
            }
            // A merged value's root comes later in the graph.
            Fate::Merged(_) => {}
            Fate::Alias(of) => slots[value.index()] = slots[of.index()],
            Fate::InPlace(leaf) => slots[value.index()] = slots[leaf.index()],
            Fate::Leaf | Fate::Inline | Fate::Unused => {}
        }
    }
    for value in graph.values() {
        if let Fate::Merged(root) = &plan.fates[value.index()] {
            slots[value.index()] = slots[root.index()];
        }
    }
    // The last span in memory order ends the layout, so that a workspace can follow it.
    let last = end + plan.arena_bytes;
    spans.push(Span { offset: last, bytes: 0 });
    (spans, slots)
}
