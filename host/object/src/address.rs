//! Addresses of stores.

use std::sync::Arc;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};
use http::{HeaderMap, HeaderValue, header};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientConfigKey, ClientOptions};
use url::Url;

use crate::directory::ObjectDirectory;
use crate::options::ObjectOptions;
use crate::store::InParts;

/// The schemes of addresses, whether this build has them or not.
pub const SCHEMES: &[&str] = &["s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "file"];

/// Returns a builder with the variables that it knows, as its own `from_env` does.
macro_rules! configured {
    ($builder:ty, $options:expr, $variables:literal) => {
        $options.variables.all($variables).into_iter().fold(<$builder>::new(), |builder, (name, value)| {
            match name.to_ascii_lowercase().parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            }
        })
    };
}

/// An address that was taken apart.
pub(crate) struct Address {
    url: Url,
    prefix: Path,
    has_parts: bool,
}

impl Address {
    /// Takes an address apart. An error names the address, unless it holds a password.
    pub(crate) fn parse(text: &str) -> Result<Self, DirectoryError> {
        let invalid = |why: &str| DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Open, text).because(why);
        let mut url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        if url.password().is_some() {
            let why = "credentials do not belong in an address: set them in the environment";
            return Err(DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Open, url.scheme()).because(why));
        }
        if !SCHEMES.contains(&url.scheme()) {
            return Err(invalid(&format!("unknown scheme; known are {}", SCHEMES.join(", "))));
        }
        if url.scheme() != "file" && url.host_str().is_none_or(str::is_empty) {
            return Err(invalid("the bucket is missing: write it as s3://BUCKET/PREFIX"));
        }
        let has_parts = match url.query() {
            None => true,
            Some("multipart=off") => false,
            Some(_) => return Err(invalid("the only option behind ? is multipart=off")),
        };
        if url.fragment().is_some() {
            return Err(invalid("it ends with #…, which an address of a store does not have"));
        }
        url.set_query(None);
        let prefix = Path::from_url_path(url.path()).map_err(|error| invalid(&error.to_string()))?;
        Ok(Self { url, prefix, has_parts })
    }

    /// Opens the directory there.
    pub(crate) fn open(self, mut options: ObjectOptions) -> Result<ObjectDirectory, DirectoryError> {
        if !self.has_parts {
            options.multipart_bytes = None;
        }
        install_cryptography();
        match self.url.scheme() {
            "s3" | "s3a" => self.open_s3(options),
            "gs" => self.open_gcp(options),
            "file" => self.open_files(options),
            _ => self.open_azure(options),
        }
    }

    fn open_s3(self, options: ObjectOptions) -> Result<ObjectDirectory, DirectoryError> {
        let failed = |error: object_store::Error| self.failed(&error);
        let builder = |headers| {
            let builder = configured!(AmazonS3Builder, &options, "AWS_").with_url(self.url.as_str());
            builder.with_retry(options.retry()).with_client_options(client(&options, "AWS_", headers))
        };
        let store = Arc::new(builder(HeaderMap::new()).build().map_err(failed)?);
        let mut is_free = HeaderMap::new();
        is_free.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        // The library completes uploads in parts without a condition. All requests of a client can get a header, so a
        // second client, which does nothing else, adds it.
        let completing = builder(is_free).with_credentials(Arc::clone(store.credentials()));
        let completing = Arc::new(completing.build().map_err(failed)?);
        let in_parts = Some(InParts { parts: store.clone(), completing });
        ObjectDirectory::new(store, in_parts, self.prefix, options, self.url.into())
    }

    #[cfg(feature = "gcp")]
    fn open_gcp(self, options: ObjectOptions) -> Result<ObjectDirectory, DirectoryError> {
        let builder = configured!(object_store::gcp::GoogleCloudStorageBuilder, &options, "GOOGLE_");
        let builder = builder.with_url(self.url.as_str());
        let builder = builder.with_client_options(client(&options, "GOOGLE_", HeaderMap::new()));
        let store = builder.with_retry(options.retry()).build().map_err(|error| self.failed(&error))?;
        ObjectDirectory::new(Arc::new(store), None, self.prefix, options, self.url.into())
    }

    #[cfg(not(feature = "gcp"))]
    fn open_gcp(self, _: ObjectOptions) -> Result<ObjectDirectory, DirectoryError> {
        Err(self.left_out("gcp"))
    }

    #[cfg(feature = "azure")]
    fn open_azure(self, options: ObjectOptions) -> Result<ObjectDirectory, DirectoryError> {
        let builder = configured!(object_store::azure::MicrosoftAzureBuilder, &options, "AZURE_");
        let builder = builder.with_url(self.url.as_str());
        let builder = builder.with_client_options(client(&options, "AZURE_", HeaderMap::new()));
        let store = builder.with_retry(options.retry()).build().map_err(|error| self.failed(&error))?;
        ObjectDirectory::new(Arc::new(store), None, self.prefix, options, self.url.into())
    }

    #[cfg(not(feature = "azure"))]
    fn open_azure(self, _: ObjectOptions) -> Result<ObjectDirectory, DirectoryError> {
        Err(self.left_out("azure"))
    }

    fn open_files(self, options: ObjectOptions) -> Result<ObjectDirectory, DirectoryError> {
        let root = self.url.to_file_path().map_err(|()| {
            let why = "it names no absolute path of this machine: write it as file:///PATH";
            DirectoryError::new(DirectoryErrorKind::Invalid, Operation::Open, self.url.as_str()).because(why)
        })?;
        let store = LocalFileSystem::new_with_prefix(root).map_err(|error| self.failed(&error))?;
        let store = Arc::new(store.with_fsync(true).with_automatic_cleanup(true));
        let options = options.with_marks_objects(false);
        ObjectDirectory::new(store, None, Path::default(), options, self.url.into())
    }

    fn failed(&self, error: &object_store::Error) -> DirectoryError {
        DirectoryError::new(DirectoryErrorKind::Io, Operation::Open, self.url.as_str()).because(error)
    }

    #[cfg(not(all(feature = "gcp", feature = "azure")))]
    fn left_out(&self, feature: &str) -> DirectoryError {
        let why = format!("this program was built without the feature `{feature}` of alluvium-object");
        DirectoryError::new(DirectoryErrorKind::Unsupported, Operation::Open, self.url.as_str()).because(why)
    }
}

/// The client of every request, with the options of it that the environment has, as `AWS_ALLOW_HTTP`.
fn client(options: &ObjectOptions, variables: &str, headers: HeaderMap) -> ClientOptions {
    let client = ClientOptions::new()
        .with_timeout(options.request_time_max)
        .with_user_agent(HeaderValue::from_static("alluvium"))
        .with_default_headers(headers);
    options.variables.all(variables).into_iter().fold(client, |client, (name, value)| {
        match name[variables.len()..].to_ascii_lowercase().parse::<ClientConfigKey>() {
            Ok(key) => client.with_config(key, value),
            Err(_) => client,
        }
    })
}

/// Installs the cryptography of TLS for this process, unless the program has chosen one.
fn install_cryptography() {
    // The error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
