//! The reference of the manifest and of the error codes, written from the definitions that the reader itself uses.

use std::fmt::Write as _;

use crate::codes::{Code, Stage};
use crate::keys::{Presence, TABLES};
use crate::layer::LAYERS;
use crate::metric::{Better, ClassUse, Metric, MetricKind};

/// The reference of `Tacit.toml`, in Markdown.
pub fn manifest() -> String {
    let mut text = String::from("# Tacit.toml\n\nGenerated from the definitions in `crates/spec`.\n");
    for table in TABLES {
        let title = if table.header.starts_with('[') { format!("`{}`", table.header) } else { table.header.to_owned() };
        let _ = write!(
            text,
            "\n## {title}\n\n{}\n\n| key | value | if left out | meaning |\n|---|---|---|---|\n",
            table.doc
        );
        for key in table.keys {
            let absent = match key.presence {
                Presence::Required => "an error",
                Presence::Optional => "–",
                Presence::Default(default) => default,
            };
            let _ = writeln!(text, "| `{}` | {} | {absent} | {} |", key.name, cell(key.value), cell(key.doc));
        }
    }
    text.push_str("\n## Layers\n\n| layer | example | meaning |\n|---|---|---|\n");
    for layer in LAYERS {
        let _ = writeln!(text, "| `{}` | `{}` | {} |", cell(layer.usage), cell(layer.example), cell(layer.doc));
    }
    text.push_str(
        "\n## Metrics\n\nShares of rows have the exact interval of Clopper and Pearson, other metrics of data that of a \
         seeded bootstrap; costs are exact.\n\n| metric | of | `class` | bound | what it is |\n|---|---|---|---|---|\n",
    );
    for metric in Metric::ALL {
        let definition = metric.definition();
        let of = match definition.kind {
            MetricKind::Data(kinds) => kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
            MetricKind::Cost => "the program".to_owned(),
            MetricKind::Clock => "the program on this machine".to_owned(),
        };
        let class = match definition.class {
            ClassUse::Never => "–",
            ClassUse::Optional => "optional",
            ClassUse::Required => "required",
        };
        let bound = match definition.better {
            Better::Higher => "`at_least`",
            Better::Lower => "`at_most`",
            Better::Neither => "either",
        };
        let _ = writeln!(text, "| `{}` | {of} | {class} | {bound} | {} |", definition.name, cell(definition.doc));
    }
    text.push_str("\nAnomalous rows are a class of their own: an output of type `anomaly` takes no `class`.\n");
    let _ = write!(text, "\n## Expressions\n\n{}\n", Code::BadExpression.explanation());
    text
}

/// The reference of all error codes, in Markdown.
pub fn errors() -> String {
    let mut text = String::from("# Errors\n\nGenerated from `crates/spec/src/codes.rs`.\n");
    for stage in Stage::ALL {
        let _ = write!(text, "\n## {}\n", stage.title());
        for code in Code::ALL.iter().filter(|code| code.stage() == *stage) {
            let _ = write!(text, "\n### {code}: {}\n\n{}\n", code.title(), code.explanation());
        }
    }
    text
}

/// Text for a cell of a table, in which a bar would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_references_name_everything_that_is_defined() {
        let (manifest, errors) = (manifest(), errors());
        for key in TABLES.iter().flat_map(|table| table.keys) {
            assert!(manifest.contains(&format!("| `{}` |", key.name)), "{}", key.name);
        }
        for layer in LAYERS {
            assert!(manifest.contains(&cell(layer.usage)), "{}", layer.name);
        }
        for metric in Metric::ALL {
            assert!(manifest.contains(&format!("| `{metric}` |")), "{metric}");
        }
        for code in Code::ALL {
            assert!(errors.contains(&format!("### {code}: {}", code.title())), "{code}");
        }
    }
}
