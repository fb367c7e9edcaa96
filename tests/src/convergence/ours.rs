//! What users do with us.

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::athletes::Athlete;
use super::ending::User;
use super::model::Person;
use super::patch;
use super::stage::Stage;
use super::story::Step;
use super::unit::{Role, Unit};
use super::words;
use crate::api::sent;

/// By the calendar of the school year, which is in UTC for us.
pub(super) fn today() -> NaiveDate {
    crate::webhook::now().date_naive()
}

impl Stage<'_> {
    pub(super) async fn ours(&mut self, step: &Step) {
        match step {
            Step::SignUp { member, email, body, athletes } => self.sign_up(*member, email, body, athletes).await,
            Step::Edit { member, unit, value } => {
                let id = self.model.people[member].id;
                let before = User::of(self.system, id).await;
                self.patch(*member, &patch::of(*unit, value.as_deref())).await;
                let after = User::of(self.system, id).await;
                let version = |user: &Option<User>| user.as_ref().map(|user| user.version.clone());
                let stood_there = before.as_ref().is_some_and(|user| unit.same(user.value(*unit), value.as_deref()));
                // What stands there already is no word of hers: sales' is on its way, and is the only one.
                if !stood_there {
                    self.model.said(*member, *unit, value.clone());
                } else if version(&before) != version(&after) {
                    self.model.may_have_said(*member, *unit, value.clone());
                }
            }
            Step::Sports { member, sports } => {
                self.patch(*member, &json!({ "sport_interests": sports })).await;
                if let Some(person) = self.model.people.get_mut(member) {
                    person.sports = sports.iter().map(|sport| (*sport).to_owned()).collect();
                }
            }
            Step::Promote { member, level } => self.promote(*member, level).await,
            Step::Move { member, email } => self.has_address(*member, email).await,
            Step::Swap { members: [one, other], by } => {
                let [of_one, of_other] = [one, other].map(|member| self.model.people[member].email());
                self.has_address(*one, by).await;
                self.has_address(*other, &of_one).await;
                self.has_address(*one, &of_other).await;
            }
            Step::Erase { member } => self.erase(*member).await,
            _ => {}
        }
    }

    async fn sign_up(&mut self, member: usize, email: &str, body: &Value, athletes: &[Athlete]) {
        let cast = &self.story.cast[member];
        let mut body = body.clone();
        if !athletes.is_empty() {
            let today = today();
            body["athletes"] = athletes.iter().map(|athlete| athlete.registered(today)).collect();
        }
        let answer = self.registered(&cast.sub, email, &body).await;
        let sports = body["sport_interests"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let person = Person {
            id: answer,
            role: cast.role,
            sub: cast.sub.clone(),
            body: body.clone(),
            edits: Vec::new(),
            sports: sports.map(str::to_owned).collect(),
            erased: false,
            disowned: std::collections::BTreeSet::default(),
        };
        self.model.people.insert(member, person);
        self.model.said(member, Unit::Email, Some(email.to_owned()));
        self.model.said(member, Unit::Role, Some(cast.role.as_str().to_owned()));
        for unit in cast.role.units().iter().copied() {
            if let Some(value) = words::said_in(unit, &body) {
                self.model.said(member, unit, Some(value));
            }
        }
        if cast.role == Role::Photographer {
            self.model.said(member, Unit::CertificationLevel, Some("Level 1".to_owned()));
        }
    }

    /// Registers, or says who she is once more: an address that has changed is taken over.
    async fn registered(&self, sub: &str, email: &str, body: &Value) -> Uuid {
        let claims = json!({ "sub": sub, "email": email, "email_verified": true });
        let token = self.system.token_with(&claims).await;
        let answer = sent(self.system.request("POST", "/api/users").bearer_auth(token).json(body)).await;
        assert!(answer.status < 300, "{sub} cannot register: {}", answer.body);
        answer.id("/user/id")
    }

    async fn has_address(&mut self, member: usize, email: &str) {
        let person = &self.model.people[&member];
        self.registered(&person.sub, email, &person.body).await;
        self.model.said(member, Unit::Email, Some(email.to_owned()));
    }

    async fn patch(&self, member: usize, patch: &Value) {
        let person = &self.model.people[&member];
        let answer = self.by(person, "PATCH", "/api/user/profile", patch).await;
        assert_eq!(answer.status, 200, "{patch}: {}", answer.body);
    }

    /// Nobody can do this but an admin; there is no route for it yet.
    async fn promote(&mut self, member: usize, level: &str) {
        let id = self.model.people[&member].id;
        let statement = "with changed as (
                 update profiles_photographers set certification_level = $2::text::certification_level
                 where user_id = $1 returning user_id
             )
             insert into tasks (kind, key, not_before, dispatch_at)
             select 'sync-zoho', user_id, now(), now() from changed
             on conflict (kind, key) do update set
                 revision = tasks.revision + 1, not_before = now(), dispatch_at = now(), attempts = 0, crashes = 0,
                 failed_at = null, failure = null";
        self.system.rows(statement, &[&id, &level]).await;
        self.model.said(member, Unit::CertificationLevel, Some(level.to_owned()));
    }

    async fn erase(&mut self, member: usize) {
        let person = &self.model.people[&member];
        let answer = self.by(person, "DELETE", "/api/user", &Value::Null).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        self.model.people.get_mut(&member).expect("she was there").erased = true;
    }

    async fn by(&self, person: &Person, method: &str, path: &str, body: &Value) -> crate::Answer {
        let claims = json!({ "sub": person.sub, "email": person.email(), "email_verified": true });
        let token = self.system.token_with(&claims).await;
        let request = self.system.request(method, path).bearer_auth(token);
        sent(if body.is_null() { request } else { request.json(body) }).await
    }
}
