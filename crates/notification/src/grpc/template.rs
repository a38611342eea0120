//! TemplateService.

use super::convert;
use crate::app::App;
use crate::domain::template::Text;
use perennial_platform::idempotency::Key;
use perennial_proto::notification::v1::template_service_server::TemplateService;
use perennial_proto::notification::v1::{
    GetTemplateRequest, GetTemplateResponse, ListTemplatesRequest, ListTemplatesResponse,
    PreviewTemplateRequest, PreviewTemplateResponse, PutTemplateRequest, PutTemplateResponse,
};
use tonic::{Request, Response, Status};

pub(super) struct Service {
    pub(super) app: App,
}

#[tonic::async_trait]
impl TemplateService for Service {
    async fn put_template(
        &self,
        request: Request<PutTemplateRequest>,
    ) -> Result<Response<PutTemplateResponse>, Status> {
        let request = request.into_inner();
        let method = "notification.PutTemplate";
        let key = Key::of(method, &request.request_id, &request, &self.app.vault);
        let texts = request.texts.into_iter();
        let texts = texts.map(|t| (t.locale, Text { subject: t.subject, body: t.body })).collect();
        let reply = self.app.put_template(&request.name, texts, request.variables, key).await?;
        let template = self.app.template(&request.name, reply.value).await?;
        Ok(Response::new(PutTemplateResponse {
            template: Some(convert::template(template)),
            replayed: reply.replayed,
        }))
    }

    async fn get_template(
        &self,
        request: Request<GetTemplateRequest>,
    ) -> Result<Response<GetTemplateResponse>, Status> {
        let request = request.into_inner();
        let template = self.app.template(&request.name, request.version).await?;
        Ok(Response::new(GetTemplateResponse { template: Some(convert::template(template)) }))
    }

    async fn list_templates(
        &self,
        request: Request<ListTemplatesRequest>,
    ) -> Result<Response<ListTemplatesResponse>, Status> {
        let request = request.into_inner();
        let (found, next_page_token) =
            self.app.templates(request.page_size, &request.page_token).await?;
        let templates = found.into_iter().map(convert::template).collect();
        Ok(Response::new(ListTemplatesResponse { templates, next_page_token }))
    }

    async fn preview_template(
        &self,
        request: Request<PreviewTemplateRequest>,
    ) -> Result<Response<PreviewTemplateResponse>, Status> {
        let request = request.into_inner();
        let PreviewTemplateRequest { name, version, locale, variables, profile_name } = request;
        let (version, rendered) =
            self.app.preview(&name, version, &locale, variables, &profile_name).await?;
        Ok(Response::new(PreviewTemplateResponse {
            subject: rendered.text.subject,
            body: rendered.text.body,
            locale: rendered.locale,
            version,
        }))
    }
}
