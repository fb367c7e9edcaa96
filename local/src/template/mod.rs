//! `template.yaml`, read: the functions, queues, secrets and the HTTP API that it declares, with the values that a
//! stage's parameters give them. What is not understood is refused with its line.

mod environment;
mod event;
mod function;
mod http_api;
mod intrinsic;
mod lint;
mod node;
mod parameter;
mod properties;
mod queue;
mod reader;
mod rhythm;
mod scope;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use environment::{Resource, Resources};
pub use http_api::{Cors, HttpApi, Jwt};
pub use lint::lint;
pub use rhythm::{Cron, Rhythm};

/// What the local stack runs.
#[derive(Clone, Debug)]
pub struct Template {
    pub functions: Vec<Function>,
    pub queues: Vec<Queue>,
    pub secrets: Vec<Secret>,
    pub http_api: Option<HttpApi>,
}

impl Template {
    /// Reads the template with the stage's parameter values, which override the template's defaults; an unknown or a
    /// missing parameter is an error. All findings come at once, each with its line.
    pub fn read(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let fail = |findings| TemplateError { path: path.to_owned(), findings };
        let source = fs::read_to_string(path)
            .map_err(|error| fail(vec![Finding::new(0, format!("the template cannot be read: {error}"))]))?;
        let (template, findings) = reader::read(&source, parameters);
        match template {
            Some(template) if findings.is_empty() => Ok(template),
            _ => Err(fail(findings)),
        }
    }
}

/// One `AWS::Serverless::Function`.
#[derive(Clone, Debug)]
pub struct Function {
    pub logical_id: String,
    /// The name by which its binary knows it, in logs and on the command line: `Handler`.
    pub name: String,
    /// Cargo's name of the binary: `Metadata.BuildProperties.Binary`.
    pub binary: String,
    pub timeout: Duration,
    pub memory_mb: u32,
    pub reserved_concurrency: Option<u32>,
    pub routes: Vec<Route>,
    pub queue_mappings: Vec<QueueMapping>,
    pub schedules: Vec<Schedule>,
    /// Where it stands in the template.
    pub line: usize,
    /// Kept as written, because it names what exists only once the stack stands.
    variables: Vec<(String, node::Node)>,
    scope: Arc<scope::Scope>,
}

/// An event of type `HttpApi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Upper case, or `ANY`.
    pub method: String,
    /// With `{parameters}`, and possibly a last `{greedy+}` one.
    pub path: String,
    /// Whether the API's JWT authorizer stands before it.
    pub authorized: bool,
}

/// An event of type `SQS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMapping {
    /// The queue's logical id.
    pub queue: String,
    pub batch_size: u32,
    pub window: Duration,
    pub maximum_concurrency: Option<u32>,
    pub report_batch_item_failures: bool,
    pub enabled: bool,
    /// Where it stands in the template.
    pub line: usize,
}

/// An event of type `ScheduleV2`.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub name: String,
    pub rhythm: Rhythm,
    pub enabled: bool,
    pub input: Option<serde_json::Value>,
}

/// One `AWS::SQS::Queue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    pub logical_id: String,
    pub name: String,
    /// SQS's own attribute names, evaluated; `RedrivePolicy` is in `redrive`, because it needs the other queue's ARN.
    pub attributes: BTreeMap<String, String>,
    pub redrive: Option<Redrive>,
    /// Where it stands in the template.
    pub line: usize,
}

/// Where a queue's messages go that nobody managed to handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The logical id of the dead letter queue.
    pub dead_letter: String,
    pub max_receive_count: u32,
}

/// One `AWS::SecretsManager::Secret`. Its content is the stack's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub logical_id: String,
    pub name: String,
}

/// What is wrong with a line of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// From 1; 0 when it concerns the file as a whole.
    pub line: usize,
    pub message: String,
}

impl Finding {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// All that stops a template from being run.
#[derive(Clone, Debug, thiserror::Error)]
pub struct TemplateError {
    path: PathBuf,
    findings: Vec<Finding>,
}

impl TemplateError {
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.path.display();
        for (index, Finding { line, message }) in self.findings.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            match line {
                0 => write!(formatter, "{separator}{file}: {message}")?,
                line => write!(formatter, "{separator}{file}:{line}: {message}")?,
            }
        }
        Ok(())
    }
}
