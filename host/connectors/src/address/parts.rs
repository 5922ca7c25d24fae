//! The parts of an address, each taken once: what nothing takes is refused.

use std::borrow::Cow;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::AddressError;

/// An address that was taken apart.
pub(crate) struct Address {
    url: Url,
    /// The options that were not taken yet.
    options: Vec<(String, String)>,
    /// The names of options that were asked for.
    known: Vec<&'static str>,
}

/// A time as people write it, as `500ms`, `30s` or `5m`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Duration(pub(crate) std::time::Duration);

impl FromStr for Duration {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        std::time::Duration::try_from(text.parse::<jiff::SignedDuration>()?).map(Self)
    }
}

impl Address {
    /// Takes an address apart.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let scheme = super::scheme_of(text)?;
        let url = Url::parse(text)
            .map_err(|error| AddressError::new(format!("{scheme}:…"), part_of(error), error.to_string()))?;
        let options = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let address = Self { url, options, known: Vec::new() };
        match address.url.fragment() {
            Some(_) => Err(address.error("fragment", "an address has none; # is written as %23")),
            None => Ok(address),
        }
    }

    /// Returns the address without user, password and options, as errors and logs may show it.
    pub(crate) fn shown(&self) -> String {
        let host = self.url.host_str().map(|host| format!("//{host}")).unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}:{host}{port}{}", self.url.scheme(), self.url.path())
    }

    /// Returns the scheme.
    pub(crate) fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// Returns the error of a part of it.
    pub(crate) fn error(&self, part: impl Into<String>, what: impl Into<String>) -> AddressError {
        AddressError::new(self.shown(), part, what)
    }

    /// Returns the query as it is written.
    #[cfg(feature = "http")]
    pub(crate) fn query(&self) -> Option<&str> {
        self.url.query()
    }

    /// Returns the URL of the web that follows a prefix of the scheme, without login and query.
    #[cfg(feature = "http")]
    pub(crate) fn web_url(&self, prefix: &str) -> Result<Url, AddressError> {
        let scheme = self.url.scheme().strip_prefix(prefix).filter(|scheme| matches!(*scheme, "http" | "https"));
        let scheme =
            scheme.ok_or_else(|| self.error("scheme", format!("it is neither {prefix}http nor {prefix}https")))?;
        let host = self.url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| self.error("host", "it is missing"))?;
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let url = Url::parse(&format!("{scheme}://{host}{port}{}", self.url.path()));
        url.map_err(|error| self.error(part_of(error), error.to_string()))
    }

    /// Returns the host, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> Result<String, AddressError> {
        let host = self.url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| self.error("host", "it is missing"))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        self.decoded("host", host)
    }

    /// Returns the port, if there is one.
    pub(crate) fn port(&self) -> Option<u16> {
        self.url.port()
    }

    /// Returns user and password, if there are any.
    pub(crate) fn credentials(&self) -> Result<(Option<String>, Option<String>), AddressError> {
        let user = Some(self.url.username()).filter(|user| !user.is_empty());
        let user = user.map(|user| self.decoded("user", user)).transpose()?;
        let password = self.url.password().map(|password| self.decoded("password", password)).transpose()?;
        Ok((user, password))
    }

    /// Refuses a user and a password, for connectors that have none.
    pub(crate) fn without_credentials(&self) -> Result<(), AddressError> {
        match self.credentials()? {
            (None, None) => Ok(()),
            _ => Err(self.error("user", "there is none in an address of this kind")),
        }
    }

    /// Returns the path as the name of a file.
    pub(crate) fn file(&self) -> Result<PathBuf, AddressError> {
        let bytes: Cow<'_, [u8]> = percent_decode_str(self.url.path()).into();
        if self.url.has_host() || bytes.is_empty() {
            let what = "it must be the path of a file right behind the scheme, as unix:/run/events.sock";
            return Err(self.error("path", what));
        }
        Ok(PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes.into_owned())))
    }

    /// Returns the path as one name.
    pub(crate) fn name(&self) -> Result<String, AddressError> {
        let name = self.url.path().trim_start_matches('/');
        if name.is_empty() || name.contains('/') {
            return Err(self.error("path", "it must be one name, as in nats://host/ORDERS"));
        }
        self.decoded("path", name)
    }

    /// Refuses a path.
    pub(crate) fn without_path(&self) -> Result<(), AddressError> {
        if matches!(self.url.path(), "" | "/") { Ok(()) } else { Err(self.error("path", "there is none in it")) }
    }

    fn decoded(&self, part: &'static str, text: &str) -> Result<String, AddressError> {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(Cow::into_owned).map_err(|_| self.error(part, "it is not UTF-8 text"))
    }

    /// Takes all values of an option.
    pub(crate) fn take_all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        self.options.extract_if(.., |(option, _)| option == name).map(|(_, value)| value).collect()
    }

    /// Takes an option, which may be there once.
    pub(crate) fn take(&mut self, name: &'static str) -> Result<Option<String>, AddressError> {
        let mut values = self.take_all(name);
        if values.len() > 1 { Err(self.error(name, "it is there more than once")) } else { Ok(values.pop()) }
    }

    /// Takes an option of a form that `expected` describes.
    pub(crate) fn take_parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        expected: &str,
    ) -> Result<Option<T>, AddressError> {
        let Some(value) = self.take(name)? else { return Ok(None) };
        let parsed = value.parse().map_err(|_| self.error(name, format!("{value:?} is not {expected}")))?;
        Ok(Some(parsed))
    }

    /// Takes an option whose value is one of a few words.
    pub(crate) fn take_word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, AddressError> {
        let Some(value) = self.take(name)? else { return Ok(None) };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == value) {
            return Ok(Some(*meaning));
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(self.error(name, format!("{value:?} is none of {}", words.join(", "))))
    }

    /// Refuses the options that were not taken.
    pub(crate) fn finish(mut self) -> Result<(), AddressError> {
        self.known.sort_unstable();
        let Some((unknown, _)) = self.options.first() else { return Ok(()) };
        Err(self.error(unknown.clone(), format!("there is no such option; there are {}", self.known.join(", "))))
    }
}

/// The part that a parser complains about.
fn part_of(error: url::ParseError) -> &'static str {
    use url::ParseError as Error;
    match error {
        Error::InvalidPort => "port",
        Error::EmptyHost
        | Error::IdnaError
        | Error::InvalidIpv4Address
        | Error::InvalidIpv6Address
        | Error::InvalidDomainCharacter => "host",
        _ => "address",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_options_are_never_shown() {
        let address = Address::parse("nats://user:secret@[::1]:4222/ORDERS?token=secret").unwrap();
        assert_eq!(address.shown(), "nats://[::1]:4222/ORDERS");
        assert_eq!(address.host().unwrap(), "::1");
        assert_eq!(address.credentials().unwrap(), (Some("user".to_owned()), Some("secret".to_owned())));
        let error = address.finish().unwrap_err();
        assert!(error.to_string().starts_with("nats://[::1]:4222/ORDERS: token: there is no such option"), "{error}");
        let error = Address::parse("nats://user:secret@host:port/").map(drop).unwrap_err();
        assert_eq!((error.part(), error.to_string().contains("secret")), ("port", false), "{error}");
    }

    #[test]
    fn an_option_is_there_once_and_in_its_form() {
        let take = |text: &str| Address::parse(text).unwrap().take_parsed::<u64>("start", "a number");
        assert_eq!(take("nats://h/S?start=7").unwrap(), Some(7));
        assert_eq!(take("nats://h/S").unwrap(), None);
        let error = take("nats://h/S?start=x").unwrap_err();
        assert_eq!(error.to_string(), "nats://h/S: start: \"x\" is not a number");
        assert_eq!(take("nats://h/S?start=1&start=2").unwrap_err().what(), "it is there more than once");
        let mut address = Address::parse("tcp://h:1?retry-for=1m%2030s").unwrap();
        let duration = address.take_parsed::<Duration>("retry-for", "a time").unwrap().unwrap();
        assert_eq!(duration.0.as_secs(), 90);
        address.finish().unwrap();
    }

    #[test]
    fn the_path_of_a_socket_is_any_file_name() {
        let file = |text: &str| Address::parse(text).unwrap().file();
        assert_eq!(file("unix:/run/a%20b.sock?x=1").unwrap(), PathBuf::from("/run/a b.sock"));
        assert_eq!(file("unix:a.sock").unwrap(), PathBuf::from("a.sock"));
        assert_eq!(file("unix://host/a.sock").unwrap_err().part(), "path");
        assert_eq!(Address::parse("unix:/a#b").map(drop).unwrap_err().part(), "fragment");
    }
}
