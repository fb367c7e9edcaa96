//! What a webhook's proof is looked for in: the request as API Gateway hands it over.

use lambda_http::http::HeaderMap;
use lambda_http::{Request, RequestExt};

use crate::webhooks::Headers;

/// The headers of a request.
#[derive(Debug)]
pub struct RequestHeaders<'a>(pub &'a HeaderMap);

impl Headers for RequestHeaders<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.0.get_all(name).iter();
        let value = values.next()?;
        values.next().is_none().then(|| value.as_bytes())
    }
}

/// The source that a request names, in the query or, for senders that cannot have one, in a header. Neither is
/// signed, which is why no two sources share a key.
pub fn source_name(request: &Request) -> String {
    let query = request.query_string_parameters();
    let header = || request.headers().get("webhook-source").and_then(|value| value.to_str().ok());
    query.first("source").or_else(header).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_stands_there_twice_is_none() {
        let mut headers = HeaderMap::new();
        headers.append("authorization", "one".parse().unwrap());
        headers.append("x", "one".parse().unwrap());
        headers.append("x", "other".parse().unwrap());

        assert_eq!(RequestHeaders(&headers).header("authorization"), Some(&b"one"[..]));
        assert_eq!(RequestHeaders(&headers).header("x"), None);
    }
}
