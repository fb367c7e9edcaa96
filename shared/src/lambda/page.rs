//! Lists are answered a page at a time: `limit` says how many, and `cursor` where the page before ended. A page begins
//! behind a row and not at a number, so rows that come and go neither repeat others nor hide them.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::{FieldCode, Form, Invalid};

/// A list as every route answers it: the rows of a page, and the cursor of the next page, if there is one.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Items<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl<T> Items<T> {
    /// A list that has no further page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// The same page, each row as it is shown.
    pub fn map<U>(self, shown: impl Fn(T) -> U) -> Items<U> {
        Items { items: self.items.into_iter().map(shown).collect(), next: self.next }
    }
}

/// How many are shown where nobody says how many.
const USUAL: i64 = 50;
/// How many are shown at most.
const MOST: i64 = 100;

/// The page that somebody asks for. `P` is a row's place in the order of the list.
#[derive(Debug)]
pub struct Page<P> {
    limit: i64,
    /// The last row of the page before.
    pub after: Option<P>,
}

impl<P: Serialize + DeserializeOwned> Page<P> {
    /// Reads `limit` and `cursor`; what is wrong with them is noted in the form.
    pub fn read(form: &mut Form<'_>) -> Self {
        let limit = form.optional::<Limit>("limit").map_or(USUAL, |Limit(limit)| limit);
        let after = form.optional::<Cursor<P>>("cursor").map(|Cursor(place)| place);
        Self { limit, after }
    }

    /// How many rows to ask for: one more than are shown says whether there are more.
    pub fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// The page of the rows that were asked for.
    pub fn cut<T>(&self, mut rows: Vec<T>, place: impl Fn(&T) -> P) -> Items<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).and_then(|row| cursor(&place(row)));
        Items { items: rows, next }
    }
}

/// A place as the cursor that the next request begins with.
pub fn cursor(place: &impl Serialize) -> Option<String> {
    serde_json::to_vec(place).ok().map(|place| URL_SAFE_NO_PAD.encode(place))
}

struct Limit(i64);

impl FromStr for Limit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code = match text.parse() {
            Ok(limit) if (1..=MOST).contains(&limit) => return Ok(Self(limit)),
            Ok(_) => FieldCode::OutOfRange,
            Err(_) => FieldCode::NotAWholeNumber,
        };
        Err(Invalid::new(code, format!("must be a whole number from 1 to {MOST}")))
    }
}

/// A cursor that somebody sends back, and the place that it stands for.
#[derive(Debug)]
pub struct Cursor<P>(pub P);

impl<P: DeserializeOwned> FromStr for Cursor<P> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = URL_SAFE_NO_PAD.decode(text).ok().and_then(|place| serde_json::from_slice(&place).ok());
        let wrong = || Invalid::new(FieldCode::NotACursor, "must be the `next` of an earlier answer");
        place.map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::FieldError;
    use serde_json::{Value, json};

    fn read(query: &Value) -> Result<Page<i64>, Vec<FieldError>> {
        let mut form = Form::of(query).unwrap();
        let page = Page::read(&mut form);
        form.finish(Some(page))
    }

    #[test]
    fn a_page_ends_with_the_place_where_the_next_one_begins() {
        let page = read(&json!({"limit": "2"})).unwrap();

        let Items { items, next } = page.cut(vec![30, 20, 10], |row| *row);

        assert_eq!((page.rows(), items), (3, vec![30, 20]));
        assert_eq!(read(&json!({ "cursor": next })).unwrap().after, Some(20));
    }

    #[test]
    fn the_last_page_has_no_next() {
        let page = read(&json!({"limit": "2"})).unwrap();

        assert_eq!(page.cut(vec![30, 20], |row| *row), Items::whole(vec![30, 20]));
    }

    #[test]
    fn a_list_is_answered_as_items_and_next_also_where_it_is_empty() {
        let page = read(&json!({"limit": "1"})).unwrap();

        let more = page.cut(vec![30, 20], |row| *row).map(|row| json!({ "row": row }));
        let none: Items<i64> = page.cut(vec![], |row| *row);

        assert_eq!(serde_json::to_value(more).unwrap(), json!({"items": [{"row": 30}], "next": cursor(&30)}));
        assert_eq!(serde_json::to_value(none).unwrap(), json!({"items": [], "next": null}));
    }

    #[test]
    fn a_limit_and_a_cursor_that_cannot_be_are_refused_together() {
        let (out_of_range, no_number) = (FieldCode::OutOfRange, FieldCode::NotAWholeNumber);
        for (limit, code) in
            [("0", out_of_range), ("101", out_of_range), ("-1", out_of_range), ("two", no_number), ("", no_number)]
        {
            let errors = read(&json!({"limit": limit, "cursor": "bm90aGluZw"})).unwrap_err();

            let expected = [
                FieldError::new("/limit", code, "must be a whole number from 1 to 100"),
                FieldError::new("/cursor", FieldCode::NotACursor, "must be the `next` of an earlier answer"),
            ];
            assert_eq!(errors, expected, "{limit}");
        }
    }
}
