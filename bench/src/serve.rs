//! Tacit's own worker: the same protocol as the peers', so that all are timed alike.

use crate::int8::quantised;
use crate::workloads::{First, INPUT, Laid, Mode, Parameter, TARGET, Workload, contraction_flops};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::json;
use std::collections::HashMap;
use std::io::{BufRead, ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, Instant};
use tacit_exec::{Options, Program};
use tacit_ir::interpret::Data;
use tacit_ir::passes::quantize::Quantised;
use tacit_ir::{DType, Graph, Tensor};
use tacit_nn::{Initialiser, initialise};

/// Everything is drawn from this, so that exports of the same workload agree.
const SEED: u64 = 1;

/// The values of a leaf.
enum Values {
    Floats(Vec<f32>),
    Integers(Vec<i32>),
}

impl Values {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Values::Floats(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Values::Integers(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
}

/// First values and data, as all sides start from them.
struct Start {
    name: String,
    shape: Vec<usize>,
    values: Values,
}

fn starts(laid: &Laid) -> Vec<Start> {
    let mut starts: Vec<Start> = laid
        .parameters
        .iter()
        .map(|parameter| Start {
            name: parameter.name.clone(),
            shape: parameter.shape.clone(),
            values: Values::Floats(first_values(parameter)),
        })
        .collect();
    for (name, below) in [(INPUT, laid.input_below), (TARGET, laid.target_below)] {
        let Some(leaf) = laid.graph.leaf(name) else { continue };
        let ty = laid.graph.ty(leaf);
        let drawn = initialise(Initialiser::Uniform { bound: 1.0 }, SEED, name, ty.elements());
        let values = match ty.dtype {
            DType::F32 => Values::Floats(drawn),
            DType::I32 | DType::I8 | DType::Bool => {
                let below = below.expect("a leaf of integers has a bound");
                let integer = |x: f32| (((x + 1.0) / 2.0 * below as f32) as i32).clamp(0, below - 1);
                Values::Integers(drawn.into_iter().map(integer).collect())
            }
        };
        starts.push(Start { name: name.to_owned(), shape: ty.shape.clone(), values });
    }
    starts
}

fn first_values(parameter: &Parameter) -> Vec<f32> {
    let count = parameter.shape.iter().product();
    match parameter.first {
        First::Drawn(initialiser) => initialise(initialiser, SEED, &parameter.name, count),
        First::Around { centre, bound } => {
            let offsets = initialise(Initialiser::Uniform { bound }, SEED, &parameter.name, count);
            offsets.into_iter().map(|offset| centre + offset).collect()
        }
    }
}

/// Writes first values and data as a safetensors file.
pub fn export(workload: &Workload, mode: Mode, batch: usize, file: &Path) -> Result<(), String> {
    let laid = workload.graph(mode, batch).map_err(|error| error.to_string())?;
    let stored: Vec<(Start, Vec<u8>)> = starts(&laid)
        .into_iter()
        .map(|start| {
            let bytes = start.values.bytes();
            (start, bytes)
        })
        .collect();
    let mut views = vec![];
    for (start, bytes) in &stored {
        let dtype = match start.values {
            Values::Floats(_) => Dtype::F32,
            Values::Integers(_) => Dtype::I32,
        };
        let view = TensorView::new(dtype, start.shape.clone(), bytes).map_err(|error| error.to_string())?;
        views.push((start.name.as_str(), view));
    }
    safetensors::serialize_to_file(views, None, file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Every tensor of a file.
fn read(file: &Path) -> Result<HashMap<String, Tensor<f32>>, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| format!("{}: {error}", file.display()))?;
    let tensors = tensors.iter().map(|(name, view)| {
        let words = view.data().chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
        let tensor = if view.dtype() == Dtype::I32 {
            Tensor::integers(view.shape(), words.map(i32::from_le_bytes).collect())
        } else {
            Tensor::floats(view.shape(), words.map(f32::from_le_bytes).collect())
        };
        (name.to_owned(), tensor)
    });
    Ok(tensors.collect())
}

/// The program of a mode, and its graph, with leaves of these values.
fn prepared(
    workload: &Workload,
    mode: Mode,
    batch: usize,
    leaves: HashMap<String, Tensor<f32>>,
    threads: usize,
) -> Result<(Program, Graph), String> {
    let laid = workload.measured(mode, batch).map_err(|error| error.to_string())?;
    let (graph, leaves) = match mode {
        Mode::Train | Mode::Infer => (laid.graph, leaves),
        Mode::Int8 => {
            let Quantised { graph, params } = quantised(&laid.graph, &leaves)?;
            (graph, leaves.into_iter().filter(|(name, _)| name == INPUT).chain(params).collect())
        }
    };
    let options = Options::from_environment().map_err(|error| error.to_string())?;
    let mut program = Program::compile(&graph, &Options { threads, ..options }).map_err(|error| error.to_string())?;
    for (name, tensor) in &leaves {
        let set = match &tensor.data {
            Data::Float(values) => program.set_f32(name, values),
            Data::I32(values) => program.set_i32(name, values),
            Data::I8(values) => program.set_i8(name, values),
            Data::Bool(values) => program.set_bool(name, values),
        };
        set.map_err(|error| error.to_string())?;
    }
    Ok((program, graph))
}

/// Answers commands until `quit` or the end of its input.
pub fn serve(workload: &Workload, mode: Mode, batch: usize, file: &Path, threads: usize) -> Result<(), String> {
    let (mut program, _) = prepared(workload, mode, batch, read(file)?, threads)?;
    let laid = workload.graph(mode, batch).map_err(|error| error.to_string())?;
    let input = starts(&laid).into_iter().find(|start| start.name == INPUT).expect("every workload has an input");
    let version = format!("Tacit {}", env!("CARGO_PKG_VERSION"));
    let arena = json!({ "bytes": program.plan().arena_bytes, "bound": program.plan().lower_bound_bytes });
    let ready = match mode {
        Mode::Train => {
            let losses: Vec<f32> = (0..5)
                .map(|_| {
                    program.step();
                    program.output_f32("loss").expect("a step has a loss")[0]
                })
                .collect();
            json!({ "losses": losses })
        }
        Mode::Infer | Mode::Int8 => {
            program.step();
            let outputs = program.output_f32("y").expect("a program answers");
            json!({ "outputs": outputs[..outputs.len().min(4096)] })
        }
    };
    say(&json!({ "ready": ready, "version": version, "arena": arena }));
    let mut answer = vec![];
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["time", seconds] => {
                let seconds: f64 = seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"))?;
                let times = match mode {
                    Mode::Train => timed(seconds, &mut || program.step()),
                    Mode::Infer | Mode::Int8 => timed(seconds, &mut || {
                        let set = match &input.values {
                            Values::Floats(x) => program.set_f32(INPUT, x),
                            Values::Integers(x) => program.set_i32(INPUT, x),
                        };
                        set.expect("the input has the program's shape");
                        program.step();
                        let y = program.output_f32("y").expect("a program answers");
                        answer.clear();
                        answer.extend_from_slice(y);
                    }),
                };
                say(&json!({ "times_ns": times }));
            }
            ["quit"] => {
                say(&json!({ "peak_rss_kib": peak_rss_kib() }));
                return Ok(());
            }
            _ => return Err(format!("`{line}` is no command")),
        }
    }
    Ok(())
}

/// Nanoseconds of each call, or of the mean call of a short run where one alone would be lost in the clock.
fn timed(seconds: f64, call: &mut dyn FnMut()) -> Vec<u64> {
    let start = Instant::now();
    call();
    let run = if start.elapsed() < Duration::from_micros(50) { 20 } else { 1 };
    let mut times = vec![];
    while times.len() < 3 || (start.elapsed().as_secs_f64() < seconds && times.len() < 2000) {
        let begin = Instant::now();
        for _ in 0..run {
            call();
        }
        times.push((begin.elapsed().as_nanos() / run) as u64);
    }
    times
}

fn say(message: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{message}").and_then(|()| out.flush()).expect("whoever started this worker reads what it says");
}

/// The greatest resident memory of this process so far; 0 where the system does not tell.
fn peak_rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

/// Prints the least time of each kernel over many runs.
pub fn profile(workload: &Workload, mode: Mode, batch: usize, threads: usize) -> Result<(), String> {
    let laid = workload.graph(mode, batch).map_err(|error| error.to_string())?;
    let leaves = starts(&laid).into_iter().map(|start| {
        let tensor = match start.values {
            Values::Floats(values) => Tensor::floats(&start.shape, values),
            Values::Integers(values) => Tensor::integers(&start.shape, values),
        };
        (start.name, tensor)
    });
    let (mut program, graph) = prepared(workload, mode, batch, leaves.collect(), threads)?;
    let mut kernels = tacit_exec::profile(&mut program, &graph, Duration::from_secs(2));
    let total: f64 = kernels.iter().map(|kernel| kernel.seconds).sum();
    let flops = contraction_flops(&graph) as f64;
    let plan = program.plan();
    let mut lines = vec![
        format!(
            "{:.3} ms in {} kernels, {:.1} GFLOP/s, arena {} KiB (bound {} KiB)",
            1e3 * total,
            kernels.len(),
            flops / total / 1e9,
            plan.arena_bytes / 1024,
            plan.lower_bound_bytes / 1024
        ),
        "      time  share  GFLOP/s  GB/s".to_owned(),
    ];
    kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    for kernel in &kernels {
        lines.push(format!(
            "{:8.1} µs {:4.1} % {:7.1} {:6.1}  {}",
            1e6 * kernel.seconds,
            100.0 * kernel.seconds / total,
            kernel.gflops(),
            kernel.gigabytes_per_second(),
            kernel.anchor.as_ref().unwrap_or(&kernel.root)
        ));
    }
    // Whoever reads may want the first lines alone.
    match writeln!(std::io::stdout(), "{}", lines.join("\n")) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.to_string()),
        Ok(()) | Err(_) => Ok(()),
    }
}
