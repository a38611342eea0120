//! The rules of messaging, without I/O: values in, values out, `now` an argument.
//!
//! [`decision`] is the heart: one function decides about every message on every path, and says
//! what it looked at. The other modules are its parts.

pub mod caps;
pub mod decision;
pub mod kinds;
pub mod notification;
pub mod preference;
pub mod quiet;
pub mod retry;
pub mod span;
pub mod spread;
pub mod template;
pub mod trigger;
pub mod zone;
