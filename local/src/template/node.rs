//! The template as a tree in which every node knows its line, with `CloudFormation`'s short and long intrinsic functions
//! brought to one form.

use std::iter::Peekable;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::Finding;

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    /// As written: whether `010` is a number is for the property to say.
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// `Ref`, `Condition` or `Fn::…`, with its argument.
    Call(String, Box<Node>),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn parse(source: &str) -> Result<Self, Finding> {
        let mut events = Events { parser: Parser::new_from_str(source).peekable(), line: 1 };
        loop {
            match events.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                (Event::StreamEnd | Event::DocumentEnd, line) => {
                    return Err(Finding::new(line, "the template is empty"));
                }
                (event, line) => return events.node(event, line),
            }
        }
    }

    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Null => Some(&[]),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The arguments of an intrinsic function that takes a list.
    pub(super) fn list(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }
}

struct Events<'a> {
    parser: Peekable<Parser<'a, StrInput<'a>>>,
    line: usize,
}

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), Finding> {
        let event = self.parser.next().ok_or_else(|| Finding::new(self.line, "the template ends too early"))?;
        let (event, Span { start, .. }) = event.map_err(|error: ScanError| {
            Finding::new(error.marker().line(), format!("this is not YAML: {}", error.info()))
        })?;
        self.line = start.line();
        Ok((event, self.line))
    }

    fn node(&mut self, event: Event<'a>, line: usize) -> Result<Node, Finding> {
        let (kind, tag) = match event {
            Event::Scalar(text, style, _, tag) => {
                let null = style == ScalarStyle::Plain && tag.is_none() && matches!(&*text, "" | "~" | "null");
                (if null { Kind::Null } else { Kind::Text(text.into_owned()) }, tag)
            }
            Event::SequenceStart(_, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, line) => items.push(self.node(event, line)?),
                    }
                }
                (Kind::List(items), tag)
            }
            Event::MappingStart(_, tag) => (self.mapping()?, tag),
            Event::Alias(_) => return Err(Finding::new(line, "aliases are not read: write the value out")),
            _ => return Err(Finding::new(line, "a value is expected here")),
        };
        let node = Node { line, kind };
        Ok(match tag.as_deref().and_then(intrinsic) {
            Some(name) => Node { line, kind: Kind::Call(name, Box::new(node)) },
            None => long_form(node),
        })
    }

    fn mapping(&mut self) -> Result<Kind, Finding> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, line) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Kind::Map(entries)),
                (Event::Scalar(key, ..), line) => (key.into_owned(), line),
                (_, line) => return Err(Finding::new(line, "a key has to be a plain text")),
            };
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                return Err(Finding::new(line, format!("`{key}` stands here twice, first in line {}", first.line)));
            }
            let (event, value_line) = self.next()?;
            let value = self.node(event, value_line)?;
            entries.push(Entry { key, line, value });
        }
    }
}

/// `!Sub` is `Fn::Sub`, but `!Ref` and `!Condition` have no prefix.
fn intrinsic(tag: &Tag) -> Option<String> {
    match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("!", name @ ("Ref" | "Condition")) => Some(name.to_owned()),
        ("!", name) => Some(format!("Fn::{name}")),
        _ => None,
    }
}

fn long_form(node: Node) -> Node {
    match node.kind {
        Kind::Map(mut entries) if matches!(&*entries, [one] if one.key == "Ref" || one.key.starts_with("Fn::")) => {
            let Entry { key, value, .. } = entries.remove(0);
            Node { line: node.line, kind: Kind::Call(key, Box::new(value)) }
        }
        kind => Node { line: node.line, kind },
    }
}
