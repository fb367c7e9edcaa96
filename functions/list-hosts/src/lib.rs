//! `GET /api/hosts`: a user reads at which hosts a gallery can be, and how its photos get published there.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Request, Response};
use shared::Error;
use shared::db::{self, Database};
use shared::domain::hosts::GalleryHosts;
use shared::lambda::page::Items;
use shared::lambda::{Start, StartError, http, identity};

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub database: Database,
    pub hosts: GalleryHosts,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let hosts = start.environment.parsed("GALLERY_HOSTS")?;
    http::run(&start, App { database: start.database(&[db::users::HOT]).await?, hosts }, handle).await
}

/// 200 with all hosts, in the order of the setting.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, Error> {
    let caller = identity::caller(&request)?;
    let connection = app.database.connection().await?;
    db::users::caller(&connection, &caller).await?;

    http::reply(StatusCode::OK, &Items::whole(app.hosts.all().iter().collect()))
}
