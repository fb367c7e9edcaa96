//! Reads `select … from … where … order by … limit … offset …`.

use serde_json::json;

use super::{
    lexer::{Token, TokenKind, tokens},
    query::{Condition, Direction, Literal, Query, Test},
};
use crate::zoho::{reply::Reply, settings::Settings};

/// Conditions of one query, which also keeps the recursion flat.
const CONDITIONS: usize = 25;
/// Words that are no names where a name is due.
const KEYWORDS: [&str; 13] =
    ["select", "from", "where", "and", "or", "order", "by", "limit", "offset", "in", "not", "is", "like"];

/// Reads a query, or says as Zoho does why it is none.
pub(super) fn parse(text: &str, settings: &Settings) -> Result<Query, Reply> {
    let tokens = tokens(text, settings.coql_escape)?;
    let mut parser = Parser { tokens, position: 0, conditions: 0, depth: 0, in_limit: settings.coql_in_limit };
    let query = parser.query()?;
    match parser.peek() {
        Token { kind: TokenKind::End, .. } => Ok(query),
        token => Err(token.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    position: usize,
    conditions: usize,
    depth: usize,
    /// Values of one `in`.
    in_limit: usize,
}

impl Parser {
    fn query(&mut self) -> Result<Query, Reply> {
        self.word("select")?;
        let mut columns = vec![self.name()?];
        while self.took_symbol(",") {
            columns.push(self.name()?);
        }
        self.word("from")?;
        let module = self.name()?;
        if !self.took_word("where") {
            return Err(match self.peek() {
                token if matches!(token.kind, TokenKind::End) || token.is_word("order") || token.is_word("limit") => {
                    Reply::bad_request("SYNTAX_ERROR", "missing clause", json!({ "clause": "where" }))
                }
                token => token.unexpected(),
            });
        }
        let condition = self.condition()?;
        let order = if self.took_word("order") { self.order()? } else { Vec::new() };
        let (limit, offset) = self.limit()?;
        Ok(Query { columns, module, condition, order, limit, offset })
    }

    /// One condition, or two with `and` or `or` between them. A third without parentheses is one too many.
    fn condition(&mut self) -> Result<Condition<Test>, Reply> {
        let left = self.operand()?;
        let join = if self.took_word("and") {
            Condition::Both
        } else if self.took_word("or") {
            Condition::Either
        } else {
            return Ok(left);
        };
        // A further `and` or `or` is what nobody expects behind this, so whoever called refuses it.
        Ok(join(Box::new(left), Box::new(self.operand()?)))
    }

    fn operand(&mut self) -> Result<Condition<Test>, Reply> {
        if !self.took_symbol("(") {
            return self.test();
        }
        self.depth += 1;
        if self.depth > CONDITIONS {
            return Err(too_many("where", CONDITIONS));
        }
        let condition = self.condition()?;
        self.symbol(")")?;
        self.depth -= 1;
        Ok(condition)
    }

    fn test(&mut self) -> Result<Condition<Test>, Reply> {
        self.conditions += 1;
        if self.conditions > CONDITIONS {
            return Err(too_many("where", CONDITIONS));
        }
        let column = self.name()?;
        let operator = self.next();
        let test = match &operator.kind {
            TokenKind::Symbol("=") => Test::Equal(self.literal()?),
            TokenKind::Symbol("!=") => Test::NotEqual(self.literal()?),
            TokenKind::Symbol("<") => Test::Less(self.literal()?),
            TokenKind::Symbol("<=") => Test::LessOrEqual(self.literal()?),
            TokenKind::Symbol(">") => Test::Greater(self.literal()?),
            TokenKind::Symbol(">=") => Test::GreaterOrEqual(self.literal()?),
            TokenKind::Word(word) => self.worded_test(&word.to_ascii_lowercase(), &operator)?,
            _ => return Err(operator.unexpected()),
        };
        Ok(Condition::Test { column, test })
    }

    fn worded_test(&mut self, word: &str, operator: &Token) -> Result<Test, Reply> {
        Ok(match word {
            "in" => Test::In(self.literals()?),
            "like" => Test::Like(self.literal()?.text().to_owned()),
            "not" if self.took_word("in") => Test::NotIn(self.literals()?),
            "not" if self.took_word("like") => Test::NotLike(self.literal()?.text().to_owned()),
            "between" => {
                let low = self.literal()?;
                self.word("and")?;
                Test::Between(low, self.literal()?)
            }
            "is" => {
                let is_not = self.took_word("not");
                self.word("null")?;
                if is_not { Test::IsNotNull } else { Test::IsNull }
            }
            _ => return Err(operator.unexpected()),
        })
    }

    fn order(&mut self) -> Result<Vec<(String, Direction)>, Reply> {
        self.word("by")?;
        let mut order = Vec::new();
        loop {
            let column = self.name()?;
            let direction = if self.took_word("desc") {
                Direction::Descending
            } else {
                self.took_word("asc");
                Direction::Ascending
            };
            order.push((column, direction));
            if !self.took_symbol(",") {
                return Ok(order);
            }
        }
    }

    /// `limit n`, `limit n offset m`, `limit m, n` or nothing.
    fn limit(&mut self) -> Result<(Option<usize>, usize), Reply> {
        if !self.took_word("limit") {
            let offset = if self.took_word("offset") { self.count()? } else { 0 };
            return Ok((None, offset));
        }
        let first = self.count()?;
        if self.took_symbol(",") {
            return Ok((Some(self.count()?), first));
        }
        let offset = if self.took_word("offset") { self.count()? } else { 0 };
        Ok((Some(first), offset))
    }

    fn literals(&mut self) -> Result<Vec<Literal>, Reply> {
        self.symbol("(")?;
        let mut literals = vec![self.literal()?];
        while self.took_symbol(",") {
            literals.push(self.literal()?);
        }
        self.symbol(")")?;
        if literals.len() > self.in_limit { Err(too_many("in", self.in_limit)) } else { Ok(literals) }
    }

    fn literal(&mut self) -> Result<Literal, Reply> {
        let token = self.next();
        match &token.kind {
            TokenKind::Text(text) => Ok(Literal::Text(text.clone())),
            TokenKind::Number(digits) => Ok(Literal::Number(digits.clone())),
            TokenKind::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Literal::Boolean(true)),
            TokenKind::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Literal::Boolean(false)),
            _ => Err(token.unexpected()),
        }
    }

    fn count(&mut self) -> Result<usize, Reply> {
        let token = self.next();
        match &token.kind {
            TokenKind::Number(digits) => digits.parse().map_err(|_| token.unexpected()),
            _ => Err(token.unexpected()),
        }
    }

    fn name(&mut self) -> Result<String, Reply> {
        let token = self.next();
        match &token.kind {
            TokenKind::Word(word) if !KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) => {
                Ok(word.clone())
            }
            _ => Err(token.unexpected()),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Reply> {
        if self.took_word(word) { Ok(()) } else { Err(self.peek().unexpected()) }
    }

    fn symbol(&mut self, symbol: &str) -> Result<(), Reply> {
        if self.took_symbol(symbol) { Ok(()) } else { Err(self.peek().unexpected()) }
    }

    fn took_word(&mut self, word: &str) -> bool {
        let took = self.peek().is_word(word);
        self.position += usize::from(took);
        took
    }

    fn took_symbol(&mut self, symbol: &str) -> bool {
        let took = matches!(self.peek().kind, TokenKind::Symbol(next) if next == symbol);
        self.position += usize::from(took);
        took
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.position += 1;
        token
    }

    /// The token that is next; at the end, the end, however often.
    fn peek(&self) -> &Token {
        &self.tokens[self.position.min(self.tokens.len() - 1)]
    }
}

fn too_many(clause: &str, limit: usize) -> Reply {
    Reply::bad_request("LIMIT_EXCEEDED", "limit exceeded", json!({ "clause": clause, "limit": limit }))
}
