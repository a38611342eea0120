//! The settings as an operator writes them.

use crate::world::World;
use perennial_feedback::Config;
use perennial_platform::config::{load, to_toml};
use tonic::Code;

const WRITTEN: &str = r#"
team = "care"
warn_percent = 75

[[promises]]
clock = "respond"
channels = ["chat", "form"]
paying = false
within_seconds = 3600
by = "official"
calendar = "office"

[calendars.office]
zone = "Asia/Shanghai"
week = { mon = ["09:00-12:00", "13:30-18:00"], fri = ["22:00-06:00"] }
holidays = ["2026-10-01"]
dates = { "2026-10-10" = ["09:00-18:00"] }
"#;

#[tokio::test]
async fn settings_are_read_as_they_are_shown() {
    let world = World::start().await;
    let file = world.suite.data().join("feedback.toml");
    std::fs::write(&file, WRITTEN).unwrap();
    let read: Config = load([file.as_path()]).unwrap();
    read.check().unwrap();
    assert_eq!((read.team.as_str(), read.warn_percent, read.promises.len()), ("care", 75, 1));
    assert_eq!(read.close_after_days, 7, "what is not written stays as it was");
    for settings in [read, Config::default()] {
        let shown = to_toml(&settings).unwrap();
        std::fs::write(&file, &shown).unwrap();
        assert_eq!(to_toml(&load::<Config>([file.as_path()]).unwrap()).unwrap(), shown);
    }
}

#[tokio::test]
async fn settings_that_cannot_be_followed_are_refused() {
    let mut unknown_calendar = Config::default();
    unknown_calendar.promises[0].calendar = "moon".to_owned();
    let mut no_time = Config::default();
    no_time.promises[0].within_seconds = 0;
    let nowhere = Config { report_zone: "Mars/Olympus".to_owned(), ..Config::default() };
    let always_warned = Config { warn_percent: 0, ..Config::default() };
    for config in [unknown_calendar, no_time, nowhere, always_warned] {
        let refused = tonic::Status::from(config.check().unwrap_err());
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
