//! A proposal as the text of a manifest, with a comment on everything that was decided.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tacit_data::propose::{
    About, Names, Proposal, ProposedInput, ProposedOutput, ProposedRequirement, ProposedSplit, counted,
};
use tacit_data::source::{Delimiter, Header, SourceKind, SourceOptions};
use tacit_spec::{DateFormat, InputKind, Missing, OutputKind, Place, Preset};

/// What the proposal does not say.
pub struct Frame<'a> {
    /// The program's name.
    pub name: &'a str,
    /// The files as the manifest names them.
    pub source: &'a str,
    pub validation: Option<&'a str>,
    pub test: Option<&'a str>,
    /// How the files are read.
    pub options: &'a SourceOptions,
    pub kind: SourceKind,
    /// Whether the names of the columns were made up.
    pub made_up: bool,
    /// The rows of the file that is learnt from.
    pub rows: u64,
    /// Whether it was measured what simple methods reach.
    pub measured: bool,
}

/// The manifest's text.
pub fn manifest(proposal: &Proposal, frame: &Frame) -> String {
    let mut text = String::new();
    let what = counted(frame.rows, if frame.kind == SourceKind::ImageFolder { "picture" } else { "row" });
    let _ = writeln!(text, "# Proposed by `tacit new` from the {what} of {}.", comment(frame.source));
    text.push_str("# Change what you know better, then `tacit build`. `tacit check` checks this file.\n\n");
    let _ = writeln!(text, "[program]\nname = {}\n", quoted(frame.name));
    inputs(&mut text, proposal);
    outputs(&mut text, proposal);
    data(&mut text, proposal, frame);
    skeleton(&mut text, proposal);
    contract(&mut text, proposal, frame.measured);
    text
}

/// The greatest width of what stands before a comment.
const WIDTH_MAX: usize = 72;
/// The width of lists that are broken into lines.
const LIST_WIDTH: usize = 100;

fn inputs(text: &mut String, proposal: &Proposal) {
    text.push_str("# What the program is given: for each input its type, and what was seen in its column.\n[input]\n");
    let line = |input: &ProposedInput| (format!("{} = {}", input.name, input_value(input)), comment(&input.seen));
    aligned(text, &proposal.inputs.iter().map(line).collect::<Vec<_>>(), "");
    let (usable, unusable): (Vec<_>, Vec<_>) = proposal.left_out.iter().partition(|left_out| left_out.usable);
    if !usable.is_empty() {
        text.push_str("# Left out, each with the reason; remove the `#` before its name to use a column.\n");
        let line = |left_out: &&tacit_data::propose::LeftOutInput| {
            let (code, _) = line(&left_out.input);
            (code, comment(&left_out.reason.reason()))
        };
        aligned(text, &usable.iter().map(line).collect::<Vec<_>>(), "# ");
    }
    for left_out in unusable {
        let Names::One(column) = &left_out.input.columns else { continue };
        let name = tacit_spec::report::quoted(column);
        let which = if column.is_empty() { "A column".to_owned() } else { format!("The column {name}") };
        let _ = writeln!(text, "# {which} is left out: {}.", comment(&left_out.reason.reason()));
    }
    findings(text, proposal, About::Inputs);
    text.push('\n');
}

fn input_value(input: &ProposedInput) -> String {
    let mut keys = Vec::new();
    match &input.kind {
        InputKind::Number { .. } => keys.push("type = \"number\"".to_owned()),
        InputKind::Category { .. } => keys.push("type = \"category\"".to_owned()),
        InputKind::Ordinal { levels, .. } => {
            keys.push(format!("type = \"ordinal\", levels = {}", list(levels)));
        }
        InputKind::Date { format: DateFormat::Iso } => keys.push("type = \"date\"".to_owned()),
        InputKind::Date { format: DateFormat::Pattern(pattern) } => {
            keys.push(format!("type = \"date\", format = {}", quoted(pattern)));
        }
        InputKind::Vector { length, .. } => keys.push(format!("type = \"vector\", size = {length}")),
        InputKind::Image { height, width, channels, .. } => {
            let channels = if *channels == 1 { String::new() } else { format!(", {channels}") };
            keys.push(format!("type = \"image\", size = [{height}, {width}{channels}]"));
        }
    }
    match &input.columns {
        Names::One(column) if *column == input.name => {}
        Names::One(column) => keys.push(format!("column = {}", quoted(column))),
        Names::Pattern(pattern) => keys.push(format!("columns = {}", quoted(pattern))),
        Names::List(names) => keys.push(format!("columns = {}", list(names))),
    }
    if let (InputKind::Image { scale: Some(scale), .. }, Names::Pattern(_) | Names::List(_)) =
        (&input.kind, &input.columns)
    {
        keys.push(format!("scale = {scale}"));
    }
    match input.missing {
        Missing::Refuse => {}
        Missing::Mean => keys.push("missing = \"mean\"".to_owned()),
        Missing::Median => keys.push("missing = \"median\"".to_owned()),
        Missing::Value(value) => keys.push(format!("missing = {value:?}")),
        Missing::Label => keys.push("missing = \"label\"".to_owned()),
    }
    format!("{{ {} }}", keys.join(", "))
}

fn outputs(text: &mut String, proposal: &Proposal) {
    text.push_str("# What it must answer.\n[output]\n");
    let line = |output: &ProposedOutput| (format!("{} = {}", output.name, output_value(output)), comment(&output.seen));
    aligned(text, &proposal.outputs.iter().map(line).collect::<Vec<_>>(), "");
    for output in proposal.outputs.iter().filter(|output| !output.why.is_empty()) {
        paragraph(text, &format!("{}: {}.", output.name, output.why));
    }
    findings(text, proposal, About::Outputs);
    text.push('\n');
}

fn output_value(output: &ProposedOutput) -> String {
    let mut keys = vec![match &output.kind {
        OutputKind::Category { .. } => "type = \"category\"".to_owned(),
        OutputKind::Labels { .. } => "type = \"labels\"".to_owned(),
        OutputKind::Number => "type = \"number\"".to_owned(),
        OutputKind::Anomaly { .. } => "type = \"anomaly\"".to_owned(),
    }];
    if let Some(column) = output.column.as_ref().filter(|column| **column != output.name) {
        keys.push(format!("column = {}", quoted(column)));
    }
    match &output.kind {
        OutputKind::Category { classes: Some(classes) } => keys.push(format!("classes = {}", list(classes))),
        OutputKind::Anomaly { normal: Some(normal), .. } => {
            // The default of `column` is none here.
            if output.column.as_ref() == Some(&output.name) {
                keys.push(format!("column = {}", quoted(&output.name)));
            }
            keys.push(format!("normal = {}", quoted(normal)));
        }
        OutputKind::Category { classes: None }
        | OutputKind::Labels { .. }
        | OutputKind::Number
        | OutputKind::Anomaly { normal: None, .. } => {}
    }
    if !output.aliases.is_empty() {
        let pairs = output.aliases.iter().map(|(alias, label)| format!("{} = {}", quoted(alias), quoted(label)));
        keys.push(format!("aliases = {{ {} }}", pairs.collect::<Vec<_>>().join(", ")));
    }
    format!("{{ {} }}", keys.join(", "))
}

fn data(text: &mut String, proposal: &Proposal, frame: &Frame) {
    text.push_str("# The examples, and how they are divided: some are learnt from, the validation rows choose among\n");
    text.push_str("# what was learnt, and the test rows measure the contract once, at the end.\n[data]\n");
    let mut lines = vec![(format!("source = {}", quoted(frame.source)), String::new())];
    let mut add = |code: String, comment: &str| lines.push((code, comment.to_owned()));
    if let Some(file) = frame.validation {
        add(format!("validation = {}", quoted(file)), "");
    }
    if let Some(file) = frame.test {
        add(format!("test = {}", quoted(file)), "");
    }
    // What the names of the files promise need not be said.
    let promised = |found: &Delimiter| {
        let files = [Some(frame.source), frame.validation, frame.test].into_iter().flatten();
        files.map(Delimiter::by_name).all(|by_name| by_name == *found)
    };
    if let Some(delimiter) = frame.options.delimiter.filter(|found| !promised(found)) {
        let text = match delimiter {
            Delimiter::Comma => ",",
            Delimiter::Semicolon => ";",
            Delimiter::Tab => "\\t",
            Delimiter::Pipe => "|",
        };
        add(format!("delimiter = \"{text}\""), "");
    }
    if let Header::Given(names) = &frame.options.header {
        let why = match frame.made_up {
            true => "the file names no columns: you can give them better names, here and in every `column`",
            false => "not every row has every key",
        };
        add(format!("columns = {}", list(names)), why);
    }
    if !proposal.missing.is_empty() {
        add(format!("missing = {}", list(&proposal.missing)), "what stands for a missing value");
    }
    if proposal.set_aside {
        add("bad-rows = \"set-aside\"".to_owned(), "rows that cannot be used are written to a file beside the program");
    }
    let (split, why) = split(proposal, frame);
    if let Some(split) = split {
        add(format!("split = {{ {split} }}"), &why);
    }
    aligned(text, &lines, "");
    findings(text, proposal, About::Data);
    text.push('\n');
}

fn split(proposal: &Proposal, frame: &Frame) -> (Option<String>, String) {
    let mut keys = Vec::new();
    let mut why = String::new();
    match &proposal.split {
        ProposedSplit::Given { column } => return (Some(format!("column = {}", quoted(column))), why),
        ProposedSplit::Grouped { column, groups } => {
            keys.push(format!("by = {}", quoted(column)));
            why = format!("its {groups} groups are not torn apart");
        }
        ProposedSplit::Random => {}
    }
    keys.extend(frame.validation.is_none().then(|| "validation = 0.1".to_owned()));
    keys.extend(frame.test.is_none().then(|| "test = 0.2".to_owned()));
    if keys.is_empty() {
        return (None, why);
    }
    keys.push("seed = 1".to_owned());
    (Some(keys.join(", ")), why)
}

fn skeleton(text: &mut String, proposal: &Proposal) {
    let words = match proposal.preset {
        Preset::ConvNet => "`resnet` is deeper and slower.",
        Preset::Autoencoder => "This one learns to repeat usual rows.",
        Preset::Linear | Preset::Mlp | Preset::ResNet | Preset::Additive => {
            "`additive` can be read, a curve for each column; `linear` is smallest."
        }
    };
    paragraph(text, &format!("The kind of network that is searched. {words}"));
    let _ = writeln!(text, "[skeleton]\npreset = \"{}\"", proposal.preset.name());
    if proposal.preset == Preset::ConvNet {
        text.push_str("\n# Pictures changed a little while training make more of few examples.\n");
        text.push_str(
            "# [augment]\n# shift = 2      # pixels\n# flip = true    # if a mirrored picture means the same\n",
        );
    }
}

fn contract(text: &mut String, proposal: &Proposal, measured: bool) {
    text.push('\n');
    let what = "The contract: what the test part must show, or the build fails.";
    if proposal.requirements.is_empty() {
        let why = match measured {
            true => " Nothing is required yet, for a linear model is hardly better here than always the same answer.",
            false => "",
        };
        paragraph(text, &format!("{what}{why} Require what you need:"));
        text.push_str("# [[require]]\n# metric = \"parameters\"\n# at_most = 100_000\n");
        return;
    }
    let which = if measured { ", half way from a constant answer to a linear model" } else { "" };
    paragraph(
        text,
        &format!("{what} A sensible program does better than these bounds{which}. Raise them to what you need."),
    );
    let several = proposal.outputs.len() > 1;
    for (index, requirement) in proposal.requirements.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "\n" });
        let ProposedRequirement { metric, output, at_least, why } = requirement;
        let _ = writeln!(text, "[[require]]\nmetric = \"{metric}\"");
        if several {
            let _ = writeln!(text, "output = {}", quoted(output));
        }
        let _ = writeln!(text, "at_least = {at_least}  # {}", comment(why));
    }
}

/// Lines with their comments one below the other, where there is room. What takes several lines has its comment above.
fn aligned(text: &mut String, lines: &[(String, String)], before: &str) {
    let width_of = |code: &str| code.chars().count();
    let has_room = |code: &str| !code.contains('\n') && width_of(code) <= WIDTH_MAX;
    let beside = lines.iter().filter(|(code, comment)| !comment.is_empty() && has_room(code));
    let width = beside.map(|(code, _)| width_of(code)).max().unwrap_or(0);
    for (code, comment) in lines {
        if comment.is_empty() || code.contains('\n') {
            text.push_str(&if comment.is_empty() { String::new() } else { format!("{before}# {comment}\n") });
            text.push_str(&format!("{before}{}\n", code.replace('\n', &format!("\n{before}"))));
        } else {
            text.push_str(&format!("{before}{code:<width$}  # {comment}\n"));
        }
    }
}

/// What was found, as comments.
fn findings(text: &mut String, proposal: &Proposal, about: About) {
    // Columns that are left out stand there with their reasons.
    let told = BTreeSet::from(["E0254", "E0255"]);
    for finding in proposal.findings.iter().filter(|finding| finding.about == about) {
        let diagnostic = &finding.diagnostic;
        if told.contains(diagnostic.code.number()) {
            continue;
        }
        let place = match &diagnostic.place {
            Place::Row { line, .. } => format!(" (line {line})"),
            Place::Nowhere | Place::File(_) | Place::Span { .. } => String::new(),
        };
        let help = diagnostic.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
        paragraph(text, &format!("Note: {}{place}{help}.", diagnostic.message));
        for note in &diagnostic.notes {
            let _ = writeln!(text, "#   {}", comment(note));
        }
    }
}

/// A comment in lines of at most a hundred characters.
fn paragraph(text: &mut String, words: &str) {
    let mut width = 0;
    for word in comment(words).split(' ') {
        if width > 0 && width + 1 + word.chars().count() <= LIST_WIDTH {
            text.push(' ');
        } else {
            text.push_str(if width == 0 { "# " } else { "\n# " });
            width = 1;
        }
        text.push_str(word);
        width += 1 + word.chars().count();
    }
    text.push('\n');
}

/// A list of texts, in several lines if it is long.
fn list(texts: &[String]) -> String {
    let items: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    let one_line = format!("[{}]", items.join(", "));
    if one_line.chars().count() <= LIST_WIDTH / 2 {
        return one_line;
    }
    let mut out = String::from("[\n   ");
    let mut width = 3;
    for item in items {
        let length = item.chars().count() + 2;
        if width + length > LIST_WIDTH && width > 3 {
            out.push_str("\n   ");
            width = 3;
        }
        let _ = write!(out, " {item},");
        width += length;
    }
    out + "\n]"
}

/// A TOML string.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if character.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out + "\""
}

/// Text as a comment can hold it: without control characters.
fn comment(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that a manifest with this list of columns holds.
    fn read_back(list: &str) -> Vec<String> {
        let text = format!(
            "[program]\nname = \"p\"\n[input.a]\ntype = \"number\"\n[output.b]\ntype = \"number\"\n\
             [data]\nsource = \"a.csv\"\ncolumns = {list}\n[skeleton]\npreset = \"mlp\"\n"
        );
        tacit_spec::parse("Tacit.toml", &text).unwrap().data.dialect.columns.unwrap()
    }

    #[test]
    fn texts_are_read_back_as_they_were() {
        let texts = ["plain", "a \"b\" \\ c", "line\nline\ttab\u{7}\u{85}\u{7f}", "größe 年", " "].map(str::to_owned);
        assert_eq!(read_back(&list(&texts)), texts);
    }

    #[test]
    fn long_lists_are_broken_and_read_back() {
        let texts: Vec<String> = (0..100).map(|index| format!("column{index}")).collect();
        let text = list(&texts);
        assert!(text.lines().count() > 5 && text.lines().all(|line| line.chars().count() <= LIST_WIDTH));
        assert_eq!(read_back(&text), texts);
        assert_eq!(list(&texts[..2]), "[\"column0\", \"column1\"]");
    }

    #[test]
    fn comments_stand_one_below_the_other() {
        let mut text = String::new();
        let line = |code: &str, comment: &str| (code.to_owned(), comment.to_owned());
        aligned(&mut text, &[line("a = 1", "one"), line("bbb = 22", "two"), line("c = 3", "")], "");
        assert_eq!(text, "a = 1     # one\nbbb = 22  # two\nc = 3\n");
    }
}
