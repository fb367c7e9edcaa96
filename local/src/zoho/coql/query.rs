//! What a COQL query says, once it is read.

#[derive(Debug, PartialEq)]
pub(super) struct Query {
    pub(super) columns: Vec<String>,
    pub(super) module: String,
    pub(super) condition: Condition<Test>,
    pub(super) order: Vec<(String, Direction)>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

/// Zoho joins two conditions at a time; a third needs parentheses around two of them.
#[derive(Debug, PartialEq)]
pub(super) enum Condition<T> {
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
    Test { column: String, test: T },
}

#[derive(Debug, PartialEq)]
pub(super) enum Test {
    Equal(Literal),
    NotEqual(Literal),
    Less(Literal),
    LessOrEqual(Literal),
    Greater(Literal),
    GreaterOrEqual(Literal),
    Between(Literal, Literal),
    Like(String),
    NotLike(String),
    In(Vec<Literal>),
    NotIn(Vec<Literal>),
    IsNull,
    IsNotNull,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(String),
    Boolean(bool),
}

impl Literal {
    /// As it was written, without quotes.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Boolean(true) => "true",
            Self::Boolean(false) => "false",
        }
    }
}
