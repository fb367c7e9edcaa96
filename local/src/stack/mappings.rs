//! The queues' ways to the functions, all at once.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::Mutex;

use super::deployment::Deployment;
use crate::mapping::{self, MappingHandle};

/// The running mappings of a stack. Clones share them.
#[derive(Debug, Clone)]
pub struct Mappings(Arc<Mutex<Vec<Running>>>);

#[derive(Debug)]
struct Running {
    handle: MappingHandle,
    /// Whether the template has it enabled.
    enabled: bool,
}

impl Mappings {
    /// Starts those that the template declares.
    pub(super) fn start(deployment: &Deployment, sqs: &aws_sdk_sqs::Client) -> anyhow::Result<Mappings> {
        let mut running = Vec::new();
        for function in &deployment.template.functions {
            for declared in &function.queue_mappings {
                let Some(queue) = deployment.provisioned.queues.get(&declared.queue) else {
                    anyhow::bail!(
                        "{} is mapped to {}, which is no queue of the template",
                        function.name,
                        declared.queue
                    )
                };
                let handle = mapping::start(
                    declared.clone(),
                    queue.url.clone(),
                    queue.arn.clone(),
                    sqs.clone(),
                    deployment.lambda.clone(),
                    function.name.clone(),
                    function.timeout,
                );
                running.push(Running { handle, enabled: declared.enabled });
            }
        }
        Ok(Mappings(Arc::new(Mutex::new(running))))
    }

    /// Off, no queue wakes a function, and batches in work are finished; on, those do that the template enables. Returns
    /// when it is in force.
    pub async fn set_enabled(&self, enabled: bool) {
        let running = self.0.lock().await;
        join_all(running.iter().map(|mapping| mapping.handle.set_enabled(enabled && mapping.enabled))).await;
    }

    pub(super) async fn stop(&self) {
        let running = std::mem::take(&mut *self.0.lock().await);
        join_all(running.into_iter().map(|mapping| mapping.handle.stop())).await;
    }
}
