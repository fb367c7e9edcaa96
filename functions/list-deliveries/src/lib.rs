//! `GET /api/admin/deliveries`: an admin reads what our endpoints were told, and what they said to it.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::operations::{self, Delivery, DeliveryFilter, DeliveryPlace};
use shared::db::{self, Database};
use shared::domain::{FieldError, Form};
use shared::lambda::page::Page;
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    http::run(&start, start.database(&[db::users::HOT, operations::HOT_DELIVERIES]).await?, handle).await
}

/// 200 with a page of deliveries, the newest first.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;

    let connection = database.connection().await?;
    db::users::caller(&connection, &caller).await?;
    let (wanted, page) = read(&request).map_err(Error::Invalid)?;
    let found = operations::deliveries(&connection, &wanted, page.after.as_ref(), page.rows()).await?;

    http::reply(StatusCode::OK, &page.cut(found, Delivery::place))
}

fn read(request: &Request) -> Result<(DeliveryFilter, Page<DeliveryPlace>), Vec<FieldError>> {
    let query = http::query(request);
    let mut form = Form::of(&query).map_err(|error| vec![error])?;
    let wanted = DeliveryFilter {
        endpoint: form.optional("endpoint"),
        status: form.optional("status"),
        r#type: form.optional("type"),
    };
    let page = Page::read(&mut form);
    form.finish(Some((wanted, page)))
}
