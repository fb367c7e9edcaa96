//! A checked type accepts what it has accepted once, as it is stored and as it is shown: otherwise a row is written
//! that cannot be read back.

use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::labels::{
    CertificationLevel, DeliveryStatus, GalleryStatus, OrgType, PaywallTier, ReferralAction, Role, WebhookEventType,
};
use super::super::{Form, GalleryId, JoinCode, MailingAddress, ReferralCode, UserId};
use super::*;

/// What phones, PDFs and spreadsheets put into a text, and letters that grow, shrink or move when their case changes.
const ODD: [&str; 60] = [
    "ﬁ",
    "ﬃ",
    "ß",
    "ẞ",
    "İ",
    "ı",
    "ŉ",
    "ǰ",
    "ΐ",
    "ᾳ",
    "ᾼ",
    "և",
    "Ǆ",
    "ǅ",
    "ǆ",
    "ς",
    "e\u{301}",
    "\u{301}",
    "\u{345}",
    "न\u{94d}",
    "\u{200b}",
    "\u{200c}",
    "\u{200d}",
    "\u{200e}",
    "\u{200f}",
    "\u{202a}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{61c}",
    "\u{2060}",
    "\u{feff}",
    "\u{ad}",
    "\u{34f}",
    "\u{fe0f}",
    "\u{e0101}",
    "\u{e0041}",
    "\u{e007f}",
    "\u{a0}",
    "\u{202f}",
    "\u{2003}",
    "\u{3000}",
    "\u{2800}",
    "\u{3164}",
    "\u{85}",
    "\u{2028}",
    "\u{0}",
    "\u{7}",
    "\t",
    "\n",
    "‑",
    "–",
    "−",
    "＋",
    "１",
    "٣",
    "👨\u{200d}👩\u{200d}👧",
    "🇺🇸",
    "𝒜",
    "\u{fffe}",
];

/// Near the limits of the types, in characters and in bytes.
const LENGTHS: [usize; 22] =
    [18, 19, 20, 23, 24, 25, 26, 39, 40, 41, 59, 60, 61, 79, 80, 81, 119, 120, 121, 254, 255, 500];

fn odd() -> impl Strategy<Value = String> {
    select(&ODD[..]).prop_map(str::to_owned)
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-zA-Z0-9 ]{1,6}", 3 => odd(), 1 => any::<char>().prop_map(String::from), 1 => "[-.,;:/@$<(){}]"]
}

fn line() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..10).prop_map(|pieces| pieces.concat())
}

/// A text of about as many characters as a type takes at most.
fn long() -> impl Strategy<Value = String> {
    let filling =
        prop_oneof![select(vec!["a", "7", "é", "漢", "😀", "a ", " b", "a\u{200d}"]).prop_map(str::to_owned), odd()];
    (piece(), filling, select(&LENGTHS[..]), piece()).prop_map(|(start, filling, length, end)| {
        let middle = length.saturating_sub(start.chars().count() + end.chars().count());
        start.chars().chain(filling.chars().cycle().take(middle)).chain(end.chars()).collect()
    })
}

fn url() -> impl Strategy<Value = String> {
    let host = select(vec![
        "photos.example",
        "PHOTOS.example.",
        "bücher.example",
        "xn--bcher-kva.example",
        "例え.テスト",
        "faß.example",
        "[2001:DB8::1]",
        "192.0.2.010",
        "photos\u{200b}.example",
        "ﬁne.example",
        "a_b.example",
        "user:p%40ss@photos.example",
    ]);
    let port = select(vec!["", ":443", ":80", ":8443", ":"]);
    (select(vec!["https://", "http://", "HTTPS:\\\\", " https:/", "ftp://"]), host, port, path())
        .prop_map(|(scheme, host, port, path)| format!("{scheme}{host}{port}{path}"))
}

fn path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        piece(),
        select(vec!["/", "//", "/../", "/./", "?", "#", "%2F", "%", "%zz", "&a=b c", "[", "|", "é", "😀"])
            .prop_map(str::to_owned),
    ];
    (prop::collection::vec(step, 0..8), select(vec![0, 0, 0, 80, 240, 470, 490]))
        .prop_map(|(steps, more)| format!("/{}{}", steps.concat(), "é".repeat(more / 6)))
}

fn email() -> impl Strategy<Value = String> {
    (line(), select(vec!["@", "@@", "＠"]), select(vec!["example.com", "bücher.example", ".com", "a.b.c", "x"]))
        .prop_map(|(local, at, domain)| format!("{local}{at}{domain}"))
}

/// Digits as they are written: with a plus or zeros before them and signs of all kinds between.
fn number() -> impl Strategy<Value = String> {
    let before = select(vec!["", "+", "＋", "00", "+0", "0", "tel:+", "\u{202a}+", "(+", " "]);
    let group = (
        prop_oneof![4 => "[0-9]{1,5}", 1 => "[１-９]{1,4}", 1 => "[٠-٩]{1,4}"],
        select(vec!["", "", " ", "-", ".", "(0)", ") ", " (", "\u{a0}", "‑", "–", "−", "/", "\u{202c}", " x"]),
    );
    (before, prop::collection::vec(group, 1..6)).prop_map(|(before, groups)| {
        groups.into_iter().fold(before.to_owned(), |text, (digits, sign)| text + &digits + sign)
    })
}

fn code() -> impl Strategy<Value = String> {
    let sign = prop_oneof![5 => "[A-Za-z0-9]{1,5}", 2 => "[-_ .]", 1 => odd()];
    prop::collection::vec(sign, 1..8).prop_map(|signs| signs.concat())
}

fn day() -> impl Strategy<Value = String> {
    prop_oneof![2 => "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", 1 => odd_day()]
}

fn odd_day() -> impl Strategy<Value = String> {
    let year = prop_oneof![
        "[0-9]{4}",
        select(vec!["+200", "-001", "２００９", "1900", "1901", "9999"]).prop_map(str::to_owned)
    ];
    (year, "[-/. ]", "[ 0-9]{1,2}", "[-/. ]", "[ 0-9]{1,2}").prop_map(|(y, s, m, t, d)| format!("{y}{s}{m}{t}{d}"))
}

fn typed() -> impl Strategy<Value = String> {
    prop_oneof![line(), long(), url(), email(), number(), code(), day()]
}

/// What types with a parser of their own say of a text.
fn refused_elsewhere(text: &str) -> Vec<Invalid> {
    let refused = [
        text.parse::<Typed<PersonName>>().err(),
        text.parse::<Typed<PhoneNumber>>().err(),
        text.parse::<DateOfBirth>().err(),
        text.parse::<EventDate>().err(),
        text.parse::<JoinCode>().err(),
        text.parse::<UserId>().err(),
        text.parse::<Role>().err(),
    ];
    refused.into_iter().flatten().collect()
}

fn same_again<T>(text: &str) -> Result<(), TestCaseError>
where
    T: FromStr<Err: PartialEq + fmt::Debug> + Serialize + PartialEq + fmt::Debug,
{
    let Ok(value) = text.parse::<T>() else { return Ok(()) };
    let shown = json!(value);
    let again = shown.as_str().unwrap_or_default().parse();
    prop_assert_eq!(again.as_ref(), Ok(&value), "{:?} was shown as {}", text, shown);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn an_accepted_text_is_accepted_again_as_it_is_stored(text in typed()) {
        for (kind, stored, again) in accepted(&text) {
            prop_assert_eq!(again.as_ref(), Ok(&stored), "{} of {:?}", kind, text);
        }
    }

    /// PostgreSQL's text has no character U+0000.
    #[test]
    fn an_accepted_text_can_be_stored(text in typed()) {
        for (kind, stored, _) in accepted(&text) {
            prop_assert!(!stored.contains('\0'), "{kind} of {text:?}");
        }
    }

    /// It may be a child's name, and a message ends up in logs and on screens.
    #[test]
    fn a_refused_text_is_not_quoted(before in typed(), after in typed()) {
        let text = format!("{before}Qzxj{after}");

        for (kind, problem) in refused(&text) {
            prop_assert!(!problem.message.contains("Qzxj"), "{kind}: {problem}");
        }
        for problem in refused_elsewhere(&text) {
            prop_assert!(!problem.message.contains("Qzxj"), "{problem}");
        }
    }

    #[test]
    fn an_accepted_code_is_accepted_again_as_it_is_shown(text in prop_oneof![code(), number(), long()]) {
        same_again::<ReferralCode>(&text)?;
        same_again::<JoinCode>(&text)?;
    }

    #[test]
    fn an_accepted_day_is_accepted_again_as_it_is_shown(text in day()) {
        same_again::<DateOfBirth>(&text)?;
        if let Ok(day) = text.parse::<EventDate>() {
            prop_assert_eq!(day.date().to_string().parse(), Ok(day));
        }
    }

    #[test]
    fn an_accepted_id_is_accepted_again_as_it_is_shown(text in "(urn:uuid:)?[{]?[0-9a-fA-F]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}[}]?") {
        same_again::<UserId>(&text)?;
        same_again::<GalleryId>(&text)?;
    }

    #[test]
    fn an_accepted_address_is_accepted_again_as_it_is_shown(
        street in typed(), city in line(), state in line(), postal_code in number(), country in select(vec!["US", "us ", "DE"]),
    ) {
        let read = |body: &Value| {
            let mut form = Form::of(body).unwrap();
            let address = MailingAddress::read(&mut form);
            form.finish(address).ok()
        };
        let typed = json!({
            "street": street, "city": city, "state": state, "postal_code": postal_code, "country": country,
        });

        if let Some(address) = read(&typed) {
            prop_assert_eq!(read(&json!(address)), Some(address));
        }
    }
}

/// What the first version of these types stored: every row of it has to be read, whatever is asked of a new text.
mod before {
    pub(super) fn line(text: &str, longest: usize) -> Option<String> {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let control = text.chars().any(|c| c.is_control() && !c.is_whitespace());
        Some(line).filter(|line| !control && (1..=longest).contains(&line.chars().count()))
    }

    pub(super) fn sport(text: &str) -> Option<String> {
        let line = line(text, 25).filter(|line| !line.contains([',', ';']))?;
        let mut letters = line.chars();
        Some(letters.next()?.to_uppercase().chain(letters).collect())
    }

    pub(super) fn email(text: &str) -> Option<&str> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let domain_fits =
            domain.contains('.') && !domain.contains('@') && !domain.starts_with('.') && !domain.ends_with('.');
        let odd = text.chars().any(|c| c.is_whitespace() || c.is_control());
        Some(text).filter(|text| text.len() <= 254 && !local.is_empty() && domain_fits && !odd)
    }

    pub(super) fn code(text: &str) -> String {
        text.chars().filter(|c| !c.is_control()).collect::<String>().trim().chars().take(60).collect()
    }
}

fn is_read<T: FromStr<Err: fmt::Debug>>(stored: Option<impl AsRef<str>>) -> Result<(), TestCaseError> {
    if let Some(stored) = stored {
        let read = stored.as_ref().parse::<T>().map(drop);
        prop_assert!(read.is_ok(), "{:?}: {:?}", stored.as_ref(), read);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_was_stored_before_is_still_read(text in typed(), number in "[+][1-9][0-9]{7,14}") {
        is_read::<PersonName>(before::line(&text, 80))?;
        is_read::<OrgName>(before::line(&text, 120))?;
        is_read::<Title>(before::line(&text, 120))?;
        is_read::<Line>(before::line(&text, 120))?;
        is_read::<ExternalId>(before::line(&text, 120))?;
        is_read::<Sport>(before::sport(&text))?;
        is_read::<Email>(before::email(&text))?;
        is_read::<TypedCode>(Some(before::code(&text)))?;
        is_read::<PhoneNumber>(Some(number))?;
    }
}

/// Only the first letter of a sport changes its case, and so it alone can make the text longer.
#[test]
fn a_sport_fits_its_limit_whatever_its_first_letter_is() {
    for first in (char::MIN..=char::MAX).filter(|c| c.to_uppercase().ne([*c])) {
        for rest in ["", "gure skating", &"x".repeat(24), &"x".repeat(59)] {
            let typed = format!("{first}{rest}");
            if let Ok(sport) = typed.parse::<Sport>() {
                assert_eq!(sport.as_str().parse(), Ok(sport), "{typed}");
            }
        }
    }
}

#[test]
fn every_label_is_accepted_as_it_is_shown() {
    same_again_all::<Role>(&["admin", "parent", "org", "photographer"]);
    same_again_all::<OrgType>(&["School", "League", "Club"]);
    same_again_all::<CertificationLevel>(&["Level 1", "Level 2", "Master"]);
    same_again_all::<PaywallTier>(&["Free", "Member", "CDM_Pro"]);
    same_again_all::<GalleryStatus>(&["Pre-Reg", "Live", "Archived"]);
    same_again_all::<ReferralAction>(&["Sign_Up", "Gallery_Purchase", "Booking"]);
    same_again_all::<DeliveryStatus>(&["pending", "delivered", "failed", "skipped"]);
    same_again_all::<WebhookEventType>(&[
        "user.created",
        "user.updated",
        "user.deleted",
        "gallery.live",
        "referral.earned",
    ]);
}

fn same_again_all<T>(labels: &[&str])
where
    T: FromStr<Err = Invalid> + Serialize + PartialEq + fmt::Debug,
{
    for label in labels {
        let value: T = label.parse().unwrap();
        assert_eq!(json!(value), **label);
    }
}
