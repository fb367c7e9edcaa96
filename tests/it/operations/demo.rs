//! `cargo dev demo` tells the whole story of the seed, and every step holds.

use local::demo::{self, Format};
use local::stack::Options;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_the_seed_holds() {
    let options = Options { build: false, ..Options::default() };

    let (held, story) = demo::tell(options, Format::Machines).await.unwrap();

    let story: Value = serde_json::from_str(&story).unwrap();
    assert!(held && story["held"] == true, "{story:#}");
    let steps = story["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 12);
    assert!(steps.iter().all(|step| step["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty())));
}
