//! AWS: what its clients are made of, and the HTTP client that they share.

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{
    BehaviorVersion, Credentials, HttpClient, Region, RuntimeComponents, SharedCredentialsProvider,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use lambda_http::http::Response;
use reqwest::redirect::Policy;

use crate::bounds;
use crate::config::{ConfigError, Environment};
use crate::tls;

/// The region and the credentials that Lambda gives every execution environment, as `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>). They stay as they are for its whole life,
/// so nothing else is looked at: no profile's file, no metadata service. `AWS_ENDPOINT_URL` leads to another AWS than the
/// region's; a laptop sets it. `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_USE_DUALSTACK_ENDPOINT`, `AWS_USE_FIPS_ENDPOINT` and
/// whatever else an SDK may read have no effect.
///
/// With `SnapStart`, and in a container, credentials are fetched from `AWS_CONTAINER_CREDENTIALS_FULL_URI` instead, and
/// change. No function of ours runs there.
pub fn config(environment: &Environment) -> Result<SdkConfig, ConfigError> {
    let credentials = Credentials::new(
        environment.required("AWS_ACCESS_KEY_ID")?,
        environment.required("AWS_SECRET_ACCESS_KEY")?,
        environment.required("AWS_SESSION_TOKEN").ok().map(str::to_owned),
        None,
        "Lambda's environment",
    );
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(bounds::AWS_ATTEMPT)
        .operation_timeout(bounds::AWS_CALL)
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(environment.required("AWS_REGION")?.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        .http_client(Http::new());
    config.set_endpoint_url(environment.required("AWS_ENDPOINT_URL").ok().map(str::to_owned));
    Ok(config.build())
}

/// The SDK's calls over the HTTP client that all others take, too: one TLS set-up, one kind of connection. The SDK's own
/// client reads the machine's certificates at each start, or is given some that it parses there. Unlike that one, this one
/// keeps a connection on which AWS has answered with a failure.
#[derive(Clone, Debug)]
struct Http(reqwest::Client);

impl Http {
    fn new() -> Self {
        // The SDK keeps a call's other bounds. A redirect would take a signature elsewhere, and a proxy that is meant for
        // other systems would take calls to an endpoint of the VPC.
        let client = tls::http_client().connect_timeout(bounds::AWS_CONNECT).redirect(Policy::none()).no_proxy();
        match client.build() {
            Ok(client) => Self(client),
            Err(_) => {
                unreachable!("what can be wrong with a client is a header or a certificate, and it is given none")
            }
        }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let request = request.map(reqwest::Body::wrap).try_into().map_err(failed)?;
        let response: Response<reqwest::Body> = self.0.execute(request).await.map_err(failed)?.into();
        let response = response.map(SdkBody::from_body_1_x);
        response.try_into().map_err(|error: HttpError| ConnectorError::other(error.into(), None))
    }
}

impl HttpClient for Http {
    /// One connector for all settings, as [`bounds`] has one set of them.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.clone();
        HttpConnectorFuture::new(async move { http.send(request).await })
    }
}

/// The SDK tries again what failed on the way and what took too long.
fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_builder() {
        ConnectorError::user(error.into())
    } else if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const VARIABLES: [(&str, &str); 4] = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "session"),
    ];

    fn client(endpoint: &str) -> aws_sdk_secretsmanager::Client {
        let [region, id, key, session] = VARIABLES;
        let environment = Environment::from([region, id, key, session, ("AWS_ENDPOINT_URL", endpoint)]);
        aws_sdk_secretsmanager::Client::new(&config(&environment).unwrap())
    }

    async fn secret(client: &aws_sdk_secretsmanager::Client) -> Option<String> {
        let reply = client.get_secret_value().secret_id("isoxp/dev/database").send().await.unwrap();
        reply.secret_string
    }

    /// Reads one request and answers it.
    async fn answer(stream: &mut TcpStream, answer: &str) -> String {
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn calls_are_signed_with_what_the_environment_has_and_take_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = client(&format!("http://{}", listener.local_addr().unwrap()));
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let first = answer(&mut stream, &http("200 OK", r#"{"SecretString":"one"}"#)).await;
            answer(&mut stream, &http("200 OK", r#"{"SecretString":"two"}"#)).await;
            first
        });

        let secrets = (secret(&client).await, secret(&client).await);

        assert_eq!(secrets, (Some("one".to_owned()), Some("two".to_owned())));
        let request = server.await.unwrap();
        assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("x-amz-target: secretsmanager.GetSecretValue"), "{request}");
        assert!(request.contains("x-amz-security-token: session"), "{request}");
        assert!(request.contains("/eu-west-1/secretsmanager/aws4_request"), "{request}");
        assert!(request.contains("authorization: AWS4-HMAC-SHA256 Credential=AKID/"), "{request}");
        assert!(request.ends_with(r#"{"SecretId":"isoxp/dev/database"}"#), "{request}");
    }

    #[tokio::test]
    async fn a_call_is_made_again_after_a_broken_connection_and_after_a_failure_of_aws() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = client(&format!("http://{}", listener.local_addr().unwrap()));
        let server = tokio::spawn(async move {
            drop(listener.accept().await.unwrap());
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, &http("503 Service Unavailable", "{}")).await;
            answer(&mut stream, &http("200 OK", r#"{"SecretString":"at last"}"#)).await;
        });

        let secret = secret(&client).await;

        assert_eq!(secret, Some("at last".to_owned()));
        server.await.unwrap();
    }

    #[test]
    fn the_setting_that_is_missing_is_named() {
        for missing in 0..3 {
            let mut variables = VARIABLES;
            variables[missing].1 = "";

            let refused = config(&Environment::from(variables)).map(drop);

            assert_eq!(refused, Err(ConfigError::Missing(VARIABLES[missing].0.to_owned())));
        }
    }
}
