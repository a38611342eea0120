//! Which of the four servers answers a method.

use crate::running::SERVICES;
use perennial_proto::Method;

/// Places in [`SERVICES`] of the servers that serve it: the service its package names, or all of
/// them for what every service serves (its event log, the clock).
pub fn serving(method: &Method) -> Vec<usize> {
    let package = method.service.split('.').nth(1).unwrap_or_default();
    match SERVICES.iter().position(|service| *service == package) {
        Some(place) => vec![place],
        None => (0..SERVICES.len()).collect(),
    }
}
