//! Phone numbers as phones, contact lists and letterheads write them. The rules are few on purpose: the library that
//! knows every country's numbers costs 3 MB of each binary and 70 to 110 ms for the first number of a process.

use super::super::invalid::{FieldCode, Invalid};
use super::digits::in_ascii;

const WITH_COUNTRY: Invalid =
    Invalid::constant(FieldCode::NotAPhoneNumber, "must be a phone number with its country code, like +13125550142");
const NO_EXTENSION: Invalid =
    Invalid::constant(FieldCode::PhoneExtension, "must be a phone number without an extension, like +13125550142");
const NO_SUCH_NUMBER: Invalid = Invalid::constant(
    FieldCode::NoSuchPhoneNumber,
    "must be a phone number that exists, with its country code, like +13125550142",
);

/// What stands between digits.
const SIGNS: [char; 11] = [' ', '-', '.', '(', ')', '[', ']', '/', '\u{b7}', '\u{2022}', '\u{30fc}'];

/// A shorter one may be a number within another country: those of Leeds, Sheffield and Leicester begin with 0113, 0114
/// and 0116.
const SHORTEST_AFTER_011: usize = 10;

/// Country codes whose numbers may begin with a zero: Italy, San Marino, and countries of Africa. Elsewhere a zero
/// after the code is the trunk prefix of calls within the country, which is not dialled from abroad.
const ZERO_STAYS: [&str; 8] = ["39", "225", "226", "227", "229", "241", "242", "378"];

/// A number of E.164 out of a text that has its country code.
pub(super) fn phone_number(text: &str) -> Result<String, Invalid> {
    let digits = digits(text)?;
    let Digits { international: true, digits } = digits else { return Err(WITH_COUNTRY) };
    if (8..=15).contains(&digits.len()) && !digits.starts_with('0') {
        Ok(format!("+{}", without_trunk_prefix(&digits)))
    } else {
        Err(WITH_COUNTRY)
    }
}

/// A number of E.164 out of one that is written as within North America: ten digits, with or without the 1.
pub(super) fn north_american(text: &str) -> Option<String> {
    let Digits { international: false, digits } = digits(text).ok()? else { return None };
    let national = if digits.len() == 11 { digits.strip_prefix('1')? } else { &*digits };
    Some(format!("+1{national}")).filter(|number| check(number).is_ok())
}

/// Refuses a number of E.164 that cannot exist, as far as a few digits tell.
pub(super) fn check(number: &str) -> Result<(), Invalid> {
    let digits = number.trim_start_matches('+');
    let (code, national) = digits.split_at(country_code(digits));
    let exists = match code {
        // The North American Numbering Plan: area code and exchange begin with 2 to 9, and 911 is no area.
        "1" => {
            let begins =
                |index: usize| national.as_bytes().get(index).is_some_and(|digit| (b'2'..=b'9').contains(digit));
            national.len() == 10 && begins(0) && begins(3) && &national[1..3] != "11"
        }
        "7" => national.len() == 10,
        code => is_assigned(code) && (ZERO_STAYS.contains(&code) || !national.starts_with('0')),
    };
    if exists { Ok(()) } else { Err(NO_SUCH_NUMBER) }
}

/// The digits of a number, and whether a country code comes first.
struct Digits {
    international: bool,
    digits: String,
}

fn digits(text: &str) -> Result<Digits, Invalid> {
    let text = in_ascii(text).to_ascii_lowercase();
    let number = text.strip_prefix("tel:").unwrap_or(&text);
    let is_dialled = |c: char| c.is_ascii_digit() || c == '+' || SIGNS.contains(&c);
    if let Some(rest) = number.find(|c| !is_dialled(c)).map(|end| &number[end..]) {
        let is_extension = ["x", "ext", "#", ";ext", ","].iter().any(|sign| rest.starts_with(sign));
        return Err(if is_extension { NO_EXTENSION } else { WITH_COUNTRY });
    }
    let compact: String = number.chars().filter(|c| !SIGNS.contains(c)).collect();
    // What is dialled before a country code, in most countries and in North America.
    let from_north_america = || compact.strip_prefix("011").filter(|rest| rest.len() >= SHORTEST_AFTER_011);
    let international = ["+", "00"].iter().find_map(|prefix| compact.strip_prefix(prefix)).or_else(from_north_america);
    let digits = international.unwrap_or(&compact);
    if digits.contains('+') {
        return Err(WITH_COUNTRY);
    }
    Ok(Digits { international: international.is_some(), digits: digits.to_owned() })
}

fn without_trunk_prefix(digits: &str) -> String {
    let (code, mut national) = digits.split_at(country_code(digits));
    if code == "1" || ZERO_STAYS.contains(&code) {
        return digits.to_owned();
    }
    loop {
        // Hungary's is 06. The length tells it from a zero before one of its area codes that begin with 6.
        let hungarian = national.strip_prefix("06").filter(|rest| code == "36" && rest.len() >= 8);
        match hungarian.or_else(|| national.strip_prefix('0')) {
            Some(rest) if code.len() + rest.len() >= 8 => national = rest,
            _ => return format!("{code}{national}"),
        }
    }
}

/// How many digits a number's country code has (ITU, list of E.164 country codes): no code begins with another.
fn country_code(digits: &str) -> usize {
    let two = digits.get(..2).and_then(|two| two.parse().ok()).unwrap_or(0);
    match two {
        10..=19 | 70..=79 => 1,
        20 | 27 | 30..=34 | 36 | 39 | 40 | 41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98 => 2,
        _ => 3.min(digits.len()),
    }
}

fn is_assigned(code: &str) -> bool {
    code.len() == 2
        || matches!(
            code.parse().unwrap_or(0),
            211..=213 | 216 | 218 | 220..=258 | 260..=269 | 290 | 291 | 297..=299 | 350..=359 | 370..=383 | 385..=387 | 389
                | 420 | 421 | 423 | 500..=509 | 590..=599 | 670 | 672..=683 | 685..=692 | 800 | 808 | 850 | 852 | 853 | 855 | 856
                | 870 | 878 | 880..=883 | 886 | 888 | 960..=968 | 970..=977 | 979 | 992..=996 | 998
        )
}

#[cfg(test)]
mod tests {
    use super::super::{PhoneNumber, Typed};
    use super::*;

    fn typed(text: &str) -> Result<String, Invalid> {
        text.parse::<Typed<PhoneNumber>>().map(|number| number.0.as_str().to_owned())
    }

    #[test]
    fn a_number_is_understood_however_it_is_written() {
        for (text, number) in [
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+44 020 7946 0958", "+442079460958"),
            ("0044 20 7946 0958", "+442079460958"),
            ("011 44 20 7946 0958", "+442079460958"),
            ("(+44) 20/7946-0958", "+442079460958"),
            ("+49 [0] 30 1234567", "+49301234567"),
            ("+36 06 1 234 5678", "+3612345678"),
            ("+36 (0)62 123 456", "+3662123456"),
            ("+39 06 698 12345", "+390669812345"),
            ("+225 01 23 45 67 89", "+2250123456789"),
            ("+1 (312) 555-0142", "+13125550142"),
            ("+1.312.555.0142", "+13125550142"),
            ("\u{202a}+1\u{a0}312‑555‑0142\u{202c}", "+13125550142"),
            ("+1 312 – 555 — 0142", "+13125550142"),
            ("+1 312 • 555 · 0142", "+13125550142"),
            ("＋１（３１２）５５５－０１４２", "+13125550142"),
            ("+١٣١٢٥٥٥٠١٤٢", "+13125550142"),
            ("tel:+1-312-555-0142", "+13125550142"),
            ("TEL: +1 312 555 0142", "+13125550142"),
            ("+998 90 123 45 67", "+998901234567"),
        ] {
            assert_eq!(typed(text).as_deref(), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_to_type() {
        for (text, told) in [
            ("312 555 0142", WITH_COUNTRY),
            ("1-312-555-0142", WITH_COUNTRY),
            ("+0312555014", WITH_COUNTRY),
            ("+1312555", WITH_COUNTRY),
            ("+1 312 555 0142 +1 312 555 0143", WITH_COUNTRY),
            ("+1 312 555 0142 / 0143 / 0144", WITH_COUNTRY),
            ("+1-800-FLOWERS", WITH_COUNTRY),
            ("1.31256E+10", WITH_COUNTRY),
            ("tel:7042;phone-context=example.com", WITH_COUNTRY),
            ("ask Jordan", WITH_COUNTRY),
            ("0113 496 0000", WITH_COUNTRY),
            ("0114 496 0000", WITH_COUNTRY),
            ("+1 312 555 0142 x23", NO_EXTENSION),
            ("+1 312 555 0142 ext. 23", NO_EXTENSION),
            ("+1 312 555 0142,23#", NO_EXTENSION),
            ("tel:+13125550142;ext=23", NO_EXTENSION),
            ("+1 (023) 555-0142", NO_SUCH_NUMBER),
            ("+1 312 155 0142", NO_SUCH_NUMBER),
            ("+1 911 555 0142", NO_SUCH_NUMBER),
            ("+1 312 555 01421", NO_SUCH_NUMBER),
            ("+1 0 312 555 0142", NO_SUCH_NUMBER),
            ("+7 8 495 123 45 67", NO_SUCH_NUMBER),
            ("+999 123 456 78", NO_SUCH_NUMBER),
            ("+44 0000000", NO_SUCH_NUMBER),
        ] {
            assert_eq!(typed(text), Err(told), "{text}");
        }
    }

    #[test]
    fn a_number_of_north_america_needs_no_country_where_sales_write_it() {
        for text in
            ["1-312-555-0196", "(312) 555-0196", "312.555.0196", "3125550196", "1 (312) 555‑0196", "３１２ 555 0196"]
        {
            assert_eq!(north_american(text).as_deref(), Some("+13125550196"), "{text}");
        }
        for text in
            ["(112) 555-0196", "312 155 0196", "2-312-555-0196", "312 555 0196 x23", "+1 312 555 0196", "555-0196"]
        {
            assert_eq!(north_american(text), None, "{text}");
        }
    }

    #[test]
    fn every_number_that_was_ever_stored_is_still_read() {
        for number in ["+4402079460958", "+10000000000", "+99900000", "+44000000", "+360612345678", "+712345678901234"]
        {
            assert!(number.parse::<PhoneNumber>().is_ok(), "{number}");
        }
    }
}
