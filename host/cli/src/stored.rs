//! What a namespace stores, taken apart.

use alluvium_core::model::expiry::split_expiry;
use alluvium_core::model::namespace::{Namespace, NamespaceKind};
use alluvium_core::model::timer::split_timer_key;

/// Splits a stored key into the time at which it fires, if it is a timer's, and the key itself. Times are in
/// milliseconds of Unix time.
pub(crate) fn split_key<'k>(declared: Option<&Namespace>, stored: &'k [u8]) -> (Option<i64>, &'k [u8]) {
    let is_timer = declared.is_some_and(|declared| matches!(declared.kind, NamespaceKind::Timers(_)));
    let timer = if is_timer { split_timer_key(stored) } else { None };
    timer.map_or((None, stored), |(at_ms, key)| (Some(at_ms), key))
}

/// Splits a stored value into the time at which its entry expires, if it does, and the value itself.
pub(crate) fn split_value<'v>(declared: Option<&Namespace>, stored: &'v [u8]) -> (Option<i64>, &'v [u8]) {
    let expires = declared.is_some_and(|declared| declared.expires.is_some());
    let expiring = if expires { split_expiry(stored) } else { None };
    expiring.map_or((None, stored), |(expiry_ms, value)| (Some(expiry_ms), value))
}

#[cfg(test)]
mod tests {
    use alluvium_core::model::expiry::with_expiry;
    use alluvium_core::model::namespace::TimeDomain;
    use alluvium_core::model::timer::timer_key;

    use super::*;

    #[test]
    fn only_timers_and_entries_that_expire_have_a_time() {
        let lasting = Namespace::new(1, "seen", NamespaceKind::Hashed);
        let expiring = lasting.clone().expiring(TimeDomain::Event, 7);
        let timers = Namespace::new(2, "ends", NamespaceKind::Timers(TimeDomain::Event));
        let (key, value) = (timer_key(-3, b"key"), with_expiry(9, b"value"));
        assert_eq!(split_key(Some(&timers), &key), (Some(-3), &b"key"[..]));
        assert_eq!(split_value(Some(&expiring), &value), (Some(9), &b"value"[..]));
        assert_eq!(split_key(Some(&lasting), &key), (None, &key[..]));
        assert_eq!(split_value(Some(&lasting), &value), (None, &value[..]));
        assert_eq!(
            (split_key(None, b"key"), split_value(None, b"value")),
            ((None, &b"key"[..]), (None, &b"value"[..]))
        );
    }
}
