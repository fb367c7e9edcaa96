//! The story of the seed, told by a running system: two workflows, every step with evidence that is read back from
//! the database, the queue or Zoho. A step that does not hold ends the telling and makes the command fail.

mod alerts;
mod registration;
mod stage;
mod teller;

use anyhow::{Result, anyhow};

use crate::stack::{Options, Stack};
pub use stage::Stage;
pub(crate) use stage::now;
pub use teller::{Format, Teller};

/// Tells the whole story on a stack of its own. Returns whether every step held, and the story as text.
pub async fn tell(options: Options, format: Format) -> Result<(bool, String)> {
    // Schedules stand still, so that the sweep comes when the story says so and not a minute later.
    let options = Options { schedules: false, ..options };
    let stage = Stage::new(Box::pin(Stack::start(options)).await?).await?;
    let mut teller = Teller::new(format);
    let told = tokio::select! {
        told = story(&stage, &mut teller) => told,
        what = stage.stack().ended() => Err(anyhow!(what)),
    };
    let left = stage.leave().await;
    match told {
        Err(error) if !error.is::<teller::DidNotHold>() => Err(error),
        _ => left.map(|()| teller.end()),
    }
}

async fn story(stage: &Stage, teller: &mut Teller) -> Result<()> {
    let cast = registration::tell(stage, teller).await?;
    alerts::tell(stage, teller, &cast).await
}
