//! `alluvium cluster`: the same plugins over many workers, in one process or in several.

mod arguments;
mod board;
mod manage;
mod place;
mod progress;
mod sources;
mod start;
mod status;

use clap::{Args, Subcommand};

use crate::answer::Answer;
use crate::failure::Failure;

/// Run one plugin over many workers, in one process or in several, and look after such jobs
#[derive(Args)]
pub(crate) struct Cluster {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<arguments::Run>),
    Status(status::Status),
    Rescale(status::Rescale),
    Claim(manage::Claim),
    Gc(manage::Gc),
    Export(manage::Export),
}

impl Cluster {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        match &self.command {
            Command::Run(command) => command.run(),
            Command::Status(command) => command.run(),
            Command::Rescale(command) => command.run(),
            Command::Claim(command) => command.run(),
            Command::Gc(command) => command.run(),
            Command::Export(command) => command.run(),
        }
    }
}

/// Says why a job stopped.
fn failed(error: &alluvium_cluster::ClusterError) -> Failure {
    use alluvium_cluster::ClusterError as Error;
    let failure = Failure::plain(error.to_string());
    let again = "start all processes of the job again: it continues at the last committed epoch";
    match error {
        Error::Checkpoint(_) | Error::Network(_) | Error::Storage(_) => failure.hint(again),
        Error::Source(_) | Error::Operator(_) | Error::Panicked(_) => {
            failure.hint("correct the input or the plugin and start the job again; what was committed is safe")
        }
        Error::Damaged(_) => failure.hint("alluvium cluster status names the parts; verify their directories"),
        _ => failure,
    }
}
