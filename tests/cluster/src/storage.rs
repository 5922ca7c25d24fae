//! Where the jobs of the tests are: in directories of the file system, and on moto.

use std::cell::Cell;
use std::path::Path;

use alluvium_cluster::{JobStatus, NativeStorage, ObjectStorage};
use alluvium_object::ObjectOptions;
use alluvium_test_servers::object::{BUCKET, ObjectStore};

/// The kinds of storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory of the file system.
    Native,
    /// A bucket of moto.
    Moto,
}

/// What jobs are kept in. The server runs until this is dropped.
pub enum Storages {
    /// The folders of the jobs.
    Native,
    /// One server, with a prefix for each job.
    Moto {
        /// The server.
        server: ObjectStore,
        /// How many jobs there are.
        jobs: Cell<u32>,
    },
}

/// Where one job is, as the processes of the job are told.
#[derive(Debug, Clone)]
pub struct JobAt {
    /// The job's address.
    pub address: String,
    /// How the server is found.
    pub environment: Vec<(String, String)>,
}

impl Storages {
    /// Starts what is needed. It is `None` where it cannot be installed, which is said.
    pub fn start(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Native => Some(Self::Native),
            Kind::Moto => ObjectStore::moto().map(|server| Self::Moto { server, jobs: Cell::new(0) }),
        }
    }

    /// Returns a place for another job. `folder` is its own.
    pub fn job(&self, folder: &Path) -> JobAt {
        match self {
            Self::Native => JobAt { address: folder.join("job").display().to_string(), environment: Vec::new() },
            Self::Moto { server, jobs } => {
                jobs.set(jobs.get() + 1);
                JobAt { address: format!("s3://{BUCKET}/job-{}", jobs.get()), environment: server.environment() }
            }
        }
    }
}

impl JobAt {
    /// Reads what the log of the job says.
    pub fn status(&self) -> JobStatus {
        let status = if self.address.contains("://") {
            let with = |options: ObjectOptions, (name, value): &(String, String)| options.with_variable(name, value);
            let options = self.environment.iter().fold(ObjectOptions::default(), with);
            JobStatus::read(&ObjectStorage::from_url(&self.address, options).unwrap())
        } else {
            JobStatus::read(&NativeStorage::new(&self.address))
        };
        status.unwrap().expect("the job has begun")
    }
}
