//! `GET /{module}` and `GET /{module}/{id}`: what is stored, at once, unlike `search`.

use axum::http::header;
use serde_json::{Value, json};

use super::{
    call::Call,
    clock,
    delete::not_modified,
    fields::Module,
    page::{Page, TOKEN_LIFE},
    records::{self, Record},
    reply::Reply,
    world::World,
};

const FIELDS_PER_CALL: usize = 50;
const IDS_PER_CALL: usize = 100;

pub(super) fn get(world: &World, module: Module, call: &Call) -> Result<Reply, Reply> {
    match &call.id {
        Some(id) => get_one(world, module, call, id),
        None => get_many(world, module, call),
    }
}

/// The fields that a request asks for, checked; `None` when it names none.
pub(super) fn fields<'a>(world: &World, module: Module, call: &'a Call) -> Result<Option<Vec<&'a str>>, Reply> {
    let Some(mut fields) = call.list("fields") else { return Ok(None) };
    if fields.len() > FIELDS_PER_CALL {
        let details = json!({ "param": "fields", "limit": FIELDS_PER_CALL });
        return Err(Reply::bad_request("LIMIT_EXCEEDED", "cannot process more than 50 fields", details));
    }
    // Zoho leaves out what it does not know.
    fields.retain(|field| module.kind(field, &world.options).is_some());
    Ok(Some(fields))
}

/// A record with the fields asked for, or with all.
pub(super) fn shown(world: &World, module: Module, record: &Record, fields: Option<&[&str]>) -> Value {
    let Some(fields) = fields else { return records::shown(world, module, record) };
    // The id is always there, asked for or not.
    let fields = fields.iter().copied().chain(["id"]);
    Value::Object(fields.map(|name| (name.to_owned(), records::shown_field(world, module, record, name))).collect())
}

fn get_one(world: &World, module: Module, call: &Call, id: &str) -> Result<Reply, Reply> {
    if !id.chars().all(|c| c.is_ascii_digit()) {
        let details = json!({ "resource_path_index": 1 });
        return Err(Reply::bad_request("INVALID_DATA", "the related id given seems to be invalid", details));
    }
    let fields = fields(world, module, call)?;
    Ok(match world.table(module).get(id) {
        Some(record) => Reply::ok(json!({ "data": [shown(world, module, record, fields.as_deref())] })),
        None => Reply::no_content(),
    })
}

fn get_many(world: &World, module: Module, call: &Call) -> Result<Reply, Reply> {
    let fields = fields(world, module, call)?.ok_or_else(|| Reply::missing_parameter("fields"))?;
    let since = call.header(header::IF_MODIFIED_SINCE).and_then(clock::read);
    let mut chosen = chosen(world, module, call)?;
    chosen.retain(|_| match call.parameter("approved") {
        Some("both") => true,
        Some("false") => world.settings.approval_pending,
        _ => !world.settings.approval_pending,
    });
    chosen.retain(|record| since.is_none_or(|since| record.modified > since));
    if chosen.is_empty() && since.is_some() {
        return Ok(Reply::empty(not_modified(world)));
    }
    let order = Order::of(call)?;
    order.sort(&mut chosen);
    let page = Page::by_number_or_token(call, world.now)?;
    let token = page.token_of_next(call, chosen.len(), world.now);
    let expiry = token.as_ref().map(|_| world.written(world.now + TOKEN_LIFE));
    let info = [
        ("call", json!(false)),
        ("email", json!(false)),
        ("sort_by", order.by.into()),
        ("sort_order", if order.descending { "desc".into() } else { "asc".into() }),
        ("next_page_token", json!(token)),
        ("previous_page_token", Value::Null),
        ("page_token_expiry", json!(expiry)),
    ];
    let rows = chosen.into_iter().map(|record| shown(world, module, record, Some(&fields))).collect();
    Ok(page.reply_with(rows, info.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}

fn chosen<'a>(world: &'a World, module: Module, call: &Call) -> Result<Vec<&'a Record>, Reply> {
    let table = world.table(module);
    let Some(ids) = call.list("ids") else { return Ok(table.iter().collect()) };
    if ids.len() > IDS_PER_CALL {
        let details = json!({ "param": "ids", "limit": IDS_PER_CALL });
        return Err(Reply::bad_request("LIMIT_EXCEEDED", "cannot process more than 100 ids", details));
    }
    Ok(ids.into_iter().filter_map(|id| table.get(id)).collect())
}

struct Order {
    by: &'static str,
    descending: bool,
}

impl Order {
    fn of(call: &Call) -> Result<Self, Reply> {
        let wrong = |name: &str| Reply::invalid_data(json!({ "param_name": name }));
        let by = match call.parameter("sort_by") {
            None | Some("id") => "id",
            Some("Created_Time") => "Created_Time",
            Some("Modified_Time") => "Modified_Time",
            Some(_) => return Err(wrong("sort_by")),
        };
        let descending = match call.parameter("sort_order") {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(_) => return Err(wrong("sort_order")),
        };
        Ok(Self { by, descending })
    }

    fn sort(&self, records: &mut [&Record]) {
        match self.by {
            "Created_Time" => records.sort_by_key(|record| (record.created, &record.id)),
            "Modified_Time" => records.sort_by_key(|record| (record.modified, &record.id)),
            _ => records.sort_by_key(|record| &record.id),
        }
        if self.descending {
            records.reverse();
        }
    }
}
