//! The rules that look at more than one request.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

use super::{asking, get, told, world};
use crate::zoho::{call::Call, dispatch, faults::Plan, traffic::inspect, world::World};

async fn token_request() -> Call {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "1000.LOCAL"),
        ("client_secret", "local-secret"),
        ("refresh_token", "1000.local.refresh"),
    ];
    asking("POST", "/oauth/v2/token").form(&form).call().await
}

/// Asks for a token and gets it, if the rules of the simulator allow.
fn ask(world: &mut World, call: &Call) {
    inspect(world, call, 1);
    let reply = dispatch::answer(world, call, &Plan::default());
    world.traffic.answered(call, Some(reply.status), false);
}

#[tokio::test]
async fn a_token_is_asked_for_again_only_when_the_last_one_ends_or_was_refused() {
    let (mut world, token) = (world(), token_request().await);
    let read = get("/crm/v8/Contacts?fields=id").call().await;

    ask(&mut world, &token);
    assert_eq!(told(&world, "note"), [""; 0]);
    world.traffic.answered(&read, Some(StatusCode::UNAUTHORIZED), false);
    ask(&mut world, &token);
    world.now += TimeDelta::minutes(51);
    ask(&mut world, &token);
    // Its answer got lost, and so did the next one, because whoever asked left: another is right each time.
    world.traffic.answered(&token, None, true);
    inspect(&mut world, &token, 1);
    ask(&mut world, &token);
    assert_eq!(told(&world, "note"), [""; 0]);

    ask(&mut world, &token);
    assert_eq!(told(&world, "note"), ["token-while-one-lives"]);
    assert_eq!(told(&world, "violation"), [""; 0]);
}

#[tokio::test]
async fn more_than_ten_needless_tokens_in_ten_minutes_are_too_many() {
    let (mut world, token) = (world(), token_request().await);

    ask(&mut world, &token);
    let again = |world: &mut World| {
        inspect(world, &token, 1);
        world.traffic.answered(&token, Some(StatusCode::OK), false);
    };
    (0..10).for_each(|_| again(&mut world));
    assert_eq!(told(&world, "violation"), [""; 0]);
    again(&mut world);
    assert_eq!(told(&world, "violation"), ["tokens-too-often"]);
    world.now += TimeDelta::minutes(10);
    again(&mut world);
    assert_eq!(told(&world, "violation"), ["tokens-too-often"]);
}

#[tokio::test]
async fn a_token_that_was_never_given_is_noted() {
    let mut world = world();
    let token = token_request().await;
    let given = dispatch::answer(&mut world, &token, &Plan::default());
    assert_eq!(given.status, StatusCode::OK);

    inspect(&mut world, &get("/crm/v8/Contacts?fields=id").call().await, 2);

    assert_eq!(told(&world, "note"), ["token-that-does-not-live"]);
}

#[tokio::test]
async fn notes_do_not_push_violations_out() {
    let mut world = world();
    let wrong = get("/crm/v8/Contacts").call().await;
    let odd = get("/crm/v8/Contacts?fields=id").call().await;

    inspect(&mut world, &wrong, 1);
    for number in 2..1_200 {
        inspect(&mut world, &odd, number);
    }

    assert_eq!(told(&world, "violation"), ["fields-missing"]);
    let listed = world.traffic.listed();
    assert_eq!(listed["violations"].as_array().unwrap().len(), 1_000);
    let first = &listed["violations"][0];
    assert_eq!((&first["rule"], &first["request"]), (&json!("fields-missing"), &json!(1)));
}
