//! The form of our values in the CRM, whose fields have room for less than ours: one table of lengths, and the shortening.

use super::record::Field;

/// The most characters that a field of the CRM takes: the lengths of the standard fields of Contacts and Accounts, and
/// that of a single-line custom field (Zoho CRM, Settings → Modules and Fields). An admin of the CRM can shorten a custom
/// field; then Zoho refuses the record and names the field.
pub const fn most_characters(field: Field) -> usize {
    match field {
        Field::FirstName => 40,
        Field::LastName => 80,
        Field::Phone => 50,
        Field::PostalCode => 30,
        Field::Email | Field::City | Field::State | Field::Country => 100,
        Field::OrgName => 200,
        Field::Street => 250,
        Field::Role | Field::ReferredByCode | Field::ReferralCode | Field::CertificationLevel | Field::OrgType => 255,
    }
}

/// A value as it can stand in the CRM: shortened where it is too long. An address cannot be shortened, and Zoho refuses
/// some that an identity provider has verified: `None`, such a one is left out.
pub fn crm_form(field: Field, value: &str) -> Option<String> {
    match field {
        Field::Email => (length(value) <= most_characters(field) && is_address(value)).then(|| value.to_owned()),
        _ => Some(shortened(value, most_characters(field))),
    }
}

/// In UTF-16 code units, in which a character outside the Basic Multilingual Plane counts twice: Zoho does not document
/// which characters it counts, and what fits by this count fits by every other.
fn length(value: &str) -> usize {
    value.encode_utf16().count()
}

fn shortened(value: &str, most: usize) -> String {
    if length(value) <= most {
        return value.to_owned();
    }
    let mut units = 0;
    let fits = |c: &char| {
        units += c.len_utf16();
        units <= most
    };
    let kept: String = value.chars().take_while(fits).collect();
    // A joiner joins nothing any more.
    kept.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200c}' | '\u{200d}')).to_owned()
}

/// What Zoho takes for an address, by the pattern of e-mail fields in its OpenAPI documents, and a little less: a local
/// part that begins with a letter or digit and has no quotes, brackets and separators; labels that begin and end with a
/// letter or digit; a last label of 2 to 22 letters, which leaves out names in Punycode.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((names, last)) = domain.rsplit_once('.') else { return false };
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '+' | '-' | '_');
    let goes_on = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_label = |label: &str| {
        let ends = |c: char| c.is_alphanumeric();
        label.starts_with(ends) && label.ends_with(ends) && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    local.starts_with(begins)
        && local.chars().all(goes_on)
        && names.split('.').all(is_label)
        && (2..=22).contains(&last.chars().count())
        && last.chars().all(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::record::Unit;

    #[test]
    fn what_fits_stays_and_what_does_not_is_cut_at_a_character() {
        let first_name = |value: &str| crm_form(Field::FirstName, value).unwrap();

        assert_eq!(first_name("Sheree"), "Sheree");
        assert_eq!(first_name(&"a".repeat(40)), "a".repeat(40));
        assert_eq!(first_name(&"é".repeat(41)), "é".repeat(40));
        assert_eq!(first_name(&format!("{} Lane", "a".repeat(39))), "a".repeat(39), "no blank at the end");
        assert_eq!(first_name(&format!("{}👨\u{200d}👩", "a".repeat(37))), format!("{}👨", "a".repeat(37)));
        assert_eq!(first_name(&format!("{}👨", "a".repeat(39))), "a".repeat(39), "half an emoji is none");
    }

    #[test]
    fn an_address_is_whole_or_left_out() {
        let fits = |value: &str| crm_form(Field::Email, value).as_deref() == Some(value);

        assert!(fits("o'hara+photos@mail.example.com"));
        assert!(fits(&format!("{}@example.com", "a".repeat(88))));
        for out in [
            &*format!("{}@example.com", "a".repeat(89)),
            "\"sheree lane\"@example.com",
            "sheree(lane)@example.com",
            "sheree@example..com",
            "sheree@exam_ple.com",
            ".a@own.example",
            "!a@own.example",
            "a@xn--e1afmkfd.xn--p1ai",
            "a@x-.example",
            "a@b.c",
            "i❤@x.example",
        ] {
            assert_eq!(crm_form(Field::Email, out), None, "{out}");
        }
    }

    proptest! {
        #[test]
        fn every_value_has_a_form_that_fits_and_stays_as_it_is(value in "\\PC{0,300}") {
            for field in Unit::ALL.into_iter().flat_map(Unit::fields).copied() {
                let Some(form) = crm_form(field, &value) else { continue };
                prop_assert!(form.chars().count() <= most_characters(field) && value.starts_with(&form));
                prop_assert_eq!(crm_form(field, &form), Some(form));
            }
        }
    }
}
