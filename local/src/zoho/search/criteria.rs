//! The criteria of a search: `((Email:equals:sheree@example.com)and(Last_Name:starts_with:La))`.
//!
//! Within a value `(`, `)`, `,` and `\` stand behind a backslash.

use std::{iter::Peekable, str::Chars};

use crate::zoho::{fields::Module, records::Record, world::World};

use super::text_of;

/// Conditions in one search (v8).
const CONDITIONS: usize = 15;
const VALUES_OF_IN: usize = 100;

#[derive(Debug, PartialEq)]
pub(super) enum Criteria {
    Condition { field: String, operator: Operator, values: Vec<String> },
    All(Vec<Criteria>),
    Any(Vec<Criteria>),
}

/// Why criteria cannot be searched for.
#[derive(Debug)]
pub(super) enum CriteriaError {
    TooMany,
    Wrong(String),
}

impl From<String> for CriteriaError {
    fn from(reason: String) -> Self {
        Self::Wrong(reason)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equals,
    NotEqual,
    StartsWith,
    In,
    GreaterThan,
    GreaterEqual,
    LessThan,
    LessEqual,
}

impl Criteria {
    /// Reads criteria; the error says what is wrong with them.
    pub(super) fn parse(text: &str, is_field: impl Fn(&str) -> bool) -> Result<Self, CriteriaError> {
        // A single condition may stand without parentheses.
        let wrapped = if text.starts_with('(') { text.to_owned() } else { format!("({text})") };
        let mut parser = Parser { rest: wrapped.chars().peekable(), conditions: 0, is_field };
        let mut criteria = vec![parser.group()?];
        let connective = parser.chain(&mut criteria)?;
        if parser.rest.peek().is_some() {
            return Err("there is more behind the last parenthesis".to_owned().into());
        }
        Ok(joined(criteria, connective))
    }

    pub(super) fn matches(&self, world: &World, module: Module, record: &Record) -> bool {
        match self {
            Self::All(all) => all.iter().all(|criteria| criteria.matches(world, module, record)),
            Self::Any(any) => any.iter().any(|criteria| criteria.matches(world, module, record)),
            Self::Condition { field, operator, values } => {
                let text = text_of(world, module, record, field);
                let contains = world.settings.search_equals_contains;
                operator.holds(&text, values, contains)
            }
        }
    }
}

impl Operator {
    fn parse(name: &str) -> Result<Self, CriteriaError> {
        Ok(match name {
            "equals" => Self::Equals,
            "not_equal" => Self::NotEqual,
            "starts_with" => Self::StartsWith,
            "in" => Self::In,
            "greater_than" => Self::GreaterThan,
            "greater_equal" => Self::GreaterEqual,
            "less_than" => Self::LessThan,
            "less_equal" => Self::LessEqual,
            _ => return Err(format!("invalid operator found: {name}").into()),
        })
    }

    fn holds(self, text: &str, values: &[String], equals_contains: bool) -> bool {
        let value = values.first().map(String::as_str).unwrap_or_default();
        match self {
            Self::Equals if equals_contains => text.contains(value),
            Self::Equals => text == value,
            Self::NotEqual => text != value,
            Self::StartsWith => text.starts_with(value),
            Self::In => values.iter().any(|value| text == value),
            // Enough for what has one: times of one offset and numbers of one length sort as text.
            Self::GreaterThan => text > value,
            Self::GreaterEqual => text >= value,
            Self::LessThan => text < value,
            Self::LessEqual => text <= value,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Connective {
    And,
    Or,
}

struct Parser<'a, F> {
    rest: Peekable<Chars<'a>>,
    conditions: usize,
    is_field: F,
}

impl<F: Fn(&str) -> bool> Parser<'_, F> {
    /// `(` condition or groups `)`.
    fn group(&mut self) -> Result<Criteria, CriteriaError> {
        self.expect('(')?;
        let criteria = if self.rest.peek() == Some(&'(') {
            let mut parts = vec![self.group()?];
            let connective = self.chain(&mut parts)?;
            joined(parts, connective)
        } else {
            self.condition()?
        };
        self.expect(')')?;
        Ok(criteria)
    }

    /// Further groups behind the first, joined by one word.
    fn chain(&mut self, parts: &mut Vec<Criteria>) -> Result<Connective, CriteriaError> {
        let mut chosen = None;
        while self.rest.peek().is_some_and(|next| *next != ')') {
            let word = self.until(&['(']);
            let connective = match word.trim() {
                "and" => Connective::And,
                "or" => Connective::Or,
                other => return Err(format!("{other:?} stands where \"and\" or \"or\" is due").into()),
            };
            if *chosen.get_or_insert(connective) != connective {
                return Err("\"and\" and \"or\" of one level need parentheses".to_owned().into());
            }
            parts.push(self.group()?);
        }
        Ok(chosen.unwrap_or(Connective::And))
    }

    /// `field:operator:value`.
    fn condition(&mut self) -> Result<Criteria, CriteriaError> {
        self.conditions += 1;
        if self.conditions > CONDITIONS {
            return Err(CriteriaError::TooMany);
        }
        let field = self.until(&[':', ')']);
        self.expect(':')?;
        let operator = Operator::parse(&self.until(&[':', ')']))?;
        self.expect(':')?;
        if !(self.is_field)(&field) {
            return Err(format!("{field:?} is no field of the module").into());
        }
        let values = self.values();
        if values.len() > VALUES_OF_IN {
            return Err(format!("more than {VALUES_OF_IN} values").into());
        }
        Ok(Criteria::Condition { field, operator, values })
    }

    /// Everything up to the closing parenthesis, split at commas, escapes resolved, in lower case.
    fn values(&mut self) -> Vec<String> {
        let mut values = vec![String::new()];
        while let Some(&next) = self.rest.peek() {
            if next == ')' {
                break;
            }
            self.rest.next();
            let next = if next == '\\' {
                self.rest.next()
            } else if next == ',' {
                None
            } else {
                Some(next)
            };
            match (next, values.last_mut()) {
                (Some(next), Some(value)) => value.extend(next.to_lowercase()),
                _ => values.push(String::new()),
            }
        }
        values
    }

    fn until(&mut self, stops: &[char]) -> String {
        let mut text = String::new();
        while let Some(next) = self.rest.next_if(|next| !stops.contains(next)) {
            text.push(next);
        }
        text
    }

    fn expect(&mut self, due: char) -> Result<(), CriteriaError> {
        self.rest.next_if_eq(&due).map(|_| ()).ok_or_else(|| format!("a {due:?} is due").into())
    }
}

fn joined(mut parts: Vec<Criteria>, connective: Connective) -> Criteria {
    match connective {
        _ if parts.len() == 1 => parts.swap_remove(0),
        Connective::And => Criteria::All(parts),
        Connective::Or => Criteria::Any(parts),
    }
}
