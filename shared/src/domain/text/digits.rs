//! Digits and the signs between them, as keyboards, PDFs and spreadsheets write them.

use icu_properties::CodePointSetData;
use icu_properties::props::Dash;

use super::plain::plain;

/// The zeros of the scripts that have digits of their own on phones' keyboards; the nine others follow each.
const ZEROS: [char; 18] = [
    '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}', '\u{ce6}',
    '\u{d66}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{17e0}', '\u{1810}', '\u{a9d0}',
];

/// A plain line with digits, letters and signs in ASCII where they only are another form of it: `１`, `٣`, `＋`, `‑`.
pub(super) fn in_ascii(text: &str) -> String {
    plain(text).chars().map(ascii).collect()
}

fn ascii(c: char) -> char {
    let digit = ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(u32::from(*zero)).filter(|digit| *digit < 10));
    let full_width = u32::from(c).checked_sub(0xff00).filter(|offset| (1..=0x5e).contains(offset));
    if let Some(digit) = digit {
        char::from_digit(digit, 10).unwrap_or(c)
    } else if CodePointSetData::new::<Dash>().contains(c) {
        '-'
    } else {
        full_width.and_then(|offset| char::from_u32(offset + 0x20)).unwrap_or(c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_signs_of_other_forms_are_read_as_ascii() {
        for (typed, read) in [
            ("６０６０１", "60601"),
            ("٠١٢٣٤٥٦٧٨٩", "0123456789"),
            ("۰۹ ०९ ๐๙", "09 09 09"),
            ("＋（．／＃ｘ", "+(./#x"),
            ("1‐2‑3‒4–5—6―7−8﹣9－0", "1-2-3-4-5-6-7-8-9-0"),
            ("\u{202a}36‑1234567\u{202c}\u{a0}", "36-1234567"),
            ("Ⅷ², é", "Ⅷ², é"),
        ] {
            assert_eq!(in_ascii(typed), read, "{typed}");
        }
    }
}
