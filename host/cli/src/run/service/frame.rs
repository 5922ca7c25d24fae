//! What all status pages are framed by: plain HTML that needs nothing else.

use alluvium_connectors::source::Position;
use alluvium_host::text::printable;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use crate::output::counted;

/// How often a browser asks for the page again, in seconds.
const REFRESH: u32 = 2;

const STYLE: &str = "\
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 100%; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
th { font-weight: 600; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: .92em; overflow-wrap: anywhere; }
.good { color: light-dark(#176b2c, #7fd694); } .bad { color: light-dark(#a32020, #ff9b9b); font-weight: 600; }";

/// Returns a page about what `program` does with `subject`. `unready` says why it does not work now, if it does not.
pub(in crate::run) fn framed(
    program: &str,
    subject: &str,
    unready: Option<&str>,
    place: &Markup,
    body: &Markup,
) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content=(REFRESH);
                title { (program) ": " (shown(subject)) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (program) " " code { (shown(subject)) } }
                    p {
                        @match unready {
                            None => span.good { "Ready." },
                            Some(why) => span.bad { "Not ready: " (shown(why)) "." },
                        }
                        " " (place) " Metrics are at " a href="/metrics" { "/metrics" } "."
                    }
                    (body)
                }
            }
        }
    }
    .into_string()
}

/// What others chose is shown as text, and control characters as codes.
pub(in crate::run) fn shown(text: &str) -> String {
    printable(text).to_string()
}

/// What is there of an input and not read, as far as the source knows.
pub(in crate::run) fn lag_text(records: Option<u64>, bytes: Option<u64>) -> String {
    let records = records.map(|records| counted(records, "record"));
    let bytes = || bytes.map(|bytes| counted(bytes, "byte"));
    records.or_else(bytes).unwrap_or_else(|| "unknown".to_owned())
}

/// A moment in milliseconds of Unix time.
pub(in crate::run) fn time_of(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map_or_else(|_| format!("{milliseconds} ms"), time)
}

/// A moment to the second.
pub(in crate::run) fn time(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// A position of a source: text as it is, and other bytes in hexadecimal.
pub(in crate::run) fn position_text(position: &Position) -> String {
    match position {
        Position::Offset(offset) => offset.to_string(),
        Position::Opaque(opaque) => match std::str::from_utf8(opaque.as_bytes()) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from(opaque.clone()),
        },
    }
}
