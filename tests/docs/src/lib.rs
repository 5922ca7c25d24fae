//! Runs the Rust code blocks of the README and of `docs/` as doctests: one empty module for each page.
//!
//! `tests/docs/run.mjs` compares the number of doctests that passed with the number of Rust blocks in
//! the pages, so a page that is missing here is a failure.

/// Makes a module out of each page, seen only while doctests are collected.
macro_rules! pages {
    ($($name:ident: $path:literal,)+) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../../", $path))]
            pub mod $name {}
        )+
    };
}

pages! {
    readme: "README.md",
    tutorial: "docs/tutorial.md",
    guide_rust: "docs/guides/rust.md",
    guide_host: "docs/guides/host.md",
    guide_operators: "docs/guides/operators.md",
    guide_connectors: "docs/guides/connectors.md",
}
