//! The report of verification.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Data is lost or cannot be trusted.
    Damage,
    /// A WAL file whose checkpoint is missing, so that it is never replayed. Acknowledged changes may be lost:
    /// this may be half of a copy. Only an explicit garbage collection deletes the file.
    Orphan,
    /// Nothing is lost, and garbage collection will delete the file when it may.
    Leftover,
    /// The file is not Alluvium's. It is never read and never deleted.
    Foreign,
}

impl Severity {
    /// Returns the severity as one lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Orphan => "orphan",
            Self::Leftover => "leftover",
            Self::Foreign => "foreign",
        }
    }
}

/// Something that verification found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// The relative path of the file.
    pub path: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub what: String,
}

/// What verification read and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VerifyReport {
    /// What was found, in order of path.
    pub findings: Vec<Finding>,
    /// How many checkpoints were recovered in full.
    pub checkpoints: u64,
    /// How many files were read.
    pub files: u64,
    /// The total length of these files, in bytes.
    pub bytes: u64,
}

impl VerifyReport {
    /// Tells whether anything is lost or cannot be trusted.
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Damage)
    }

    /// Adds a finding.
    pub(super) fn find(&mut self, path: impl Into<String>, severity: Severity, what: impl Into<String>) {
        self.findings.push(Finding { path: path.into(), severity, what: what.into() });
    }
}
