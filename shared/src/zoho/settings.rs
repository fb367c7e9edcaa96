//! How to reach Zoho: the secret `isoxp/<stage>/zoho`.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::data_centre::DataCentre;
use super::error::ZohoError;
use super::fields::FieldNames;
use super::refusal;

/// ```json
/// {"data_centre":"us","client_id":"1000.…","client_secret":"…","refresh_token":"1000.…",
///  "campaigns":{"gallery_live_template_id":"…","from_address":"hello@isophotoxp.com","from_name":"ISO Photo XP"}}
/// ```
/// `base_url` stands for all of the data centre's hosts: a sandbox behind a recording proxy, or a simulator.
#[derive(Clone, Deserialize)]
pub struct ZohoSettings {
    data_centre: Option<DataCentre>,
    base_url: Option<url::Url>,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) refresh_token: String,
    /// Only alerts need it: contacts are synced without it, and whatever is wrong with it.
    pub(super) campaigns: Option<serde_json::Value>,
    #[serde(flatten)]
    pub(super) fields: FieldNames,
}

impl std::fmt::Debug for ZohoSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ZohoSettings({:?})", self.data_centre())
    }
}

/// What the e-mail "Your Photos are Ready" is made of; marketing edits the template in Zoho.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct CampaignsSettings {
    pub(super) gallery_live_template_id: String,
    pub(super) from_address: String,
    pub(super) from_name: String,
}

impl ZohoSettings {
    /// The SHA-256 of what we show Zoho to be let in, and where: other credentials give other tokens.
    pub(super) fn credentials(&self) -> [u8; 32] {
        let place = self.based(self.data_centre().as_str());
        sha256([&*place, &self.client_id, &self.client_secret, &self.refresh_token])
    }

    /// The same with what the CRM's fields are called: whoever was refused for any of it may try again once it differs.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let credentials = self.credentials();
        let fields = self.fields.settings().map(|(_, name)| name.as_bytes());
        sha256([&credentials[..]].into_iter().chain(fields))
    }

    pub(super) fn data_centre(&self) -> DataCentre {
        self.data_centre.unwrap_or_default()
    }

    pub(super) fn accounts(&self) -> String {
        self.based(self.data_centre().hosts().accounts)
    }

    /// The token says where the CRM is; a base URL says it for everything.
    pub(super) fn crm(&self, api_domain: Option<&str>) -> String {
        self.based(api_domain.unwrap_or(self.data_centre().hosts().crm))
    }

    /// `None`: Zoho does not publish where Campaigns is in this data centre.
    pub(super) fn campaigns(&self) -> Option<String> {
        let host = self.data_centre().hosts().campaigns;
        if self.base_url.is_some() { Some(self.based("")) } else { host.map(str::to_owned) }
    }

    /// Refuses a token whose CRM is in another data centre than the one that the secret names. Behind a base URL only a
    /// data centre that is named counts.
    pub(super) fn check_api_domain(&self, api_domain: Option<&str>) -> Result<(), ZohoError> {
        let told = api_domain.and_then(DataCentre::of_api_domain);
        let ours = if self.base_url.is_some() { self.data_centre } else { Some(self.data_centre()) };
        match (ours, told) {
            (Some(ours), Some(told)) if ours != told => Err(refusal::data_centre(ours, told)),
            _ => Ok(()),
        }
    }

    fn based(&self, host: &str) -> String {
        match &self.base_url {
            Some(base) => base.as_str().trim_end_matches('/').to_owned(),
            None => host.to_owned(),
        }
    }
}

/// Of parts, each after its length, so that no two lists of them are the same text.
fn sha256<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> ZohoSettings {
        let json = format!(r#"{{"client_id":"1000.A","client_secret":"s","refresh_token":"1000.r"{more}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn other_credentials_have_another_fingerprint_and_other_fields_do_not() {
        let plain = settings("").credentials();

        assert_eq!(settings(r#","data_centre":"us","role_field":"Role""#).credentials(), plain);
        assert_ne!(settings(r#","data_centre":"eu""#).credentials(), plain);
        assert_ne!(settings(r#","base_url":"http://localhost:1""#).credentials(), plain);
    }

    #[test]
    fn a_fingerprint_tells_what_fields_are_called_and_whose_credentials_they_are() {
        let plain = settings("").fingerprint();

        assert_eq!(settings(r#","data_centre":"us","role_field":"ISO_Role""#).fingerprint(), plain);
        for other in [
            r#","role_field":"Role""#,
            r#","role_field":"","data_centre":"us""#,
            r#","role_field":"ISO_Referral_Code","referral_code_field":"ISO_Role""#,
            r#","data_centre":"eu""#,
        ] {
            assert_ne!(settings(other).fingerprint(), plain, "{other}");
        }
    }

    #[test]
    fn what_is_wrong_with_the_part_for_alerts_stops_nobody_elses_sync() {
        for wrong in ["7", "[]", "{}", r#"{"gallery_live_template_id":1}"#] {
            assert!(settings(&format!(r#","campaigns":{wrong}"#)).campaigns.is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_token_of_another_data_centre_is_refused() {
        let (eu, sandbox) = (Some("https://www.zohoapis.eu"), Some("https://sandbox.zohoapis.com"));
        let behind = r#","base_url":"http://localhost:1""#;

        assert!(settings("").check_api_domain(eu).is_err());
        assert!(settings(r#","data_centre":"eu""#).check_api_domain(eu).is_ok());
        assert!(settings("").check_api_domain(sandbox).is_ok());
        assert!(settings("").check_api_domain(None).is_ok());
        assert!(settings(behind).check_api_domain(eu).is_ok());
        assert!(settings(&format!(r#"{behind},"data_centre":"us""#)).check_api_domain(eu).is_err());
    }

    #[test]
    fn where_campaigns_is_in_the_youngest_data_centres_nobody_says() {
        assert_eq!(settings(r#","data_centre":"uk""#).campaigns(), None);
        assert_eq!(settings(r#","data_centre":"uk""#).accounts(), "https://accounts.zoho.uk");
        assert!(settings(r#","data_centre":"ae","base_url":"http://localhost:1""#).campaigns().is_some());
    }
}
