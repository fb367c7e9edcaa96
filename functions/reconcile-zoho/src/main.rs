//! Wiring of [`reconcile_zoho`].

use reconcile_zoho::App;
use shared::lambda::{Start, StartError, schedule};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App {
        database: start.database().await?,
        zoho: start.secrets().named("ZOHO_SECRET")?,
        enabled: start.reads_crm()?,
    };
    schedule::run(app, reconcile_zoho::handle).await
}
