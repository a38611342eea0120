//! What a user wants to hear (product row NT-9).

use super::kinds::Channel;
use super::quiet::QuietHours;

/// One choice: a topic or every topic, a channel or every channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Empty = every topic.
    pub topic: String,
    /// `None` = every channel.
    pub channel: Option<Channel>,
    /// Wanted or not.
    pub opted_in: bool,
}

/// A user's own quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuietChoice {
    /// The configured default holds.
    Default,
    /// No quiet hours.
    Off,
    /// These.
    Own(QuietHours),
}

impl QuietChoice {
    /// The hours that hold.
    pub fn resolve(self, default: Option<QuietHours>) -> Option<QuietHours> {
        match self {
            Self::Default => default,
            Self::Off => None,
            Self::Own(hours) => Some(hours),
        }
    }
}

/// The choice that decides about a message: the most exact one that fits. Topic and channel
/// before topic before channel before everything, so that "no e-mail at all" can have one
/// exception and "nothing about promotions" holds on every channel.
pub fn deciding<'a>(choices: &'a [Choice], topic: &str, channel: Channel) -> Option<&'a Choice> {
    choices
        .iter()
        .filter(|c| c.topic.is_empty() || c.topic == topic)
        .filter(|c| c.channel.is_none_or(|wanted| wanted == channel))
        .max_by_key(|c| (!c.topic.is_empty(), c.channel.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(topic: &str, channel: Option<Channel>, opted_in: bool) -> Choice {
        Choice { topic: topic.to_owned(), channel, opted_in }
    }

    #[test]
    fn the_most_exact_choice_decides() {
        let choices = [
            choice("", None, false),
            choice("", Some(Channel::Email), true),
            choice("care", None, false),
            choice("care", Some(Channel::Inbox), true),
        ];
        let wanted = |topic, channel| deciding(&choices, topic, channel).map(|c| c.opted_in);
        assert_eq!(wanted("care", Channel::Inbox), Some(true));
        assert_eq!(wanted("care", Channel::Email), Some(false), "topic before channel");
        assert_eq!(wanted("news", Channel::Email), Some(true));
        assert_eq!(wanted("news", Channel::Webhook), Some(false));
        assert_eq!(deciding(&[], "news", Channel::Email), None);
    }
}
