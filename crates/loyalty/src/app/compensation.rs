//! Incidents: whom they hit, and what those are given.
