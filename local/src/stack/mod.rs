//! A whole system on one machine: the template's functions behind their routes, queues and schedules, and everything
//! they need around them.

pub mod build;
mod database;
mod deployment;
mod directory;
mod endpoints;
mod flags;
mod ground;
mod mappings;
mod notice;
mod options;
mod parameters;
mod provision;
mod receipts;
mod secrets;
mod template_database;
#[cfg(test)]
mod tests;

pub use directory::Directory;
pub use endpoints::{Endpoints, remember};
pub use flags::{FlagError, Flags};
pub use mappings::Mappings;
pub use options::Options;
pub use parameters::check_template;
pub use template_database::make_template_database;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::control::{self, Control};
use crate::gateway;
use crate::http::{HttpServer, Limits};
use crate::issuer::Issuer;
use crate::lambda::Lambda;
use crate::receiver;
use crate::schedule::{self, ScheduleHandle};
use crate::services::Addresses;
use crate::zoho::{self, Simulator};
use deployment::{Deployment, Surroundings};
use ground::Ground;
use notice::Notice;
use parameters::Parameters;
use provision::Queue;
use secrets::Keys;

/// A running system. [`Stack::stop`] ends it in order; dropping it ends it at once. No process of it is left either way.
#[derive(Debug)]
pub struct Stack {
    endpoints: Endpoints,
    notice: Notice,
    gateway: HttpServer,
    control: HttpServer,
    flags: Flags,
    schedules: Vec<ScheduleHandle>,
    mappings: Mappings,
    lambda: Lambda,
    sqs: aws_sdk_sqs::Client,
    queues: BTreeMap<String, Queue>,
    issuer: Issuer,
    zoho: Simulator,
    receiver: HttpServer,
    ground: Ground,
    directory: Directory,
}

impl Stack {
    /// Builds and starts everything, and returns when all of it is ready to be used.
    pub async fn start(options: Options) -> Result<Stack> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.with_context(|| {
            format!("port {} of 127.0.0.1 cannot be had; choose another with --port, or 0 for any", options.port)
        })?;
        let api = format!("http://{}", listener.local_addr().context("the API's own address")?);
        let parameters = Parameters::of_stage(&options.stage)?;
        // Before anything is built or started.
        flags::check(&parameters.sketch()?.functions, &BTreeSet::new(), &options.set)?;
        let shared = Addresses::from_environment()?;
        let directory = match &options.data {
            Some(path) => Directory::kept(path)?,
            None => Directory::free(if shared.is_some() { "test-stack" } else { "data" })?,
        };
        let keys = Keys::new()?;
        let simulator = zoho::Options { client_secret: keys.zoho_client.clone(), ..zoho::Options::default() };

        // Nothing of this needs another.
        let ((), ground, issuer, zoho, receiver) = tokio::try_join!(
            async { if options.build { build_functions(&options).await } else { Ok(()) } },
            Ground::prepare(shared, &directory, options.durability),
            Issuer::start(),
            zoho::start(simulator),
            receiver::start(),
        )?;

        let logs = directory.logs();
        let around = Surroundings {
            account: &ground.account,
            database: &ground.database,
            keys: &keys,
            api_url: &api,
            issuer_url: issuer.url(),
            zoho_url: options.zoho_url.as_deref().unwrap_or(zoho.url()),
            receiver_url: receiver.url(),
            logs: &logs,
        };
        let deployment = Deployment::make(&parameters, &options, &around).await?;
        if !ground.database.is_migrated() {
            deployment.migrate(&logs).await?;
        }

        let sqs = ground.account.sqs();
        let gateway = serve_api(listener, &deployment, &issuer)?;
        receipts::point(&zoho, &deployment.template, &api, &keys).await?;
        let mappings = Mappings::start(&deployment, &sqs)?;
        let schedules = if options.schedules { start_schedules(&deployment) } else { Vec::new() };
        let Deployment { template, provisioned, environments, lambda } = deployment;
        let flags = Flags::new(lambda.clone(), &template.functions, environments);
        let control = Control { lambda: lambda.clone(), flags: flags.clone(), mappings: mappings.clone() };
        let control = control::serve(control).await?;

        let endpoints = Endpoints {
            api,
            database_url: ground.database.url(),
            aws: ground.account.endpoint.clone(),
            zoho: zoho.url().to_owned(),
            issuer: issuer.url().to_owned(),
            control: control.url().to_owned(),
            logs,
            functions: template.functions.into_iter().map(|function| function.name).collect(),
            webhook_secrets: keys.webhooks,
            webhook_receiver: receiver.url().to_owned(),
            webhook_endpoints: keys.endpoints,
        };
        let notice = Notice::post(&endpoints, directory.path())?;
        let queues = provisioned.queues;
        Ok(Stack {
            endpoints,
            notice,
            gateway,
            control,
            flags,
            schedules,
            mappings,
            lambda,
            sqs,
            queues,
            issuer,
            zoho,
            receiver,
            ground,
            directory,
        })
    }

    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    pub fn lambda(&self) -> &Lambda {
        &self.lambda
    }

    /// A client for the stack's own account.
    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        &self.sqs
    }

    pub fn queue_url(&self, logical_id: &str) -> Option<&str> {
        self.queues.get(logical_id).map(|queue| queue.url.as_str())
    }

    pub fn flags(&self) -> &Flags {
        &self.flags
    }

    /// Lets queues wake functions, or not; returns when it is in force.
    pub async fn set_mappings_enabled(&self, enabled: bool) {
        self.mappings.set_enabled(enabled).await;
    }

    /// Returns when something that the stack stands on has ended although nobody has stopped it, with a sentence that
    /// says so. The stack is good for nothing then but to be stopped.
    pub async fn ended(&self) -> String {
        let server = async |what: &str, server: &HttpServer| {
            server.ended().await;
            format!("the server of {what} has ended by itself")
        };
        tokio::select! {
            what = self.ground.ended() => what,
            () = self.zoho.ended() => "the simulator of Zoho has ended by itself".to_owned(),
            () = self.issuer.ended() => "the issuer of tokens has ended by itself".to_owned(),
            what = server("the API", &self.gateway) => what,
            what = server("the control", &self.control) => what,
            what = server("the receiver of webhooks", &self.receiver) => what,
        }
    }

    /// Ends everything from the outside in. What is in work ends with it; a database that is not kept is dropped.
    pub async fn stop(self) -> Result<()> {
        self.notice.remove().await;
        self.gateway.stop().await;
        drop(self.schedules);
        self.lambda.shutdown().await;
        // Only now: whoever has invoked a function through it hears that it was stopped.
        self.control.stop().await;
        self.mappings.stop().await;
        drop(self.issuer);
        self.zoho.stop();
        drop(self.receiver);
        self.ground.leave().await
    }
}

/// Builds the binaries of the template's functions, and no others.
pub async fn build_functions(options: &Options) -> Result<()> {
    let sketch = Parameters::of_stage(&options.stage)?.sketch()?;
    let binaries: BTreeSet<&str> = sketch.functions.iter().map(|function| function.binary.as_str()).collect();
    build::build(binaries, options.release).await
}

fn serve_api(listener: TcpListener, deployment: &Deployment, issuer: &Issuer) -> Result<HttpServer> {
    let template = &deployment.template;
    let keys = gateway::Keys::fetched_from(issuer.keys_url())?;
    let api = template.http_api.clone().context("the template has no AWS::Serverless::HttpApi to serve")?;
    let lambda = deployment.lambda.clone();
    gateway::serve(listener, api, &template.functions, lambda, keys, Limits::default()).context("serving the API")
}

fn start_schedules(deployment: &Deployment) -> Vec<ScheduleHandle> {
    let functions = deployment.template.functions.iter();
    let schedules = functions.flat_map(|function| function.schedules.iter().map(move |schedule| (function, schedule)));
    schedules
        .map(|(function, schedule)| schedule::start(schedule.clone(), deployment.lambda.clone(), function.name.clone()))
        .collect()
}
