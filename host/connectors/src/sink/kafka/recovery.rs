//! What of a token is published, by what the partition and the directory hold.

use super::header::Header;
use super::mark::Mark;
use crate::sink::SinkErrorKind as Kind;

/// What a look at the partition has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    /// What the cluster calls itself.
    pub(super) cluster: String,
    /// The offset of the first message that is there.
    pub(super) first: u64,
    /// The offset behind the last message.
    pub(super) end: u64,
    /// The number of the last message of the sink behind the offset that was asked about.
    pub(super) number: Option<u64>,
}

/// Why it is not known how many records are published.
pub(super) type Refusal = (Kind, String);

/// Finds out how many records are published, after a crash at any moment. `end` is how many the checkpoint stands
/// for. The look was at what follows the base of the header.
pub(super) fn published(end: u64, held: &Header, noted: Option<&Mark>, look: &Look) -> Result<u64, Refusal> {
    let missing = |what: String| Err((Kind::Missing, what));
    if look.cluster != held.cluster {
        return missing(format!(
            "records were published to the cluster {}, and this is the cluster {}",
            held.cluster, look.cluster
        ));
    }
    if look.end < held.base {
        return missing(format!(
            "the partition ends at offset {}, and it had ended at {}: its cluster has lost messages, or the topic was \
             deleted and created again",
            look.end, held.base
        ));
    }
    match look.number {
        Some(number) => Ok(number),
        // Every message since the epoch began was looked at, and none is of this sink.
        None if look.first <= held.base => Ok(held.first),
        // The epoch began after the checkpoint's records had been published.
        None if held.first == end => Ok(end),
        None => match noted.filter(|noted| noted.id == held.id && noted.number >= held.first) {
            Some(noted) => Ok(noted.number),
            None => missing(
                "the topic has deleted the messages since the epoch began, so it is not known which records were \
                 published"
                    .to_owned(),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number that is found, or the kind of refusal, for a checkpoint of 15 records. The epoch began with the
    /// record 10 at offset 70.
    fn found(first: u64, end: u64, number: Option<u64>, noted: Option<(&str, u64)>) -> Result<u64, Kind> {
        let held = Header { id: "me".to_owned(), cluster: "c".to_owned(), base: 70, first: 10 };
        let noted = noted.map(|(id, number)| Mark { id: id.to_owned(), number });
        let look = Look { cluster: "c".to_owned(), first, end, number };
        published(15, &held, noted.as_ref(), &look).map_err(|(kind, _)| kind)
    }

    #[test]
    fn every_state_after_a_crash_is_told_apart() {
        // Published wholly, not at all, and behind messages of others.
        assert_eq!(found(0, 76, Some(15), None), Ok(15));
        assert_eq!(found(0, 70, None, None), Ok(10));
        assert_eq!(found(70, 95, None, None), Ok(10));
        // Retention deleted what would show it, and the note does.
        assert_eq!(found(71, 95, None, None), Err(Kind::Missing));
        assert_eq!(found(95, 95, None, Some(("me", 15))), Ok(15));
        assert_eq!(found(95, 95, None, Some(("me", 10))), Ok(10));
        assert_eq!(found(95, 95, None, Some(("other", 15))), Err(Kind::Missing));
        // Some of the messages are left.
        assert_eq!(found(74, 95, Some(15), None), Ok(15));
        // The partition is not what it was.
        assert_eq!(found(0, 69, None, None), Err(Kind::Missing));
    }

    #[test]
    fn an_epoch_that_began_after_the_checkpoint_says_that_all_of_it_is_published() {
        let held = Header { id: "me".to_owned(), cluster: "c".to_owned(), base: 70, first: 15 };
        let look = Look { cluster: "c".to_owned(), first: 90, end: 95, number: None };
        assert_eq!(published(15, &held, None, &look), Ok(15));
        let look = Look { cluster: "d".to_owned(), ..look };
        assert_eq!(published(15, &held, None, &look).unwrap_err().0, Kind::Missing);
    }
}
