//! The expressions behind `where`: which rows a requirement is about.
//!
//! ```text
//! expression = conjunction { "or" conjunction }
//! conjunction = negation { "and" negation }
//! negation = "not" negation | "(" expression ")" | comparison
//! comparison = column ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) ( 'text' | number )
//! column = a plain word | "any name in double quotes"
//! ```

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::report::quoted;

/// A condition on the cells of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    Compare { column: String, operator: Operator, value: Literal },
    And(Box<Predicate>, Box<Predicate>),
    Or(Box<Predicate>, Box<Predicate>),
    Not(Box<Predicate>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a cell is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// The cell's text must be the same, character for character; text is only equal or not.
    Text(String),
    /// The cell is read as a number. Always finite.
    Number(f64),
}

/// What is wrong with the text of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// The bytes of the text that are wrong.
    pub span: Range<usize>,
    pub message: String,
    pub help: String,
}

/// The longest expression, in bytes, and the deepest nesting of parentheses and `not`.
const LENGTH_MAX: usize = 4096;
const DEPTH_MAX: usize = 32;

/// Reads an expression such as `digit = '8' and not (age < 18)`.
pub fn parse_expression(text: &str) -> Result<Predicate, ExpressionError> {
    if text.len() > LENGTH_MAX {
        let message = format!("the expression is longer than {LENGTH_MAX} bytes");
        return Err(error(0..text.len(), message, "add a column to the data that says which rows are meant"));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, end: text.len() };
    let predicate = parser.disjunction(DEPTH_MAX)?;
    match parser.tokens.first() {
        None => Ok(predicate),
        Some((token, span)) => {
            let message = format!("{token} comes after the end of the expression");
            Err(error(span.clone(), message, "join comparisons with `and` or `or`"))
        }
    }
}

impl Predicate {
    /// Every column that the predicate reads, each once, in the order of the text.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.collect_columns(&mut columns);
        columns
    }

    /// Whether the predicate holds for a row. `cell` gives a column's text.
    ///
    /// A column that is compared with a number must hold one: otherwise the column's name is the error. A missing cell is
    /// the empty text, and stands in no relation to a number. Both sides of `and` and `or` are read always, so that a bad
    /// cell is found whatever stands beside it.
    pub fn holds<'c>(&self, cell: &impl Fn(&str) -> Cow<'c, str>) -> Result<bool, &str> {
        match self {
            Predicate::Compare { column, operator, value } => {
                let text = cell(column);
                match value {
                    Literal::Text(expected) => Ok(operator.holds(text.as_ref().cmp(expected))),
                    Literal::Number(_) if text.is_empty() => Ok(*operator == Operator::NotEqual),
                    Literal::Number(expected) => {
                        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                        let ordering = number.and_then(|number| number.partial_cmp(expected));
                        ordering.map(|ordering| operator.holds(ordering)).ok_or(column)
                    }
                }
            }
            Predicate::And(left, right) => Ok(left.holds(cell)? & right.holds(cell)?),
            Predicate::Or(left, right) => Ok(left.holds(cell)? | right.holds(cell)?),
            Predicate::Not(inner) => Ok(!inner.holds(cell)?),
        }
    }

    /// How tightly the outermost operator binds: `or`, then `and`, then the rest.
    fn binding(&self) -> u8 {
        match self {
            Predicate::Or(..) => 0,
            Predicate::And(..) => 1,
            Predicate::Not(_) | Predicate::Compare { .. } => 2,
        }
    }

    fn collect_columns<'a>(&'a self, columns: &mut Vec<&'a str>) {
        match self {
            Predicate::Compare { column, .. } => {
                if !columns.contains(&column.as_str()) {
                    columns.push(column);
                }
            }
            Predicate::And(left, right) | Predicate::Or(left, right) => {
                left.collect_columns(columns);
                right.collect_columns(columns);
            }
            Predicate::Not(inner) => inner.collect_columns(columns),
        }
    }
}

impl Operator {
    const ALL: [Operator; 6] = [
        Operator::Equal,
        Operator::NotEqual,
        Operator::LessOrEqual,
        Operator::Less,
        Operator::GreaterOrEqual,
        Operator::Greater,
    ];

    fn symbol(self) -> &'static str {
        match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
        }
    }

    fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Operator::Equal => ordering.is_eq(),
            Operator::NotEqual => ordering.is_ne(),
            Operator::Less => ordering.is_lt(),
            Operator::LessOrEqual => ordering.is_le(),
            Operator::Greater => ordering.is_gt(),
            Operator::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// The predicate as an expression; reading it gives the same predicate.
impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Predicate::Compare { column, operator, value } => {
                if is_plain(column) {
                    write!(f, "{column} {} ", operator.symbol())?;
                } else {
                    write!(f, "\"{}\" {} ", column.replace('"', "\"\""), operator.symbol())?;
                }
                match value {
                    Literal::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
                    Literal::Number(number) => write!(f, "{number}"),
                }
            }
            Predicate::And(left, right) => {
                fmt_inside(f, left, left.binding() < 1)?;
                f.write_str(" and ")?;
                fmt_inside(f, right, right.binding() < 2)
            }
            Predicate::Or(left, right) => {
                write!(f, "{left} or ")?;
                fmt_inside(f, right, right.binding() < 1)
            }
            Predicate::Not(inner) => {
                f.write_str("not ")?;
                fmt_inside(f, inner, inner.binding() < 2)
            }
        }
    }
}

fn fmt_inside(f: &mut fmt::Formatter, predicate: &Predicate, in_parentheses: bool) -> fmt::Result {
    if in_parentheses { write!(f, "({predicate})") } else { write!(f, "{predicate}") }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Column(String),
    Text(String),
    Number(f64),
    Operator(Operator),
    And,
    Or,
    Not,
    Open,
    Close,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Token::Column(name) => write!(f, "the column {}", quoted(name)),
            Token::Text(text) => write!(f, "the text {}", quoted(text)),
            Token::Number(number) => write!(f, "the number `{number}`"),
            Token::Operator(operator) => write!(f, "`{}`", operator.symbol()),
            Token::And => f.write_str("`and`"),
            Token::Or => f.write_str("`or`"),
            Token::Not => f.write_str("`not`"),
            Token::Open => f.write_str("`(`"),
            Token::Close => f.write_str("`)`"),
        }
    }
}

struct Parser<'a> {
    tokens: &'a [(Token, Range<usize>)],
    end: usize,
}

impl Parser<'_> {
    fn disjunction(&mut self, depth: usize) -> Result<Predicate, ExpressionError> {
        let mut left = self.conjunction(depth)?;
        while self.take(&Token::Or) {
            left = Predicate::Or(Box::new(left), Box::new(self.conjunction(depth)?));
        }
        Ok(left)
    }

    fn conjunction(&mut self, depth: usize) -> Result<Predicate, ExpressionError> {
        let mut left = self.negation(depth)?;
        while self.take(&Token::And) {
            left = Predicate::And(Box::new(left), Box::new(self.negation(depth)?));
        }
        Ok(left)
    }

    fn negation(&mut self, depth: usize) -> Result<Predicate, ExpressionError> {
        let nested = |parser: &Self| match depth.checked_sub(1) {
            Some(depth) => Ok(depth),
            None => {
                let message = format!("the expression is nested more than {DEPTH_MAX} deep");
                Err(error(parser.next_span(), message, "remove parentheses that change nothing"))
            }
        };
        if self.take(&Token::Not) {
            let depth = nested(self)?;
            return Ok(Predicate::Not(Box::new(self.negation(depth)?)));
        }
        if self.take(&Token::Open) {
            let depth = nested(self)?;
            let inner = self.disjunction(depth)?;
            if !self.take(&Token::Close) {
                return Err(error(self.next_span(), "a `)` is missing".into(), "close every `(`"));
            }
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Predicate, ExpressionError> {
        const HELP: &str = "write a comparison such as `digit = '8'` or `age >= 65`";
        let column = match self.tokens.first() {
            Some((Token::Column(name), _)) => name.clone(),
            Some((token, span)) => {
                return Err(error(span.clone(), format!("{token} stands where a column belongs"), HELP));
            }
            None => return Err(error(self.next_span(), "a comparison is missing".into(), HELP)),
        };
        self.advance();
        let Some((Token::Operator(operator), operator_span)) = self.tokens.first().cloned() else {
            return Err(error(self.next_span(), format!("{} is compared with nothing", quoted(&column)), HELP));
        };
        self.advance();
        let value = match self.tokens.first() {
            Some((Token::Number(number), _)) => Literal::Number(*number),
            Some((Token::Text(text), _)) => match operator {
                Operator::Equal | Operator::NotEqual => Literal::Text(text.clone()),
                Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                    let message = format!("`{}` orders numbers, not text", operator.symbol());
                    return Err(error(
                        operator_span,
                        message,
                        "compare text with `=` or `!=`, or write the number without quotes",
                    ));
                }
            },
            Some((Token::Column(name), span)) => {
                let message = format!("{} is compared with the column {}", quoted(&column), quoted(name));
                return Err(error(span.clone(), message, "put text in single quotes: `digit = '8'`"));
            }
            Some((token, span)) => {
                return Err(error(span.clone(), format!("{token} stands where a value belongs"), HELP));
            }
            None => return Err(error(self.next_span(), format!("{} is compared with nothing", quoted(&column)), HELP)),
        };
        self.advance();
        Ok(Predicate::Compare { column, operator, value })
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens.first().is_some_and(|(next, _)| next == token);
        if found {
            self.advance();
        }
        found
    }

    fn advance(&mut self) {
        self.tokens = &self.tokens[1..];
    }

    fn next_span(&self) -> Range<usize> {
        self.tokens.first().map_or(self.end..self.end, |(_, span)| span.clone())
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let (token, length) = if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        } else if first == '(' {
            (Token::Open, 1)
        } else if first == ')' {
            (Token::Close, 1)
        } else if first == '\'' || first == '"' {
            let (content, length) = delimited(rest, first).ok_or_else(|| {
                error(start..text.len(), "a quote is not closed".into(), "close it, and double a quote inside text")
            })?;
            (if first == '"' { Token::Column(content) } else { Token::Text(content) }, length)
        } else if rest.starts_with("==") {
            return Err(error(start..start + 2, "`==` is not an operator".into(), "write `=`"));
        } else if let Some(operator) = Operator::ALL.into_iter().find(|operator| rest.starts_with(operator.symbol())) {
            (Token::Operator(operator), operator.symbol().len())
        } else {
            let length = rest.find(|c: char| !is_word(c) && c != '.' && c != '+').unwrap_or(rest.len());
            let span = start..start + length.max(first.len_utf8());
            (word(&text[span.clone()], &span)?, span.len())
        };
        tokens.push((token, start..start + length));
        start += length;
    }
    Ok(tokens)
}

/// A word: `and`, `or`, `not`, a number or a plain column.
fn word(text: &str, span: &Range<usize>) -> Result<Token, ExpressionError> {
    match text {
        "and" => return Ok(Token::And),
        "or" => return Ok(Token::Or),
        "not" => return Ok(Token::Not),
        _ => {}
    }
    if is_plain(text) {
        return Ok(Token::Column(text.to_owned()));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Token::Number(number)),
        Ok(_) | Err(_) => {
            let message = format!("{} is neither a number nor a plain name", quoted(text));
            Err(error(span.clone(), message, "put a column's name in double quotes, and text in single quotes"))
        }
    }
}

/// Text between quotes, in which a doubled quote stands for one; and how many bytes it takes with its quotes.
fn delimited(text: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        if character != quote {
            content.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            content.push(quote);
        } else {
            return Some((content, index + 1));
        }
    }
    None
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '-'
}

/// Whether a column's name can stand without quotes.
fn is_plain(name: &str) -> bool {
    let starts = name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    starts && name.chars().all(is_word) && !matches!(name, "and" | "or" | "not")
}

fn error(span: Range<usize>, message: String, help: &str) -> ExpressionError {
    ExpressionError { span, message, help: help.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(expression: &str) -> Result<bool, String> {
        let predicate = parse_expression(expression).unwrap();
        let cell = |column: &str| match column {
            "digit" => "8".into(),
            "age" => "65.0".into(),
            "home town" => "O'Hara".into(),
            "weight" => "".into(),
            other => panic!("{other}"),
        };
        predicate.holds(&cell).map_err(str::to_owned)
    }

    #[test]
    fn expressions_hold_as_they_read() {
        for (expression, expected) in [
            ("digit = '8'", true),
            ("digit = '08'", false),
            ("digit = 08", true),
            ("age = 65", true),
            ("age = '65'", false),
            ("age >= 65 and digit != '8'", false),
            ("age < 65 or digit = '8' and age <= 65", true),
            ("(age < 65 or digit = '8') and age > 65", false),
            ("not not age > -1.5e3", true),
            ("\"home town\" = 'O''Hara'", true),
            ("weight > 3 or weight <= 3 or weight = 0", false),
            ("weight != 3 and weight = ''", true),
        ] {
            assert_eq!(holds(expression), Ok(expected), "{expression}");
        }
        assert_eq!(holds("digit = '1' and \"home town\" > 3"), Err("home town".into()));
    }

    #[test]
    fn errors_point_at_the_part_that_is_wrong() {
        for (expression, part, help) in [
            ("digit == '8'", "==", "write `=`"),
            ("digit = eight", "eight", "put text in single quotes"),
            ("digit < '8'", "<", "compare text with"),
            ("digit = '8", "'8", "close it"),
            ("(digit = 8", "", "close every"),
            ("digit = 8)", ")", "join comparisons"),
            ("digit", "", "write a comparison"),
            ("", "", "write a comparison"),
            ("8 = digit", "8", "write a comparison"),
            ("digit = 8 8", "8", "join comparisons"),
            ("a = 1e999", "1e999", "put a column's name"),
            ("a = 1 & b = 2", "&", "put a column's name"),
        ] {
            let error = parse_expression(expression).unwrap_err();
            assert_eq!(&expression[error.span.clone()], part, "{expression}: {error:?}");
            assert!(error.help.starts_with(help), "{expression}: {error:?}");
        }
    }

    #[test]
    fn nesting_and_length_are_limited() {
        let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse_expression(&nested(DEPTH_MAX)).is_ok());
        assert!(parse_expression(&nested(DEPTH_MAX + 1)).unwrap_err().message.contains("nested"));
        assert!(parse_expression(&"not ".repeat(1000)).unwrap_err().message.contains("nested"));
        assert!(parse_expression(&" ".repeat(LENGTH_MAX + 1)).is_err());
    }

    fn any_predicate() -> impl Strategy<Value = Predicate> {
        let operator = prop::sample::select(Operator::ALL.to_vec());
        let leaf = prop_oneof![
            ("\\PC{0,8}", operator, -1e9..1e9f64).prop_map(|(column, operator, number)| Predicate::Compare {
                column,
                operator,
                value: Literal::Number(number)
            }),
            ("[a-z-]{1,8}", "\\PC{0,8}").prop_map(|(column, text)| Predicate::Compare {
                column,
                operator: Operator::NotEqual,
                value: Literal::Text(text),
            }),
        ];
        leaf.prop_recursive(4, 16, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| Predicate::And(a.into(), b.into())),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| Predicate::Or(a.into(), b.into())),
                inner.prop_map(|a| Predicate::Not(a.into())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_same_predicate(predicate in any_predicate()) {
            prop_assert_eq!(parse_expression(&predicate.to_string()), Ok(predicate));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", words in "([()'\"=!<>.+-]|and|or|not|a|é|1| ){0,20}") {
            for text in [text, words] {
                if let Err(error) = parse_expression(&text) {
                    prop_assert!(text.get(error.span).is_some());
                }
            }
        }
    }
}
