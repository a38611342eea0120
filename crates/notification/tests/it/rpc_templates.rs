//! TemplateService.

use crate::world::World;
use perennial_proto::notification::v1::{
    GetTemplateRequest, ListTemplatesRequest, LocalizedText, PreviewTemplateRequest,
    PutTemplateRequest,
};
use tonic::Code;

fn text(locale: &str, body: &str) -> LocalizedText {
    LocalizedText {
        locale: locale.to_owned(),
        subject: "About {{ product.name }}".to_owned(),
        body: body.to_owned(),
    }
}

fn put(texts: Vec<LocalizedText>, variables: &[(&str, &str)]) -> PutTemplateRequest {
    let pair = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    PutTemplateRequest {
        name: "news".to_owned(),
        texts,
        variables: variables.iter().map(pair).collect(),
        request_id: String::new(),
    }
}

#[tokio::test]
async fn shipped_templates_are_there_in_two_languages_once() {
    let world = World::new().await;
    // A second start finds them there.
    world.app.seed().await.unwrap();
    let mut names = Vec::new();
    let mut request = ListTemplatesRequest { page_size: 4, ..Default::default() };
    loop {
        let page = world.templates().list_templates(request.clone()).await.unwrap().into_inner();
        for template in page.templates {
            let locales: Vec<_> = template.texts.iter().map(|t| t.locale.as_str()).collect();
            assert_eq!((template.version, locales), (1, vec!["en", "zh-CN"]));
            names.push(template.name);
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(names.len(), 19);
    assert!(names.is_sorted());
}

#[tokio::test]
async fn versions_count_up_and_earlier_ones_stay() {
    let world = World::new().await;
    let first = PutTemplateRequest {
        request_id: "r1".to_owned(),
        ..put(vec![text("zh-CN", "first")], &[])
    };
    let mut client = world.templates();
    let answer = client.put_template(first.clone()).await.unwrap().into_inner();
    assert_eq!((answer.template.unwrap().version, answer.replayed), (1, false));
    let again = client.put_template(first).await.unwrap().into_inner();
    assert_eq!((again.template.unwrap().version, again.replayed), (1, true));
    let second = client.put_template(put(vec![text("zh-CN", "second")], &[])).await.unwrap();
    assert_eq!(second.into_inner().template.unwrap().version, 2);
    let body = async |version| {
        let request = GetTemplateRequest { name: "news".to_owned(), version };
        let template = world.templates().get_template(request).await.unwrap().into_inner();
        template.template.unwrap().texts[0].body.clone()
    };
    assert_eq!(body(1).await, "first");
    assert_eq!(body(0).await, "second");
}

#[tokio::test]
async fn everything_wrong_with_a_template_is_said_at_once() {
    let world = World::new().await;
    let texts =
        vec![text("en", "{{ tier }} {{ points }}"), text("de", "{% if %}"), text("en", "again")];
    let error = world
        .templates()
        .put_template(put(texts, &[("points", "5"), ("profile", "x")]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let expected = [
        "variables[\"profile\"] is given to every template",
        "texts must contain the default locale zh-CN",
        "texts[0].body uses undeclared tier",
        "texts[2].locale is named before",
        "texts[1].body line 1: syntax error",
    ];
    for part in expected {
        assert!(error.message().contains(part), "{part}: {}", error.message());
    }
    let missing = GetTemplateRequest { name: "news".to_owned(), version: 0 };
    let error = world.templates().get_template(missing).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
}

#[tokio::test]
async fn a_preview_takes_samples_for_what_is_left_out() {
    let world = World::new().await;
    let preview = async |locale: &str, points: Option<&str>| {
        let variables = points.map(|p| ("points".to_owned(), p.to_owned())).into_iter();
        let request = PreviewTemplateRequest {
            name: "points-expiring".to_owned(),
            locale: locale.to_owned(),
            variables: variables.collect(),
            profile_name: "Li".to_owned(),
            ..Default::default()
        };
        world.templates().preview_template(request).await.unwrap().into_inner()
    };
    let english = preview("en-GB", Some("77")).await;
    assert_eq!(english.subject, "77 points are about to expire");
    assert!(english.body.starts_with("Hello Li,"));
    let chinese = preview("", None).await;
    assert_eq!(
        (chinese.subject.as_str(), chinese.locale.as_str()),
        ("您有 120 积分即将到期", "zh-CN")
    );
}
