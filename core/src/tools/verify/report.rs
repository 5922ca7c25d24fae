//! What verification reports.

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Data is lost or cannot be trusted.
    Damage,
    /// Nothing is lost; garbage collection will see to it.
    Leftover,
    /// Not Alluvium's: never read, never deleted.
    Foreign,
}

impl Severity {
    /// One lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Leftover => "leftover",
            Self::Foreign => "foreign",
        }
    }
}

/// Something that verification noticed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// The file.
    pub path: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub what: String,
}

/// What verification read and noticed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VerifyReport {
    /// In order of path.
    pub findings: Vec<Finding>,
    /// Checkpoints that were recovered in full.
    pub checkpoints: u64,
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl VerifyReport {
    /// Whether anything is lost or cannot be trusted.
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Damage)
    }

    pub(super) fn find(&mut self, path: impl Into<String>, severity: Severity, what: impl Into<String>) {
        let finding = Finding { path: path.into(), severity, what: what.into() };
        // Several checkpoints share a file; one finding is enough.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}
