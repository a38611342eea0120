//! The rules of the service, without I/O: values in, values or small errors out; the time is an
//! argument.
//!
//! Reading order: the words ([`kinds`]), what is promised to whom ([`policy`]), in which hours
//! ([`calendar`]), one promise running ([`clock`]), a ticket as the sum of what happened to it
//! ([`ticket`]), and what may be done to it when ([`action`]).

pub mod action;
pub mod calendar;
pub mod calendar_spec;
pub mod clock;
pub mod interview;
pub mod kinds;
pub mod policy;
pub mod reapply;
pub mod ticket;
pub mod week;
