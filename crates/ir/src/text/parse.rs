//! Text to graph. Nothing is allocated beyond the text's own size, so hostile sizes cost nothing.

use super::HEADER;
use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Instruction, Op, Reduction, ValueId};
use crate::nest::Nest;
use crate::rules;
use crate::scalar::ScalarFn;
use crate::types::{DType, Literal, Scalar, TensorType};
use std::collections::HashMap;

/// Reads a graph; every error carries the offset of the byte that does not fit.
pub fn parse(text: &str) -> Result<Graph> {
    let mut graph = Graph::new();
    let mut numbers: HashMap<u32, ValueId> = HashMap::new();
    let mut seen_header = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut cursor = Cursor { text, at: start, end: start + line.trim_end_matches(['\n', '\r']).len() };
        start += line.len();
        cursor.skip_space();
        if cursor.at_end() {
            continue;
        }
        if !seen_header {
            if cursor.rest().trim_end() != HEADER {
                return Err(cursor.fail(format!("a text form starts with `{HEADER}`")));
            }
            seen_header = true;
            continue;
        }
        let begin = cursor.at;
        statement(&mut cursor, &mut graph, &mut numbers).map_err(|e| match e.offset {
            Some(_) => e,
            None => e.at(begin),
        })?;
    }
    match seen_header {
        true => Ok(graph),
        false => Err(GraphError::new(error::SYNTAX, format!("a text form starts with `{HEADER}`")).at(0)),
    }
}

fn statement(cursor: &mut Cursor, graph: &mut Graph, numbers: &mut HashMap<u32, ValueId>) -> Result<()> {
    if cursor.peek() == Some('%') {
        let number = cursor.value_number()?;
        cursor.expect("=")?;
        let instruction = instruction(cursor, graph, numbers)?;
        let value = graph.add(instruction)?;
        if numbers.insert(number, value).is_some() {
            return Err(cursor.fail(format!("%{number} is defined twice")));
        }
    } else {
        match cursor.word()? {
            "output" => {
                let name = cursor.quoted()?;
                cursor.expect("=")?;
                graph.set_output(name, cursor.value(numbers)?)?;
            }
            "update" => {
                let leaf = cursor.value(numbers)?;
                cursor.expect("=")?;
                graph.set_update(leaf, cursor.value(numbers)?)?;
            }
            other => return Err(cursor.fail(format!("`{other}` is neither `%…`, `output` nor `update`"))),
        }
    }
    match cursor.at_end() {
        true => Ok(()),
        false => Err(cursor.fail("the line does not end here")),
    }
}

/// Everything after the `=`. The result's type comes last, but tells the types of literals, so it is read first.
fn instruction(cursor: &mut Cursor, graph: &Graph, numbers: &HashMap<u32, ValueId>) -> Result<Instruction> {
    let ty = cursor.trailing_type()?;
    let keyword = cursor.word()?;
    let op = match keyword {
        "input" => Op::Input { name: cursor.quoted()?.to_string() },
        "param" => Op::Param { name: cursor.quoted()?.to_string() },
        "state" => {
            let name = cursor.quoted()?.to_string();
            Op::State { name, init: cursor.labelled("init")?.scalar(ty.dtype)? }
        }
        "constant" => Op::Constant { value: cursor.literal(ty.dtype)? },
        "iota" => Op::Iota,
        "random" => Op::Random { stream: cursor.labelled("stream")?.number(u32::MAX as u64)? as u32 },
        "extent" => Op::Extent { dim: cursor.labelled("dim")?.number(rules::MAX_RANK as u64)? as usize },
        "contract" => Op::Contract,
        "map" => {
            let name = cursor.word()?;
            let function = ScalarFn::from_name(name, ty.dtype);
            Op::Map(function.ok_or_else(|| cursor.fail(format!("there is no scalar function `{name}`")))?)
        }
        "reduce" => {
            let name = cursor.word()?;
            let reduction = Reduction::ALL.into_iter().find(|r| r.name() == name);
            Op::Reduce(reduction.ok_or_else(|| cursor.fail(format!("there is no reduction `{name}`")))?)
        }
        "move" => Op::Move { fill: cursor.labelled("fill")?.scalar(ty.dtype)? },
        "gather" => Op::Gather,
        "scatter" => Op::Scatter,
        other => return Err(cursor.fail(format!("there is no instruction `{other}`"))),
    };
    let words = match cursor.peek() {
        Some('"') if op.has_nest() => Some(cursor.quoted()?),
        _ => None,
    };
    let axes = cursor.axes()?;
    let operands = cursor.operands(numbers)?;
    let nest = match (words, &op) {
        (Some(words), _) => {
            let (operands, output) = Nest::parse_accesses(words)?;
            Nest { axes, operands, output }
        }
        (None, Op::Map(_)) if axes.is_empty() => rules::elementwise_nest(graph, &operands, &ty.shape)?,
        (None, _) if !op.has_nest() && axes.is_empty() => Nest { axes, operands: vec![], output: vec![] },
        (None, _) => return Err(cursor.fail(format!("`{keyword}` states its accesses in quotes"))),
    };
    Ok(Instruction { op, operands, nest, ty })
}

/// A position within one line of the text.
struct Cursor<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..self.end]
    }

    fn fail(&self, message: impl Into<String>) -> GraphError {
        GraphError::new(error::SYNTAX, message).at(self.at)
    }

    fn skip_space(&mut self) {
        self.at = self.end - self.rest().trim_start_matches([' ', '\t']).len();
        if self.rest().starts_with('#') {
            self.at = self.end;
        }
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.at == self.end
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest().chars().next()
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        self.skip_space();
        if !self.rest().starts_with(token) {
            return Err(self.fail(format!("`{token}` is missing")));
        }
        self.at += token.len();
        Ok(())
    }

    /// The longest run of characters that `accept` takes; at least one.
    fn run(&mut self, what: &str, accept: impl Fn(char) -> bool) -> Result<&'t str> {
        self.skip_space();
        let rest = self.rest();
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.fail(format!("{what} is missing")));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    fn word(&mut self) -> Result<&'t str> {
        self.run("a word", |c| c.is_ascii_lowercase())
    }

    fn quoted(&mut self) -> Result<&'t str> {
        self.expect("\"")?;
        let rest = self.rest();
        let length = rest.find('"').ok_or_else(|| self.fail("a quoted text does not end"))?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    fn number(&mut self, most: u64) -> Result<u64> {
        let digits = self.run("a number", |c| c.is_ascii_digit())?;
        let number = digits.parse::<u64>().ok().filter(|n| *n <= most);
        number.ok_or_else(|| self.fail(format!("`{digits}` exceeds {most}")))
    }

    fn value_number(&mut self) -> Result<u32> {
        self.expect("%")?;
        Ok(self.number(u32::MAX as u64)? as u32)
    }

    fn value(&mut self, numbers: &HashMap<u32, ValueId>) -> Result<ValueId> {
        let number = self.value_number()?;
        numbers.get(&number).copied().ok_or_else(|| self.fail(format!("%{number} is not defined")))
    }

    fn labelled(&mut self, label: &str) -> Result<&mut Self> {
        self.expect(label)?;
        self.expect("=")?;
        Ok(self)
    }

    fn scalar(&mut self, dtype: DType) -> Result<Scalar> {
        let token = self.run("a value", |c| c.is_ascii_alphanumeric() || "+-.:".contains(c))?;
        let scalar = match dtype {
            DType::F32 => match token.strip_prefix("nan:") {
                Some(bits) => u32::from_str_radix(bits, 16).ok().map(f32::from_bits).filter(|x| x.is_nan()),
                None => token.parse::<f32>().ok().filter(|x| !x.is_nan()),
            }
            .map(Scalar::F32),
            DType::I32 => token.parse().ok().map(Scalar::I32),
            DType::I8 => token.parse().ok().map(Scalar::I8),
            DType::Bool => token.parse().ok().map(Scalar::Bool),
        };
        scalar.ok_or_else(|| self.fail(format!("`{token}` is not a value of type {}", dtype.name())))
    }

    fn literal(&mut self, dtype: DType) -> Result<Literal> {
        if self.peek() != Some('[') {
            return Ok(Literal::Splat(self.scalar(dtype)?));
        }
        self.expect("[")?;
        let mut values = vec![self.scalar(dtype)?];
        while self.peek() == Some(',') {
            self.expect(",")?;
            values.push(self.scalar(dtype)?);
        }
        self.expect("]")?;
        Ok(Literal::Dense(values))
    }

    fn axes(&mut self) -> Result<Vec<(char, usize)>> {
        let mut axes = vec![];
        while let Some(name) = self.peek().filter(char::is_ascii_lowercase) {
            self.at += 1;
            self.expect("=")?;
            axes.push((name, self.number(rules::MAX_ELEMENTS as u64)? as usize));
        }
        Ok(axes)
    }

    fn operands(&mut self, numbers: &HashMap<u32, ValueId>) -> Result<Vec<ValueId>> {
        let mut operands = vec![];
        if self.peek() == Some('(') {
            self.expect("(")?;
            operands.push(self.value(numbers)?);
            while self.peek() == Some(',') {
                self.expect(",")?;
                operands.push(self.value(numbers)?);
            }
            self.expect(")")?;
        }
        Ok(operands)
    }

    /// Reads the `-> type` that ends the line and takes it off.
    fn trailing_type(&mut self) -> Result<TensorType> {
        let line = self.rest();
        let line = line.split_once('#').map_or(line, |(code, _)| code);
        let arrow = line.rfind("->").ok_or_else(|| self.fail("the result's type, `-> …`, is missing"))?;
        let mut cursor = Cursor { text: self.text, at: self.at + arrow + 2, end: self.end };
        let name = cursor.run("a type", |c| c.is_ascii_alphanumeric())?;
        let dtype = DType::from_name(name).ok_or_else(|| cursor.fail(format!("there is no type `{name}`")))?;
        cursor.expect("[")?;
        let mut shape = vec![];
        while cursor.peek() != Some(']') {
            if !shape.is_empty() {
                cursor.expect(",")?;
            }
            shape.push(cursor.number(rules::MAX_ELEMENTS as u64)? as usize);
        }
        cursor.expect("]")?;
        if !cursor.at_end() {
            return Err(cursor.fail("the line does not end after its type"));
        }
        self.end = self.at + arrow;
        Ok(TensorType { dtype, shape })
    }
}
