//! Workflow A: somebody signs up, and appears in the CRM.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::stage::Stage;
use super::teller::{Evidence, Teller};

/// What the second workflow needs of the first.
#[derive(Debug)]
pub(super) struct Cast {
    pub join_code: String,
}

pub(super) async fn tell(stage: &Stage, teller: &mut Teller) -> Result<Cast> {
    teller.chapter("Workflow A: a new user, ENABLE_ZOHO_SYNC off");
    frank_registers(stage, teller).await?;
    let join_code = cathy_registers(stage, teller).await?;
    sheree_signs_up(stage, teller, &join_code).await?;

    teller.chapter("Workflow A: ENABLE_ZOHO_SYNC on");
    the_flag_is_flipped(stage, teller).await?;
    maria_signs_up(stage, teller, &join_code).await?;
    the_chatbot_asks(stage, teller).await?;
    Ok(Cast { join_code })
}

async fn frank_registers(stage: &Stage, teller: &mut Teller) -> Result<()> {
    let body = json!({
        "role": "photographer", "first_name": "Frank", "last_name": "Diaz", "business_name": "Frank Shoots LLC",
        "referral_code": "FRANK2024", "service_region": ["60601", "60602"],
    });
    stage.must("frank", "POST", "/api/users", Some(&body)).await?;
    let row = stage
        .value(
            "select referral_code || ', ' || certification_level || ', ' || paywall_tier from profiles_photographers",
        )
        .await?;
    teller.step(
        "Frank, a photographer, registers with the referral code FRANK2024.",
        vec![Evidence::new("database", format!("profiles_photographers: {row}"), row == "FRANK2024, Level 1, Free")],
    )
}

async fn cathy_registers(stage: &Stage, teller: &mut Teller) -> Result<String> {
    let body = json!({"role": "org", "first_name": "Cathy", "last_name": "Reed", "org_name": "Lincoln High", "org_type": "School"});
    let answer = stage.must("cathy", "POST", "/api/users", Some(&body)).await?;
    let join_code = answer["profile"]["join_code"].as_str().context("Cathy got no join code")?.to_owned();
    let row = stage
        .value("select org_name || ', ' || org_type || ', join code ' || join_code from profiles_organizations")
        .await?;
    let holds = row == format!("Lincoln High, School, join code {join_code}");
    teller.step(
        "Cathy registers her school and gets a join code for its parents.",
        vec![Evidence::new("database", format!("profiles_organizations: {row}"), holds)],
    )?;
    ada_verifies_the_school(stage, teller, &answer).await?;
    Ok(join_code)
}

/// Anyone can call itself a school: what it publishes reaches parents once an admin has looked.
async fn ada_verifies_the_school(stage: &Stage, teller: &mut Teller, cathy: &Value) -> Result<()> {
    let gallery =
        json!({"host": "photoday", "external_host_id": "PD-1", "title": "Fall Soccer", "event_date": "2026-10-03"});
    let (refused, problem) = stage.request("cathy", "POST", "/api/galleries", Some(&gallery)).await?;
    let verified = stage.verify(cathy).await?;
    let audit = stage
        .value("select action || ' of ' || org_name from audit join profiles_organizations on user_id = subject_id")
        .await?;
    let code = problem["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    teller.step(
        "Anyone can call itself a school, so Cathy registers no gallery before Ada, an admin, has verified hers.",
        vec![
            Evidence::new(
                "api",
                format!("POST /api/galleries before: {refused} {code}"),
                code == "organization-not-verified",
            ),
            Evidence::new(
                "api",
                format!("verified_at: {}", verified["verified_at"]),
                verified["verified_at"].is_string(),
            ),
            Evidence::new("database", format!("audit: {audit}"), audit == "verify-organization of Lincoln High"),
        ],
    )
}

async fn sheree_signs_up(stage: &Stage, teller: &mut Teller, join_code: &str) -> Result<()> {
    let body = json!({
        "role": "parent", "first_name": "Sheree", "last_name": "Lane", "phone_number": "+13125550142",
        "referred_by_code": "FRANK2024", "sport_interests": ["Soccer"], "join_codes": [join_code],
        "athletes": [{"first_name": "Jordan", "last_name": "Lane", "dob": "2009-05-14", "sport_primary": "Soccer"}],
    });
    stage.must("sheree", "POST", "/api/users", Some(&body)).await?;
    let ledger = stage
        .value(
            "select photographer.first_name || ' is owed for ' || users.email || ': ' || action_type || ', ' || commission_status
             from referral_ledger join users on users.id = referred_user_id
             join profiles_photographers as photographer on photographer.user_id = photographer_id",
        )
        .await?;
    let roster = stage
        .value(
            "select athlete.first_name || ' is on the roster of ' || org_name
             from roster_entries join athletes as athlete on athlete.id = athlete_id
             join profiles_organizations as org on org.user_id = organization_id",
        )
        .await?;
    let waiting = stage.value("select count(*) || ' tasks wait' from tasks where kind = 'sync-zoho'").await?;
    let zoho = stage.zoho().await?;
    let calls: u64 = zoho["calls"].as_object().into_iter().flatten().filter_map(|(_, calls)| calls.as_u64()).sum();
    let contacts = zoho["contacts"].as_array().map_or(0, Vec::len);
    teller.step(
        "Sheree signs up with Frank's referral code and Cathy's join code, and brings Jordan, 17, who plays soccer. \
         The flag is off: her data is safe here, and Zoho hears nothing.",
        vec![
            Evidence::new(
                "database",
                format!("referral_ledger: {ledger}"),
                ledger == "Frank is owed for sheree@example.com: Sign_Up, Pending",
            ),
            Evidence::new(
                "database",
                format!("roster_entries: {roster}"),
                roster == "Jordan is on the roster of Lincoln High",
            ),
            Evidence::new(
                "database",
                format!("tasks: {waiting}, for Frank, Cathy and Sheree"),
                waiting == "3 tasks wait",
            ),
            Evidence::new("zoho", format!("{contacts} Contacts, {calls} calls"), contacts == 0 && calls == 0),
        ],
    )
}

async fn the_flag_is_flipped(stage: &Stage, teller: &mut Teller) -> Result<()> {
    stage.flip("ENABLE_ZOHO_SYNC", true).await?;
    let swept = stage.sweep().await?;
    let messages = swept["sent"]["sync-zoho"].as_u64().unwrap_or_default();
    let linked = stage.value_becomes("select count(*)::text from users where zoho_contact_id is not null", "3").await?;
    let ours = stage.value("select zoho_contact_id from users where email = 'sheree@example.com'").await?;
    let left = stage.value("select count(*)::text from tasks").await?;
    let zoho = stage.zoho().await?;
    let contact = contact(&zoho, "sheree@example.com");
    let tags = tags(&contact);
    teller.step(
        "An operator turns ENABLE_ZOHO_SYNC on. The next sweep finds the work that has waited.",
        vec![
            Evidence::new("queue", format!("sync-zoho: {messages} message for 3 people"), messages == 1),
            Evidence::new(
                "zoho",
                format!("Contact {} of Sheree, tagged {tags}", contact["id"]),
                tags.ends_with("Soccer"),
            ),
            Evidence::new(
                "database",
                format!("users.zoho_contact_id of Sheree: {ours}"),
                contact["id"] == ours.as_str(),
            ),
            Evidence::new(
                "database",
                format!("{linked} users linked, {left} tasks left"),
                linked == "3" && left == "0",
            ),
        ],
    )
}

async fn maria_signs_up(stage: &Stage, teller: &mut Teller, join_code: &str) -> Result<()> {
    let body = json!({
        "role": "parent", "first_name": "Maria", "last_name": "Gomez", "join_codes": [join_code],
        "athletes": [
            {"first_name": "Sam", "last_name": "Gomez", "sport_primary": "Swimming"},
            {"first_name": "Lucia", "last_name": "Gomez", "sport_primary": "Soccer"},
        ],
    });
    stage.must("maria", "POST", "/api/users", Some(&body)).await?;
    let linked = "select (zoho_contact_id is not null)::text from users where email = 'maria@example.com'";
    let linked = stage.value_becomes(linked, "true").await?;
    let zoho = stage.zoho().await?;
    let contact = contact(&zoho, "maria@example.com");
    let tags = tags(&contact);
    let contacts = zoho["contacts"].as_array().map_or(0, Vec::len);
    teller.step(
        "Maria signs up while the flag is on, with two athletes: nobody has to wait for the sweep.",
        vec![
            Evidence::new(
                "zoho",
                format!("Contact {} of Maria, tagged {tags}", contact["id"]),
                tags == "Soccer, Swimming",
            ),
            Evidence::new("zoho", format!("{contacts} Contacts for 4 people"), contacts == 4 && linked == "true"),
        ],
    )
}

async fn the_chatbot_asks(stage: &Stage, teller: &mut Teller) -> Result<()> {
    let answer = stage.must("sheree", "GET", "/api/user/context", None).await?;
    let summary = answer["summary"].as_str().unwrap_or_default().to_owned();
    let holds = summary == "Sheree, Parent of Jordan, Soccer Player";
    teller.step(
        "The chatbot on the website asks: who is logged in?",
        vec![Evidence::new("api", format!("GET /api/user/context: “{summary}”"), holds)],
    )
}

fn contact(zoho: &Value, email: &str) -> Value {
    let contacts = zoho["contacts"].as_array().into_iter().flatten();
    contacts.into_iter().find(|contact| contact["Email"] == email).cloned().unwrap_or_default()
}

fn tags(contact: &Value) -> String {
    let tags = contact["Tag"].as_array().into_iter().flatten();
    let mut names: Vec<&str> = tags.filter_map(|tag| tag["name"].as_str().or_else(|| tag.as_str())).collect();
    names.sort_unstable();
    names.join(", ")
}
