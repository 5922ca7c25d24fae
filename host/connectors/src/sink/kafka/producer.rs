//! The producer of one transactional id.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};

use super::mark::{HEADER, Mark};
use crate::kafka::{Consumer, Isolation, KafkaServer, Topic, Trouble, Watch};

/// How many bytes a message may have, with its headers. It is less than what topics take by default.
const MESSAGE_BYTES_MAX: usize = 1_000_000;

/// What is added to a record at most.
const OVERHEAD_BYTES_MAX: usize = 512;

/// How many bytes a record may have.
pub(super) const RECORD_BYTES_MAX: usize = MESSAGE_BYTES_MAX - OVERHEAD_BYTES_MAX;

/// After this time the cluster aborts a transaction whose process has died.
const TRANSACTION_TIME_MAX: Duration = Duration::from_mins(2);

/// How soon it is noticed that messages have arrived.
const STEP: Duration = Duration::from_millis(2);

/// A producer that has the transactional id, until another takes it.
pub(super) struct Producer {
    client: BaseProducer<Deliveries>,
    deliveries: Deliveries,
    answer_time: Duration,
    phase: Phase,
}

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is none.
    Idle,
    Open,
    /// It is being committed, and can be aborted only if that fails.
    Committing,
}

/// What became of the messages.
#[derive(Debug, Clone, Default)]
struct Deliveries {
    watch: Watch,
    /// The offset behind the last message.
    end: Arc<AtomicU64>,
    /// Why the first message that failed did so.
    failure: Arc<Mutex<Option<Trouble>>>,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.watch.log(level, facility, message);
    }

    fn error(&self, _error: KafkaError, _reason: &str) {}
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(message) => {
                let end = u64::try_from(rdkafka::Message::offset(message)).map_or(0, |offset| offset + 1);
                self.end.fetch_max(end, Ordering::SeqCst);
            }
            // The client drops its messages when it ends a transaction that failed before. That is no reason of it.
            Err((KafkaError::MessageProduction(Code::PurgeQueue | Code::PurgeInflight), _)) => {}
            Err((error, _)) => {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert_with(|| self.watch.trouble(error));
            }
        }
    }
}

impl Producer {
    /// Takes the transactional id from every other producer. A transaction that it has left open is over then.
    pub(super) fn take(server: &KafkaServer, topic: &Topic, transactional_id: &str) -> Result<Self, Trouble> {
        // A client that publishes may create a topic that is missing.
        Consumer::new(server, Isolation::Uncommitted, Duration::ZERO)?.check(topic)?;
        let deliveries = Deliveries::default();
        let mut config = server.config();
        config
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", TRANSACTION_TIME_MAX.as_millis().to_string())
            .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
            .set("queue.buffering.max.kbytes", "16384");
        let client = config.create_with_context(deliveries.clone());
        let client = client.map_err(|error| deliveries.watch.trouble(&error))?;
        let producer = Self { client, deliveries, answer_time: server.answer_time(), phase: Phase::Idle };
        let taken = producer.client.init_transactions(producer.answer_time);
        taken.map_err(|error| producer.trouble(&error))?;
        Ok(producer)
    }

    /// Why something failed. After a fatal error only recovery continues, and that of a message says more than that
    /// of its transaction.
    fn trouble(&self, error: &KafkaError) -> Trouble {
        // What the client has to say about it waits until it is asked.
        self.client.poll(STEP);
        if let Some((code, what)) = self.client.client().fatal_error() {
            return match Trouble::of_code(code, what) {
                Trouble::Lost(what) => Trouble::Refused(what),
                trouble => trouble,
            };
        }
        let failure = self.deliveries.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (self.deliveries.watch.trouble(error), failure) {
            (Trouble::Lost(_), Some(failure)) => failure,
            (trouble, _) => trouble,
        }
    }

    /// Publishes records in one transaction, and returns the offset behind them. They follow `number` others. After
    /// an error the transaction must be settled.
    pub(super) fn publish(&mut self, topic: &Topic, id: &str, number: u64, records: &[&[u8]]) -> Result<u64, Trouble> {
        *self.deliveries.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.publish_records(topic, id, number, records).map_err(|error| self.trouble(&error))?;
        Ok(self.deliveries.end.load(Ordering::SeqCst))
    }

    fn publish_records(&mut self, topic: &Topic, id: &str, number: u64, records: &[&[u8]]) -> Result<(), KafkaError> {
        self.client.begin_transaction()?;
        self.phase = Phase::Open;
        for (number, record) in (number + 1..).zip(records) {
            self.send(topic, &Mark { id: id.to_owned(), number }, record)?;
        }
        self.wait_for(0)?;
        self.commit()
    }

    fn commit(&mut self) -> Result<(), KafkaError> {
        self.phase = Phase::Committing;
        match self.client.commit_transaction(self.answer_time) {
            Ok(()) => {
                self.phase = Phase::Idle;
                Ok(())
            }
            Err(error) => {
                if matches!(&error, KafkaError::Transaction(error) if error.txn_requires_abort()) {
                    self.phase = Phase::Open;
                }
                Err(error)
            }
        }
    }

    /// Ends a transaction that may be left, in whatever way it can be ended. This fails if the transactional id was
    /// taken by another.
    pub(super) fn settle(&mut self) -> Result<(), Trouble> {
        if self.phase == Phase::Committing
            && let Err(error) = self.commit()
            && self.phase == Phase::Committing
        {
            return Err(self.trouble(&error));
        }
        if self.phase == Phase::Open {
            self.client.abort_transaction(self.answer_time).map_err(|error| self.trouble(&error))?;
            self.phase = Phase::Idle;
        }
        Ok(())
    }

    /// Sends a message when there is room for it.
    fn send(&self, topic: &Topic, mark: &Mark, record: &[u8]) -> Result<(), KafkaError> {
        let text = mark.to_string();
        let headers = OwnedHeaders::new_with_capacity(1).insert(Header { key: HEADER, value: Some(&text) });
        let message = BaseRecord::<(), [u8]>::to(&topic.name).partition(topic.partition).payload(record);
        let mut message = message.headers(headers);
        loop {
            match self.client.send(message) {
                Ok(()) => return Ok(()),
                Err((error, unsent)) if error.rdkafka_error_code() == Some(Code::QueueFull) => message = unsent,
                Err((error, _)) => return Err(error),
            }
            self.wait_for(self.client.in_flight_count() / 2)?;
        }
    }

    /// Waits until no more than so many messages are on their way. It takes as long as it takes, if only something
    /// happens.
    fn wait_for(&self, count: i32) -> Result<(), KafkaError> {
        let (mut left, mut since) = (self.client.in_flight_count(), Instant::now());
        while left > count {
            if since.elapsed() > self.answer_time {
                return Err(KafkaError::Flush(Code::OperationTimedOut));
            }
            self.client.poll(STEP);
            let now = self.client.in_flight_count();
            if now < left {
                (left, since) = (now, Instant::now());
            }
        }
        Ok(())
    }
}
