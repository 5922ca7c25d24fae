//! `cluster-worker`: one process of a job that counts words. The tests start it and kill it.

use std::process::ExitCode;

use alluvium_test_cluster::worker::{Arguments, run};
use clap::Parser;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
