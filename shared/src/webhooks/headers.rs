//! The headers of a request: how they are looked up, and how settings name them.

use std::str::FromStr;

use crate::domain::{FieldCode, Invalid};

/// The request's headers, by lower-case name. One that stands there more than once is as good as missing: which of
/// its values counts would be for the sender to choose.
pub trait Headers: Sync {
    fn header(&self, name: &str) -> Option<&[u8]>;
}

impl dyn Headers + '_ {
    /// Without white space around it, which is not part of a value (RFC 9110, 5.5).
    pub(super) fn trimmed(&self, name: &str) -> Option<&[u8]> {
        self.header(name).map(<[u8]>::trim_ascii)
    }
}

/// A header's name, in lower case.
pub(super) struct HeaderName(pub(super) String);

impl FromStr for HeaderName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=100).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Invalid::new(FieldCode::WrongFormat, "must be the name of a header, like x-host-signature"))
        }
    }
}
