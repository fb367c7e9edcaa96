//! One account of the local AWS: its clients, and what a function needs to reach it.

use std::collections::BTreeMap;

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};

/// The region that the template's pseudo parameter has, too.
pub const REGION: &str = "us-east-1";

/// `MiniStack` takes an access key id of twelve digits as the number of the account, and keeps accounts apart: stacks
/// on one server see nothing of each other.
#[derive(Debug, Clone)]
pub struct Account {
    pub endpoint: String,
    pub number: String,
}

impl Account {
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(self.credentials())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(self.credentials())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    /// The variables that lead an AWS SDK here and keep it from looking for an instance's metadata.
    pub fn environment(&self) -> BTreeMap<String, String> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", &self.number),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(&self.number, "local", None, None, "local")
    }
}
