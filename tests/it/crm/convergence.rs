//! Sales in Zoho and users with us say what they like, everything in between fails as it likes: when it is quiet again,
//! both sides agree, and nothing that anybody said was lost.

use local::services::{Seeds, seeds};
use tests::convergence::{Story, tell_all};

#[tokio::test(flavor = "multi_thread")]
async fn when_all_is_quiet_both_sides_agree_and_no_word_was_lost() {
    let seeds = Seeds::from_environment().expect("which stories to tell");

    let bad = tell_all(seeds.list()).await;

    let seeds: Vec<u64> = bad.iter().map(|telling| telling.seed).collect();
    assert!(bad.is_empty(), "{} stories did not end well: {seeds:?}", bad.len());
}

#[test]
fn a_seed_is_always_the_same_story() {
    for seed in 1..50 {
        assert_eq!(format!("{:?}", Story::of(seed)), format!("{:?}", Story::of(seed)));
    }
}

#[test]
fn a_seed_alone_runs_this_module() {
    assert_eq!(module_path!(), format!("it::{}", seeds::MODULE), "`cargo dev test --seed` finds no test");
}
