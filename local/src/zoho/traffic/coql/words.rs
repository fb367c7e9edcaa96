//! Cuts a COQL query into words. Apart from the simulator's own reading on purpose: that one answers as Zoho does, this
//! one tells how a literal was quoted, and reads also what the simulator refuses.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// A keyword, a name or a number.
    Plain(&'a str),
    /// What stands between single quotes, as it was written.
    Text(&'a str),
    Symbol(char),
}

impl Word<'_> {
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Plain(text) if text.eq_ignore_ascii_case(keyword))
    }
}

/// The words of a query, or `None` if a quote is never closed.
pub(super) fn words(query: &str) -> Option<Vec<Word<'_>>> {
    let mut words = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => {
                let length = quoted(&rest[1..])?;
                words.push(Word::Text(&rest[1..=length]));
                length + 2
            }
            _ if is_plain(first) => {
                let length = rest.find(|c| !is_plain(c)).unwrap_or(rest.len());
                words.push(Word::Plain(&rest[..length]));
                length
            }
            _ => {
                words.push(Word::Symbol(first));
                first.len_utf8()
            }
        };
        rest = rest[length..].trim_start();
    }
    Some(words)
}

/// Bytes up to the closing quote. A quote is escaped by a second one, as Zoho says, or by a backslash, as some do.
fn quoted(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'\\', Some(_)) | (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return Some(at),
            _ => at += 1,
        }
    }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_.$-+:".contains(c)
}
