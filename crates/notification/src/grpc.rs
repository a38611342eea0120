//! The contract's services over the use cases.

mod convert;
mod inbox;
mod notification;
mod preference;
mod report;
mod template;

use crate::app::{App, Planning};
use perennial_platform::commit::Committer;
use perennial_platform::host::Host;
use perennial_proto::notification::v1::inbox_service_server::InboxServiceServer;
use perennial_proto::notification::v1::notification_service_server::NotificationServiceServer;
use perennial_proto::notification::v1::preference_service_server::PreferenceServiceServer;
use perennial_proto::notification::v1::report_service_server::ReportServiceServer;
use perennial_proto::notification::v1::template_service_server::TemplateServiceServer;

/// Adds the services to the host.
pub(crate) fn serve(host: &mut Host, app: &App, planner: Committer<Planning>) {
    let messages = notification::Service { app: app.clone(), planner };
    host.service(NotificationServiceServer::new(messages));
    host.service(TemplateServiceServer::new(template::Service { app: app.clone() }));
    host.service(PreferenceServiceServer::new(preference::Service { app: app.clone() }));
    host.service(InboxServiceServer::new(inbox::Service { app: app.clone() }));
    host.service(ReportServiceServer::new(report::Service { app: app.clone() }));
}
