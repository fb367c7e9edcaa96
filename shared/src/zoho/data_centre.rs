//! Where the customer's Zoho account lives. A token of one data centre is refused by all others.

use serde::Deserialize;

/// Hosts: Zoho Accounts, "Multi DC support", and Zoho Campaigns, "Data centers".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DataCentre {
    #[default]
    Us,
    Eu,
    In,
    Au,
    Jp,
    Ca,
    Sa,
    Cn,
    Uk,
    Ae,
}

/// The hosts of one data centre.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hosts {
    pub accounts: &'static str,
    pub crm: &'static str,
    /// `None`: Zoho does not publish where it is.
    pub campaigns: Option<&'static str>,
}

impl DataCentre {
    const ALL: [Self; 10] =
        [Self::Us, Self::Eu, Self::In, Self::Au, Self::Jp, Self::Ca, Self::Sa, Self::Cn, Self::Uk, Self::Ae];

    pub(super) const fn hosts(self) -> Hosts {
        let (accounts, crm, campaigns) = match self {
            Self::Us => ("https://accounts.zoho.com", "https://www.zohoapis.com", Some("https://campaigns.zoho.com")),
            Self::Eu => ("https://accounts.zoho.eu", "https://www.zohoapis.eu", Some("https://campaigns.zoho.eu")),
            Self::In => ("https://accounts.zoho.in", "https://www.zohoapis.in", Some("https://campaigns.zoho.in")),
            Self::Au => {
                ("https://accounts.zoho.com.au", "https://www.zohoapis.com.au", Some("https://campaigns.zoho.com.au"))
            }
            Self::Jp => ("https://accounts.zoho.jp", "https://www.zohoapis.jp", Some("https://campaigns.zoho.jp")),
            Self::Ca => {
                ("https://accounts.zohocloud.ca", "https://www.zohoapis.ca", Some("https://campaigns.zohocloud.ca"))
            }
            Self::Sa => ("https://accounts.zoho.sa", "https://www.zohoapis.sa", Some("https://campaigns.zoho.sa")),
            Self::Cn => {
                ("https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn", Some("https://campaigns.zoho.com.cn"))
            }
            Self::Uk => ("https://accounts.zoho.uk", "https://www.zohoapis.uk", None),
            Self::Ae => ("https://accounts.zoho.ae", "https://www.zohoapis.ae", None),
        };
        Hosts { accounts, crm, campaigns }
    }

    /// As it stands in the secret.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::In => "in",
            Self::Au => "au",
            Self::Jp => "jp",
            Self::Ca => "ca",
            Self::Sa => "sa",
            Self::Cn => "cn",
            Self::Uk => "uk",
            Self::Ae => "ae",
        }
    }

    /// The one whose CRM answers at this address; `None` for a sandbox's, or one that we have not heard of.
    pub(super) fn of_api_domain(api_domain: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.hosts().crm == api_domain.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_domain_tells_its_data_centre_and_a_sandbox_none() {
        assert_eq!(DataCentre::of_api_domain("https://www.zohoapis.eu/"), Some(DataCentre::Eu));
        assert_eq!(DataCentre::of_api_domain("https://sandbox.zohoapis.com"), None);
    }

    #[test]
    fn the_secret_names_each_as_we_do() {
        for one in DataCentre::ALL {
            let read: DataCentre = serde_json::from_value(one.as_str().into()).unwrap();
            assert_eq!(read, one);
        }
    }
}
