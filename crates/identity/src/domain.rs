//! The rules, without input or output: values in, values or small errors out, `now` an argument.
//!
//! [`facts`] folds activities into what is kept about a user, in any order and with the same
//! result; [`evaluation`] is the one evaluator over those facts: it serves the stored membership,
//! the live answers and their explanations, and the search for the next moment at which an answer
//! can change by itself.

pub mod activity;
pub mod calendar;
pub mod evaluation;
pub mod facts;
pub mod lifecycle;
pub mod money;
pub mod observation;
pub mod profile;
pub mod rfm;
pub mod risk;
pub mod rules;
pub mod sessions;
pub mod stage;
pub mod user;
