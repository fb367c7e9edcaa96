//! Cuts a COQL query into tokens, each with its place for the error messages.

use std::{iter::Peekable, str::Chars};

use serde_json::json;

use crate::zoho::{reply::Reply, settings::CoqlEscape};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    line: usize,
    column: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// A keyword or a name; names may have dots.
    Word(String),
    /// Between single quotes, escapes resolved.
    Text(String),
    Number(String),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)`, `,`.
    Symbol(&'static str),
    End,
}

impl Token {
    /// The error for a token that cannot stand where it stands.
    pub(super) fn unexpected(&self) -> Reply {
        let near = match &self.kind {
            TokenKind::Word(text) | TokenKind::Text(text) | TokenKind::Number(text) => text,
            TokenKind::Symbol(symbol) => *symbol,
            TokenKind::End => "",
        };
        syntax_error(self.line, self.column, near)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, TokenKind::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

/// The tokens of a query; the last one is always [`TokenKind::End`].
pub(super) fn tokens(text: &str, escape: CoqlEscape) -> Result<Vec<Token>, Reply> {
    let mut lexer = Lexer { rest: text.chars().peekable(), escape, line: 1, column: 1 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.token()?;
        let is_end = token.kind == TokenKind::End;
        tokens.push(token);
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    escape: CoqlEscape,
    line: usize,
    column: usize,
}

impl Lexer<'_> {
    fn token(&mut self) -> Result<Token, Reply> {
        while self.rest.peek().is_some_and(|next| next.is_whitespace()) {
            self.advance();
        }
        let (line, column) = (self.line, self.column);
        let kind = match self.advance() {
            None => TokenKind::End,
            Some('\'') => TokenKind::Text(self.quoted().ok_or_else(|| syntax_error(line, column, "'"))?),
            Some(first) if first.is_ascii_digit() || first == '-' => {
                TokenKind::Number(self.run(first, |next| next.is_ascii_digit() || next == '.'))
            }
            Some(first) if first.is_alphabetic() || first == '_' || first == '$' => {
                TokenKind::Word(self.run(first, |next| next.is_alphanumeric() || "_.$".contains(next)))
            }
            Some(first) => {
                let symbol = self.symbol(first);
                TokenKind::Symbol(symbol.ok_or_else(|| syntax_error(line, column, &first.to_string()))?)
            }
        };
        Ok(Token { kind, line, column })
    }

    fn symbol(&mut self, first: char) -> Option<&'static str> {
        let followed_by_equal = "!<>".contains(first) && self.rest.peek() == Some(&'=');
        if followed_by_equal {
            self.advance();
        }
        Some(match (first, followed_by_equal) {
            ('=', _) => "=",
            ('!', true) => "!=",
            ('<', true) => "<=",
            ('<', false) => "<",
            ('>', true) => ">=",
            ('>', false) => ">",
            ('(', _) => "(",
            (')', _) => ")",
            (',', _) => ",",
            _ => return None,
        })
    }

    /// Up to the closing quote, or `None` if there is none.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            match (self.advance()?, self.escape) {
                ('\'', CoqlEscape::Double) if self.rest.peek() == Some(&'\'') => text.extend(self.advance()),
                ('\'', _) => return Some(text),
                ('\\', CoqlEscape::Backslash) => text.push(self.advance()?),
                (other, _) => text.push(other),
            }
        }
    }

    fn run(&mut self, first: char, belongs: impl Fn(char) -> bool) -> String {
        let mut text = String::from(first);
        while self.rest.peek().is_some_and(|next| belongs(*next)) {
            text.extend(self.advance());
        }
        text
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(next)
    }
}

fn syntax_error(line: usize, column: usize, near: &str) -> Reply {
    let details = json!({ "line": line, "column": column, "near": near });
    Reply::bad_request("SYNTAX_ERROR", "unexpected token", details)
}
