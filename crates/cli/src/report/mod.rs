//! What a build found out, as the data of a report.

mod answers;
mod data;

use std::path::{Path, PathBuf};

use tacit_ir::passes::plan::plan;
use tacit_report as page;
use tacit_spec::metric::Better;
use tacit_spec::report::quoted;
use tacit_spec::{Bound, InputKind, Metric, Specification};
use tacit_train::contract::Line;
use tacit_train::metrics::{Answers, CONFIDENCE, Figure, Measurement, argmax, measure, value};
use tacit_train::range_test::RangeTest;
use tacit_train::study::{EffectShape, LearningCurve, Rival, better_by, compared_figures, main_figure};
use tacit_train::worst::{RowCosts, Slice};
use tacit_train::{Artifact, Contract, Epoch, Examples};

use crate::latency::Latencies;
use crate::table::{required, subject};
use answers::outputs;
use data::data;

/// All that a report is made of.
pub struct Findings<'a> {
    pub specification: &'a Specification,
    pub examples: &'a Examples,
    pub artifact: &'a Artifact,
    /// With what a clock decides.
    pub contract: Contract,
    pub history: &'a [Epoch],
    pub best_step: u64,
    pub range_test: Option<&'a RangeTest>,
    /// On the test rows, by output.
    pub answers: Vec<Answers>,
    /// By output; the command of the manifest is among them.
    pub rivals: Vec<(usize, Vec<Rival>)>,
    pub importance: Vec<tacit_train::study::Importance>,
    /// With the answer that they are of.
    pub effects: Vec<(String, Vec<tacit_train::study::Effect>)>,
    pub learning_curve: Option<LearningCurve>,
    pub latencies: Latencies,
    pub looks: u64,
    /// The worst rows of the test part of the first output, and what stands in them.
    pub worst: Vec<usize>,
    pub worst_text: Vec<Vec<(String, String)>>,
    /// What the test rows cost, and the slices that cost most, of the first output.
    pub costs: RowCosts,
    pub slices: Vec<Slice>,
    /// The command of the manifest first, then the best of the built-in rivals, by output.
    pub comparisons: Vec<Comparison>,
    /// The file of the rows that were set aside.
    pub rejects: PathBuf,
}

/// By how much the program is better than a rival for an output.
pub struct Comparison {
    pub output: usize,
    pub rival: String,
    pub metric: Metric,
    pub by: Measurement,
}

/// The comparisons with the command of the manifest and with the best of the built-in rivals.
pub fn comparisons(answers: &[Answers], rivals: &[(usize, Vec<Rival>)]) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (output, rivals) in rivals {
        let answers = &answers[*output];
        let figure = main_figure(answers);
        let yours = rivals.iter().find(|rival| rival.name == YOURS);
        for rival in yours.into_iter().chain(best_rival(figure, rivals)) {
            let by = better_by(figure, answers, &rival.answers, CONFIDENCE);
            all.push(Comparison { output: *output, rival: rival.name.clone(), metric: figure.metric, by });
        }
    }
    all
}

/// The worst examples that are shown.
pub const WORST: usize = 12;
/// The name that the command of a manifest has among the rivals.
pub const YOURS: &str = "your program";

/// The report of a build.
pub fn report(findings: &Findings) -> page::Report {
    page::Report {
        head: head(findings),
        contract: Some(page::Contract { lines: findings.contract.lines.iter().map(contract_line).collect() }),
        baselines: baselines(findings),
        outputs: outputs(findings),
        slices: slices(findings),
        worst: worst(findings),
        importance: importance(findings),
        effects: findings.effects.iter().map(|(answer, columns)| effects(findings, answer, columns)).collect(),
        learning_curve: findings.learning_curve.as_ref().map(learning),
        curves: Some(curves(findings)),
        data: Some(data(findings)),
        cost: Some(cost(findings)),
        memory: Some(memory(findings)),
        provenance: Some(page::Provenance {
            manifest_file: Path::new(&findings.specification.source.name)
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            manifest: findings.specification.source.text.clone(),
            versions: vec![
                version("Tacit", &findings.artifact.provenance.tool_version),
                version("numerics", &findings.artifact.provenance.numerics_version.to_string()),
            ],
        }),
    }
}

/// The curves of the search alone, as TensorBoard takes them.
pub fn curves(findings: &Findings) -> page::Curves {
    let metric = tacit_train::metrics::usual_metrics(&findings.answers[0]).first().copied();
    let epoch = |epoch: &Epoch| page::Epoch {
        epoch: epoch.epoch,
        step: epoch.step,
        training_loss: page::finite(epoch.training_loss),
        validation_loss: page::finite(epoch.validation_loss),
        validation_figure: page::finite(epoch.validation_figure),
        learning_rate: page::finite(epoch.learning_rate),
    };
    let best = findings.history.iter().find(|epoch| epoch.step == findings.best_step);
    page::Curves {
        figure: metric.map_or_else(String::new, |metric| metric.name().to_owned()),
        better: better(metric.map_or(Better::Higher, |metric| metric.definition().better)),
        epochs: findings.history.iter().map(epoch).collect(),
        best: best.map(|epoch| epoch.epoch),
        range_test: findings
            .range_test
            .map(|test| page::RangeTest { points: test.curve.clone(), chosen: Some(test.learning_rate) }),
    }
}

fn version(of: &str, version: &str) -> page::Version {
    page::Version { of: of.to_owned(), version: version.to_owned() }
}

fn better(better: Better) -> page::Better {
    match better {
        Better::Higher | Better::Neither => page::Better::Higher,
        Better::Lower => page::Better::Lower,
    }
}

fn unit(metric: Metric) -> page::Unit {
    match metric {
        Metric::FileSize | Metric::PeakMemory => page::Unit::Bytes,
        Metric::Flops | Metric::Parameters => page::Unit::Count,
        Metric::Latency => page::Unit::Microseconds,
        Metric::Accuracy
        | Metric::TopK
        | Metric::Recall
        | Metric::Precision
        | Metric::F1
        | Metric::MacroRecall
        | Metric::MacroPrecision
        | Metric::MacroF1
        | Metric::SelectionRate => page::Unit::Share,
        Metric::Auroc
        | Metric::AveragePrecision
        | Metric::LogLoss
        | Metric::Brier
        | Metric::CalibrationError
        | Metric::MeanAbsoluteError
        | Metric::RootMeanSquaredError
        | Metric::RSquared => page::Unit::Plain,
    }
}

fn estimate(measured: Measurement) -> page::Estimate {
    page::Estimate {
        value: page::finite(measured.value),
        interval: measured.interval,
        rows: Some(measured.rows as u64),
    }
}

fn head(findings: &Findings) -> page::Head {
    let provenance = &findings.artifact.provenance;
    let answers = &findings.answers[0];
    let figures = compared_figures(answers).into_iter().take(4).map(|figure| page::KeyFigure {
        name: figure.metric.name().to_owned(),
        unit: unit(figure.metric),
        estimate: estimate(measure(figure, answers, CONFIDENCE)),
        note: String::new(),
    });
    let of_first = findings.comparisons.iter().filter(|comparison| comparison.output == 0);
    let comparisons = of_first.map(|Comparison { rival, metric, by, .. }| page::Comparison {
        rival: if rival == YOURS { page::Rival::Yours } else { page::Rival::Baseline(rival.clone()) },
        figure: metric.name().to_owned(),
        unit: unit(*metric),
        difference: estimate(*by),
    });
    let files: Vec<String> = findings.examples.dataset.files.iter().map(|file| file.name.to_string()).collect();
    let parts = ["training", "validation", "test"].into_iter().zip(provenance.rows);
    page::Head {
        program: findings.artifact.name.clone(),
        description: String::new(),
        figures: figures.collect(),
        comparisons: comparisons.collect(),
        tool_version: provenance.tool_version.clone(),
        seed: Some(provenance.seed),
        hashes: provenance
            .data
            .iter()
            .map(|file| page::Hash { of: file.file.clone(), hash: file.hash.clone() })
            .chain([page::Hash { of: "weights".to_owned(), hash: provenance.weights_hash.clone() }])
            .collect(),
        parts: parts.map(|(name, rows)| page::Part { name: name.to_owned(), file: files.join(", "), rows }).collect(),
        looks: Some(findings.looks),
    }
}

/// The built-in rival with the best figure.
fn best_rival(figure: Figure, rivals: &[Rival]) -> Option<&Rival> {
    let better = figure.metric.definition().better;
    let built_in = rivals.iter().filter(|rival| rival.name != YOURS);
    let figures = built_in.map(|rival| (rival, value(figure, &rival.answers)));
    let defined = figures.filter(|(_, figure)| figure.is_finite());
    defined
        .max_by(|(_, a), (_, b)| match better {
            Better::Higher | Better::Neither => a.total_cmp(b),
            Better::Lower => b.total_cmp(a),
        })
        .map(|(rival, _)| rival)
}

fn contract_line(line: &Line) -> page::Line {
    let metric = Metric::ALL.iter().copied().find(|metric| metric.name() == line.metric);
    let deciding = match (line.confidence.is_some(), line.bound()) {
        (true, Some(Bound::AtLeast(_))) => page::Deciding::LowerEnd,
        (true, Some(Bound::AtMost(_))) => page::Deciding::UpperEnd,
        (false, _) | (true, None) => page::Deciding::Value,
    };
    let groups = line.gap.iter().flat_map(|gap| {
        gap.between.iter().flatten().map(|group| page::Group {
            name: format!("{} = {}", gap.column, quoted(&group.group)),
            estimate: page::Estimate {
                value: page::finite(group.value),
                interval: group.interval,
                rows: Some(group.rows as u64),
            },
            is_deciding: true,
        })
    });
    page::Line {
        subject: subject(line, line.output.is_some()),
        required: line.bound().map(|bound| required(line, bound)).unwrap_or_default(),
        bound: line.bound().map(|bound| match bound {
            Bound::AtLeast(bound) => page::Bound::AtLeast(bound),
            Bound::AtMost(bound) => page::Bound::AtMost(bound),
        }),
        unit: metric.map_or(page::Unit::Plain, unit),
        estimate: page::Estimate {
            value: line.value,
            interval: line.interval,
            rows: line.rows.map(|rows| rows as u64),
        },
        deciding,
        met: line.met,
        groups: groups.collect(),
    }
}

fn baselines(findings: &Findings) -> Option<page::Baselines> {
    let (output, rivals) = findings.rivals.first()?;
    let answers = &findings.answers[*output];
    let figures = compared_figures(answers);
    let estimates = |answers: &Answers| {
        figures.iter().map(|figure| estimate(measure(*figure, answers, CONFIDENCE))).collect::<Vec<_>>()
    };
    let own = page::Contender {
        name: findings.artifact.name.clone(),
        kind: page::ContenderKind::This,
        figures: estimates(answers),
        latency_us: findings.latencies.median_us(),
        size_bytes: Some(findings.artifact.costs().file_bytes),
        rows_fitted: Some(findings.examples.prepared.training.len() as u64),
        note: String::new(),
    };
    let contender = |rival: &Rival| page::Contender {
        name: rival.name.clone(),
        kind: if rival.name == YOURS { page::ContenderKind::Yours } else { page::ContenderKind::BuiltIn },
        figures: estimates(&rival.answers),
        latency_us: rival.latency_us,
        size_bytes: rival.size_bytes,
        rows_fitted: rival.fitted_rows.map(|rows| rows as u64),
        note: rival.note.clone(),
    };
    Some(page::Baselines {
        figures: figures
            .iter()
            .map(|figure| page::ComparedFigure {
                name: figure.metric.name().to_owned(),
                better: better(figure.metric.definition().better),
                unit: unit(figure.metric),
            })
            .collect(),
        programs: std::iter::once(own).chain(rivals.iter().map(contender)).collect(),
    })
}

fn slices(findings: &Findings) -> Option<page::Slices> {
    let losses = &findings.costs.losses;
    let total: f64 = losses.iter().sum();
    let rows = losses.len() as f64;
    let slices = findings.slices.iter().take(WORST).map(|slice| page::Slice {
        condition: slice_condition(slice),
        estimate: page::Estimate { value: Some(slice.mean_loss), interval: None, rows: Some(slice.rows as u64) },
        rows_share: Some(slice.rows as f64 / rows),
        loss_share: Some(slice.mean_loss * slice.rows as f64 / total),
    });
    Some(page::Slices {
        figure: "mean loss".to_owned(),
        unit: page::Unit::Plain,
        better: page::Better::Lower,
        whole: page::finite(total / rows),
        slices: slices.collect(),
    })
}

/// The rows of a slice in words.
pub fn slice_condition(slice: &Slice) -> String {
    match slice.value.is_empty() {
        true => format!("{} is missing", slice.column),
        false => format!("{} = {}", slice.column, quoted(&slice.value)),
    }
}

fn worst(findings: &Findings) -> Option<page::WorstExamples> {
    let Findings { examples, answers, artifact, worst, worst_text, .. } = findings;
    let image = findings.specification.inputs.iter().position(|input| matches!(input.kind, InputKind::Image { .. }));
    let labels = &artifact.interface.outputs[0].labels;
    let shown = worst.iter().zip(worst_text).map(|(place, text)| {
        let row = examples.parts.test[*place];
        let picture = image.and_then(|index| picture(examples, index, row));
        // The pixels of a picture say nothing as numbers.
        let cells = if picture.is_some() { &[][..] } else { &text[..] };
        let (truth, answer, probability) = told(&answers[0], labels, *place);
        let at = examples.dataset.place(row);
        page::Example {
            cells: cells
                .iter()
                .map(|(column, value)| page::Cell { column: column.clone(), value: value.clone() })
                .collect(),
            picture,
            truth,
            answer,
            probability,
            error: page::finite(findings.costs.losses[*place]),
            place: format!("{}, {}", at.file, at.words()),
        }
    });
    Some(page::WorstExamples { measure: "loss".to_owned(), examples: shown.collect() })
}

/// The truth, the answer and its probability, in words.
pub fn told(answers: &Answers, labels: &[String], row: usize) -> (String, String, Option<f64>) {
    match answers {
        Answers::Category { classes, truth, probabilities } => {
            let shares = &probabilities[row * classes..][..*classes];
            let chosen = argmax(shares);
            (labels[truth[row] as usize].clone(), labels[chosen].clone(), Some(f64::from(shares[chosen])))
        }
        Answers::Labels { labels: count, truth, probabilities } => {
            let listed = |holds: &dyn Fn(usize) -> bool| {
                let given: Vec<&str> = (0..*count).filter(|k| holds(*k)).map(|k| labels[k].as_str()).collect();
                if given.is_empty() { "none".to_owned() } else { given.join(", ") }
            };
            let above = |k: usize| probabilities[row * count + k] > tacit_train::metrics::LABEL_ABOVE;
            (listed(&|k| truth[row * count + k]), listed(&above), None)
        }
        Answers::Number { truth, answers } => (truth[row].to_string(), answers[row].to_string(), None),
        Answers::Anomaly { truth, scores, threshold } => {
            let word = |odd| if odd { "anomalous" } else { "usual" }.to_owned();
            let known = truth.get(row).map_or_else(|| "not known".to_owned(), |odd| word(*odd));
            (known, format!("{} (score {})", word(scores[row] > *threshold), scores[row]), None)
        }
    }
}

fn picture(examples: &Examples, input: usize, row: usize) -> Option<page::Picture> {
    let values = &examples.dataset.inputs[input];
    let tacit_spec::Shape::Image { height, width, channels } = values.shape else { return None };
    let mut pixels = vec![0.0; values.width()];
    values.store.gather(&[row], &mut pixels).ok()?;
    if !matches!(channels, 1 | 3) {
        return None;
    }
    let brightest = pixels.iter().copied().fold(1.0, f32::max).max(1.0);
    let scale = if brightest > 16.0 { 1.0 } else { 255.0 / brightest };
    Some(page::Picture {
        height: height as u32,
        width: width as u32,
        channels: channels as u32,
        pixels: pixels.iter().map(|value| (value * scale).clamp(0.0, 255.0) as u8).collect(),
    })
}

fn importance(findings: &Findings) -> Option<page::Importance> {
    if findings.importance.len() < 2 {
        return None;
    }
    let metric = main_figure(&findings.answers[0]).metric;
    Some(page::Importance {
        figure: metric.name().to_owned(),
        unit: unit(metric),
        repeats: tacit_train::study::REPEATS,
        inputs: findings
            .importance
            .iter()
            .map(|one| page::InputImportance {
                input: one.input.clone(),
                worse_by: page::Estimate { value: page::finite(one.worse_by), interval: Some(one.range), rows: None },
            })
            .collect(),
    })
}

fn effects(findings: &Findings, answer: &str, columns: &[tacit_train::study::Effect]) -> page::Effects {
    let is_share = matches!(findings.answers[0], Answers::Category { .. } | Answers::Labels { .. });
    let column = |effect: &tacit_train::study::Effect| page::Effect {
        column: effect.column.clone(),
        shape: match &effect.shape {
            EffectShape::Numbers(points) => page::Shape::Numbers(
                points
                    .iter()
                    .map(|(at, mean, band)| page::EffectPoint { at: *at, mean: *mean, band: Some(*band) })
                    .collect(),
            ),
            EffectShape::Labels(points) => page::Shape::Categories(
                points
                    .iter()
                    .map(|(label, mean, band)| page::CategoryEffect {
                        value: label.clone(),
                        estimate: page::Estimate { value: page::finite(*mean), interval: Some(*band), rows: None },
                    })
                    .collect(),
            ),
        },
    };
    page::Effects {
        answer: answer.to_owned(),
        unit: if is_share { page::Unit::Share } else { page::Unit::Plain },
        kind: page::EffectKind::PartialDependence,
        columns: columns.iter().map(column).collect(),
    }
}

fn learning(curve: &LearningCurve) -> page::LearningCurve {
    page::LearningCurve {
        figure: format!("{} (validation)", curve.figure.name()),
        unit: unit(curve.figure),
        better: better(curve.figure.definition().better),
        points: curve
            .points
            .iter()
            .map(|point| page::LearningPoint {
                rows: point.rows as u64,
                share: point.share,
                estimate: estimate(point.measured),
                training: None,
            })
            .collect(),
        extrapolation: Vec::new(),
        conclusion: curve.conclusion.clone(),
    }
}

fn cost(findings: &Findings) -> page::Cost {
    let costs = findings.artifact.costs();
    page::Cost {
        parameters: Some(costs.parameters),
        flops: Some(costs.flops),
        file_bytes: Some(costs.file_bytes),
        peak_memory_bytes: Some(costs.peak_memory_bytes),
        latency: Some(page::Latency {
            machine: findings.latencies.machine.clone(),
            answers: findings.latencies.times_us.len() as u64,
            quantiles: [0.5, 0.9, 0.99]
                .into_iter()
                .filter_map(|share| Some(page::Quantile { share, value: findings.latencies.quantile_us(share)? }))
                .collect(),
            histogram: None,
        }),
    }
}

fn memory(findings: &Findings) -> page::MemoryMap {
    let plan = plan(&findings.artifact.graph);
    page::MemoryMap {
        kernels: plan.kernels.len() as u64,
        arena_bytes: plan.arena_bytes as u64,
        lower_bound_bytes: plan.lower_bound_bytes as u64,
        buffers: plan
            .buffers
            .iter()
            .map(|buffer| page::MemoryBuffer {
                label: String::new(),
                offset: buffer.offset as u64,
                bytes: buffer.bytes as u64,
                first_kernel: buffer.first as u64,
                last_kernel: buffer.last as u64,
            })
            .collect(),
    }
}
