//! Signed webhooks: how SMS, push and chat gateways are reached (product row NT-2).

use super::guard::{PublicOnly, is_public};
use super::signature::{self, Secret};
use super::{Letter, refused, seconds};
use crate::app::Refused;
use crate::config::WebhookConfig;
use crate::domain::retry::Setback;
use chrono::SecondsFormat;
use perennial_platform::{Error, Result};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::ExposeSecret;
use serde::Serialize;

/// One gateway.
pub(crate) struct Webhook {
    client: Client,
    url: Url,
    secrets: Vec<Secret>,
}

/// The body: type, timestamp and data, as Standard Webhooks has it.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    notification_id: String,
    user_id: &'a str,
    topic: &'a str,
    locale: &'a str,
    subject: &'a str,
    body: &'a str,
    /// E.164; left out when identity knows none.
    #[serde(skip_serializing_if = "str::is_empty")]
    phone: &'a str,
}

impl Webhook {
    /// The configured gateway; `None` without a URL. Errors: INVALID_ARGUMENT for a URL, address
    /// or secret that cannot be used.
    pub(crate) fn new(config: &WebhookConfig) -> Result<Option<Self>> {
        if config.url.is_empty() {
            return Ok(None);
        }
        let wrong =
            |field: &str, text: &str| Error::invalid(format!("notification.webhook.{field}"), text);
        let url = Url::parse(&config.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| wrong("url", "must be an http or https address"))?;
        let literal = url.host_str().and_then(|h| h.trim_matches(['[', ']']).parse().ok());
        if !config.allow_private_networks && literal.is_some_and(|ip| !is_public(ip)) {
            return Err(wrong("url", "is not a public address (see allow_private_networks)"));
        }
        let secrets: Option<Vec<Secret>> =
            config.secrets.iter().map(|secret| Secret::parse(secret.expose_secret())).collect();
        let secrets = secrets
            .filter(|secrets| !secrets.is_empty())
            .ok_or_else(|| wrong("secrets", "must be whsec_ and base64 of 24 to 64 bytes"))?;
        // Without a process-wide provider a client cannot be built; a second install is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .timeout(seconds(config.timeout_seconds))
            // A redirect would lead past the guard and would not be signed for where it ends.
            .redirect(Policy::none())
            .no_proxy();
        if !config.allow_private_networks {
            client = client.dns_resolver(PublicOnly);
        }
        let client = client.build().map_err(Error::internal)?;
        Ok(Some(Self { client, url, secrets }))
    }

    /// Hands a message over: 2xx is success, 3xx is not followed.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> Result<(), Refused> {
        let message = &letter.handover.message;
        let body = Body {
            r#type: "notification.send",
            timestamp: letter.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            data: Data {
                notification_id: letter.id.to_string(),
                user_id: &message.user_id,
                topic: &message.topic,
                locale: &letter.locale,
                subject: &letter.text.subject,
                body: &letter.text.body,
                phone: letter.handover.profile.phone.expose(),
            },
        };
        let body = serde_json::to_vec(&body)
            .map_err(|_| refused("the body cannot be written", Setback::Never))?;
        let id = letter.id.to_string();
        let timestamp = letter.at.timestamp();
        let answer = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature::header(&self.secrets, &id, timestamp, &body))
            .body(body)
            .send()
            .await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(declined(&answer)),
            Err(error) if error.is_timeout() => {
                Err(refused("the gateway did not answer in time", Setback::SlowDown(None)))
            }
            Err(_) => Err(refused("the gateway cannot be reached", Setback::Later)),
        }
    }
}

/// What an answer other than 2xx means: overload and time-outs wait longer, server errors are
/// tried again, everything else will not get better.
fn declined(answer: &Response) -> Refused {
    let status = answer.status();
    let setback = match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok());
            Setback::SlowDown(after.and_then(|seconds| seconds.parse().ok()))
        }
        StatusCode::REQUEST_TIMEOUT => Setback::SlowDown(None),
        _ if status.is_server_error() => Setback::Later,
        _ => Setback::Never,
    };
    refused(format!("the gateway answered {}", status.as_u16()), setback)
}
