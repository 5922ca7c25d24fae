//! The position of the state in its stream, as the caller reads and sets it.

use crate::error::IncrementalCheckpointError as Error;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::namespace::TimeDomain;
use crate::model::position::StreamPosition;
use crate::model::source_position::SourcePosition;

impl<D> IncrementalCheckpointManager<D> {
    /// Returns the position in the stream: what the next checkpoint stores beside the state.
    pub fn position(&self) -> &StreamPosition {
        &self.live.position
    }

    /// Sets the position of one partition of a source: an offset, or bytes that only the source understands.
    pub fn set_position(
        &mut self,
        source: impl Into<String>,
        partition: impl Into<String>,
        position: impl Into<SourcePosition>,
    ) {
        self.live.position.set_position(source, partition, position);
    }

    /// Sets the watermark of one partition of an input, in milliseconds of Unix time. An earlier watermark
    /// changes nothing.
    pub fn set_partition_watermark(
        &mut self,
        input: impl Into<String>,
        partition: impl Into<String>,
        watermark_ms: i64,
    ) {
        self.live.position.set_partition_watermark(input, partition, watermark_ms);
    }

    /// Sets the processing time, in milliseconds of Unix time. An earlier time changes nothing. Some of the entries
    /// that expire by it are deleted, as [`delete_expired`](Self::delete_expired) does.
    pub fn set_processing_time(&mut self, processing_time_ms: i64) {
        self.live.position.set_processing_time(processing_time_ms);
        self.clock_moved(TimeDomain::Processing);
    }

    /// Sets the token by which a sink recognises what it prepared. A token of more than 1 KiB is
    /// [`LimitExceeded`](Error::LimitExceeded) and changes nothing.
    pub fn set_sink_token(&mut self, sink: impl Into<String>, token: impl Into<Vec<u8>>) -> Result<(), Error> {
        self.live.position.set_sink_token(sink, token)
    }
}
