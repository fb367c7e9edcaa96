//! Codes that people type: a photographer's referral code and an organisation's join code. Both are kept in upper
//! case with hyphens, and compare by their [`CodeKey`].

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::Serialize;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::invalid::{FieldCode, Invalid};
use super::text::Subject;

/// What codes compare by: `LINCOLN7Q2M` for `LINCOLN-7Q2M`, ` lincoln – 7q2m` and `ＬＩＮＣＯＬＮ－７Ｑ２Ｍ`. Format
/// characters, blanks and dashes of any kind are left out, compatibility forms (Unicode's NFKC) are written out, and
/// ASCII letters are in upper case. The database's `code_key` does the same to the codes that are there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeKey(String);

impl CodeKey {
    /// `None`: the text has nothing to compare by, so it is nobody's code.
    pub fn of(code: &str) -> Option<Self> {
        let key = |c: &char| !is_blank(*c) && !is_dash(*c);
        let key: String = code.nfkc().filter(key).map(|c| c.to_ascii_uppercase()).collect();
        if key.is_empty() { None } else { Some(Self(key)) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A photographer's code (`FRANK2024`): 4 to 24 letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ReferralCode(String);

/// An organisation's code (`LINCOLN-7Q2M`): 4 to 24 letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct JoinCode(String);

/// Without 0/O, 1/I/L: they look alike on a printed flyer. 31 symbols.
const ALPHABET: &[u8] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

impl ReferralCode {
    /// A code made from a business name and six random symbols: `FRANKSHOOTS-7Q2MXK`.
    pub fn from_name(name: &str, random: &mut impl FnMut() -> u8) -> Self {
        Self(made_from(name, 6, random))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JoinCode {
    /// A code made from an organisation's name and eight random symbols: `LINCOLNHIGH-7Q2MXK4P`. Eight symbols are 850
    /// billion codes for each name: enough that nobody joins a roster by guessing, with as many identities as it takes.
    pub fn from_name(name: &str, random: &mut impl FnMut() -> u8) -> Self {
        Self(made_from(name, 8, random))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the organisation is found by.
    pub fn key(&self) -> CodeKey {
        CodeKey(self.0.replace('-', ""))
    }
}

/// By what it is known who has typed wrong codes: the SHA-256 of `wrong-join-code:` and the identity, which joins with no
/// other hash that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityHash([u8; 32]);

impl IdentityHash {
    pub fn of(subject: &Subject) -> Self {
        Self(Sha256::digest(format!("wrong-join-code:{}", subject.as_str())).into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A hash can be guessed by who has the identity.
impl fmt::Debug for IdentityHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityHash(redacted)")
    }
}

impl fmt::Display for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReferralCode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        checked(text).map(Self)
    }
}

impl FromStr for JoinCode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        checked(text).map(Self)
    }
}

/// A code as it is kept: what a keyboard, a PDF or a spreadsheet has made of its hyphens, letters and digits is undone.
fn checked(text: &str) -> Result<String, Invalid> {
    let visible = text.nfkc().filter(|c| !is_blank(*c));
    let code: String = visible.map(|c| if is_dash(c) { '-' } else { c.to_ascii_uppercase() }).collect();
    let fits = code.len() <= 24
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && code.bytes().filter(u8::is_ascii_alphanumeric).count() >= 4;
    let message = "must have 4 to 24 letters, digits or hyphens, of which 4 are no hyphens";
    if fits { Ok(code) } else { Err(Invalid::new(FieldCode::NotACode, message)) }
}

fn is_blank(c: char) -> bool {
    BLANKS.iter().any(|range| range.contains(&c))
}

fn is_dash(c: char) -> bool {
    DASHES.iter().any(|range| range.contains(&c))
}

/// Characters that show nothing: white space, control and format characters (Unicode's categories Cc, Cf, Zs, Zl and Zp),
/// what its property `Default_Ignorable_Code_Point` names, and the empty Braille pattern.
const BLANKS: &[RangeInclusive<char>] = &[
    '\0'..='\u{20}',
    '\u{7f}'..='\u{a0}',
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{115f}'..='\u{1160}',
    '\u{1680}'..='\u{1680}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{2000}'..='\u{200f}',
    '\u{2028}'..='\u{202f}',
    '\u{205f}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3000}'..='\u{3000}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Unicode's category Pd, minus signs, and what looks like either.
const DASHES: &[RangeInclusive<char>] = &[
    '-'..='-',
    '\u{2d7}'..='\u{2d7}',
    '\u{58a}'..='\u{58a}',
    '\u{5be}'..='\u{5be}',
    '\u{1400}'..='\u{1400}',
    '\u{1806}'..='\u{1806}',
    '\u{2010}'..='\u{2015}',
    '\u{2043}'..='\u{2043}',
    '\u{2053}'..='\u{2053}',
    '\u{207b}'..='\u{207b}',
    '\u{208b}'..='\u{208b}',
    '\u{2212}'..='\u{2212}',
    '\u{2796}'..='\u{2796}',
    '\u{2e17}'..='\u{2e17}',
    '\u{2e1a}'..='\u{2e1a}',
    '\u{2e3a}'..='\u{2e3b}',
    '\u{2e40}'..='\u{2e40}',
    '\u{2e5d}'..='\u{2e5d}',
    '\u{301c}'..='\u{301c}',
    '\u{3030}'..='\u{3030}',
    '\u{30a0}'..='\u{30a0}',
    '\u{fe31}'..='\u{fe32}',
    '\u{fe58}'..='\u{fe58}',
    '\u{fe63}'..='\u{fe63}',
    '\u{ff0d}'..='\u{ff0d}',
    '\u{10ead}'..='\u{10ead}',
];

fn made_from(name: &str, symbols: usize, random: &mut impl FnMut() -> u8) -> String {
    let stem: String = name.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let stem = if stem.is_empty() { "ISO".to_owned() } else { stem.to_ascii_uppercase() };
    let tail: String = std::iter::from_fn(|| Some(random()))
        // Bytes from 248 on would make the first symbols likelier than the others.
        .filter(|byte| usize::from(*byte) < 256 / ALPHABET.len() * ALPHABET.len())
        .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
        .take(symbols)
        .collect();
    format!("{stem}-{tail}")
}

#[cfg(test)]
mod tests {
    use super::super::TypedCode;
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> String {
        CodeKey::of(text).map(|key| key.as_str().to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_code_compares_without_regard_to_case() {
        assert_eq!("frank2024".parse::<ReferralCode>(), "FRANK2024 ".parse());
    }

    #[test]
    fn what_a_keyboard_a_pdf_or_a_spreadsheet_makes_of_a_code_compares_equal_to_it() {
        let made = [
            "LINCOLN-7Q2M",
            "lincoln7q2m",
            "Lincoln 7Q2M",
            "\u{a0}Lincoln\u{202f}\u{2013}\u{2009}7q2m\u{3000}",
            "LINCOLN\u{2014}7Q2M",
            "LINCOLN--7Q2M",
            "LINCOLN\u{2010}7Q2M",
            "LINCOLN\u{2011}7Q2M",
            "LINCOLN\u{2015}7Q2M",
            "LINCOLN\u{2212}7Q2M",
            "LINCOLN\u{fe58}7Q2M",
            "LINCOLN\u{fe63}7Q2M",
            "LINCOLN\u{ff0d}7Q2M",
            "LINC\u{ad}OLN-7Q2M",
            "\u{feff}LINCOLN-7Q2M",
            "\u{2068}LINCOLN-7Q2M\u{2069}",
            "\u{202a}LINCOLN\u{202c}-\u{202d}7Q2M\u{202e}",
            "LIN\u{200b}COLN\u{2060}-7Q\u{200c}2M\u{200d}",
            "LINCOLN-7Q2M\u{fe0f}",
            "\u{ff2c}\u{ff29}\u{ff2e}\u{ff23}\u{ff2f}\u{ff2c}\u{ff2e}\u{ff0d}\u{ff17}\u{ff31}\u{ff12}\u{ff2d}",
            "\tLINCOLN-7Q2M\r\n",
        ];

        for text in made {
            assert_eq!(key(text), "LINCOLN7Q2M", "{text:?}");
            let kept = text.parse::<JoinCode>().unwrap_or_else(|problem| panic!("{text:?} {problem}"));
            assert_eq!(key(kept.as_str()), "LINCOLN7Q2M", "{text:?}");
        }
        assert_eq!(key("o\u{fb03}ce-2024"), "OFFICE2024");
    }

    #[test]
    fn another_code_stays_another_and_nothing_is_nobodys() {
        for text in ["LINCOLN-7Q2N", "LINCOLN.7Q2M", "L\u{cd}NCOLN-7Q2M", "LINCOLN-7Q2M?", "\u{41b}INCOLN-7Q2M"] {
            assert_ne!(key(text), "LINCOLN7Q2M", "{text:?}");
        }
        for text in ["", " ", "-", "\u{2013}\u{200b}", "\u{2800}", "\0"] {
            assert_eq!(CodeKey::of(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_no_code_can_be_is_refused_with_what_to_type() {
        let refused =
            ["", "FRA", "----", "A-B-C", "FRANK'S", "FRANK_2024", "\u{5199}\u{771f}2024", "ABCDEFGHIJKLMNOPQRSTUVWXY"];

        for text in refused {
            let problem = text.parse::<ReferralCode>().unwrap_err();
            let message = "must have 4 to 24 letters, digits or hyphens, of which 4 are no hyphens";
            assert_eq!(problem, Invalid::new(FieldCode::NotACode, message), "{text}");
        }
    }

    #[test]
    fn a_typed_code_is_kept_as_typed_and_one_that_shows_nothing_is_empty() {
        let typed = |text: &str| text.parse::<TypedCode>().unwrap().as_str().to_owned();

        assert_eq!(typed(" Frank\u{2013}2024\u{200b}\0 "), "Frank\u{2013}2024");
        assert_eq!(typed(&format!("{} and more", "x".repeat(59))), "x".repeat(59));
        assert_eq!(["", " ", "\u{200b}", "\u{feff}\u{2800}"].map(typed), [""; 4]);
    }

    /// The characters that the database leaves out, as its function names them.
    fn left_out_by_the_database() -> Vec<RangeInclusive<char>> {
        let sql = include_str!("../../../migrations/V0020__codes_compare.sql");
        let class = sql.split_once("'['").and_then(|(_, rest)| rest.split_once("']'")).unwrap().0;
        let names: String = class.lines().filter_map(|line| line.split('\'').nth(1)).collect();
        let mut ranges: Vec<RangeInclusive<char>> = Vec::new();
        let mut to_here = false;
        for name in names.split('\\') {
            let digits = name.trim_end_matches('-').trim_start_matches(['u', 'U']);
            let Ok(Some(c)) = u32::from_str_radix(digits, 16).map(char::from_u32) else { continue };
            match ranges.last_mut() {
                Some(range) if to_here => *range = *range.start()..=c,
                _ => ranges.push(c..=c),
            }
            to_here = name.ends_with('-');
        }
        ranges
    }

    #[test]
    fn the_database_leaves_out_the_same_characters() {
        let there = left_out_by_the_database();
        let here: Vec<_> = BLANKS.iter().chain(DASHES).collect();

        let differ =
            |c: &char| here.iter().any(|range| range.contains(c)) != there.iter().any(|range| range.contains(c));
        // The database's text has no U+0000.
        let different: Vec<char> = ('\u{1}'..=char::MAX).filter(differ).collect();

        assert!(there.len() > 50);
        assert_eq!(different, Vec::<char>::new());
    }

    proptest! {
        #[test]
        fn a_code_once_accepted_is_accepted_again_as_it_is_kept(text in "[\\PC\\pC\\pZ]{0,80}|[A-Za-z0-9\u{2010}-\u{2015}\u{200b}\u{ff10}-\u{ff5a} -]{3,26}") {
            if let Ok(code) = text.parse::<ReferralCode>() {
                prop_assert!(code.as_str().parse::<ReferralCode>().is_ok_and(|again| again == code));
                prop_assert_eq!(CodeKey::of(code.as_str()), CodeKey::of(&text));
            }
            let typed: TypedCode = text.parse().unwrap();
            prop_assert_eq!(&typed.as_str().parse::<TypedCode>().unwrap(), &typed);
            prop_assert!(typed.as_str().chars().count() <= 60);
        }

        #[test]
        fn blanks_and_dashes_anywhere_change_nothing(
            code in "[A-Z0-9]{4,12}",
            decoration in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..8),
        ) {
            let ranges: Vec<_> = BLANKS.iter().chain(DASHES).collect();
            let mut typed: Vec<char> = code.chars().collect();
            for (place, which) in decoration {
                typed.insert(place.index(typed.len() + 1), *which.get(&ranges).end());
            }

            let typed: String = typed.into_iter().collect();

            prop_assert_eq!(CodeKey::of(&typed), CodeKey::of(&code));
            prop_assert!(typed.to_lowercase().parse::<JoinCode>().is_ok_and(|joined| joined.key() == CodeKey(code)));
        }
    }

    #[test]
    fn a_made_code_is_a_valid_code() {
        let mut bytes = (0..=255).rev();
        let made = JoinCode::from_name("Lincoln High", &mut || bytes.next().unwrap());

        assert_eq!(made.as_str(), "LINCOLNHIGH-ZYXWVUTS");
        assert_eq!(made.as_str().parse::<JoinCode>().unwrap(), made);
        let longest = JoinCode::from_name("Lincoln Community High School", &mut || 7);
        assert_eq!(longest.as_str().parse::<JoinCode>().unwrap(), longest);
    }

    #[test]
    fn a_name_without_latin_letters_still_gets_a_code() {
        assert!(ReferralCode::from_name("写真", &mut || 7).as_str().starts_with("ISO-"));
    }
}
