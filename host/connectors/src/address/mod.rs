//! Addresses of sources and sinks, as `tcp://logs.example:9000?line-bytes=65536`.

mod error;
// Each connector takes other parts of an address, and rarely are all of them built.
#[cfg(feature = "network")]
#[cfg_attr(not(all(feature = "http", feature = "kafka", feature = "nats", feature = "socket")), allow(dead_code))]
mod parts;

pub use error::AddressError;
#[cfg(feature = "network")]
pub(crate) use parts::{Address, Duration};

/// Returns the scheme of an address: what is before its first colon.
pub(crate) fn scheme_of(address: &str) -> Result<&str, AddressError> {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme);
    let is_name = |scheme: &&str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
    };
    // The address itself is not shown: without a scheme, it is not known what in it is a secret.
    scheme
        .filter(is_name)
        .ok_or_else(|| AddressError::new("an address", "scheme", "it is missing: an address begins with one, as tcp:"))
}

/// The error of a scheme that no connector has, or only one that was not built.
pub(crate) fn no_connector(scheme: &str, direction: &str, schemes: &[(&str, &str)]) -> AddressError {
    let known: Vec<&str> = schemes.iter().map(|(scheme, _)| *scheme).collect();
    let feature = schemes.iter().find(|(known, _)| *known == scheme).map(|(_, feature)| *feature);
    let what = feature.map_or_else(
        || format!("no {direction} has it; there are {}", known.join(", ")),
        |feature| format!("it needs the feature `{feature}`, which this program was built without"),
    );
    AddressError::new(format!("{scheme}:…"), "scheme", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_is_required_and_the_rest_is_not_shown() {
        assert_eq!(scheme_of("tcp-listen://[::]:1").unwrap(), "tcp-listen");
        for address in ["", "host", "/a/b", "secret@host:1", "://x", "1a:x"] {
            let error = scheme_of(address).unwrap_err();
            assert_eq!(error.part(), "scheme");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_scheme_without_a_connector_is_named() {
        let error = no_connector("gopher", "source", &[("tcp", "socket"), ("unix", "socket")]);
        assert_eq!(error.to_string(), "gopher:…: scheme: no source has it; there are tcp, unix");
        let error = no_connector("tcp", "source", &[("tcp", "socket")]);
        let expected = "tcp:…: scheme: it needs the feature `socket`, which this program was built without";
        assert_eq!(error.to_string(), expected);
    }
}
