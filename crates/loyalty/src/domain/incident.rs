//! Incidents, and what those they hit are given for them (product row LY-10).
