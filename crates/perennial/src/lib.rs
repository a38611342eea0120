//! The one binary of Perennial: `serve`, `migrate`, `token`, `demo`, `check`, `backup`, `health`,
//! `bench`, `simulate`.
//!
//! In reading order: the command line ([`cli`]), the settings ([`config`]), what starts the
//! services ([`serve`], [`welcome`]), what handles their data without them ([`data`], [`backup`]), what runs a
//! service under a seed ([`simulate`]), and the commands that are clients like any other ([`client`], [`own_suite`], [`health`],
//! [`demo`], [`bench`]).

#![expect(clippy::print_stdout, reason = "this crate talks to a person at a terminal")]

pub mod backup;
pub mod bench;
pub mod cli;
pub mod client;
pub mod config;
pub mod data;
pub mod demo;
pub mod health;
pub mod own_suite;
pub mod serve;
pub mod simulate;
pub mod token;
pub mod welcome;
