//! Pages of long lists: `page`, `per_page` and `page_token`.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use super::{call::Call, reply::Reply};

const ROWS_PER_PAGE: usize = 200;
/// Beyond these rows a page needs the token of the one before it.
const ROWS_BY_NUMBER: usize = 2_000;
const ROWS_BY_TOKEN: usize = 100_000;

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

    pub(super) fn reply_with(self, rows: Vec<Value>, mut info: Map<String, Value>) -> Reply {
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
        Reply::ok(json!({ "data": rows, "info": info }))
    }

    /// The page of a list that goes on by token where numbers end.
    pub(super) fn by_number_or_token(call: &Call) -> Result<Self, Reply> {
        let page = Self::of(call)?;
        let Some(given) = call.parameter("page_token") else {
            if page.offset() >= ROWS_BY_NUMBER {
                let message = "cannot fetch more than 2000 records with page; use page_token";
                return Err(Reply::bad_request("DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, json!({})));
            }
            return Ok(page);
        };
        if call.parameter("page").is_some() {
            let details = json!({ "ambiguity_due_to": [{ "param_name": "page" }, { "param_name": "page_token" }] });
            return Err(Reply::bad_request("AMBIGUITY_DURING_PROCESSING", "use either page or page_token", details));
        }
        let number = given.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).filter(|number| *number > 0);
        let page = Self { number: number.unwrap_or(1), ..page };
        if number.is_none_or(|number| token(call, number) != given) {
            let message = "the page_token does not belong to these parameters";
            return Err(Reply::bad_request(
                "TOKEN_BOUND_DATA_MISMATCH",
                message,
                json!({ "param_name": "page_token" }),
            ));
        }
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
    pub(super) fn token_of_next(self, call: &Call, rows: usize) -> Option<String> {
        (rows > self.offset().saturating_add(self.size)).then(|| token(call, self.number + 1))
    }
}

/// A token is bound to the parameters of the request that it continues.
fn token(call: &Call, page: usize) -> String {
    let mut hasher = DefaultHasher::new();
    for name in ["fields", "ids", "per_page", "sort_by", "sort_order"] {
        call.parameter(name).hash(&mut hasher);
    }
    (&call.module, page).hash(&mut hasher);
    format!("{:016x}-{page}", hasher.finish())
}
