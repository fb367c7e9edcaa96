//! The gateway as a client sees it, before a real function process.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;
use crate::{
    lambda::test_function,
    samconfig,
    services::workspace,
    template::{Cors, Jwt, Template},
};

/// Made anew for each run of the tests; one key for all of them, because making it takes a moment.
static KEY: LazyLock<EncodingKey> = LazyLock::new(|| {
    let key = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
    // The PKCS#1 key, which jsonwebtoken wants, follows the 26 bytes with which PKCS#8 says that it is RSA.
    EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..])
});

const TEMPLATE: &str = "
Resources:
  Api: { Type: AWS::Serverless::HttpApi }
  Http:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: bootstrap } }
    Properties:
      Handler: http
      Runtime: provided.al2023
      Events:
        Open:
          Type: HttpApi
          Properties: { ApiId: !Ref Api, Path: '/do/{what}', Method: any, Auth: { Authorizer: NONE } }
        Closed:
          Type: HttpApi
          Properties: { ApiId: !Ref Api, Path: '/api/users/{user_id}', Method: post }
";

/// Short ones for slow clients; a handler may take longer.
const LIMITS: Limits = Limits { reading: Duration::from_millis(500), idle: Duration::from_mins(1) };

struct Served {
    server: HttpServer,
    lambda: Lambda,
    client: reqwest::Client,
    _folder: TempDir,
}

impl Served {
    async fn new() -> Self {
        let cors = Cors {
            allow_origins: vec!["https://isophotoxp.example".into()],
            allow_methods: vec!["GET".into(), "POST".into()],
            allow_headers: vec!["authorization".into()],
            expose_headers: vec!["x-request-id".into()],
            allow_credentials: true,
            max_age: Some(Duration::from_mins(10)),
        };
        Self::with(cors).await
    }

    async fn with(cors: Cors) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("template.yaml");
        std::fs::write(&path, TEMPLATE).unwrap();
        let template = Template::read(&path, &[].into()).unwrap();
        let mut spec = test_function::spec(folder.path(), "http", "http");
        spec.timeout = Duration::from_millis(800);
        spec.reserved_concurrency = Some(1);
        let lambda = Lambda::start(vec![spec]).await.unwrap();
        let api = HttpApi {
            logical_id: "Api".into(),
            jwt: Some(Jwt { issuer: "https://issuer.example/".into(), audience: vec!["web".into(), "app".into()] }),
            cors: Some(cors),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = serve(listener, api, &template.functions, lambda.clone(), keys(), LIMITS).unwrap();
        let client = crate::http::client().timeout(Duration::from_secs(10)).build().unwrap();
        Self { server, lambda, client, _folder: folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let response = self.client.get(self.url(path)).send().await.unwrap();
        assert!(response.headers().contains_key("apigw-requestid"));
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn with_token(&self, token: &str) -> reqwest::Response {
        let request = self.client.post(self.url("/api/users/7")).header("authorization", token).body("{}");
        request.header("content-type", "application/json").send().await.unwrap()
    }

    async fn stop(self) {
        self.server.stop().await;
        self.lambda.shutdown().await;
    }
}

fn keys() -> Keys {
    let mut key = Jwk::from_encoding_key(&KEY, Algorithm::RS256).unwrap();
    key.common.key_id = Some("one".into());
    Keys::given(JwkSet { keys: vec![key] })
}

/// A good token, after a change to its claims.
fn token(change: impl FnOnce(&mut Value)) -> String {
    let now = host::now().timestamp();
    let mut claims = json!({
        "iss": "https://issuer.example/",
        "aud": ["other", "web"],
        "sub": "auth0|sheree",
        "email": "sheree@example.com",
        "email_verified": true,
        "iat": now - 1,
        "exp": now + 60,
        "groups": ["a", "b"],
    });
    change(&mut claims);
    let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::RS256) };
    encode(&header, &claims, &KEY).unwrap()
}

#[tokio::test]
async fn a_request_becomes_payload_format_2() {
    let served = Served::new().await;

    let response = served
        .client
        .post(served.url("/api/users/a%20b?x=1&y=%C3%A9+t&x=2"))
        .header("authorization", format!("Bearer {}", token(|_| ())))
        .header("content-type", "application/json; charset=utf-8")
        .header("X-Twice", "one")
        .header("x-twice", "two")
        .header("cookie", "a=1; b=2")
        .header("user-agent", "test")
        .body(r#"{"role":"parent"}"#)
        .send()
        .await
        .unwrap();

    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-own"], "yes");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    let event: Value = response.json().await.unwrap();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "POST /api/users/{user_id}");
    assert_eq!(event["rawQueryString"], "x=1&y=%C3%A9+t&x=2");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1,2", "y": "é t" }));
    assert_eq!(event["pathParameters"], json!({ "user_id": "a b" }));
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["x-twice"], "one,two");
    assert_eq!(event["headers"]["cookie"], Value::Null);
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(r#"{"role":"parent"}"#), &json!(false)));
    let context = &event["requestContext"];
    assert_eq!(context["stage"], "$default");
    assert_eq!(context["http"]["method"], "POST");
    assert_eq!(context["http"]["protocol"], "HTTP/1.1");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "test");
    assert_eq!(context["authorizer"]["jwt"]["scopes"], Value::Null);
    let claims = context["authorizer"]["jwt"]["claims"].as_object().unwrap();
    assert!(claims.values().all(Value::is_string), "{claims:?}");
    assert_eq!(claims["email_verified"], "true");
    assert_eq!(claims["aud"], "[other web]");
    served.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_text_goes_as_base64_and_an_absent_one_not_at_all() {
    let served = Served::new().await;
    let send = async |kind: &str, body: &'static [u8]| {
        let request = served.client.post(served.url("/do/it")).header("content-type", kind).body(body);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };

    let image = send("image/png", b"plain").await;
    let broken = send("application/json", &[0xff, 0xfe]).await;
    let problem = send("application/problem+json", b"{}").await;
    let nothing = send("text/plain", b"").await;

    assert_eq!((&image["body"], &image["isBase64Encoded"]), (&json!("cGxhaW4="), &json!(true)));
    assert_eq!((&broken["body"], &broken["isBase64Encoded"]), (&json!("//4="), &json!(true)));
    assert_eq!((&problem["body"], &problem["isBase64Encoded"]), (&json!("{}"), &json!(false)));
    assert_eq!((&nothing["body"], &nothing["isBase64Encoded"]), (&Value::Null, &json!(false)));
    served.stop().await;
}

#[tokio::test]
async fn only_a_valid_token_passes_the_authorizer() {
    let served = Served::new().await;
    let now = host::now().timestamp();
    let mut foreign = token(|_| ());
    foreign.replace_range(foreign.len() - 6.., "AAAAAA");
    let unsigned = token(|_| ()).split('.').nth(1).unwrap().to_owned();
    let refused = [
        ("another issuer", token(|claims| claims["iss"] = "https://issuer.example".into())),
        ("another audience", token(|claims| claims["aud"] = "elsewhere".into())),
        (
            "client_id beside a wrong aud",
            token(|claims| {
                claims["aud"] = "elsewhere".into();
                claims["client_id"] = "web".into();
            }),
        ),
        ("expired", token(|claims| claims["exp"] = now.into())),
        ("never expires", token(|claims| drop(claims.as_object_mut().unwrap().remove("exp")))),
        ("not yet valid", token(|claims| claims["nbf"] = (now + 60).into())),
        ("issued in the future", token(|claims| claims["iat"] = (now + 60).into())),
        ("another signature", foreign),
        ("no signature", format!("eyJhbGciOiJub25lIn0.{unsigned}.")),
        ("no token", "rubbish".to_owned()),
    ];
    for (why, token) in refused {
        let response = served.with_token(&format!("Bearer {token}")).await;

        assert_eq!(response.status(), 401, "{why}");
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"), "{why}: {challenge}");
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "message": "Unauthorized" }));
    }
    let by_client_id = token(|claims| {
        claims.as_object_mut().unwrap().remove("aud");
        claims["client_id"] = "app".into();
    });
    assert_eq!(served.with_token(&by_client_id).await.status(), 201);
    assert_eq!(served.lambda.environments().len(), 1);
    let without = served.client.post(served.url("/api/users/7")).send().await.unwrap();
    assert_eq!((without.status().as_u16(), &without.headers()["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
    served.stop().await;
}

#[tokio::test]
async fn what_goes_wrong_gets_api_gateways_own_answers() {
    let served = Served::new().await;
    let message = |text: &str| json!({ "message": text });

    assert_eq!(served.get("/nowhere").await, (404, message("Not Found")));
    assert_eq!(served.get("/do/it/").await, (404, message("Not Found")));
    for misbehaviour in ["exit", "error", "rubbish", "large", "hang"] {
        assert_eq!(
            served.get(&format!("/do/{misbehaviour}")).await,
            (500, message("Internal Server Error")),
            "{misbehaviour}"
        );
    }
    let large = served.client.post(served.url("/do/it")).body(vec![b'x'; BODY_LIMIT + 1]).send().await.unwrap();
    assert_eq!(large.status(), 413);
    assert_eq!(large.json::<Value>().await.unwrap(), message("Request Entity Too Large"));
    let (one, other) = tokio::join!(served.get("/do/hang"), served.get("/do/hang"));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [500, 503]);
    served.stop().await;
}

#[tokio::test]
async fn an_answer_is_read_as_api_gateway_reads_it() {
    let served = Served::new().await;
    let answer = async |answer: &Value| {
        let with = answer.to_string();
        let request = served.client.get(served.url("/do/answer")).query(&[("with", with)]);
        let response = request.send().await.unwrap();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (response.status().as_u16(), kind.unwrap_or_default(), response.text().await.unwrap())
    };
    let json_body = |body: &str| (200, "application/json".to_owned(), body.to_owned());
    let failure = (500, "application/json".to_owned(), r#"{"message":"Internal Server Error"}"#.to_owned());

    assert_eq!(answer(&json!({ "a": 1 })).await, json_body(r#"{"a":1}"#));
    assert_eq!(answer(&json!("hello")).await, json_body("hello"));
    assert_eq!(answer(&json!({ "statusCode": 204 })).await, (204, String::new(), String::new()));
    let encoded = json!({ "statusCode": "200", "body": "aGk=", "isBase64Encoded": true });
    assert_eq!(answer(&encoded).await, (200, "text/plain;charset=UTF-8".to_owned(), "hi".to_owned()));
    for wrong in [
        json!({ "statusCode": "many" }),
        json!({ "statusCode": 1000 }),
        json!({ "statusCode": 200, "body": { "not": "a string" } }),
        json!({ "statusCode": 200, "body": "%%", "isBase64Encoded": true }),
        json!({ "statusCode": 200, "headers": { "bad name": "x" } }),
        json!({ "statusCode": 200, "cookies": "a=1" }),
    ] {
        assert_eq!(answer(&wrong).await, failure, "{wrong}");
    }
    served.stop().await;
}

#[tokio::test]
async fn cors_is_the_gateways() {
    let served = Served::new().await;
    let preflight = async |origin: &'static str| {
        let request = served.client.request(reqwest::Method::OPTIONS, served.url("/api/users/7"));
        request.header("origin", origin).header("access-control-request-method", "POST").send().await.unwrap()
    };

    let allowed = preflight("https://isophotoxp.example").await;
    let foreign = preflight("https://elsewhere.example").await;
    let answer = served.client.get(served.url("/do/it")).header("origin", "https://isophotoxp.example");
    let answer = answer.send().await.unwrap();
    let refused = served.client.get(served.url("/nowhere")).header("origin", "https://isophotoxp.example");
    let refused = refused.send().await.unwrap();
    let same_origin = served.client.get(served.url("/do/it")).send().await.unwrap();

    assert_eq!(allowed.status(), 204);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://isophotoxp.example");
    assert_eq!(allowed.headers()["access-control-allow-methods"], "GET,POST");
    assert_eq!(allowed.headers()["access-control-allow-headers"], "authorization");
    assert_eq!(allowed.headers()["access-control-max-age"], "600");
    assert_eq!(foreign.status(), 204);
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://isophotoxp.example");
    assert_eq!(answer.headers()["access-control-expose-headers"], "x-request-id");
    assert_eq!(refused.headers()["access-control-allow-credentials"], "true");
    // The function's own `*` does not get through.
    assert!(!same_origin.headers().contains_key("access-control-allow-origin"));
    served.stop().await;
}

/// What the project's own template lets browsers do.
fn cors_of_the_template() -> Cors {
    let parameters = samconfig::parameters(&workspace::root().join("samconfig.toml"), "dev").unwrap();
    let template = Template::read(&workspace::root().join("template.yaml"), &parameters).unwrap();
    template.http_api.and_then(|api| api.cors).unwrap()
}

/// The names in a header that is a list, as a browser compares them.
fn names(response: &reqwest::Response, header: &str) -> Vec<String> {
    let list = response.headers().get(header).map(|list| list.to_str().unwrap()).unwrap_or_default();
    list.split(',').map(|name| name.trim().to_ascii_lowercase()).collect()
}

#[tokio::test]
async fn a_browser_may_send_and_read_what_the_api_works_with() {
    const ORIGIN: &str = "https://dev.isophotoxp.com";
    let served = Served::with(cors_of_the_template()).await;
    let answer = json!({
        "statusCode": 201,
        "headers": {"ETag": "\"one\"", "Location": "/api/athletes/1", "Retry-After": "5", "X-Request-Id": "1"},
    });

    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let preflight = served.client.request(reqwest::Method::OPTIONS, served.url("/api/users/7"));
        let preflight = preflight.header("origin", ORIGIN).header("access-control-request-method", method);
        let preflight = preflight.header("access-control-request-headers", "authorization,content-type,if-match");
        let preflight = preflight.send().await.unwrap();

        assert_eq!(preflight.status(), 204, "{method}");
        assert_eq!(preflight.headers()["access-control-allow-origin"], ORIGIN, "{method}");
        assert!(names(&preflight, "access-control-allow-methods").contains(&method.to_ascii_lowercase()), "{method}");
        let headers = names(&preflight, "access-control-allow-headers");
        assert_eq!(headers, ["authorization", "content-type", "if-match"], "{method}");
    }
    let conditional = served.client.patch(served.url("/do/it")).header("origin", ORIGIN).header("If-Match", "\"one\"");
    let conditional: Value = conditional.send().await.unwrap().json().await.unwrap();
    let request = served.client.get(served.url("/do/answer")).query(&[("with", answer.to_string())]);
    let read = request.header("origin", ORIGIN).send().await.unwrap();
    let refused = served.client.get(served.url("/nowhere")).header("origin", ORIGIN).send().await.unwrap();

    assert_eq!(conditional["headers"]["if-match"], "\"one\"");
    for header in ["etag", "location", "retry-after", "x-request-id", "apigw-requestid"] {
        assert!(read.headers().contains_key(header), "{header} did not get through");
        assert!(names(&read, "access-control-expose-headers").contains(&header.to_owned()), "{header} is not exposed");
    }
    assert!(names(&refused, "access-control-expose-headers").contains(&"apigw-requestid".to_owned()));
    served.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_408() {
    let served = Served::new().await;
    let mut client = TcpStream::connect(served.server.address()).await.unwrap();
    client.write_all(b"POST /do/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").await.unwrap();

    let mut answer = String::new();
    timeout(LIMITS.reading * 10, client.read_to_string(&mut answer)).await.expect("it is let go").unwrap();

    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.ends_with(r#"{"message":"Request Timeout"}"#), "{answer}");
    served.stop().await;
}
