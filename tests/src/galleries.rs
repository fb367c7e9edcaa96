//! Schools and their galleries, as most stories begin.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::people::cathy;
use crate::system::{System, eventually};

/// Cathy's school.
#[derive(Debug, Clone)]
pub struct School {
    pub id: Uuid,
    pub join_code: String,
}

impl System {
    /// Registers Cathy, who has no galleries yet.
    pub async fn school(&self) -> School {
        self.school_of("cathy").await
    }

    /// Registers another like her. An admin has verified it.
    pub async fn school_of(&self, sub: &str) -> School {
        let school = self.unverified_school_of(sub).await;
        self.verify(school.id).await;
        school
    }

    /// What an admin does who has looked at an organisation, without one.
    pub async fn verify(&self, organization: Uuid) {
        self.rows("update profiles_organizations set verified_at = now() where user_id = $1", &[&organization]).await;
    }

    /// Registers a school that no admin has looked at.
    pub async fn unverified_school_of(&self, sub: &str) -> School {
        let registered = self.register(sub, &cathy()).await;
        let join_code = registered.body["profile"]["join_code"].as_str().expect("an organisation has a join code");
        School { id: registered.id("/user/id"), join_code: join_code.to_owned() }
    }

    /// A job of an organisation, which this photographer has claimed.
    pub async fn assignment(&self, organization: Uuid, photographer: Option<Uuid>) -> Uuid {
        let sql = "insert into assignments
                 (id, organization_id, assigned_photographer_id, job_status, payout_rate, title, location_zip, starts_at)
             values (new_uuid_v7(), $1, $2, case when $2::uuid is null then 'Open' else 'Assigned' end::job_status, 250,
                 'Picture day', '60601', now() + interval '7 days')
             returning id";
        self.value(sql, &[&organization, &photographer]).await
    }

    /// Cathy's gallery at `PhotoDay`.
    pub async fn gallery(&self, external_host_id: &str) -> Uuid {
        let answer = self.post("/api/galleries", "cathy", &fall_soccer(external_host_id)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.id("/id")
    }

    pub async fn gallery_status(&self, external_host_id: &str) -> String {
        self.value("select status::text from galleries where external_host_id = $1", &[&external_host_id]).await
    }

    /// Waits until the parents of every gallery that went live have been looked for.
    pub async fn fanned_out(&self) {
        eventually("the parents have been looked for", || async {
            (self.count("tasks where kind = 'fan-out-gallery'").await == 0).then_some(())
        })
        .await;
    }
}

/// A gallery as an organisation registers it.
pub fn fall_soccer(external_host_id: &str) -> Value {
    json!({"host": "photoday", "external_host_id": external_host_id, "title": "Fall Soccer", "event_date": "2026-10-03"})
}
