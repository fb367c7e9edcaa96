//! Codes that people type: a photographer's referral code and an organisation's join code. Both compare
//! without regard to case and are kept in upper case.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

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
    /// A code made from an organisation's name and six random symbols: `LINCOLNHIGH-7Q2MXK`. Six symbols
    /// are 887 million codes for each name: enough that nobody joins a roster by guessing behind the
    /// API's rate limit.
    pub fn from_name(name: &str, random: &mut impl FnMut() -> u8) -> Self {
        Self(made_from(name, 6, random))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReferralCode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        checked(text).map(Self)
    }
}

impl FromStr for JoinCode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        checked(text).map(Self)
    }
}

fn checked(text: &str) -> Result<String, &'static str> {
    let code = text.trim().to_ascii_uppercase();
    let fits = (4..=24).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(code) } else { Err("must have 4 to 24 letters, digits or hyphens") }
}

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
    use super::*;

    #[test]
    fn a_code_compares_without_regard_to_case() {
        assert_eq!("frank2024".parse::<ReferralCode>(), "FRANK2024 ".parse());
    }

    #[test]
    fn a_made_code_is_a_valid_code() {
        let mut bytes = (0..=255).rev();
        let made = JoinCode::from_name("Lincoln High", &mut || bytes.next().unwrap());

        assert_eq!(made.as_str(), "LINCOLNHIGH-ZYXWVU");
        assert_eq!(made.as_str().parse::<JoinCode>().unwrap(), made);
    }

    #[test]
    fn a_name_without_latin_letters_still_gets_a_code() {
        assert!(ReferralCode::from_name("写真", &mut || 7).as_str().starts_with("ISO-"));
    }
}
