//! `AWS::Serverless::HttpApi`: its JWT authorizer and its CORS.

use std::time::Duration;

use super::{node::Node, properties::Properties};

/// The one HTTP API of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpApi {
    pub logical_id: String,
    pub jwt: Option<Jwt>,
    pub cors: Option<Cors>,
}

/// Who may call the authorized routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jwt {
    /// Compared exactly with the token's `iss`.
    pub issuer: String,
    /// The token's `aud`, or its `client_id` where it has no `aud`, must be one of them.
    pub audience: Vec<String>,
}

/// `CorsConfiguration`, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    pub allow_origins: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
    pub expose_headers: Vec<String>,
    pub allow_credentials: bool,
    pub max_age: Option<Duration>,
}

const HONOURED: &[&str] = &["Auth", "CorsConfiguration"];

const CLOUD_ONLY: &[&str] = &[
    "AccessLogSettings",
    "DefaultRouteSettings",
    "Description",
    "DisableExecuteApiEndpoint",
    "Domain",
    "FailOnWarnings",
    "Name",
    "PropagateTags",
    "RouteSettings",
    "StageName",
    "Tags",
];

const CORS: &[&str] = &["AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders", "AllowCredentials", "MaxAge"];

pub(super) fn read(id: &str, resource: Properties<'_>) -> Option<HttpApi> {
    let api = HttpApi { logical_id: id.to_owned(), jwt: None, cors: None };
    if resource.node("Properties").is_none() {
        return Some(api);
    }
    let properties = resource.section("Properties", "an HttpApi", &[HONOURED, CLOUD_ONLY])?;
    let auth = properties.section("Auth", "an HttpApi's Auth", &[&["DefaultAuthorizer", "Authorizers"]]);
    let cors = properties.section("CorsConfiguration", "a CorsConfiguration", &[CORS]);
    Some(HttpApi { jwt: auth.and_then(jwt), cors: cors.map(read_cors), ..api })
}

/// One JWT authorizer, which is the default: the local gateway has no other kind.
fn jwt(auth: Properties<'_>) -> Option<Jwt> {
    let context = auth.context;
    let name = auth.required("DefaultAuthorizer", "an HttpApi's Auth")?;
    let [authorizer] = auth.node("Authorizers").and_then(Node::entries).unwrap_or_default() else {
        context.report(auth.line_of("Authorizers"), "an HttpApi's Auth has exactly one authorizer here");
        return None;
    };
    if authorizer.key != name {
        context.report(auth.line_of("DefaultAuthorizer"), format!("there is no authorizer `{name}`"));
    }
    let known = &["IdentitySource", "JwtConfiguration"];
    let authorizer = context.section(&authorizer.value, "a JWT authorizer", &[known])?;
    if authorizer.text("IdentitySource").as_deref() != Some("$request.header.Authorization") {
        let message = "the local gateway reads the token from `IdentitySource: $request.header.Authorization` only";
        context.report(authorizer.line_of("IdentitySource"), message);
    }
    let configuration = authorizer.section("JwtConfiguration", "a JwtConfiguration", &[&["issuer", "audience"]])?;
    let audience = configuration.texts("audience").unwrap_or_default();
    if audience.is_empty() {
        context.report(configuration.line_of("audience"), "a JwtConfiguration needs an audience");
    }
    Some(Jwt { issuer: configuration.required("issuer", "a JwtConfiguration")?, audience })
}

fn read_cors(cors: Properties<'_>) -> Cors {
    let texts = |name| cors.texts(name).unwrap_or_default();
    Cors {
        allow_origins: texts("AllowOrigins"),
        allow_methods: texts("AllowMethods"),
        allow_headers: texts("AllowHeaders"),
        expose_headers: texts("ExposeHeaders"),
        allow_credentials: cors.boolean("AllowCredentials").unwrap_or(false),
        max_age: cors.number("MaxAge").map(Duration::from_secs),
    }
}
