//! `DELETE /api/admin/organizations/{id}/verification`: nothing of an organisation reaches parents any more, from this moment
//! on: alerts that are not sent yet are held.

use lambda_http::{Body, Request, Response};
use serde_json::json;
use shared::Error;
use shared::db::{self, Database, verification};
use shared::domain::UserId;
use shared::domain::access::Caller;
use shared::lambda::{Start, StartError, http, identity};

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let hot = [db::users::HOT, verification::HOT_WITHDRAW, db::audit::HOT];
    http::run(&start, start.database(&hot).await?, handle).await
}

/// 204, also for one that is not verified.
pub async fn handle(database: &Database, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let id = http::path::<UserId>(&request, "id");

    db::once_more(|| withdraw(database, &caller, id)).await?;

    Ok(http::done())
}

async fn withdraw(database: &Database, caller: &Caller, id: Option<UserId>) -> Result<(), Error> {
    let mut connection = database.connection().await?;
    let tx = connection.transaction().await?;
    let admin = db::users::caller(&tx, caller).await?;
    let id = id.ok_or_else(db::organizations::unknown)?;
    let was_verified = verification::withdraw(&tx, id).await?;
    if !was_verified && !db::organizations::exists(&tx, id).await? {
        return Err(db::organizations::unknown());
    }
    db::audit::record(&tx, caller, &admin, Some(id.0), &json!({ "was_verified": was_verified })).await?;
    tx.commit().await?;
    tracing::info!(admin = %admin.id, organization = %id, "an organisation is not verified any more");
    Ok(())
}
