//! Processor time, as Linux counts it: user and system, in hundredths of a second.

use std::time::Duration;

/// Of a process and its threads, its children left out. `None` where /proc is not.
pub(super) fn of(process: u32) -> Option<Duration> {
    fields(&format!("/proc/{process}/stat"), 11)
}

/// Of all children of this process that have ended.
pub(super) fn of_ended_children() -> Option<Duration> {
    fields("/proc/self/stat", 13)
}

/// Two fields of a stat file, counted from the one after the name of the program.
fn fields(path: &str, first: usize) -> Option<Duration> {
    let stat = std::fs::read_to_string(path).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut numbers = rest.split(' ').skip(first).map(str::parse::<u64>);
    let ticks = numbers.next()?.ok()? + numbers.next()?.ok()?;
    Some(Duration::from_millis(ticks * 10))
}
