//! Pages of long lists: `page`, `per_page` and `page_token`.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{call::Call, reply::Reply};

const ROWS_PER_PAGE: usize = 200;
/// Beyond these rows a page needs the token of the one before it.
const ROWS_BY_NUMBER: usize = 2_000;
const ROWS_BY_TOKEN: usize = 100_000;
/// For how long a page's token is good.
pub(super) const TOKEN_LIFE: TimeDelta = TimeDelta::hours(24);

/// A cut of a long list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    /// `page` and `per_page` of a request.
    pub(super) fn of(call: &Call) -> Result<Self, Reply> {
        let number = |name: &str, default: usize, maximum: usize| match call.parameter(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|n| (1..=maximum).contains(n))
                .ok_or_else(|| Reply::invalid_data(json!({ "param_name": name, "maximum_length": maximum }))),
        };
        Ok(Self { number: number("page", 1, usize::MAX)?, size: number("per_page", ROWS_PER_PAGE, ROWS_PER_PAGE)? })
    }

    /// Rows before this page.
    pub(super) fn offset(self) -> usize {
        (self.number - 1).saturating_mul(self.size)
    }

    /// This page of the rows, or 204.
    pub(super) fn reply(self, rows: Vec<Value>) -> Reply {
        self.reply_with(rows, Map::new())
    }

    pub(super) fn reply_with(self, rows: Vec<Value>, info: Map<String, Value>) -> Reply {
        self.reply_as("data", rows, info)
    }

    /// The same under another name than `data`.
    pub(super) fn reply_as(self, key: &str, rows: Vec<Value>, mut info: Map<String, Value>) -> Reply {
        let more = rows.len() > self.offset().saturating_add(self.size);
        let rows: Vec<Value> = rows.into_iter().skip(self.offset()).take(self.size).collect();
        if rows.is_empty() {
            return Reply::no_content();
        }
        let own = [
            ("per_page", json!(self.size)),
            ("count", rows.len().into()),
            ("page", self.number.into()),
            ("more_records", more.into()),
        ];
        info.extend(own.map(|(key, value)| (key.to_owned(), value)));
        Reply::ok(json!({ key: rows, "info": info }))
    }

    /// This page, unless it lies beyond so many rows.
    pub(super) fn within(self, rows: usize) -> Result<Self, Reply> {
        if self.offset() < rows {
            return Ok(self);
        }
        let message = format!("cannot fetch more than {rows} records with page; use page_token");
        Err(Reply::bad_request("DISCRETE_PAGINATION_LIMIT_EXCEEDED", &message, json!({})))
    }

    /// The page of a list that goes on by token where numbers end.
    pub(super) fn by_number_or_token(call: &Call, now: DateTime<Utc>) -> Result<Self, Reply> {
        let page = Self::of(call)?;
        let Some(given) = call.parameter("page_token") else {
            return page.within(ROWS_BY_NUMBER);
        };
        if call.parameter("page").is_some() {
            let details = json!({ "ambiguity_due_to": [{ "param_name": "page" }, { "param_name": "page_token" }] });
            return Err(Reply::bad_request("AMBIGUITY_DURING_PROCESSING", "use either page or page_token", details));
        }
        let wrong =
            |code: &str, message: &str| Err(Reply::bad_request(code, message, json!({ "param_name": "page_token" })));
        let Some((number, given_at)) = read_token(call, given) else {
            return wrong("TOKEN_BOUND_DATA_MISMATCH", "the page_token does not belong to these parameters");
        };
        if now.timestamp() - given_at > TOKEN_LIFE.num_seconds() {
            return wrong("EXPIRED_VALUE", "the page_token has expired");
        }
        let page = Self { number, ..page };
        if page.offset() >= ROWS_BY_TOKEN {
            return Err(Reply::bad_request(
                "PAGINATION_LIMIT_EXCEEDED",
                "cannot fetch more than 100000 records",
                json!({}),
            ));
        }
        Ok(page)
    }

    /// The token of the page behind this one, if there are so many rows that there is one.
    pub(super) fn token_of_next(self, call: &Call, rows: usize, now: DateTime<Utc>) -> Option<String> {
        (rows > self.offset().saturating_add(self.size)).then(|| token(call, self.number + 1, now.timestamp()))
    }
}

/// A token is bound to the parameters of the request that it continues, and says when it was given.
fn token(call: &Call, page: usize, given_at: i64) -> String {
    let mut hasher = DefaultHasher::new();
    for name in ["fields", "ids", "per_page", "sort_by", "sort_order"] {
        call.parameter(name).hash(&mut hasher);
    }
    (&call.module, page, given_at).hash(&mut hasher);
    format!("{:016x}-{page}-{given_at}", hasher.finish())
}

/// The page that a token stands for and when it was given, if it belongs to this request.
fn read_token(call: &Call, text: &str) -> Option<(usize, i64)> {
    let mut parts = text.split('-').skip(1);
    let page = parts.next()?.parse().ok().filter(|page| *page > 0)?;
    let given_at = parts.next()?.parse().ok()?;
    (token(call, page, given_at) == text).then_some((page, given_at))
}
