//! How to reach Zoho: the secret `isoxp/<stage>/zoho`.

use serde::Deserialize;

/// ```json
/// {"data_centre":"us","client_id":"1000.…","client_secret":"…","refresh_token":"1000.…",
///  "campaigns":{"gallery_live_template_id":"…","from_address":"hello@isophotoxp.com","from_name":"ISO Photo XP"}}
/// ```
/// `base_url` stands for all of the data centre's hosts: a sandbox behind a recording proxy, or a simulator.
#[derive(Clone, Deserialize)]
pub struct ZohoSettings {
    #[serde(default)]
    data_centre: DataCentre,
    base_url: Option<url::Url>,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) refresh_token: String,
    /// Only alerts need it: contacts are synced without.
    pub(super) campaigns: Option<CampaignsSettings>,
    /// The unique custom field of Contacts that holds our user's id.
    #[serde(default = "user_id_field")]
    pub(super) user_id_field: String,
}

impl std::fmt::Debug for ZohoSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ZohoSettings({:?})", self.data_centre)
    }
}

/// What the e-mail "Your Photos are Ready" is made of; marketing edits the template in Zoho.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct CampaignsSettings {
    pub(super) gallery_live_template_id: String,
    pub(super) from_address: String,
    pub(super) from_name: String,
}

/// Where the customer's Zoho account lives. A token of one is refused by all others.
/// Hosts: Zoho Accounts, "Multi DC support", and Zoho Campaigns, "Data centers".
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DataCentre {
    #[default]
    Us,
    Eu,
    In,
    Au,
    Jp,
    Ca,
    Sa,
    Cn,
}

impl DataCentre {
    /// Accounts, CRM, Campaigns.
    fn hosts(self) -> [&'static str; 3] {
        match self {
            Self::Us => ["https://accounts.zoho.com", "https://www.zohoapis.com", "https://campaigns.zoho.com"],
            Self::Eu => ["https://accounts.zoho.eu", "https://www.zohoapis.eu", "https://campaigns.zoho.eu"],
            Self::In => ["https://accounts.zoho.in", "https://www.zohoapis.in", "https://campaigns.zoho.in"],
            Self::Au => {
                ["https://accounts.zoho.com.au", "https://www.zohoapis.com.au", "https://campaigns.zoho.com.au"]
            }
            Self::Jp => ["https://accounts.zoho.jp", "https://www.zohoapis.jp", "https://campaigns.zoho.jp"],
            Self::Ca => ["https://accounts.zohocloud.ca", "https://www.zohoapis.ca", "https://campaigns.zohocloud.ca"],
            Self::Sa => ["https://accounts.zoho.sa", "https://www.zohoapis.sa", "https://campaigns.zoho.sa"],
            Self::Cn => {
                ["https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn", "https://campaigns.zoho.com.cn"]
            }
        }
    }
}

impl ZohoSettings {
    pub(super) fn accounts(&self) -> String {
        self.based(0, None)
    }

    /// The token says where the CRM is; a base URL says it for everything.
    pub(super) fn crm(&self, api_domain: Option<&str>) -> String {
        self.based(1, api_domain)
    }

    pub(super) fn campaigns(&self) -> String {
        self.based(2, None)
    }

    fn based(&self, host: usize, told: Option<&str>) -> String {
        match &self.base_url {
            Some(base) => base.as_str().trim_end_matches('/').to_owned(),
            None => told.unwrap_or(self.data_centre.hosts()[host]).to_owned(),
        }
    }
}

fn user_id_field() -> String {
    "ISO_User_ID".to_owned()
}
