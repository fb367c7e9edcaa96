//! Who is calling: the claims of the token that API Gateway has verified. Nothing in a body is trusted about
//! that.

use std::collections::HashMap;

use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};

use crate::config::{ConfigError, Environment};
use crate::domain::Email;
use crate::domain::access::{Access, Caller, Client, FirstPartyClients, Who};
use crate::error::Error;

/// Which claim holds the e-mail address. Auth0 puts it under a namespaced name (`https://ours/email`); the
/// claim that says whether it was verified has the same name and `_verified`.
#[derive(Clone, Debug)]
pub struct EmailClaim(String);

impl EmailClaim {
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        environment.required("EMAIL_CLAIM").map(|name| Self(name.to_owned()))
    }
}

/// Lets callers in to one function: by its row in the table of access, before its handler runs.
#[derive(Debug)]
pub struct Admission {
    access: &'static Access,
    first_party: FirstPartyClients,
}

impl Admission {
    /// That of the function which this process is.
    ///
    /// # Errors
    /// It has no row in the table of access: nobody has said who may call it.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let function = environment.required("_HANDLER")?;
        let access = Access::of(function).ok_or_else(|| ConfigError::Wrong {
            name: "_HANDLER".to_owned(),
            problem: format!("names {function}, which has no row in the table of access"),
        })?;
        let Ok(first_party) = environment.optional("FIRST_PARTY_CLIENTS").parse::<FirstPartyClients>();
        Ok(Self { access, first_party })
    }

    /// Notes the caller in the request, for [`caller`].
    ///
    /// # Errors
    /// `unauthenticated`; `scope-missing` for a plugin whose token does not name what the function needs.
    pub fn admit(&self, request: &mut Request) -> Result<(), Error> {
        if matches!(self.access.who, Who::Everyone) {
            return Ok(());
        }
        let claims = claims(request).ok_or_else(unauthenticated)?;
        let claim = |name: &str| claims.get(name).map(String::as_str);
        let subject = claim("sub").and_then(|sub| sub.parse().ok()).ok_or_else(unauthenticated)?;
        let client = Client::of(claim("azp").or(claim("client_id")), claim("scope"), &self.first_party);
        if !client.may(self.access.scopes) {
            return Err(Error::Forbidden {
                code: "scope-missing",
                detail: "This app was not allowed to do this for you. The description of the route says which scopes it needs.",
            });
        }
        request.extensions_mut().insert(Caller { subject, access: self.access, client });
        Ok(())
    }
}

/// The sender of the request.
///
/// # Errors
/// The route has no authorizer, or the token no usable `sub`.
pub fn caller(request: &Request) -> Result<Caller, Error> {
    request.extensions().get::<Caller>().cloned().ok_or_else(unauthenticated)
}

/// The caller's address, as the identity provider has verified it.
///
/// # Errors
/// `email-missing`, `email-unverified`: without a verified address nobody can register.
pub fn verified_email(request: &Request, claim: &EmailClaim) -> Result<Email, Error> {
    let claims = claims(request).ok_or_else(unauthenticated)?;
    // Only the address to the letter was verified: one that has to be cleaned first is another's.
    let to_the_letter = |text: &String| text.parse().ok().filter(|email: &Email| email.as_str() == text.trim());
    let email = claims.get(&claim.0).and_then(to_the_letter).ok_or(Error::Forbidden {
        code: "email-missing",
        detail: "Your sign-in carries no e-mail address that can be used. Sign in with a method that does.",
    })?;
    // API Gateway hands every claim on as a string, and identity providers write their own.
    let is_verified =
        claims.get(&format!("{}_verified", claim.0)).is_some_and(|said| said.eq_ignore_ascii_case("true"));
    if !is_verified {
        return Err(Error::Forbidden {
            code: "email-unverified",
            detail: "Confirm your e-mail address with the link that was sent to you, sign in again, and try once more.",
        });
    }
    Ok(email)
}

fn claims(request: &Request) -> Option<HashMap<String, String>> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
    context.authorizer.as_ref()?.jwt.as_ref().map(|jwt| jwt.claims.clone())
}

fn unauthenticated() -> Error {
    Error::Unauthenticated {
        code: "unauthenticated",
        detail: "Sign in and send your token in the header Authorization.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::access::Scope;

    fn request(claims: &Value) -> Request {
        let http = json!({"method": "POST", "path": "/api/users", "protocol": "HTTP/1.1"});
        let context = json!({"http": http, "authorizer": {"jwt": {"claims": claims, "scopes": null}}});
        let context = serde_json::from_value(context).unwrap();
        Request::default().with_request_context(RequestContext::ApiGatewayV2(context))
    }

    fn code(error: &Error) -> &str {
        match error {
            Error::Unauthenticated { code, .. } | Error::Forbidden { code, .. } => code,
            _ => "another",
        }
    }

    fn admitted(function: &str, claims: &Value) -> Result<Caller, Error> {
        let environment = Environment::from([("_HANDLER", function), ("FIRST_PARTY_CLIENTS", "web")]);
        let mut request = request(claims);
        Admission::read(&environment).unwrap().admit(&mut request)?;
        caller(&request)
    }

    #[test]
    fn a_function_without_a_row_in_the_table_of_access_does_not_start() {
        let error = Admission::read(&Environment::from([("_HANDLER", "say-hello")])).unwrap_err();

        assert!(error.to_string().contains("say-hello, which has no row"), "{error}");
    }

    #[test]
    fn a_subject_that_cannot_be_stored_is_unauthenticated() {
        let read = |sub: &str| admitted("get-user-context", &json!({ "sub": sub })).map(|caller| caller.subject);

        assert_eq!(read("auth0|sheree").unwrap().as_str(), "auth0|sheree");
        for wrong in ["", "she\0ree", "\0", &"x".repeat(256)] {
            assert_eq!(code(&read(wrong).unwrap_err()), "unauthenticated", "{wrong:?}");
        }
    }

    #[test]
    fn a_plugin_comes_in_with_the_scopes_of_the_function_and_nowhere_without_any() {
        let plugin = |function: &str, client: &str, scope: &str| {
            let claims = json!({"sub": "sheree", client: "chatbot", "scope": scope});
            admitted(function, &claims).map(|caller| caller.client).map_err(|error| code(&error).to_owned())
        };
        let refused = Err("scope-missing".to_owned());

        for client in ["azp", "client_id"] {
            let granted = Ok(Client::Plugin(vec![Scope::ContextRead]));
            assert_eq!(plugin("get-user-context", client, "openid context:read"), granted, "{client}");
            assert_eq!(plugin("get-user-context", client, "profile:write"), refused, "{client}");
            assert_eq!(plugin("delete-user", client, "context:read profile:write"), refused, "{client}");
        }
        // Auth0 names both; the authorised party is who uses the token.
        let claims = json!({"sub": "sheree", "azp": "chatbot", "client_id": "web"});
        assert_eq!(code(&admitted("delete-user", &claims).unwrap_err()), "scope-missing");
        let claims = json!({"sub": "sheree", "azp": "web"});
        assert_eq!(admitted("delete-user", &claims).unwrap().client, Client::FirstParty);
    }

    /// The address without them may be another person's.
    #[test]
    fn an_address_with_characters_that_cannot_be_seen_is_not_taken_for_the_one_without_them() {
        let claim = EmailClaim("email".to_owned());
        let read = |email: &str| {
            verified_email(&request(&json!({"sub": "mallory", "email": email, "email_verified": "true"})), &claim)
        };

        assert_eq!(read(" sheree@example.com ").unwrap().as_str(), "sheree@example.com");
        for hidden in ["she\u{ad}ree@example.com", "sheree@exam\u{200b}ple.com", "\u{2800}sheree@example.com"] {
            assert_eq!(code(&read(hidden).unwrap_err()), "email-missing", "{hidden:?}");
        }
    }

    #[test]
    fn an_address_is_verified_in_any_case_of_true() {
        let claim = EmailClaim("email".to_owned());
        let read = |said: &str| {
            let claims = json!({"sub": "sheree", "email": "sheree@example.com", "email_verified": said});
            verified_email(&request(&claims), &claim)
        };

        for said in ["true", "True", "TRUE"] {
            assert!(read(said).is_ok(), "{said}");
        }
        for said in ["false", "False", "", "1", "yes", "true "] {
            assert_eq!(code(&read(said).unwrap_err()), "email-unverified", "{said}");
        }
    }
}
