//! Version 1 of the plugin `carriers`, whose state version 2 migrates.

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Batch, Description, Failure, Map, Rows};
use serde_json::json;

#[derive(Row)]
struct Flight {
    carrier: String,
    distance: i64,
}

struct Carriers {
    rows: Rows<Flight>,
    totals: Map<String, (u64, i64)>,
}

/// Makes the operator.
pub(crate) fn carriers_1() -> impl Operator {
    Carriers { rows: Rows::default(), totals: Map::new("totals") }
}
alluvium_plugin::export!(carriers_1);

impl Operator for Carriers {
    fn describe(&self) -> Description {
        Description::new("carriers").input("flights").output("flights").namespace(self.totals.namespace())
    }

    fn begin(&mut self, _: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        for Flight { carrier, distance } in self.rows.read(batch)? {
            let (flights, miles) = self.totals.get(&carrier, context)?.unwrap_or_default();
            let totals = (flights + 1, miles.saturating_add(distance));
            self.totals.set(&carrier, &totals, context)?;
            if totals.0.is_multiple_of(100) {
                context.emit(0, &json!({ "carrier": carrier, "flights": totals.0, "miles": totals.1 }))?;
            }
        }
        Ok(())
    }
}
