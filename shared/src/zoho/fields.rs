//! Zoho's API names of the fields (CRM, Settings → Developer Hub → APIs). Those that every CRM has are fixed; ours are
//! custom fields, and the secret may call them otherwise, or say that this CRM does without.

use serde::Deserialize;

use crate::domain::event::CrmModule;
use crate::domain::record::{Field, Unit};

/// The custom fields, by their API names in the secret. An empty name: this CRM has no such field, so it is neither read
/// nor written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "they are named as in the secret")]
pub(super) struct FieldNames {
    user_id_field: String,
    organization_id_field: String,
    role_field: String,
    referred_by_code_field: String,
    referral_code_field: String,
    certification_level_field: String,
    organization_type_field: String,
}

impl Default for FieldNames {
    fn default() -> Self {
        Self {
            user_id_field: "ISO_User_ID".to_owned(),
            organization_id_field: "ISO_Organization_ID".to_owned(),
            role_field: "ISO_Role".to_owned(),
            referred_by_code_field: "ISO_Referred_By_Code".to_owned(),
            referral_code_field: "ISO_Referral_Code".to_owned(),
            certification_level_field: "ISO_Certification_Level".to_owned(),
            organization_type_field: "ISO_Organization_Type".to_owned(),
        }
    }
}

impl FieldNames {
    /// # Errors
    /// A name that is none (they stand in queries), or no field for our id.
    pub(super) fn checked(&self) -> Result<(), String> {
        for (setting, name) in self.settings() {
            if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') || name.len() > 50 {
                return Err(format!("has a {setting} that is no API name of a field: letters, digits and _ alone"));
            }
        }
        if self.user_id_field.is_empty() || self.organization_id_field.is_empty() {
            return Err("needs user_id_field and organization_id_field: without our ids in the CRM, a record that \
                        is there already cannot be known again"
                .to_owned());
        }
        Ok(())
    }

    /// The unique field with our id.
    pub(super) fn key(&self, module: CrmModule) -> &str {
        match module {
            CrmModule::Contacts => &self.user_id_field,
            CrmModule::Accounts => &self.organization_id_field,
        }
    }

    /// The fields of a module's records that this CRM has, with their names.
    pub(super) fn of(&self, module: CrmModule) -> impl Iterator<Item = (Field, &str)> {
        Unit::of(module)
            .flat_map(|unit| unit.fields().iter().copied())
            .filter_map(|field| Some((field, self.name(field)?)))
    }

    /// `None`: this CRM has no such field.
    pub(super) fn name(&self, field: Field) -> Option<&str> {
        let name = match field {
            Field::FirstName => "First_Name",
            Field::LastName => "Last_Name",
            Field::Email => "Email",
            Field::Phone => "Phone",
            Field::Street => "Mailing_Street",
            Field::City => "Mailing_City",
            Field::State => "Mailing_State",
            Field::PostalCode => "Mailing_Zip",
            Field::Country => "Mailing_Country",
            Field::OrgName => "Account_Name",
            Field::Role => &self.role_field,
            Field::ReferredByCode => &self.referred_by_code_field,
            Field::ReferralCode => &self.referral_code_field,
            Field::CertificationLevel => &self.certification_level_field,
            Field::OrgType => &self.organization_type_field,
        };
        (!name.is_empty()).then_some(name)
    }

    /// Each name, by what it is called in the secret.
    pub(super) fn settings(&self) -> [(&'static str, &str); 7] {
        [
            ("user_id_field", &self.user_id_field),
            ("organization_id_field", &self.organization_id_field),
            ("role_field", &self.role_field),
            ("referred_by_code_field", &self.referred_by_code_field),
            ("referral_code_field", &self.referral_code_field),
            ("certification_level_field", &self.certification_level_field),
            ("organization_type_field", &self.organization_type_field),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(json: &str) -> FieldNames {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_field_with_an_empty_name_is_none_of_this_crm() {
        let names = names(r#"{"role_field":"","referral_code_field":"Code"}"#);

        let of_contacts: Vec<_> = names.of(CrmModule::Contacts).collect();

        assert!(of_contacts.contains(&(Field::ReferralCode, "Code")));
        assert!(!of_contacts.iter().any(|(field, _)| *field == Field::Role));
        assert_eq!(of_contacts.len(), 12);
        assert!(names.checked().is_ok());
    }

    #[test]
    fn each_module_has_its_own_fields() {
        let names = FieldNames::default();

        let of_accounts: Vec<_> = names.of(CrmModule::Accounts).collect();

        assert_eq!(of_accounts, [(Field::OrgName, "Account_Name"), (Field::OrgType, "ISO_Organization_Type")]);
    }

    #[test]
    fn a_name_that_could_be_more_than_a_name_is_refused() {
        for json in [
            r#"{"user_id_field":"id from Contacts"}"#,
            r#"{"role_field":"Röle"}"#,
            r#"{"user_id_field":""}"#,
            r#"{"organization_id_field":""}"#,
        ] {
            assert!(names(json).checked().is_err(), "{json}");
        }
    }
}
