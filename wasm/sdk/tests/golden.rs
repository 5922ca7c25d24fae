//! Deduplication, top-N, joins and lists: what they emit and keep is the same in all languages.
//!
//! The files in `golden` have steps, and what was emitted and kept after them. The tests of the other languages' SDKs read
//! them as well. With `ALLUVIUM_BLESS=1`, the files are written as they are now.

use std::fmt::Write as _;
use std::path::Path;

use alluvium_plugin::merge::{Add, Append, Greatest, Least, Union};
use alluvium_plugin::prelude::*;
use alluvium_plugin::{
    Batch, Code, Deduplicate, Description, Failure, IntervalJoin, List, Merged, OrderedMap, Rows, Table, TableJoin,
};
use serde::{Deserialize, Serialize};

#[derive(Row, Serialize, Deserialize)]
struct Order {
    id: String,
    at: Time,
    price: f64,
    big: i64,
    note: Option<String>,
}

#[derive(Row, Serialize, Deserialize)]
struct Payment {
    id: String,
    at: Time,
    ok: bool,
}

#[derive(Row, Serialize, Deserialize)]
struct Price {
    big: i64,
    price: Option<f64>,
}

/// Does the steps of a file, and checks what it says of them.
fn golden<M: Fn() -> O + 'static, O: Operator + 'static>(name: &str, make: M) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut harness = Harness::new(make);
    let mut found = String::new();
    for step in text.strip_prefix("# ").unwrap().split("\n# ") {
        let (head, body) = step.split_once('\n').unwrap_or((step, ""));
        let (what, of) = head.split_once(' ').unwrap_or((head, ""));
        let lines = match what {
            "feed" => {
                harness.feed_to(of.parse().unwrap(), body).unwrap();
                body.trim_end().to_owned()
            }
            "watermark" => {
                harness.watermark(of).unwrap();
                String::new()
            }
            "finish" => {
                harness.finish().unwrap();
                String::new()
            }
            "emitted" => harness.emitted_to(of.parse().unwrap()).join("\n"),
            "entries" => {
                let entries = harness.entries(of).unwrap();
                let line = |(key, value): &(Vec<u8>, Vec<u8>)| {
                    format!("{} {}", shown(key), shown(value)).trim_end().to_owned()
                };
                entries.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            other => panic!("{name}: there is no step {other}"),
        };
        let break_ = if lines.is_empty() { "" } else { "\n" };
        write!(found, "# {head}\n{lines}{break_}").unwrap();
    }
    if std::env::var_os("ALLUVIUM_BLESS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap());
}

/// Shows bytes: as text what is text, and everything else in hexadecimal.
fn shown(bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    bytes.iter().fold("x".to_owned(), |all, byte| format!("{all}{byte:02x}"))
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn an_interval_join_emits_and_keeps_the_same_in_all_languages() {
    golden("interval.txt", || {
        let joined = IntervalJoin::by(|it: &Order| it.id.clone(), |it: &Payment| it.id.clone());
        joined.between(ms(3), ms(5)).lateness(ms(2)).outer()
    });
}

#[test]
fn a_deduplication_emits_and_keeps_the_same_in_all_languages() {
    golden("deduplicate.txt", || Deduplicate::by(|it: &Order| (it.id.clone(), it.big)).within(ms(10)).lateness(ms(3)));
}

#[test]
fn the_most_frequent_items_are_the_same_in_all_languages() {
    golden("top.txt", || Tumbling::of(ms(10)).lateness(ms(5)).by(|it: &Order| it.id.clone()).top(2, |it| it.big));
}

#[test]
fn a_table_join_emits_and_keeps_the_same_in_all_languages() {
    golden("table.txt", || {
        let payments = Table::new("payments", |it: &Payment| it.id.clone(), |it: &Order| it.id.clone());
        let prices = Table::new("prices", |it: &Price| it.big, |it: &Order| it.big);
        let joined = TableJoin::new("orders", |it: &Order| (it.id.clone(), it.big), (payments, prices));
        joined.wait(ms(4)).emit(|order, (payment, price): (Option<Payment>, Option<Price>)| (order, payment, price))
    });
}

/// Pushes each order to three lists, and takes the orders of a key when there are three.
struct Lists {
    rows: Rows<Order>,
    orders: List<String, Order>,
    times: List<String, Time>,
    pairs: List<String, (i64, Option<String>)>,
}

impl Operator for Lists {
    fn describe(&self) -> Description {
        let described = Description::new("lists").input("orders").output("counts");
        described.namespace(self.orders.namespace()).namespace(self.times.namespace()).namespace(self.pairs.namespace())
    }

    fn begin(&mut self, _: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        for order in self.rows.read(batch)? {
            let id = order.id.clone();
            self.times.push(&id, order.at, context)?;
            self.pairs.push(&id, (order.big, order.note.clone()), context)?;
            let count = self.orders.push(&id, order, context)?;
            if count < 3 {
                context.emit(0, &count)?;
            } else {
                let orders = self.orders.take(&id, context)?;
                context.emit(0, &orders)?;
            }
        }
        Ok(())
    }
}

#[test]
fn lists_keep_the_same_in_all_languages() {
    golden("lists.txt", || Lists {
        rows: Rows::default(),
        orders: List::new("orders"),
        times: List::new("times"),
        pairs: List::new("pairs"),
    });
}

#[derive(Row)]
struct Sale {
    shop: Code<2>,
    id: String,
    at: Time,
    big: i64,
    note: Option<String>,
}

/// Keeps sales in the order of their times and merges what they say. It emits the ranges before each.
struct Shops {
    rows: Rows<Sale>,
    sales: OrderedMap<Code<2>, (Time, String), (i64, Option<String>)>,
    numbers: OrderedMap<i64, String, bool>,
    sums: Merged<String, Add>,
    least: Merged<Code<2>, Least<Time>>,
    greatest: Merged<Code<2>, Greatest<(String, i64)>>,
    notes: Merged<i64, Append>,
    ids: Merged<Code<2>, Union<String>>,
}

impl Operator for Shops {
    fn describe(&self) -> Description {
        let described = Description::new("sales").input("sales").output("ranges").output("values");
        let described = described.namespace(self.sales.namespace()).namespace(self.numbers.namespace());
        let described = described.namespace(self.sums.namespace()).namespace(self.least.namespace());
        let described = described.namespace(self.greatest.namespace()).namespace(self.notes.namespace());
        described.namespace(self.ids.namespace())
    }

    fn begin(&mut self, _: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        for Sale { shop, id, at, big, note } in self.rows.read(batch)? {
            let key = (at, id.clone());
            let before = (Time::from_ms(at.as_ms().saturating_sub(10)), String::new());
            let first = self.sales.range(&shop, &before..&key, 2, context)?;
            let reversed = self.sales.range_reversed(&shop, ..=&key, 3, context)?;
            context.emit(0, &(first, reversed))?;
            self.sales.set(&shop, &key, &(big, note.clone()), context)?;
            self.numbers.set(&big, &id, &note.is_some(), context)?;
            self.sums.merge(&id, &big, context)?;
            self.least.merge(&shop, &at, context)?;
            self.greatest.merge(&shop, &(id.clone(), big), context)?;
            self.ids.merge(&shop, &id, context)?;
            if let Some(note) = note {
                self.notes.merge(&big, &note.into_bytes(), context)?;
            }
            let (sum, least) = (self.sums.get(&id, context)?, self.least.get(&shop, context)?);
            let (greatest, ids) = (self.greatest.get(&shop, context)?, self.ids.get(&shop, context)?);
            context.emit(1, &(sum, least, greatest, ids))?;
            if big == 7 {
                let gone = self.sales.delete_range(&shop, ..&before, context)?;
                self.numbers.delete(&7, &id, context)?;
                self.sums.delete(&id, context)?;
                let (sum, number) = (self.sums.get(&id, context)?, self.numbers.get(&7, &id, context)?);
                context.emit(1, &(gone, sum, number))?;
            }
        }
        Ok(())
    }
}

#[test]
fn ordered_and_merged_state_is_the_same_in_all_languages() {
    golden("ordered.txt", || Shops {
        rows: Rows::default(),
        sales: OrderedMap::new("sales"),
        numbers: OrderedMap::new("numbers"),
        sums: Merged::new("sums"),
        least: Merged::new("least"),
        greatest: Merged::new("greatest"),
        notes: Merged::new("notes"),
        ids: Merged::new("ids"),
    });
}
