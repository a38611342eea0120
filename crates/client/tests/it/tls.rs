//! Certificates: who is believed, who is let in, and files replaced meanwhile.

use crate::server::Fake;
use perennial_client::proto::loyalty::v1::EarnRequest;
use perennial_client::proto::loyalty::v1::points_service_client::PointsServiceClient;
use perennial_client::tonic::transport::{Certificate, Identity, ServerTlsConfig};
use perennial_client::tonic::{Code, Status};
use perennial_client::{Channel, Tls};
use perennial_testkit::{Authority, CertificateFiles};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// The suite's own limit of a test on a loaded machine.
const LONG: Duration = Duration::from_mins(1);

/// A server that lets in who shows a certificate of its own authority.
struct Guarded {
    folder: TempDir,
    root: Authority,
    ca: PathBuf,
    fake: Fake,
}

impl Guarded {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let root = Authority::new("root");
        let ca = root.write(folder.path(), "ca");
        let server = root.issue(folder.path(), "server", &[]);
        let read = |path: &Path| std::fs::read(path).unwrap();
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(read(&server.certificate), read(&server.key)))
            .client_ca_root(Certificate::from_pem(root.pem()));
        Self { folder, root, ca, fake: Fake::with_tls(tls).await }
    }

    fn channel(&self, tls: Tls) -> Channel {
        let patience = Duration::from_secs(1);
        Channel::to(self.fake.https()).tls(tls).deadline(LONG).patience(patience).build().unwrap()
    }

    /// A certificate as `client.crt` and its key, by this authority.
    fn client(&self, by: &Authority) -> CertificateFiles {
        by.issue(self.folder.path(), "client", &[])
    }
}

fn shown(ca: &Path, client: &CertificateFiles) -> Tls {
    Tls::new(ca).identity(&client.certificate, &client.key)
}

async fn earn(channel: &Channel) -> Result<(), Status> {
    PointsServiceClient::new(channel.clone()).earn(EarnRequest::default()).await.map(|_| ())
}

#[tokio::test]
async fn both_sides_show_a_certificate() {
    let server = Guarded::start().await;
    let channel = server.channel(shown(&server.ca, &server.client(&server.root)));
    channel.ready(LONG).await.unwrap();
    earn(&channel).await.unwrap();
    assert_eq!(server.fake.calls(), 1);
}

#[tokio::test]
async fn nobody_gets_through_without_the_right_one() {
    let server = Guarded::start().await;
    let stranger = Authority::new("stranger");
    let other_ca = stranger.write(server.folder.path(), "other");
    let good = server.client(&server.root);
    let wrong = stranger.issue(server.folder.path(), "wrong", &[]);
    for (who, tls) in [
        ("no certificate of our own", Tls::new(&server.ca)),
        ("one that a stranger signed", shown(&server.ca, &wrong)),
        ("we believe somebody else", shown(&other_ca, &good)),
        ("the files are missing", Tls::new("/nowhere/ca.crt")),
    ] {
        let status = earn(&server.channel(tls)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{who}: {status:?}");
    }
    assert_eq!(server.fake.calls(), 0);
}

#[tokio::test]
async fn a_renewed_certificate_is_read_for_the_next_connection() {
    let server = Guarded::start().await;
    let stranger = Authority::new("stranger");
    let channel = server.channel(shown(&server.ca, &server.client(&stranger)));
    earn(&channel).await.unwrap_err();
    // In the same files.
    server.client(&server.root);
    channel.ready(LONG).await.unwrap();
    earn(&channel).await.unwrap();
    assert_eq!(server.fake.calls(), 1);
}
