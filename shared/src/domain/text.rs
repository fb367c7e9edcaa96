//! Checked text. `FromStr` is the only door, from HTTP and from the database alike; what says something
//! about a person prints redacted, so that no log line can carry it by accident.

mod country;
mod digits;
mod link;
mod phone;
mod plain;
#[cfg(test)]
mod properties;
mod typed;

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Months, NaiveDate};
use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use super::invalid::{FieldCode, Invalid};
use digits::in_ascii;
use plain::{plain, shows_something};
pub use typed::{Rule, Typed};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $check:path;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $check(text).map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )+

        /// Each type here that accepts a text: its name, what is stored, and what the type makes of that.
        #[cfg(test)]
        fn accepted(text: &str) -> Vec<(&'static str, String, Result<String, Invalid>)> {
            let accepted = [$(
                text.parse::<$name>().ok().map(|value| (stringify!($name), value.0.clone(), value.0.parse().map(|$name(again)| again))),
            )+];
            accepted.into_iter().flatten().collect()
        }

        /// Each type here that refuses a text: its name, and what it says of it.
        #[cfg(test)]
        fn refused(text: &str) -> Vec<(&'static str, Invalid)> {
            let refused = [$(text.parse::<$name>().err().map(|problem| (stringify!($name), problem)),)+];
            refused.into_iter().flatten().collect()
        }
    };
}

texts! {
    /// A first or a last name: 1 to 80 characters, plain: bidirectional controls and what cannot be seen are dropped.
    PersonName, name;
    /// An e-mail address, at most 254 characters (RFC 5321), kept as given; the database compares it
    /// without regard to case.
    Email, email;
    /// A phone number in E.164 form (`+13125550142`), however it was typed. That it can exist is asked of a [`Typed`] one.
    PhoneNumber, phone::phone_number;
    /// The identity provider's `sub`, at most 255 characters (OpenID Connect Core, section 2), without U+0000, which
    /// PostgreSQL cannot store.
    Subject, subject;
    /// The name of a school, league, club or business: 1 to 120 characters.
    OrgName, long_name;
    /// A US employer identification number (`36-1234567`).
    TaxId, tax_id;
    /// A sport as people write it, first letter upper case: 1 to 60 characters. Its tag in the CRM comes from a closed
    /// list, whose limit is not the user's concern.
    Sport, sport;
    /// Five digits; the four of a ZIP+4 are dropped.
    ZipCode, zip_code;
    /// An absolute http(s) address, at most 500 characters.
    WebUrl, web_url;
    /// Where a gallery is: an absolute http(s) address, at most 2,000 characters, as hosts sign their links.
    GalleryUrl, gallery_url;
    /// A link that a profile shows: an https address of at most 500 characters, or a handle.
    Link, link::link;
    /// A country's code of two letters (ISO 3166-1 alpha-2), typed as that, as its code of three, or as its name.
    Country, country::country;
    /// A gallery host's or a source's name (`photoday`): 1 to 40 lower-case letters, digits and hyphens.
    HostName, host_name;
    /// A host's own id of a gallery: 1 to 120 characters.
    ExternalId, long_name;
    /// Zoho CRM's id of a record: 1 to 19 digits, the first of which is no zero.
    CrmId, crm_id;
    /// A sender's own id of an event: 1 to 255 characters.
    EventId, event_id;
    /// A gallery's title: 1 to 120 characters.
    Title, long_name;
    /// A line of an address: 1 to 120 characters.
    Line, long_name;
    /// A code as the user typed it, right or wrong: at most 60 visible characters are kept and none is refused, since a
    /// wrong code never stops a sign-up. Empty where nothing was to be seen.
    TypedCode, typed_code;
}

const SPORT_LENGTH: usize = 60;

impl PhoneNumber {
    /// A number that is written as within North America, without its country code or with a 1 for it.
    pub fn north_american(text: &str) -> Option<Self> {
        phone::north_american(text).map(Self)
    }
}

/// A day of birth, printed redacted. Whether it is an athlete's depends on today: see [`DateOfBirth::is_athletes`].
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DateOfBirth(NaiveDate);

impl DateOfBirth {
    /// Whether an athlete born on this day is from 1 to 25 years old. Older days may stand in the database.
    pub fn is_athletes(self, today: NaiveDate) -> bool {
        let years_ago = |years: u32| today.checked_sub_months(Months::new(12 * years));
        years_ago(25) <= Some(self.0) && Some(self.0) <= years_ago(1)
    }

    pub fn date(self) -> NaiveDate {
        self.0
    }
}

/// The database holds only days that came in through `FromStr`.
impl From<NaiveDate> for DateOfBirth {
    fn from(day: NaiveDate) -> Self {
        Self(day)
    }
}

impl FromStr for DateOfBirth {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        day(text).map(Self).ok_or_else(|| Invalid::new(FieldCode::NotADate, "must be a day like 2009-05-14"))
    }
}

/// The day of a game or a picture day, after 1900. How far it may be from today: see [`EventDate::is_near`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventDate(NaiveDate);

impl EventDate {
    /// Whether it lies within five years of today.
    pub fn is_near(self, today: NaiveDate) -> bool {
        let five_years = Months::new(12 * 5);
        today.checked_sub_months(five_years) <= Some(self.0) && Some(self.0) <= today.checked_add_months(five_years)
    }

    pub fn date(self) -> NaiveDate {
        self.0
    }
}

impl FromStr for EventDate {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        day(text).map(Self).ok_or_else(|| Invalid::new(FieldCode::NotADate, "must be a day like 2026-10-03"))
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    // The length, because chrono also takes "2009-5-14", which the next reader may not.
    let text = in_ascii(text);
    NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().filter(|day| text.len() == 10 && day.year() > 1900)
}

impl fmt::Debug for DateOfBirth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DateOfBirth(redacted)")
    }
}

/// One line that a person typed, plain; control characters are refused, since they have no place in a name. A line that
/// shows nothing is kept as it is: some were stored once, and [`Typed`] refuses a new one.
fn line(text: &str, longest: usize) -> Result<String, Invalid> {
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(Invalid::new(FieldCode::ControlCharacters, "must not contain control characters"));
    }
    let plain = plain(text);
    let line = if shows_something(&plain) { plain } else { text.split_whitespace().collect::<Vec<_>>().join(" ") };
    match line.chars().count() {
        0 => Err(Invalid::new(FieldCode::Empty, "must not be empty")),
        n if n > longest => Err(too_long(longest)),
        _ => Ok(line),
    }
}

/// Whether a text has nothing but white space and what cannot be seen.
pub fn is_blank(text: &str) -> bool {
    plain(text).is_empty()
}

/// As much of a text as fits a line of at most `most` characters, plain. What is cut off ends with whole characters as a
/// reader sees them, and with `…`.
pub fn shortened(text: &str, most: usize) -> String {
    let line = plain(text);
    if line.chars().count() <= most {
        return line;
    }
    let mut letters = 1;
    let fits = |cluster: &&str| {
        letters += cluster.chars().count();
        letters <= most
    };
    let kept: String = line.graphemes(true).take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

fn too_long(longest: usize) -> Invalid {
    Invalid::new(FieldCode::TooLong, format!("must have at most {longest} characters"))
}

fn name(text: &str) -> Result<String, Invalid> {
    line(text, 80)
}

fn long_name(text: &str) -> Result<String, Invalid> {
    line(text, 120)
}

#[expect(clippy::unnecessary_wraps, reason = "every check has this shape")]
fn typed_code(text: &str) -> Result<String, Invalid> {
    let kept: String = plain(text).chars().take(60).collect();
    // Again, because a joiner or a blank may be the last character now.
    Ok(plain(&kept))
}

fn host_name(text: &str) -> Result<String, Invalid> {
    let name = text.trim().to_ascii_lowercase();
    let fits =
        name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') && !name.starts_with('-');
    if fits && (1..=40).contains(&name.len()) {
        Ok(name)
    } else {
        Err(Invalid::new(FieldCode::WrongFormat, "must have 1 to 40 lower-case letters, digits or hyphens"))
    }
}

fn event_id(text: &str) -> Result<String, Invalid> {
    let fits = (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(Invalid::new(FieldCode::WrongFormat, "must have 1 to 255 characters")) }
}

fn crm_id(text: &str) -> Result<String, Invalid> {
    let fits = (1..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let message = "must be an id of Zoho CRM: up to 19 digits";
    if fits { Ok(text.to_owned()) } else { Err(Invalid::new(FieldCode::NotAnId, message)) }
}

fn subject(text: &str) -> Result<String, Invalid> {
    let fits = (1..=255).contains(&text.len()) && !text.contains('\0');
    let message = "must have 1 to 255 characters and no U+0000";
    if fits { Ok(text.to_owned()) } else { Err(Invalid::new(FieldCode::WrongFormat, message)) }
}

fn email(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) || !is_address(text) {
        return Err(Invalid::new(FieldCode::NotAnEmail, "must be an e-mail address"));
    }
    let visible = plain(text).replace(' ', "");
    Ok(if is_address(&visible) { visible } else { text.to_owned() })
}

/// Whether it can receive mail only a message can tell; the identity provider has sent one.
fn is_address(text: &str) -> bool {
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && domain.contains('.')
                && !domain.contains('@')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        })
}

fn tax_id(text: &str) -> Result<String, Invalid> {
    let digits: String = in_ascii(text).chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    if digits.len() == 9 && digits.bytes().all(|b| b.is_ascii_digit()) {
        Ok(format!("{}-{}", &digits[..2], &digits[2..]))
    } else {
        Err(Invalid::new(FieldCode::NotATaxId, "must be an employer identification number, like 36-1234567"))
    }
}

fn sport(text: &str) -> Result<String, Invalid> {
    let one_line = line(text, SPORT_LENGTH)?;
    if one_line.contains([',', ';']) {
        return Err(Invalid::new(FieldCode::SeveralValues, "must be one sport; give several as a list"));
    }
    let sport = capitalised(&one_line);
    // Again, because a ligature is one letter in lower case and several in upper case.
    if sport.chars().count() > SPORT_LENGTH { Err(too_long(SPORT_LENGTH)) } else { Ok(sport) }
}

/// The first letter in title case: a ligature becomes one capital letter and small ones (`ﬁ`: `Fi`).
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase).enumerate();
    let first = first.flat_map(|(index, letter)| match index {
        0 => vec![letter],
        _ => letter.to_lowercase().collect(),
    });
    first.chain(letters).collect()
}

fn zip_code(text: &str) -> Result<String, Invalid> {
    let text = in_ascii(text);
    let (code, more) = text.split_at_checked(5).unwrap_or_default();
    let more = more.trim_start_matches(['-', ' ']);
    let is_number = code.bytes().chain(more.bytes()).all(|b| b.is_ascii_digit());
    if code.len() == 5 && is_number && matches!(more.len(), 0 | 4) {
        Ok(code.to_owned())
    } else {
        Err(Invalid::new(FieldCode::NotAZipCode, "must be a ZIP code of five digits, like 60601 or 02134"))
    }
}

fn web_url(text: &str) -> Result<String, Invalid> {
    web_address(text, 500)
}

fn gallery_url(text: &str) -> Result<String, Invalid> {
    web_address(text, 2000)
}

fn web_address(text: &str, longest: usize) -> Result<String, Invalid> {
    // An invisible character would become a part of the address: `%E2%80%8B`.
    let url =
        url::Url::parse(&plain(text)).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let code = match url {
        Some(url) if url.as_str().len() <= longest => return Ok(url.into()),
        Some(_) => FieldCode::TooLong,
        None => FieldCode::NotAUrl,
    };
    let message = format!("must be a web address that starts with https://, of at most {longest} characters");
    Err(Invalid::new(code, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_about_a_person_prints_redacted() {
        let email: Email = "sheree@example.com".parse().unwrap();

        assert_eq!(format!("{email:?}"), "Email(redacted)");
    }

    #[test]
    fn a_phone_number_loses_its_decoration_and_needs_its_country() {
        assert_eq!("+1 (312) 555-0142".parse::<PhoneNumber>().unwrap().as_str(), "+13125550142");
        assert!("312 555 0142".parse::<PhoneNumber>().is_err());
        assert!("+0312555014".parse::<PhoneNumber>().is_err());
    }

    #[test]
    fn a_day_of_birth_lies_one_to_twenty_five_years_back_and_an_event_within_five_years() {
        let today: NaiveDate = "2026-11-30".parse().unwrap();
        let athletes = |day: &str| day.parse::<DateOfBirth>().unwrap().is_athletes(today);
        let near = |day: &str| day.parse::<EventDate>().unwrap().is_near(today);

        assert_eq!(["2001-11-29", "2001-11-30", "2025-11-30", "2025-12-01"].map(athletes), [false, true, true, false]);
        assert_eq!(["1931-05-14", "2009-05-14", "2009‑05‑14", "2999-01-01"].map(athletes), [false, true, true, false]);
        assert_eq!(["2021-11-29", "2021-11-30", "2031-11-30", "2031-12-01"].map(near), [false, true, true, false]);
        let leap_day = "2028-02-29".parse().unwrap();
        assert!("2027-02-28".parse::<DateOfBirth>().unwrap().is_athletes(leap_day));
    }

    #[test]
    fn a_zip_code_and_a_tax_id_are_understood_as_they_are_pasted() {
        let zip_code = |text: &str| text.parse::<ZipCode>().map(|code| code.as_str().to_owned());
        let tax_id = |text: &str| text.parse::<TaxId>().map(|id| id.as_str().to_owned());

        for text in [
            "60601",
            " 60601\u{a0}",
            "60601-1234",
            "60601–1234",
            "60601 1234",
            "606011234",
            "６０６０１",
            "٦٠٦٠١",
            "\u{200b}60601",
        ] {
            assert_eq!(zip_code(text).as_deref(), Ok("60601"), "{text}");
        }
        for text in ["1001", "60601-123", "6060l", "606.01", "60601-1234-5", "SW1A 1AA", "", "6060 1"] {
            assert!(zip_code(text).is_err_and(|told| told.message.ends_with("like 60601 or 02134")), "{text}");
        }
        for text in [
            "36-1234567",
            "361234567",
            "36–1234567",
            "36‑1234567",
            "３６－１２３４５６７",
            "36\u{a0}1234567",
            "\u{202a}36-1234567\u{202c}",
        ] {
            assert_eq!(tax_id(text).as_deref(), Ok("36-1234567"), "{text}");
        }
        for text in ["36-123456", "36-12345678", "36.1234567", "EIN 36-1234567"] {
            assert!(tax_id(text).is_err_and(|told| told.message.ends_with("like 36-1234567")), "{text}");
        }
    }

    #[test]
    fn a_sport_is_one_capitalised_line() {
        assert_eq!(" field  hockey ".parse::<Sport>().unwrap().as_str(), "Field hockey");
        assert!("Soccer, Swimming".parse::<Sport>().is_err());
        assert!("x".repeat(60).parse::<Sport>().is_ok() && "x".repeat(61).parse::<Sport>().is_err());
    }

    #[test]
    fn a_sport_that_begins_with_a_ligature_is_counted_as_it_is_stored() {
        let sport = |text: &str| text.parse::<Sport>().map(|sport| sport.as_str().to_owned());

        assert_eq!(sport("ﬁgure skating and dancing").as_deref(), Ok("Figure skating and dancing"));
        assert_eq!(sport("ǆudo").as_deref(), Ok("Ǆudo"));
        assert!(sport(&format!("ﬁ{}", "x".repeat(59))).is_err(), "60 characters as typed, 61 as stored");
    }

    #[test]
    fn an_address_without_a_domain_is_no_email() {
        for bad in ["sheree", "@example.com", "sheree@", "sheree@example", "she ree@example.com", "a@b@c.com"] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_link_to_a_gallery_may_be_longer_than_others() {
        let link = |length: usize| format!("https://photos.example/{}", "x".repeat(length - 23));

        assert_eq!(link(2000).parse::<GalleryUrl>().unwrap().as_str(), link(2000));
        assert!(link(2001).parse::<GalleryUrl>().unwrap_err().message.ends_with("of at most 2000 characters"));
        assert!(link(500).parse::<WebUrl>().is_ok() && link(501).parse::<WebUrl>().is_err());
        for wrong in ["ftp://photos.example/", "javascript:alert(1)", "photos.example", "https://", "//photos.example"]
        {
            assert!(wrong.parse::<GalleryUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_keeps_no_control_characters() {
        assert!("Sheree\u{7}".parse::<PersonName>().is_err());
        assert_eq!("Mary\n Ann".parse::<PersonName>().unwrap().as_str(), "Mary Ann");
    }

    #[test]
    fn every_line_loses_what_cannot_be_seen() {
        let typed = "\u{202e}Fall\u{200b} \u{2066}Soccer\u{2069}\u{ad}";

        assert_eq!(typed.parse::<PersonName>().unwrap().as_str(), "Fall Soccer");
        assert_eq!(typed.parse::<OrgName>().unwrap().as_str(), "Fall Soccer");
        assert_eq!(typed.parse::<Title>().unwrap().as_str(), "Fall Soccer");
        assert_eq!(typed.parse::<Line>().unwrap().as_str(), "Fall Soccer");
        assert_eq!(typed.parse::<ExternalId>().unwrap().as_str(), "Fall Soccer");
        assert_eq!(typed.parse::<Sport>().unwrap().as_str(), "Fall Soccer");
        assert_eq!(typed.parse::<TypedCode>().unwrap().as_str(), "Fall Soccer");
        assert_eq!(
            "\u{feff}sheree@\u{200b}example.com\u{202c}".parse::<Email>().unwrap().as_str(),
            "sheree@example.com"
        );
        assert_eq!("\u{202a}https://a.example/\u{200b}b".parse::<WebUrl>().unwrap().as_str(), "https://a.example/b");
    }

    #[test]
    fn a_text_is_shortened_between_characters_as_a_reader_sees_them() {
        let family = "👨\u{200d}👩\u{200d}👧";
        let long = format!("{}{family}", "x".repeat(5));

        assert_eq!(shortened(&long, 10), long);
        assert_eq!(shortened(&long, 9), "xxxxx…");
        assert_eq!(shortened("Cafe\u{301} noir", 5), "Caf…");
        assert_eq!(shortened("Sam Lane", 5), "Sam…");
        assert_eq!(shortened("Sam\n\u{202e}Lane", 8), "Sam Lane");
        assert_eq!(shortened(&format!("a{}", "\u{301}".repeat(90)), 80), "…");
    }
}
