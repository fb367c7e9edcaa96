//! What has changed in the CRM since a time: records that were edited, by COQL, and records that were deleted.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::error::ZohoError;
use super::http::Answer;
use super::query::{name, rows};
use super::records::Crm;
use super::request::Request;
use super::values::{text, time};
use crate::domain::event::{CrmModule, CrmRecord};

/// How many rows a page has: COQL's 200, of which newer documents say 2000, and as many of deletions.
const PAGE: usize = 200;

/// Where in a module's changes a page begins. Zoho writes times in whole seconds and may know them better, so a time
/// and an id tell no place among the changes of one second: such a second is read again from its beginning, and one
/// that is longer than a page is read by ids alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// With this second.
    From(DateTime<Utc>),
    /// Within this second, behind this id.
    Within(DateTime<Utc>, u64),
}

/// A record that was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub record: CrmRecord,
    /// Our id on it, as it stands there: it may be anything that somebody typed.
    pub our_id: Option<String>,
    pub modified_at: DateTime<Utc>,
}

/// A record that was deleted, or merged into another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    pub id: u64,
    pub deleted_at: DateTime<Utc>,
}

/// Part of a longer list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Whether another page follows.
    pub more: bool,
}

impl Crm<'_> {
    /// A page of a module's records by the time of their last edit.
    pub async fn edited(&self, module: CrmModule, place: Place) -> Result<Page<Edited>, ZohoError> {
        let key = self.zoho.settings.fields.key(module);
        let select = format!("select id, Modified_Time, {key} from {} where {}", name(module), place.clauses());
        let request = Request::post("/coql", json!({ "select_query": select }));
        let answer = self.zoho.crm(self.connection, &request).await?;
        page(&answer, |row| {
            Some(Edited {
                record: CrmRecord { module, id: number(row)? },
                our_id: text(&row[key]),
                modified_at: time(&row["Modified_Time"])?,
            })
        })
    }

    /// A page, counted from 1, of what was deleted in a module after that time, in no order.
    pub async fn deleted(
        &self,
        module: CrmModule,
        after: DateTime<Utc>,
        number_of_page: u32,
    ) -> Result<Page<Deleted>, ZohoError> {
        let request = Request::get(format!("/{}/deleted", name(module)))
            .query("type", "all")
            .query("per_page", PAGE.to_string())
            .query("page", number_of_page.to_string())
            .at("if-modified-since", Some(after));
        let answer = self.zoho.crm(self.connection, &request).await?;
        // Documented as 304, seen as 204.
        if answer.status.as_u16() == 304 {
            return Ok(Page { rows: Vec::new(), more: false });
        }
        page(&answer, |row| Some(Deleted { id: number(row)?, deleted_at: time(&row["deleted_time"])? }))
    }
}

impl Place {
    /// Where to read on behind a page; `None`: that was all.
    #[must_use]
    pub fn after(self, page: &Page<Edited>) -> Option<Self> {
        let last = page.rows.last();
        match (self, last) {
            (Self::From(_), _) if !page.more => None,
            (Self::From(second), Some(last)) if last.modified_at > second => Some(Self::From(last.modified_at)),
            (Self::From(second), _) => Some(Self::Within(second, 0)),
            (Self::Within(second, _), Some(last)) if page.more => Some(Self::Within(second, last.record.id)),
            (Self::Within(second, _), _) => Some(Self::From(second + SECOND)),
        }
    }

    /// What was edited before this second lies behind us.
    pub fn second(self) -> DateTime<Utc> {
        match self {
            Self::From(second) | Self::Within(second, _) => second,
        }
    }

    fn clauses(self) -> String {
        match self {
            Self::From(second) => {
                format!("Modified_Time >= '{}' order by Modified_Time asc, id asc limit {PAGE}", written(second))
            }
            // COQL takes two conditions at a time.
            Self::Within(second, id) => format!(
                "((Modified_Time >= '{}' and Modified_Time < '{}') and id > '{id}') order by id asc limit {PAGE}",
                written(second),
                written(second + SECOND)
            ),
        }
    }
}

const SECOND: TimeDelta = TimeDelta::seconds(1);

/// As Zoho takes times: whole seconds and a numeric offset, never `Z`.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// A row that cannot be read must not be passed over: somebody's change would be lost.
fn page<T>(answer: &Answer, read: impl Fn(&Value) -> Option<T>) -> Result<Page<T>, ZohoError> {
    let rows = rows(answer)?;
    let more = answer.body["info"]["more_records"].as_bool().unwrap_or(rows.len() >= PAGE) && !rows.is_empty();
    let rows: Option<Vec<T>> = rows.iter().map(read).collect();
    rows.map(|rows| Page { rows, more }).ok_or(ZohoError::Broken { status: answer.status.as_u16() })
}

fn number(row: &Value) -> Option<u64> {
    text(&row["id"])?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + second, 0).unwrap()
    }

    /// A page of edits, each a second and an id.
    fn edits(rows: &[(i64, u64)], more: bool) -> Page<Edited> {
        let rows = rows.iter().map(|(second, id)| Edited {
            record: CrmRecord { module: CrmModule::Contacts, id: *id },
            our_id: None,
            modified_at: at(*second),
        });
        Page { rows: rows.collect(), more }
    }

    #[test]
    fn a_page_goes_on_with_the_second_in_which_the_last_one_ended() {
        assert_eq!(Place::From(at(0)).after(&edits(&[(0, 1), (7, 2)], true)), Some(Place::From(at(7))));
        assert_eq!(Place::From(at(0)).after(&edits(&[(0, 1), (7, 2)], false)), None);
        assert_eq!(Place::From(at(0)).after(&edits(&[], false)), None);
    }

    #[test]
    fn a_second_longer_than_a_page_is_read_by_ids_to_its_end() {
        let start = Place::From(at(7));

        let within = start.after(&edits(&[(7, 5), (7, 9)], true)).unwrap();
        let further = within.after(&edits(&[(7, 5), (7, 6)], true)).unwrap();

        assert_eq!(within, Place::Within(at(7), 0));
        assert_eq!(further, Place::Within(at(7), 6));
        assert_eq!(further.after(&edits(&[(7, 9)], false)), Some(Place::From(at(8))));
        assert_eq!(further.after(&edits(&[], false)), Some(Place::From(at(8))));
    }

    #[test]
    fn no_order_of_seconds_and_ids_loses_an_edit() {
        // Three rows a page; ids and times run against each other, and a second is two pages long.
        let all: Vec<(i64, u64)> =
            vec![(0, 9), (0, 3), (1, 8), (1, 2), (1, 7), (1, 1), (1, 6), (1, 5), (3, 4), (3, 10), (4, 11)];
        let answer = |place: Place| {
            let mut found: Vec<(i64, u64)> = all.clone();
            match place {
                Place::From(from) => found.retain(|(second, _)| at(*second) >= from),
                Place::Within(second, id) => {
                    found.retain(|(other, one)| at(*other) == second && *one > id);
                    found.sort_by_key(|(_, id)| *id);
                }
            }
            let more = found.len() > 3;
            found.truncate(3);
            edits(&found, more)
        };

        let mut seen = std::collections::BTreeSet::new();
        let mut next = Some(Place::From(at(0)));
        let mut pages = 0;
        while let Some(place) = next {
            let page = answer(place);
            seen.extend(page.rows.iter().map(|row| row.record.id));
            next = place.after(&page);
            pages += 1;
            assert!(pages < 20, "it goes on and on");
        }

        assert_eq!(seen, (1..=11).collect());
    }

    #[test]
    fn times_are_written_as_zoho_takes_them() {
        let from = Place::From("2026-11-22T14:00:00Z".parse().unwrap());
        let within = Place::Within("2026-11-22T14:00:59Z".parse().unwrap(), 7);

        assert_eq!(
            from.clauses(),
            "Modified_Time >= '2026-11-22T14:00:00+00:00' order by Modified_Time asc, id asc limit 200"
        );
        assert_eq!(
            within.clauses(),
            "((Modified_Time >= '2026-11-22T14:00:59+00:00' and Modified_Time < '2026-11-22T14:01:00+00:00') and id > '7') \
             order by id asc limit 200"
        );
    }

    #[test]
    fn a_row_that_cannot_be_read_is_no_empty_page() {
        let body = json!({ "data": [{ "id": "1", "Modified_Time": null }] });
        let answer = Answer { status: reqwest::StatusCode::OK, body };

        let read = page(&answer, |row| time(&row["Modified_Time"]));

        assert!(matches!(read, Err(ZohoError::Broken { .. })));
    }
}
