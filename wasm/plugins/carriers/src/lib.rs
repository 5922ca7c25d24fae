//! The plugin `carriers`. It adds up the flights and miles of each carrier.
//!
//! Version 1 kept them as an array, `[flights, miles]`. Version 2 keeps them by name, so that members can be added, and
//! migrates what version 1 has left.

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Batch, Description, Failure, Key, Map, Rows};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The namespace of the totals by carrier, in both versions.
const TOTALS: &str = "totals";

#[derive(Row)]
struct Flight {
    carrier: String,
    distance: i64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Totals {
    flights: u64,
    miles: i64,
}

struct Carriers {
    rows: Rows<Flight>,
    totals: Map<String, Totals>,
}

/// Makes the operator.
pub fn carriers() -> impl Operator {
    Carriers { rows: Rows::default(), totals: Map::new(TOTALS) }
}
alluvium_plugin::export!(carriers, migrates);

impl Operator for Carriers {
    fn describe(&self) -> Description {
        let described = Description::new("carriers").schema_version(2);
        described.input("flights").output("flights").namespace(self.totals.namespace())
    }

    fn migrate(&mut self, from: u32, context: &mut Context<'_>) -> Result<(), String> {
        if from != 1 {
            return Err(format!("version {from} is not known"));
        }
        let before: Map<String, (u64, i64)> = Map::new(TOTALS);
        for (carrier, (flights, miles)) in before.entries(context)? {
            self.totals.set(&carrier, &Totals { flights, miles }, context)?;
        }
        Ok(())
    }

    fn begin(&mut self, _: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let flights = self.rows.read(batch)?;
        self.totals.prefetch(flights.iter().map(|flight| &flight.carrier), context)?;
        for Flight { carrier, distance } in flights {
            let Totals { flights, miles } = self.totals.get(&carrier, context)?.unwrap_or_default();
            let totals = Totals { flights: flights + 1, miles: miles.saturating_add(distance) };
            self.totals.set(&carrier, &totals, context)?;
            if totals.flights.is_multiple_of(100) {
                context.emit(0, &json!({ "carrier": carrier, "flights": totals.flights, "miles": totals.miles }))?;
            }
        }
        Ok(())
    }

    fn route(&mut self, _: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(self.rows.read(batch)?.iter().map(|flight| flight.carrier.bytes()).collect())
    }
}
