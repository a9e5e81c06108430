//! Manifests to read, and what can be exchanged in them.

/// A manifest for images with nothing left out.
pub const FULL: &str = r#"
[program]
name = "digits"
seed = 7
convolutions = "winograd"

[input.image]
type = "image"
columns = ["p0*", "p*7"]
size = [8, 8, 1]
scale = 16

[output.digit]
type = "category"
column = "label"
classes = ["7", "8"]
aliases = { "VIII" = "8" }
weight = 2

[data]
source = "digits.csv"
labels = "digits-labels"
delimiter = ";"
columns = ["label", "p00", "p07"]
missing = ["?", "NA"]
bad-rows = "set-aside"
memory = 64
split = { validation = 0.15, test = 0.25, seed = 3, stratify = false }

[augment]
shift = 2
flip = true
crop = 0.75
rotate = 10
cutout = 3
mixup = 0.2

[skeleton]
layers = ["conv 3x3 16", { residual = ["batch-norm", "relu", "conv 3x3 16"] }, "flatten", "dense 64"]

[goal]
minimise = "cross-entropy"
label-smoothing = 0.1
class-weights = "balanced"

[search]
epochs = 20
batch = 64
optimiser = "sgd"
learning-rate = 1e-2
weight-decay = 0
momentum = 0.5
schedule = "constant"
warmup = 10
clip = 1
patience = 4
average = 0.99

[[require]]
metric = "recall"
class = "8"
where = "label = '8' and age > 3"
at_least = 0.85
confidence = 0.95

[[require]]
metric = "flops"
at_most = 200_000

[baseline]
command = ["python3", "rules.py"]
"#;

/// A manifest for a table, with every type of input and every type of output that can stand beside others.
pub const TABLE: &str = r#"
[program]
name = "claims"

[input.age]
type = "number"
column = "AGE"
missing = "median"
encoding = "piecewise"
bins = 12

[input.height]
type = "number"
missing = 170.5
bins = 5

[input.region]
type = "category"
missing = "label"
rows-min = 3

[input.colour]
type = "category"
labels = ["red", "blue"]

[input.grade]
type = "ordinal"
levels = ["low", "middle", "high"]
missing = "mean"
encoding = "standard"

[input.day]
type = "date"
format = "%d.%m.%Y"

[input.rest]
type = "vector"
columns = ["r1", "r2"]
size = 2
missing = -1

[output.kind]
type = "category"

[output.weather]
type = "labels"
columns = ["wet", "cold"]

[output.tags]
type = "labels"
labels = ["x", "y"]
separator = "/"
weight = 0.5

[output.cost]
type = "number"

[data]
source = "claims.data"
validation = "valid.csv"
test = "test.jsonl"
missing = "-"
split = { by = "customer", seed = 4 }

[skeleton]
preset = "mlp"
members = 4

[goal]
minimise = { cost = "huber" }
delta = 2

[search]
learning-rate = "range-test"
schedule = "one-cycle"
"#;

/// A manifest with nothing that could be left out.
pub const SHORT: &str = r#"
[program]
name = "price"
[input.age]
type = "number"
[input.rooms]
type = "vector"
columns = "r*"
size = 3
[output.price]
type = "number"
[data]
source = "houses.csv"
[skeleton]
preset = "mlp"
"#;

/// What is unlike the training rows.
pub const ANOMALY: &str = r#"
[program]
name = "pump"
[input.sound]
type = "vector"
columns = "s*"
size = 16
[output.odd]
type = "anomaly"
column = "state"
normal = "ok"
share = 0.02
[data]
source = "pump.csv"
split = { time = "day", test = 0.3 }
[skeleton]
preset = "autoencoder"
"#;

/// A manifest with one piece exchanged.
pub fn exchanged(manifest: &str, from: &str, to: &str) -> String {
    assert_eq!(manifest.matches(from).count(), 1, "{from} stands once in the manifest");
    manifest.replace(from, to)
}

pub fn full(from: &str, to: &str) -> String {
    exchanged(FULL, from, to)
}

pub fn table(from: &str, to: &str) -> String {
    exchanged(TABLE, from, to)
}

pub fn short(from: &str, to: &str) -> String {
    exchanged(SHORT, from, to)
}

pub fn anomaly(from: &str, to: &str) -> String {
    exchanged(ANOMALY, from, to)
}

/// The short manifest with a goal.
pub fn goal(keys: &str) -> String {
    format!("{SHORT}[goal]\n{keys}\n")
}

/// The full manifest with one more requirement.
pub fn require(keys: &str) -> String {
    full("[baseline]", &format!("[[require]]\n{keys}\n[baseline]"))
}

pub fn short_require(keys: &str) -> String {
    format!("{SHORT}[[require]]\n{keys}\n")
}
