//! Typed state of operators of your own.

use alluvium_plugin::prelude::*;
use alluvium_plugin::{Batch, Context, Description, Domain, Failure, List, Rows};

#[derive(Row)]
struct Click {
    page: String,
    user: u64,
}

/// Emits what each user has clicked, three pages at a time.
struct Recent {
    rows: Rows<Click>,
    pages: List<u64, String>,
}

impl Operator for Recent {
    fn describe(&self) -> Description {
        Description::new("recent").input("clicks").output("pages").namespace(self.pages.namespace())
    }

    fn begin(&mut self, _input: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        for click in self.rows.read(batch)? {
            if self.pages.push(&click.user, click.page, context)? == 3 {
                let pages = self.pages.take(&click.user, context)?;
                context.emit(0, &pages)?;
            }
        }
        Ok(())
    }
}

fn recent() -> Recent {
    Recent { rows: Rows::default(), pages: List::new("pages") }
}

#[test]
fn lists_keep_what_was_pushed_and_can_be_taken() -> Result<(), String> {
    let mut harness = Harness::new(recent);
    let entry = |user: u64, pages: &str| (user.to_be_bytes().to_vec(), pages.as_bytes().to_vec());
    harness.feed("page,user\n/a,7\n/b,8\n/c,7\n")?;
    assert_eq!(harness.entries("pages")?, [entry(7, r#"["/a","/c"]"#), entry(8, r#"["/b"]"#)]);
    harness.checkpoint()?;
    harness.feed("page,user\n/d,7\n")?;
    harness.crash()?;
    harness.feed("page,user\n/d,7\n/e,7\n")?;
    assert_eq!(harness.emitted(), [r#"["/a","/c","/d"]"#]);
    assert_eq!(harness.entries("pages")?, [entry(7, r#"["/e"]"#), entry(8, r#"["/b"]"#)]);
    Ok(())
}

#[test]
fn lists_go_away_with_the_time_of_their_last_item() -> Result<(), String> {
    let expiring = || Recent { pages: List::new("pages").expires(Domain::Event, 10), ..recent() };
    let mut harness = Harness::new(expiring);
    harness.watermark("100")?;
    harness.feed("page,user\n/a,7\n")?;
    harness.watermark("105")?;
    harness.feed("page,user\n/b,7\n")?;
    harness.watermark("114")?;
    assert_eq!(harness.entries("pages")?.len(), 1, "the second item keeps the list");
    harness.watermark("115")?;
    assert!(harness.entries("pages")?.is_empty());
    Ok(())
}
