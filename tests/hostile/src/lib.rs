//! Plugins that do harm, made by code. A new attack is a few lines of the text format in a [`Guest`].
//!
//! ```
//! use alluvium_hostile::Guest;
//!
//! let component = Guest::new().process("(loop $again (br $again)) (unreachable)").component();
//! assert!(component.starts_with(b"\0asm"));
//! ```

pub mod attacks;
pub mod bombs;
mod by_hand;
pub mod calls;
mod guest;

pub use self::attacks::{ATTACKS, Attack};
pub use self::by_hand::{component, component_of};
pub use self::guest::{Guest, OK};
