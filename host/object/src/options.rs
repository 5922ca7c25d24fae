//! How a directory uses its store.

use std::fmt;
use std::time::Duration;

use object_store::{BackoffConfig, RetryConfig};

/// How a directory uses its store: the number of requests at a time, the sizes of parts, and retries.
///
/// ```
/// use alluvium_object::ObjectOptions;
///
/// let options = ObjectOptions::default().with_parallel_requests(8).with_multipart_bytes(None);
/// assert_eq!(options.parallel_requests, 8);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ObjectOptions {
    /// The most requests that one call has in flight at a time. 16 by default.
    pub parallel_requests: usize,
    /// Files larger than this are uploaded to S3 in parts of this size, at least 5 MiB. 8 MiB by default. `None` uploads
    /// every file with one request, which S3 allows up to 5 GiB. Other stores always get one request.
    pub multipart_bytes: Option<u64>,
    /// Reads longer than this are split into parallel requests of this length. 8 MiB by default.
    pub read_bytes: u64,
    /// Marks each object with a random number in its metadata, so that the retry of a creation whose answer was lost
    /// recognises its own object. On by default. A store of local files has no metadata, so it needs `false`.
    pub marks_objects: bool,
    /// The most retries of one request. 8 by default. The pauses between them grow from 0.1 s to 5 s, with jitter.
    pub retries_max: usize,
    /// No retry begins later than this after the first attempt. 60 s by default.
    pub retry_time_max: Duration,
    /// The longest time for one attempt of a request. 30 s by default.
    pub request_time_max: Duration,
    /// What comes before the variables of the environment.
    pub(crate) variables: Variables,
}

/// Variables in the place of those of the environment. They may be secret, so only their names are shown.
#[derive(Clone, Default)]
pub(crate) struct Variables(Vec<(String, String)>);

impl Variables {
    /// Returns the variables that begin with this, those of the environment first.
    pub(crate) fn all(&self, beginning: &str) -> Vec<(String, String)> {
        let of_environment = std::env::vars_os();
        let of_environment =
            of_environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let all = of_environment.chain(self.0.iter().cloned());
        all.filter(|(name, _)| name.starts_with(beginning)).collect()
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Default for ObjectOptions {
    fn default() -> Self {
        Self {
            parallel_requests: 16,
            multipart_bytes: Some(8 << 20),
            read_bytes: 8 << 20,
            marks_objects: true,
            retries_max: 8,
            retry_time_max: Duration::from_mins(1),
            request_time_max: Duration::from_secs(30),
            variables: Variables::default(),
        }
    }
}

impl ObjectOptions {
    /// Sets the most requests that one call has in flight at a time. At least 1 is used.
    #[must_use]
    pub fn with_parallel_requests(self, parallel_requests: usize) -> Self {
        Self { parallel_requests: parallel_requests.max(1), ..self }
    }

    /// Sets the size above which files are uploaded in parts, or `None` for never.
    #[must_use]
    pub fn with_multipart_bytes(self, multipart_bytes: Option<u64>) -> Self {
        Self { multipart_bytes, ..self }
    }

    /// Sets the length above which a read is split.
    #[must_use]
    pub fn with_read_bytes(self, read_bytes: u64) -> Self {
        Self { read_bytes: read_bytes.max(1), ..self }
    }

    /// Sets whether objects get a mark. See [`marks_objects`](Self::marks_objects).
    #[must_use]
    pub fn with_marks_objects(self, marks_objects: bool) -> Self {
        Self { marks_objects, ..self }
    }

    /// Sets the most retries of one request, and when the last of them may begin.
    #[must_use]
    pub fn with_retries(self, retries_max: usize, retry_time_max: Duration) -> Self {
        Self { retries_max, retry_time_max, ..self }
    }

    /// Sets a variable, as `AWS_ENDPOINT`, that comes before the one of the environment. Its value is never shown.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.0.push((name.into(), value.into()));
        self
    }

    /// The retries of the client.
    pub(crate) fn retry(&self) -> RetryConfig {
        let backoff =
            BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(5), base: 2.0 };
        RetryConfig { backoff, max_retries: self.retries_max, retry_timeout: self.retry_time_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_variable_is_not_shown() {
        let options = ObjectOptions::default().with_variable("AWS_SECRET_ACCESS_KEY", "hush");
        let shown = format!("{options:?}");
        assert!(shown.contains("AWS_SECRET_ACCESS_KEY") && !shown.contains("hush"), "{shown}");
    }
}
