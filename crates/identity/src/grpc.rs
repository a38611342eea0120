//! The generated service traits: each method turns a request into a call of [`crate::app`] and the
//! answer back.

mod activities;
mod convert;
mod insights;
mod profiles;
mod segments;

pub use activities::ActivityApi;
pub use insights::InsightApi;
pub use profiles::ProfileApi;
pub use segments::SegmentApi;

/// The first rows of a page that was read one row longer, and the key of its last row if there
/// are more.
fn cut<T, C>(mut rows: Vec<T>, size: u64, key: impl Fn(&T) -> C) -> (Vec<T>, Option<C>) {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more).map(key);
    (rows, last)
}
