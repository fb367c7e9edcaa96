//! Wiring of [`replay_tasks`].

use replay_tasks::App;
use shared::lambda::{Start, StartError, http};
use shared::tasks::Kind;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let start = Start::new().await;
    let app = App { database: start.database().await?, queues: start.queues(&Kind::ALL)? };
    http::run(app, replay_tasks::handle).await
}
