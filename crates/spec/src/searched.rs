//! What of a manifest decides a search: all but the contract and the baseline, however it is laid out.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::specification::Specification;

/// The tables that come into play only once the search is over.
const AFTERWARDS: [&str; 2] = ["require", "baseline"];

impl Specification {
    /// A text that two manifests share if they ask for the same search: it leaves out comments, layout, the contract and
    /// the baseline. The order of keys stays, since inputs and outputs have one.
    pub fn searched(&self) -> String {
        let (document, _) = DeTable::parse_recoverable(&self.source.text);
        let mut text = String::new();
        for (key, value) in in_order(document.get_ref()) {
            if !AFTERWARDS.contains(&key.get_ref().as_ref()) {
                write_entry(key, value, &mut text);
            }
        }
        text
    }
}

type Entry<'a> = (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>);

fn in_order<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn write_entry(key: &Spanned<DeString>, value: &Spanned<DeValue>, text: &mut String) {
    *text += &format!("{:?}:", key.get_ref());
    write_value(value.get_ref(), text);
}

fn write_value(value: &DeValue, text: &mut String) {
    match value {
        DeValue::String(string) => *text += &format!("{string:?}"),
        DeValue::Integer(number) => *text += &format!("{}#{}", number.as_str(), number.radix()),
        DeValue::Float(number) => *text += number.as_str(),
        DeValue::Boolean(is_true) => *text += &is_true.to_string(),
        DeValue::Datetime(moment) => *text += &moment.to_string(),
        DeValue::Array(values) => {
            *text += "[";
            values.iter().for_each(|value| write_value(value.get_ref(), text));
            *text += "]";
        }
        DeValue::Table(table) => {
            *text += "{";
            in_order(table).into_iter().for_each(|(key, value)| write_entry(key, value, text));
            *text += "}";
        }
    }
    *text += ",";
}

#[cfg(test)]
mod tests {
    const MANIFEST: &str = "
        [program]
        name = \"shop\"
        [input]
        age = { type = \"number\" }
        town = { type = \"category\" }
        [output.bought]
        type = \"category\"
        [data]
        source = \"shop.csv\"
        [skeleton]
        layers = [\"dense 4\"]
    ";

    fn searched(text: &str) -> String {
        crate::parse("Tacit.toml", text).unwrap().searched()
    }

    #[test]
    fn comments_layout_the_contract_and_the_baseline_decide_no_search() {
        let more = "[[require]]\nmetric = \"accuracy\"\nat_least = 0.5\n[baseline]\ncommand = [\"rules\"]\n";
        let commented = MANIFEST.replace("[data]", "# Where the rows stand.\n   [data]");
        assert_eq!(searched(MANIFEST), searched(&format!("{commented}\n{more}")));
    }

    #[test]
    fn all_else_decides_it_the_order_of_inputs_included() {
        let turned = {
            let [age, town] = ["age = { type = \"number\" }", "town = { type = \"category\" }"];
            MANIFEST.replace(age, "HERE").replace(town, age).replace("HERE", town)
        };
        let changes = [
            MANIFEST.replace("dense 4", "dense 5"),
            MANIFEST.replace("shop.csv", "shops.csv"),
            format!("{MANIFEST}\n[search]\nepochs = 3\n"),
            turned,
        ];
        for changed in changes {
            assert_ne!(searched(MANIFEST), searched(&changed), "{changed}");
        }
    }
}
