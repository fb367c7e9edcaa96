//! Links that profiles show: never a scheme that runs something in a reader's browser.

use url::Url;

use super::super::invalid::{FieldCode, Invalid};
use super::plain::plain;

const WRONG: Invalid =
    Invalid::constant(FieldCode::NotALink, "must be a link that starts with https://, or a handle like @frank_shoots");
/// Longer than any site's handles.
const HANDLE_LENGTH: usize = 100;

/// An https address, or a handle (`@frank_shoots`, `frank`, `@frank@photos.example`).
pub(super) fn link(text: &str) -> Result<String, Invalid> {
    let text = plain(text);
    if is_handle(&text) {
        return Ok(text);
    }
    // `instagram.com/frank`: what people copy without its scheme.
    let without_scheme = !text.contains(':') && !text.starts_with('/') && text.contains('/');
    let address = if without_scheme { format!("https://{text}") } else { text };
    let url = Url::parse(&address).ok().filter(|url| {
        // A user's name before the host makes another site out of one that a reader trusts.
        url.scheme() == "https"
            && url.domain().is_some_and(|host| host.contains('.'))
            && url.username().is_empty()
            && url.password().is_none()
    });
    url.map(String::from).filter(|url| url.len() <= 500).ok_or(WRONG)
}

fn is_handle(text: &str) -> bool {
    let name = text.strip_prefix('@').unwrap_or(text);
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    text.chars().count() <= HANDLE_LENGTH && name.splitn(2, '@').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_https_or_a_handle() {
        for (typed, kept) in [
            ("@frank_shoots", "@frank_shoots"),
            (" frank.shoots-1 ", "frank.shoots-1"),
            ("@frank@photos.example", "@frank@photos.example"),
            ("@写真", "@写真"),
            ("https://instagram.com/frank", "https://instagram.com/frank"),
            ("HTTPS://Instagram.com/a b", "https://instagram.com/a%20b"),
            ("\u{202a}https://instagram.com/frank\u{202c}", "https://instagram.com/frank"),
            ("instagram.com/frank", "https://instagram.com/frank"),
        ] {
            assert_eq!(link(typed).as_deref(), Ok(kept), "{typed}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_to_type() {
        for typed in [
            "javascript:alert(1)",
            "JavaScript://example.com/%0aalert(1)",
            "java\u{200b}script:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "http://instagram.com/frank",
            "//evil.example",
            "ftp://a.example",
            "mailto:a@b.example",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://bank.example@evil.example/",
            "https://",
            "@",
            "@a@b@c",
            "two words",
            "<b>",
            "",
        ] {
            assert_eq!(link(typed), Err(WRONG), "{typed}");
        }
        assert!(link(&format!("https://a.example/{}", "x".repeat(500))).is_err());
    }
}
