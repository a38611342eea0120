//! What the end-to-end tests share: the real binary as a child process, the programs it meets, and
//! clients for all its services.

pub mod clients;
pub mod collector;
pub mod programs;
pub mod running;
pub mod servers;
pub mod workspace;

pub use clients::Clients;
pub use running::{Running, Setup};
