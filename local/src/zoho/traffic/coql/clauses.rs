//! Cuts a query at its keywords.

use super::words::Word;

/// A query cut at its keywords.
pub(super) struct Clauses<'a> {
    pub(super) columns: Vec<&'a [Word<'a>]>,
    pub(super) module: &'a str,
    pub(super) condition: Option<&'a [Word<'a>]>,
    pub(super) order: Vec<&'a [Word<'a>]>,
    pub(super) limit: &'a [Word<'a>],
    pub(super) offset: &'a [Word<'a>],
}

impl<'a> Clauses<'a> {
    pub(super) fn of(words: &'a [Word<'a>]) -> Option<Self> {
        let (select, rest) = words.split_first()?;
        let (columns, rest) = cut(rest, "from")?;
        let (module, rest) = rest.split_first()?;
        let Word::Plain(module) = module else { return None };
        let (rest, offset) = cut(rest, "offset").unwrap_or((rest, &[]));
        let (rest, limit) = cut(rest, "limit").unwrap_or((rest, &[]));
        let (rest, order) = cut(rest, "order").unwrap_or((rest, &[]));
        let condition = match rest.split_first() {
            None => None,
            Some((word, condition)) if word.is("where") && !condition.is_empty() => Some(condition),
            Some(_) => return None,
        };
        let order = order.split_first().map_or(&[][..], |(_, columns)| columns);
        let split = |list: &'a [Word<'a>]| list.split(|word| *word == Word::Symbol(',')).collect();
        let clauses = Self { columns: split(columns), module, condition, order: split(order), limit, offset };
        select.is("select").then_some(clauses)
    }
}

/// The words before and behind a keyword.
fn cut<'a>(words: &'a [Word<'a>], keyword: &str) -> Option<(&'a [Word<'a>], &'a [Word<'a>])> {
    let at = words.iter().position(|word| word.is(keyword))?;
    Some((&words[..at], &words[at + 1..]))
}
