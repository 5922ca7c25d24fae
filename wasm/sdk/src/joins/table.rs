//! Tables that a stream is joined with.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::description::Namespace;
use crate::key::Key;
use crate::operator::{Batch, Failure};
use crate::row::{Row, Rows};
use crate::state::Map;

/// A table: the last row of each key of an input, which records of a stream are joined with.
#[derive(Debug)]
pub struct Table<S, T, K, A, B> {
    name: &'static str,
    rows: Rows<T>,
    key: A,
    lookup: B,
    values: Map<K, T>,
    stream: PhantomData<fn(&S)>,
}

impl<S, T: Row + Serialize + DeserializeOwned, K: Key, A: Fn(&T) -> K, B: Fn(&S) -> K> Table<S, T, K, A, B> {
    /// Returns the table of an input. `key` takes the key from a row of the table, and `lookup` the key of the row that
    /// belongs to a record of the stream.
    pub fn new(input: &'static str, key: A, lookup: B) -> Self {
        let values = Map::new(input);
        Self { name: input, rows: Rows::default(), key, lookup, values, stream: PhantomData }
    }
}

/// Tables that a stream is joined with: a tuple of one to three.
pub trait Tables<S> {
    /// What is found for a record: for each table a row, or none.
    type Found;

    /// The inputs, each with its namespace.
    fn inputs(&self) -> Vec<(&'static str, Namespace)>;

    /// Begins the table of this number.
    fn begin(&mut self, table: u32, header: &[String]) -> Result<(), String>;

    /// Returns the key of each row of the table of this number.
    fn route(&self, table: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure>;

    /// Returns the names of the tables, each with the bytes of the key by which a record is looked up in it.
    fn lookups(&self, record: &S) -> Vec<(&'static str, Vec<u8>)>;

    /// Takes rows of the table of this number.
    fn process(&mut self, table: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure>;

    /// Finds the rows that belong to records, in their order, with one read for each table.
    fn find(&self, records: &[S], context: &mut Context<'_>) -> Result<Vec<Self::Found>, String>;
}

macro_rules! tables {
    ($(($($number:tt $row:ident $key:ident $by:ident $lookup:ident $found:ident),*)),*) => {
        $(impl<S, $($row, $key, $by, $lookup),*> Tables<S> for ($(Table<S, $row, $key, $by, $lookup>,)*)
        where
            $($row: Row + Serialize + DeserializeOwned, $key: Key, $by: Fn(&$row) -> $key, $lookup: Fn(&S) -> $key,)*
        {
            type Found = ($(Option<$row>,)*);

            fn inputs(&self) -> Vec<(&'static str, Namespace)> {
                vec![$((self.$number.name, self.$number.values.namespace())),*]
            }

            fn begin(&mut self, table: u32, header: &[String]) -> Result<(), String> {
                match table {
                    $($number => self.$number.rows.begin(header),)*
                    _ => Err(format!("there is no table {table}")),
                }
            }

            fn route(&self, table: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
                match table {
                    $($number => {
                        let Table { rows, key, .. } = &self.$number;
                        Ok(rows.read(batch)?.iter().map(|row| key(row).bytes()).collect())
                    })*
                    _ => Err(format!("there is no table {table}").into()),
                }
            }

            fn lookups(&self, record: &S) -> Vec<(&'static str, Vec<u8>)> {
                vec![$((self.$number.name, (self.$number.lookup)(record).bytes())),*]
            }

            fn process(&mut self, table: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
                match table {
                    $($number => {
                        let Table { rows, key, values, .. } = &self.$number;
                        for row in rows.read(batch)? {
                            values.set(&key(&row), &row, context)?;
                        }
                    })*
                    _ => return Err(format!("there is no table {table}").into()),
                }
                Ok(())
            }

            fn find(&self, records: &[S], context: &mut Context<'_>) -> Result<Vec<Self::Found>, String> {
                $(
                    let $found: Vec<_> = records.iter().map(&self.$number.lookup).collect();
                    self.$number.values.prefetch(&$found, context)?;
                )*
                let one = |at: usize| Ok(($(self.$number.values.get(&$found[at], context)?,)*));
                (0..records.len()).map(one).collect()
            }
        })*
    };
}

tables! {
    (0 T0 K0 A0 B0 found0),
    (0 T0 K0 A0 B0 found0, 1 T1 K1 A1 B1 found1),
    (0 T0 K0 A0 B0 found0, 1 T1 K1 A1 B1 found1, 2 T2 K2 A2 B2 found2)
}
