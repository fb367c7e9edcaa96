//! Countries of ISO 3166-1, by code or by English name.

use super::super::invalid::{FieldCode, Invalid};
use super::digits::in_ascii;

/// How people write some that the library does not know.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("uk", "gb"),
    ("uae", "ae"),
    ("ålandislands", "ax"),
    ("côtedivoire", "ci"),
    ("curaçao", "cw"),
    ("northmacedonia", "mk"),
    ("réunion", "re"),
    ("saintbarthélemy", "bl"),
    ("stateofisrael", "il"),
];

/// A country's code of two letters.
pub(super) fn country(text: &str) -> Result<String, Invalid> {
    let name: String =
        in_ascii(text).to_lowercase().replace('&', "and").chars().filter(|c| c.is_alphanumeric()).collect();
    let name = OTHER_NAMES.into_iter().find(|(other, _)| *other == name).map_or(&*name, |(_, code)| code);
    let known: Result<celes::Country, _> = name.parse();
    match known {
        Ok(country) => Ok(country.alpha2.to_owned()),
        Err(_) => Err(Invalid::new(
            FieldCode::NotACountry,
            "must be a country: its code of two letters, like US, or its English name",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_known_by_its_codes_and_its_name() {
        for (typed, code) in [
            ("US", "US"),
            ("us ", "US"),
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("United States", "US"),
            ("united states of america", "US"),
            ("The United States of America", "US"),
            ("ＵＳ", "US"),
            ("\u{202a}US\u{202c}", "US"),
            ("UK", "GB"),
            ("Great Britain", "GB"),
            ("England", "GB"),
            ("deu", "DE"),
            ("Germany", "DE"),
            ("Canada", "CA"),
            ("Mexico", "MX"),
            ("South Korea", "KR"),
            ("Viet Nam", "VN"),
            ("Côte d’Ivoire", "CI"),
            ("Türkiye", "TR"),
            ("Bosnia & Herzegovina", "BA"),
            ("Puerto Rico", "PR"),
        ] {
            assert_eq!(country(typed).as_deref(), Ok(code), "{typed}");
        }
    }

    #[test]
    fn what_is_no_country_is_refused_with_what_to_type() {
        for typed in ["Atlantis", "ZZ", "EU", "Illinois", "", "\u{200b}", "U"] {
            assert!(country(typed).is_err_and(|told| told.message.contains("like US")), "{typed}");
        }
    }

    /// Every code that is given out is one that is taken.
    #[test]
    fn all_codes_have_two_letters_and_are_known_again() {
        for known in celes::Country::get_countries() {
            assert_eq!(country(known.alpha2).as_deref(), Ok(known.alpha2));
            assert_eq!(country(known.alpha3).as_deref(), Ok(known.alpha2));
            assert!(known.alpha2.len() == 2 && known.alpha2.bytes().all(|b| b.is_ascii_uppercase()));
        }
    }
}
