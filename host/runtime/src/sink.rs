//! A plugin's `sink`: what it emits is kept until the host asks for it.

use crate::bindings::plugin::alluvium::checkpoint::sink::Host;
use crate::emitted::Emitted;
use crate::limits::{Limit, Reached};
use crate::store_data::StoreData;

impl Host for StoreData {
    fn emit(&mut self, output: u32, data: Vec<u8>) -> wasmtime::Result<Result<(), String>> {
        self.check_accepted("sink")?;
        let waiting: usize = self.emitted.iter().map(Emitted::held_bytes).sum();
        if waiting + data.len() >= self.output_bytes_max {
            let why = format!("it emitted more than {} bytes in one call", self.output_bytes_max);
            return Err(wasmtime::Error::new(Reached(Limit::Output, why)));
        }
        let outputs = self.emitted.len();
        let Some(emitted) = self.emitted.get_mut(output as usize) else {
            return Ok(Err(format!("there is no output {output}: the plugin describes {outputs}, counted from 0")));
        };
        Ok(emitted.push(&data))
    }
}
