//! Invoked by a deployment: applies the migrations, gives the functions' roles the passwords of their secrets,
//! and makes an admin where one is asked for.

use serde::{Deserialize, Serialize};
use shared::Error;
use shared::db::{self, Connection, Database, DatabaseSettings, Login, Logins};
use shared::domain::{Email, Invalid, Role, Subject, UserId};
use shared::ids;
use shared::lambda::sqs::TimeLeft;
use shared::lambda::{Start, StartError, schedule};
use shared::secrets::Secret;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    pub settings: DatabaseSettings,
    /// The owner of the database.
    pub owner: Logins,
    /// The roles that functions log in with. Read by each invocation: it is what an operator invokes after rotating a password.
    pub roles: Vec<Secret>,
}

/// `{}`, or `{"admin":{"sub":"…","email":"…"}}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    admin: Option<NewAdmin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAdmin {
    sub: String,
    email: String,
}

impl std::fmt::Debug for NewAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewAdmin(redacted)")
    }
}

/// What was done.
#[derive(Debug, Serialize)]
pub struct Done {
    /// The migrations that had not been applied before.
    applied: Vec<String>,
    /// The roles that got a new password.
    passwords_set: Vec<String>,
    /// The admin's id, where one was asked for; the same for the same `sub` and address.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<UserId>,
}

/// Prepares the function in Init, then serves events until the environment ends.
pub async fn start(start: Start) -> Result<(), StartError> {
    let secrets = start.secrets();
    let app = App {
        settings: DatabaseSettings::read(&start.environment)?,
        owner: Logins::of_secret(secrets.named("DATABASE_SECRET")?),
        roles: vec![secrets.named("API_DATABASE_SECRET")?, secrets.named("WORKER_DATABASE_SECRET")?],
    };
    schedule::run(app, handle).await
}

/// Doing it again changes nothing.
pub async fn handle(app: &App, event: Event, _: TimeLeft) -> Result<Done, Error> {
    let mut connection = Database::new(&app.settings, app.owner.clone()).connection().await?;
    let applied = db::migrations::apply(&mut connection).await?;
    let mut passwords_set = Vec::new();
    for role in &app.roles {
        let login: Login = role.json().await.map_err(|error| Error::unavailable("the secret of a role", error))?;
        if set_password(&connection, &app.settings, &login).await? {
            passwords_set.push(login.username);
        }
    }
    let admin = match event.admin {
        Some(admin) => Some(make_admin(&mut connection, &admin).await?),
        None => None,
    };
    Ok(Done { applied, passwords_set, admin })
}

/// Sets the role's password unless it is the right one already: a role belongs to the whole cluster, and two
/// deployments that alter it at once would run into each other.
async fn set_password(owner: &Connection, settings: &DatabaseSettings, login: &Login) -> Result<bool, Error> {
    if can_log_in(settings, login).await {
        return Ok(false);
    }
    db::roles::set_password(owner, &login.username, &login.password).await?;
    Ok(true)
}

async fn can_log_in(settings: &DatabaseSettings, login: &Login) -> bool {
    match Database::new(settings, Logins::fixed(login.clone())).connection().await {
        Ok(connection) => db::roles::answers(&connection).await,
        Err(_) => false,
    }
}

async fn make_admin(connection: &mut Connection, admin: &NewAdmin) -> Result<UserId, Error> {
    let invalid = |field: &str, problem: Invalid| Error::Malformed { detail: format!("admin.{field} {problem}") };
    let subject: Subject = admin.sub.parse().map_err(|problem| invalid("sub", problem))?;
    let email: Email = admin.email.parse().map_err(|problem| invalid("email", problem))?;
    let tx = connection.transaction().await?;
    let made = db::users::insert(&tx, UserId(ids::new()), &email, &subject, Role::Admin).await?;
    let known = match made {
        Some(user) => Some(user),
        None => db::users::by_subject(&tx, &subject).await?,
    };
    tx.commit().await?;
    match known {
        Some(user) if user.role == Role::Admin => Ok(user.id),
        Some(_) => Err(Error::Conflict { code: "role-is-fixed", detail: "This identity is a user with another role." }),
        None => Err(db::users::email_taken()),
    }
}
