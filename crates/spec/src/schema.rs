//! The manifest as a JSON schema, with which editors complete and check it: written from the same definitions as the reader
//! and the reference.
//!
//! It is of draft 7, the one that editors' TOML support understands. It knows names, types and words; what depends on
//! several keys at once only the reader tells.

use serde_json::{Map, Value, json};

use crate::keys::{Key, Kind, Presence, ROOT, Table};
use crate::layer::LAYERS;
use crate::metric::Metric;

/// The schema of `Tacit.toml`.
pub fn manifest() -> Value {
    let mut schema = table(&ROOT);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Tacit.toml");
    schema["definitions"] = json!({ "layers": layers() });
    schema
}

/// The schema as it is published.
pub fn text() -> String {
    format!("{:#}\n", manifest())
}

/// The names that people may choose for inputs and outputs.
const NAME: &str = "^[a-z][a-z0-9_-]{0,63}$";

fn table(definition: &Table) -> Value {
    let properties: Map<String, Value> =
        definition.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        definition.keys.iter().filter(|key| key.presence == Presence::Required).map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": definition.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut schema = match &key.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Integer => json!({ "type": "integer", "minimum": 0 }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::TextOrTexts => {
            json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
        }
        Kind::IntegerOrIntegers => json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 2, "maxItems": 3 },
        ] }),
        Kind::TextByName => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Words(words) => json!({ "enum": words }),
        Kind::WordsOrNumber(words) => json!({ "anyOf": [{ "enum": words }, { "type": "number" }] }),
        Kind::WordsOrByName(words) => {
            json!({ "anyOf": [{ "enum": words }, { "type": "object", "additionalProperties": { "enum": words } }] })
        }
        Kind::Metric => json!({ "enum": Metric::ALL.iter().map(|metric| metric.name()).collect::<Vec<_>>() }),
        Kind::Layers => json!({ "$ref": "#/definitions/layers" }),
        Kind::Table(inner) => table(inner),
        Kind::Named(inner) => json!({
            "type": "object",
            "patternProperties": { NAME: table(inner) },
            "additionalProperties": false,
        }),
        Kind::Tables(inner) => json!({ "type": "array", "items": table(inner) }),
    };
    let absent = match key.presence {
        Presence::Required | Presence::Optional => String::new(),
        Presence::Default(default) => format!(" If left out: {default}."),
    };
    // What stands beside a reference is not looked at.
    if schema.get("$ref").is_none() {
        schema["description"] = json!(format!("{}{absent}", key.doc));
    }
    schema
}

/// A layer is its name and what follows, or a residual with layers of its own.
fn layers() -> Value {
    let names: Vec<&str> = LAYERS.iter().map(|layer| layer.name).collect();
    let usages: Vec<&str> = LAYERS.iter().map(|layer| layer.usage).collect();
    json!({
        "type": "array",
        "description": format!("The layers: {}.", usages.join("; ")),
        "items": { "anyOf": [
            { "type": "string", "pattern": format!("^ *({})( |$)", names.join("|")) },
            {
                "type": "object",
                "properties": {
                    "residual": { "$ref": "#/definitions/layers" },
                    "shortcut": { "$ref": "#/definitions/layers" },
                },
                "required": ["residual"],
                "additionalProperties": false,
            },
        ] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a value fits a schema of the kinds that are used here.
    fn fits(value: &Value, schema: &Value, root: &Value) -> bool {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return fits(value, root.pointer(&reference[1..]).unwrap(), root);
        }
        if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
            return options.iter().any(|option| fits(value, option, root));
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return words.contains(value);
        }
        let named = |key: &str| schema.get(key).and_then(Value::as_object);
        match schema["type"].as_str().unwrap() {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "array" => {
                value.as_array().is_some_and(|items| items.iter().all(|item| fits(item, &schema["items"], root)))
            }
            "object" => value.as_object().is_some_and(|entries| {
                let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
                let mut all = required.map(|key| entries.contains_key(key.as_str().unwrap()));
                all.all(|there| there)
                    && entries.iter().all(|(key, value)| {
                        let known = named("properties").and_then(|known| known.get(key));
                        let pattern = named("patternProperties").and_then(|patterns| patterns.values().next());
                        match known.or(pattern).or(schema.get("additionalProperties").filter(|s| s.is_object())) {
                            Some(inner) => fits(value, inner, root),
                            None => false,
                        }
                    })
            }),
            other => panic!("the schema has no {other}"),
        }
    }

    fn json_of(text: &str) -> Value {
        fn convert(value: &toml::de::DeValue) -> Value {
            use toml::de::DeValue;
            match value {
                DeValue::String(text) => json!(text.as_ref()),
                DeValue::Integer(number) => json!(i64::from_str_radix(number.as_str(), number.radix()).unwrap()),
                DeValue::Float(number) => json!(number.as_str().parse::<f64>().unwrap()),
                DeValue::Boolean(value) => json!(value),
                DeValue::Datetime(date) => json!(date.to_string()),
                DeValue::Array(items) => Value::Array(items.iter().map(|item| convert(item.get_ref())).collect()),
                DeValue::Table(table) => Value::Object(
                    table.iter().map(|(key, value)| (key.get_ref().to_string(), convert(value.get_ref()))).collect(),
                ),
            }
        }
        let document = toml::de::DeTable::parse(text).unwrap();
        convert(&toml::de::DeValue::Table(document.into_inner()))
    }

    const GOOD: &str = r#"
[program]
name = "a"
[input.x]
type = "number"
missing = 3.5
[input.y]
type = "vector"
columns = ["p*", "q"]
size = 4
[output.z]
type = "category"
aliases = { "b." = "b" }
[data]
source = "a.csv"
missing = "?"
split = { by = "who", validation = 0.2 }
[skeleton]
layers = ["dense 4", { residual = ["relu", { residual = ["tanh"] }], shortcut = ["dense 4"] }]
[goal]
minimise = { z = "cross-entropy" }
[search]
learning-rate = "range-test"
[[require]]
metric = "auroc"
at_least = 0.5
"#;

    #[test]
    fn the_schema_takes_what_the_reader_takes_and_refuses_slips() {
        let schema = manifest();
        assert!(crate::parse("a", GOOD).is_ok());
        assert!(fits(&json_of(GOOD), &schema, &schema));
        for (from, to) in [
            ("name = \"a\"", "nam = \"a\""),
            ("type = \"number\"", "type = \"numbr\""),
            ("[input.x]", "[input.X]"),
            ("size = 4", "size = \"4\""),
            ("validation = 0.2", "validate = 0.2"),
            ("\"dense 4\"", "\"dens 4\""),
            ("{ residual = [\"tanh\"] }", "{ residuum = [\"tanh\"] }"),
            ("shortcut = ", "shortcuts = "),
            ("\"range-test\"", "\"range\""),
            ("\"auroc\"", "\"auc\""),
            ("[data]\nsource = \"a.csv\"", "[data]"),
        ] {
            let wrong = GOOD.replace(from, to);
            let is_pattern = from.contains("dense") || from.contains("[input");
            assert_ne!(wrong, GOOD, "{from}");
            // Patterns are for editors alone, so that this test needs no machine for them.
            assert!(is_pattern || !fits(&json_of(&wrong), &schema, &schema), "{to}");
            assert!(crate::parse("a", &wrong).is_err(), "{to}");
        }
    }
}
