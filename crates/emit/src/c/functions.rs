//! Functions of loops as C.

use super::expressions::{Printer, affine_text, c_type, condition_text};
use super::scalars::Helper;
use crate::loops::mentions::{self, Mention};
use crate::loops::{Function, Statement, Variable};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// A function's text. Operands that overlap no other are `restrict`.
pub fn function(name: &str, function: &Function, exclusive: &[bool], used: &mut BTreeSet<Helper>) -> String {
    let parameters: Vec<String> = function
        .operands
        .iter()
        .zip(exclusive)
        .enumerate()
        .map(|(k, (operand, exclusive))| {
            let constant = if operand.is_written { "" } else { "const " };
            let restrict = if *exclusive { "restrict " } else { "" };
            format!("{constant}{} *{restrict}a{k}", memory_type(c_type(operand.dtype)))
        })
        .collect();
    let mut text = format!("static void {name}({})\n{{\n", parameters.join(", "));
    for (k, local) in function.locals.iter().enumerate() {
        let _ = writeln!(text, "    {} s{k}[{}];", c_type(local.dtype), local.elements);
    }
    let homes = homes(function);
    let mut writer = Writer { printer: Printer { function, used }, homes, text, depth: 1 };
    writer.block(&function.body, &mut vec![]);
    writer.text + "}\n\n"
}

/// Types of memory that one program uses for several element types, which C's rules on aliasing would forbid.
pub fn memory_type(ty: &str) -> &str {
    match ty {
        "float" => "tacit_float",
        "int32_t" => "tacit_int32",
        other => other,
    }
}

/// Where a variable is declared: the innermost block with all that reads or sets it, and whether its one assignment
/// stands there, before everything else.
struct Home {
    block: Vec<usize>,
    is_constant: bool,
}

/// Every block by the way to it: the statement's number and the number of its body, from the outermost.
fn homes(function: &Function) -> HashMap<Variable, Home> {
    let mut found: HashMap<Variable, Found> = HashMap::new();
    visit(&function.body, &mut vec![], &mut |variable, block, is_set| {
        let entry = found.entry(variable).or_insert_with(|| Found { block: block.to_vec(), sets: 0, first_set: None });
        let shared = entry.block.iter().zip(block).take_while(|(a, b)| a == b).count();
        entry.block.truncate(shared);
        // A block's way has two numbers for each statement.
        entry.block.truncate(entry.block.len() / 2 * 2);
        if is_set {
            entry.sets += 1;
            entry.first_set.get_or_insert_with(|| block.to_vec());
        }
    });
    found
        .into_iter()
        .map(|(variable, found)| {
            let is_constant = found.sets == 1 && found.first_set.as_ref() == Some(&found.block);
            (variable, Home { block: found.block, is_constant })
        })
        .collect()
}

struct Found {
    block: Vec<usize>,
    sets: usize,
    first_set: Option<Vec<usize>>,
}

/// Every read and assignment of a variable, with its block; what an assignment reads comes before it.
fn visit(statements: &[Statement], block: &mut Vec<usize>, found: &mut dyn FnMut(Variable, &[usize], bool)) {
    for (number, statement) in statements.iter().enumerate() {
        let mut inside = |body: &[Statement], which: usize, found: &mut dyn FnMut(Variable, &[usize], bool)| {
            block.extend([number, which]);
            visit(body, block, found);
            block.truncate(block.len() - 2);
        };
        match statement {
            Statement::For { body, .. } => inside(body, 0, found),
            Statement::If { then, otherwise, .. } => {
                inside(then, 0, found);
                inside(otherwise, 1, found);
            }
            Statement::Divide { .. } | Statement::Set { .. } | Statement::Store { .. } => {
                mentions::visit(std::slice::from_ref(statement), &mut |mention| match mention {
                    Mention::Read(variable) => found(variable, block, false),
                    Mention::Set(variable) => found(variable, block, true),
                    Mention::Load(_) | Mention::Store(_) | Mention::Counter(_) => {}
                });
            }
        }
    }
}

struct Writer<'a> {
    printer: Printer<'a>,
    homes: HashMap<Variable, Home>,
    text: String,
    depth: usize,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{}{line}", "    ".repeat(self.depth));
    }

    fn block(&mut self, statements: &[Statement], way: &mut Vec<usize>) {
        // What is set here before all else is declared with that, the others before the first statement.
        let set_here = direct_sets(statements);
        let (mut with_set, before): (Vec<Variable>, Vec<Variable>) = (0..self.printer.function.variables.len())
            .filter(|variable| self.homes.get(variable).is_some_and(|home| !home.is_constant && home.block == *way))
            .partition(|variable| set_here.contains(variable));
        for variable in before {
            let ty = c_type(self.printer.function.variables[variable]);
            self.line(&format!("{ty} v{variable} = 0;"));
        }
        for (number, statement) in statements.iter().enumerate() {
            self.statement(statement, number, way, &mut with_set);
        }
    }

    fn statement(
        &mut self,
        statement: &Statement,
        number: usize,
        way: &mut Vec<usize>,
        undeclared: &mut Vec<Variable>,
    ) {
        match statement {
            Statement::For { counter, extent, body } => {
                self.line(&format!("for (int32_t i{counter} = 0; i{counter} < {extent}; ++i{counter}) {{"));
                self.inside(body, [number, 0], way);
                self.line("}");
            }
            Statement::If { conditions, then, otherwise } => {
                let text: Vec<String> = conditions.iter().map(condition_text).collect();
                let text = match &text[..] {
                    [only] => only.clone(),
                    several => several.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" && "),
                };
                self.line(&format!("if ({text}) {{"));
                self.inside(then, [number, 0], way);
                if !otherwise.is_empty() {
                    self.line("} else {");
                    self.inside(otherwise, [number, 1], way);
                }
                self.line("}");
            }
            Statement::Divide { counter, numerator, divisor } => {
                self.line(&format!("const int32_t i{counter} = {} / {divisor};", affine_text(numerator)));
            }
            Statement::Set { variable, value } => {
                let value = self.printer.expression(value);
                let value = unwrapped(&value);
                let ty = c_type(self.printer.function.variables[*variable]);
                let is_constant = self.homes.get(variable).is_some_and(|home| home.is_constant);
                let before = match undeclared.iter().position(|known| known == variable) {
                    _ if is_constant => format!("const {ty} "),
                    Some(position) => {
                        undeclared.remove(position);
                        format!("{ty} ")
                    }
                    None => String::new(),
                };
                self.line(&format!("{before}v{variable} = {value};"));
            }
            Statement::Store { element, value } => {
                let value = self.printer.expression(value);
                let place = self.printer.element(element);
                self.line(&format!("{place} = {};", unwrapped(&value)));
            }
        }
    }

    fn inside(&mut self, body: &[Statement], step: [usize; 2], way: &mut Vec<usize>) {
        way.extend(step);
        self.depth += 1;
        self.block(body, way);
        self.depth -= 1;
        way.truncate(way.len() - 2);
    }
}

/// Variables whose first mention in these statements is an assignment that stands among them.
fn direct_sets(statements: &[Statement]) -> Vec<Variable> {
    let mut seen: Vec<Variable> = vec![];
    let mut sets = vec![];
    visit(statements, &mut vec![], &mut |variable, block, is_set| {
        if !seen.contains(&variable) {
            seen.push(variable);
            if is_set && block.is_empty() {
                sets.push(variable);
            }
        }
    });
    sets
}

/// An expression without the parentheses that enclose all of it.
fn unwrapped(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) else { return text };
    let mut depth = 0i32;
    for c in inner.chars() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth < 0 {
            return text;
        }
    }
    inner
}
