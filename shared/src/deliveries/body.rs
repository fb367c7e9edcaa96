//! What endpoints are told: rendered from the present, so that a late delivery does not tell what has changed since.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;

use crate::domain::{
    Email, ExternalId, GalleryId, GalleryUrl, HostName, OrgName, PersonName, PhoneNumber, ReferralAction, ReferralId,
    Role, Sport, Title, TypedCode, UserId, WebhookEventId, WebhookEventType,
};

/// What happened, and to whom or what.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub id: WebhookEventId,
    pub kind: WebhookEventType,
    pub subject: Subject,
    pub occurred_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    User(UserId),
    Gallery(GalleryId),
    Referral(ReferralId),
    /// A user of whom no row is left.
    DeletedUser(UserId),
}

/// A subject as it is now.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Data {
    User(UserData),
    Gallery(GalleryData),
    Referral(ReferralData),
    DeletedUser(DeletedUserData),
}

/// By what others know the user whose data they delete, too.
#[derive(Clone, Debug, Serialize)]
pub struct DeletedUserData {
    pub user_id: UserId,
}

/// Somebody who signed up: what a CRM needs of her. Of her athletes nothing but their sports leaves the house.
#[derive(Clone, Debug, Serialize)]
pub struct UserData {
    pub user_id: UserId,
    pub role: Role,
    pub email: Email,
    pub first_name: Option<PersonName>,
    pub last_name: Option<PersonName>,
    pub phone_number: Option<PhoneNumber>,
    pub org_name: Option<OrgName>,
    /// Her interests and her athletes' sports, sorted.
    pub sport_interest: Vec<Sport>,
    pub referred_by_code: Option<TypedCode>,
}

#[derive(Clone, Debug, Serialize)]
pub struct GalleryData {
    pub gallery_id: GalleryId,
    pub host: HostName,
    pub external_host_id: ExternalId,
    pub title: Title,
    pub event_date: NaiveDate,
    pub public_url: Option<GalleryUrl>,
    pub organization_id: UserId,
    pub organization_name: OrgName,
    pub live_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ReferralData {
    pub referral_id: ReferralId,
    /// None: his account is gone.
    pub photographer_id: Option<UserId>,
    pub referred_user_id: Option<UserId>,
    pub action_type: ReferralAction,
    pub commission_status: String,
    pub source: String,
    pub external_ref: String,
    pub created_at: DateTime<Utc>,
}

impl Event {
    /// The body of a call: `{"type","timestamp","data"}`.
    pub fn body(&self, data: &Data) -> String {
        let timestamp = self.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({ "type": self.kind.as_str(), "timestamp": timestamp, "data": data }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use uuid::Uuid;

    #[test]
    fn of_a_deleted_user_nothing_but_the_id_is_told() {
        let user = UserId(Uuid::from_u128(1));
        let event = Event {
            id: WebhookEventId(Uuid::from_u128(2)),
            kind: WebhookEventType::UserDeleted,
            subject: Subject::DeletedUser(user),
            occurred_at: DateTime::from_timestamp_millis(1_795_356_000_123).unwrap(),
        };

        let body: Value =
            serde_json::from_str(&event.body(&Data::DeletedUser(DeletedUserData { user_id: user }))).unwrap();

        let expected =
            json!({ "type": "user.deleted", "timestamp": "2026-11-22T14:00:00.123Z", "data": { "user_id": user } });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_user_is_told_as_the_contract_says() {
        let user = UserId(Uuid::from_u128(1));
        let event = Event {
            id: WebhookEventId(Uuid::from_u128(2)),
            kind: WebhookEventType::UserCreated,
            subject: Subject::User(user),
            occurred_at: DateTime::from_timestamp_millis(1_795_356_000_123).unwrap(),
        };
        let sheree = UserData {
            user_id: user,
            role: Role::Parent,
            email: "sheree@example.com".parse().unwrap(),
            first_name: "Sheree".parse().ok(),
            last_name: "Lane".parse().ok(),
            phone_number: None,
            org_name: None,
            sport_interest: vec!["Soccer".parse().unwrap()],
            referred_by_code: "FRANK2024".parse().ok(),
        };

        let body: Value = serde_json::from_str(&event.body(&Data::User(sheree.clone()))).unwrap();

        let expected = json!({
            "type": "user.created",
            "timestamp": "2026-11-22T14:00:00.123Z",
            "data": {
                "user_id": user, "role": "parent", "email": "sheree@example.com", "first_name": "Sheree",
                "last_name": "Lane", "phone_number": null, "org_name": null, "sport_interest": ["Soccer"],
                "referred_by_code": "FRANK2024",
            },
        });
        assert_eq!(body, expected);
        assert!(!format!("{sheree:?}").contains("Sheree"), "it prints redacted");
    }
}
