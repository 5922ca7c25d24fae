//! The output of one worker and of four.

use std::path::Path;

use alluvium_bench::report::Report;
use anyhow::{Result, ensure};

use super::KEYS;
use crate::processes::{Layout, PATIENCE, Processes};

pub(super) fn run(scratch: &Path, report: &mut Report) -> Result<()> {
    let output = |processes, threads| -> Result<Vec<u8>> {
        let folder = tempfile::tempdir_in(scratch)?;
        let (job, output) = (folder.path().join("job"), folder.path().join("output"));
        let (job, output) = (job.display().to_string(), output.display().to_string());
        let input = format!("generated:3,{},300000,0", KEYS / 100);
        let arguments =
            ["--job", &job, "--input", &input, "--every", "10", "--epoch-records", "5000", "--output", &output];
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let ended = Processes::start(folder.path(), Layout { processes, threads }, &arguments, &[]).wait(PATIENCE);
        ensure!(ended.is_finished, "{}", ended.messages);
        Ok(std::fs::read(output)?)
    };
    let (one, four) = (output(1, 1)?, output(2, 2)?);
    ensure!(!one.is_empty(), "the job has written nothing");
    let what = format!("900,000 records, {} bytes of output; 1 worker, and 2 processes of 2", one.len());
    report.goal("cluster_output_equal", f64::from(u8::from(one == four)), ">= 1", "", &what)
}
