//! What a checkpoint requires of a reader, and what one of an older format may have.

use crate::format::features::{self, EXPIRY, NAMESPACES, RANGES, STORES};
use crate::format::metadata::fields::AlluviumFields;
use crate::format::segment_entry::SegmentEntry;
use crate::model::namespace::NamespaceKind;

impl AlluviumFields {
    /// Returns the features that a reader must implement to read the checkpoint, in order of their names.
    pub fn required_features(&self) -> Vec<&'static str> {
        let is_used = |feature: &&str| match *feature {
            EXPIRY => self.namespaces.iter().any(|namespace| namespace.expires.is_some()),
            NAMESPACES => !self.namespaces.is_empty(),
            RANGES => self.range.is_some() || self.segments.iter().any(|entry| entry.range.is_some()),
            STORES => self.segments.iter().any(|entry| entry.store.is_some()),
            _ => self.namespaces.iter().any(|namespace| matches!(namespace.kind, NamespaceKind::Timers(_))),
        };
        features::KNOWN.into_iter().filter(is_used).collect()
    }

    /// Checks that metadata of format 2 has no fields of a later version, and marks its segments.
    pub(super) fn as_of_version_2(&mut self) -> Result<(), String> {
        let Self { positions, watermarks, processing_time_ms, sinks, namespaces, kept, .. } = &*self;
        let is_position_plain = positions.is_empty() && watermarks.is_empty() && sinks.is_empty();
        let is_plain = is_position_plain && processing_time_ms.is_none() && namespaces.is_empty();
        if !is_plain || self.list.is_some() || !kept.is_empty() || self.range.is_some() || self.writer != 0 {
            return Err("has fields of a later version".into());
        }
        self.segments.iter_mut().try_for_each(SegmentEntry::as_of_version_2)
    }
}
