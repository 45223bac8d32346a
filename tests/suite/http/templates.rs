//! Templates: their list, their selection for certificates, and the resulting PDF.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use laureate::certificate_pdf::{Design, OptionInput, RenderJob, Renderer};
use laureate::domain::Locale;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Answered, Api, file, png, scrubbed};

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_listed_with_their_options() {
    let api = Api::start().await;
    let list = api.get("/templates").await.expect(200);
    let names: Vec<&str> = list.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["classic", "corporate", "bold", "academic", "minimal"]
    );
    let one = api.get("/templates/minimal").await.expect(200);
    insta::assert_json_snapshot!("a_template", one.body);
    assert_eq!(one.body["data"], list.body["data"][4]);
    assert_eq!(
        api.get("/templates/minimal?version=1")
            .await
            .expect(200)
            .body["data"],
        one.body["data"]
    );
    for (path, status) in [
        ("/templates/baroque", 404),
        ("/templates/minimal?version=999", 422),
        ("/templates/minimal?version=x", 400),
        ("/templates/minimal?colour=red", 400),
    ] {
        api.get(path).await.expect(status);
    }
}

async fn uploaded(api: &Api) -> String {
    let form = file("logo.png", png())
        .text("name", "Logo")
        .text("client", "Acme");
    let design = api
        .upload("/certificates/upload-design", form)
        .await
        .expect(201);
    design.body["data"]["url"]
        .as_str()
        .expect("a url")
        .to_owned()
}

fn definition(template: &Value) -> Value {
    json!({ "client": "Acme", "name": "Speaker", "eventName": "Summit 2026", "pdfTemplate": template })
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_selects_theme_version_and_options() {
    let api = Api::start().await;
    let logo = uploaded(&api).await;
    let chosen = json!({ "theme": "corporate", "version": 1, "options": {
        "accent": "#7A1F3D", "logo": logo, "signer_name": " Elena Marín ", "footer": null,
    } });
    let defined = api
        .post("/certificates", &definition(&chosen))
        .await
        .expect(201);
    let data = &defined.body["data"];
    let options = json!({ "accent": "#7A1F3D", "logo": logo, "signerName": "Elena Marín" });
    let template = json!({ "theme": "corporate", "version": 1, "options": options });
    assert_eq!(data["pdfTemplate"], template);

    let path = format!("/certificates/{}", data["id"].as_str().unwrap());
    let read = async || api.get(&path).await.expect(200);
    assert_eq!(read().await.body["data"]["pdfTemplate"], template);
    let patch = async |body: Value| {
        let request = api.request(Method::PATCH, &path).json(&body);
        Answered::of(request.send().await.expect("answered")).await
    };
    let kept = patch(json!({ "name": "Keynote" })).await.expect(200);
    assert_eq!(kept.body["data"]["pdfTemplate"], template);
    // A name replaces the whole template.
    patch(json!({ "pdfTemplate": "minimal" })).await.expect(200);
    let plain = json!({ "theme": "minimal", "version": 1, "options": {} });
    assert_eq!(read().await.body["data"]["pdfTemplate"], plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_template_is_merged_with_the_present_one() {
    let api = Api::start().await;
    let logo = uploaded(&api).await;
    let chosen = json!({ "theme": "corporate",
        "options": { "accent": "#7a1f3d", "signerName": "Elena Marín" } });
    let defined = api
        .post("/certificates", &definition(&chosen))
        .await
        .expect(201);
    let path = format!(
        "/certificates/{}",
        defined.body["data"]["id"].as_str().unwrap()
    );
    let patch = async |template: Value| {
        let body = json!({ "pdfTemplate": template });
        let request = api.request(Method::PATCH, &path).json(&body);
        Answered::of(request.send().await.expect("answered")).await
    };
    let options = async |template: Value| {
        patch(template).await.expect(200).body["data"]["pdfTemplate"]["options"].clone()
    };
    let all = json!({ "accent": "#7a1f3d", "logo": logo, "signerName": "Elena Marín" });
    assert_eq!(options(json!({ "options": { "logo": logo } })).await, all);
    let removed = json!({ "options": { "signerName": null, "title": null } });
    let rest = json!({ "accent": "#7a1f3d", "logo": logo });
    assert_eq!(options(removed).await, rest);
    // The options stay in another theme that has them.
    assert_eq!(options(json!({ "theme": "bold" })).await, rest);
    let refused = patch(json!({ "theme": "classic", "version": 1 }));
    let refused = refused.await.rejected();
    let details = refused.body["error"]["details"]
        .as_array()
        .expect("details");
    assert_eq!(details.len(), 2, "{}", refused.body);
    for detail in details {
        let detail = detail.as_str().expect("a text");
        assert!(
            detail.starts_with("pdfTemplate.options.") && detail.contains("send null"),
            "{detail}"
        );
    }
    let bare = json!({ "theme": "classic", "version": 1, "options": null });
    assert_eq!(options(bare).await, json!({}));
}

/// The requests in `docs/templates.md` work for the certificate of the tour, which has a design.
#[tokio::test(flavor = "multi_thread")]
async fn template_changes_in_the_documentation_are_accepted() {
    let api = Api::start().await;
    let mut body = definition(&json!("classic"));
    body["baseDesignUrl"] = json!(uploaded(&api).await);
    let defined = api.post("/certificates", &body).await.expect(201);
    let path = format!(
        "/certificates/{}",
        defined.body["data"]["id"].as_str().unwrap()
    );
    let page = include_str!("../../../docs/templates.md");
    let mut template = Value::Null;
    for rest in page
        .split("-X PATCH $api/certificates/$certificate")
        .skip(1)
    {
        let change = rest.split('\'').nth(1).expect("a body in quotes");
        let change: Value = serde_json::from_str(change).expect("JSON");
        let request = api.request(Method::PATCH, &path).json(&change);
        let changed = Answered::of(request.send().await.expect("answered")).await;
        template = changed.expect(200).body["data"]["pdfTemplate"].clone();
    }
    let expected = json!({ "theme": "corporate", "version": 1,
        "options": { "accent": "#7a1f3d", "title": "Diploma" } });
    assert_eq!(template, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_template_selection_is_rejected_with_the_reason() {
    let api = Api::start().await;
    let of = |options: Value| json!({ "theme": "corporate", "options": options });
    let mut message = serde_json::Map::new();
    for (what, template) in [
        ("unknown theme", json!({ "theme": "baroque" })),
        ("unknown theme by name", json!("baroque")),
        (
            "unknown version",
            json!({ "theme": "corporate", "version": 9 }),
        ),
        (
            "unknown field",
            json!({ "theme": "corporate", "colour": "red" }),
        ),
        ("neither name nor object", json!(7)),
        ("unknown option", of(json!({ "shadow": "yes" }))),
        (
            "no options at all",
            json!({ "theme": "classic", "version": 1, "options": { "accent": "#000000" } }),
        ),
        (
            "several",
            of(json!({ "accent": "red", "title": "x".repeat(61), "signerName": "a\nb" })),
        ),
        (
            "foreign picture",
            of(json!({ "logo": "https://example.org/logo.png" })),
        ),
        (
            "no such page",
            of(json!({ "paper": "a3", "orientation": "diagonal" })),
        ),
        ("no text", of(json!({ "title": 7 }))),
    ] {
        let refused = api
            .post("/certificates", &definition(&template))
            .await
            .rejected();
        message.insert(what.to_owned(), scrubbed(&refused.body["error"]["details"]));
    }
    insta::assert_json_snapshot!("template_refusals", message);
}

#[tokio::test(flavor = "multi_thread")]
async fn undrawable_options_are_rejected_by_name() {
    let api = Api::start().await;
    let of = |options: Value| definition(&json!({ "theme": "classic", "options": options }));
    let fits = json!({ "title": "Constancia", "signerName": "Elena Marín", "accent": "#0b6b4f" });
    let defined = api.post("/certificates", &of(fits)).await.expect(201);
    let path = format!(
        "/certificates/{}",
        defined.body["data"]["id"].as_str().unwrap()
    );

    let long = "W".repeat(80);
    let wrong = json!({ "title": "Well done 😀", "signerName": "Elena", "signerRole": long });
    let mut message = serde_json::Map::new();
    let refused = api
        .post("/certificates", &of(wrong.clone()))
        .await
        .expect(422);
    message.insert(
        "defined".to_owned(),
        refused.body["error"]["details"].clone(),
    );
    let patch = json!({ "pdfTemplate": { "theme": "corporate", "options": wrong } });
    let request = api
        .request(Method::PATCH, &path)
        .json(&patch)
        .send()
        .await
        .expect("answered");
    let refused = Answered::of(request).await.expect(422);
    message.insert(
        "changed".to_owned(),
        refused.body["error"]["details"].clone(),
    );
    // A text that can't be drawn even without options is reported for the field of the certificate.
    let mut body = of(json!({ "title": "Constancia" }));
    body["client"] = json!("😀 Academy");
    let refused = api.post("/certificates", &body).await.expect(422);
    message.insert(
        "client".to_owned(),
        refused.body["error"]["details"].clone(),
    );
    insta::assert_json_snapshot!("undrawable_options", message);
    let kept = api.get(&path).await.expect(200);
    assert_eq!(
        kept.body["data"]["pdfTemplate"]["options"]["title"],
        "Constancia"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn background_is_rejected_if_the_theme_does_not_draw_it() {
    let api = Api::start().await;
    let design = uploaded(&api).await;
    let mut body = definition(&json!("corporate"));
    body["baseDesignUrl"] = json!(design);
    let mut message = serde_json::Map::new();
    let refused = api.post("/certificates", &body).await.expect(422);
    message.insert(
        "defined".to_owned(),
        refused.body["error"]["details"].clone(),
    );
    body["pdfTemplate"] = json!("minimal");
    let defined = api.post("/certificates", &body).await.expect(201);
    let path = format!(
        "/certificates/{}",
        defined.body["data"]["id"].as_str().unwrap()
    );
    let patch = async |body: Value| {
        let request = api.request(Method::PATCH, &path).json(&body);
        Answered::of(request.send().await.expect("answered")).await
    };
    let refused = patch(json!({ "pdfTemplate": { "theme": "bold" } }))
        .await
        .expect(422);
    message.insert(
        "another theme".to_owned(),
        refused.body["error"]["details"].clone(),
    );
    let changed = patch(json!({ "pdfTemplate": "bold", "baseDesignUrl": null }))
        .await
        .expect(200);
    assert_eq!(changed.body["data"]["baseDesignUrl"], Value::Null);
    let refused = patch(json!({ "baseDesignUrl": design })).await.expect(422);
    message.insert(
        "background later".to_owned(),
        refused.body["error"]["details"].clone(),
    );
    insta::assert_json_snapshot!("backgrounds_refused", message);
    let back = json!({ "pdfTemplate": "classic", "baseDesignUrl": design });
    assert_eq!(
        patch(back).await.expect(200).body["data"]["pdfTemplate"]["theme"],
        "classic"
    );
    patch(json!({ "name": "Keynote" })).await.expect(200);

    let (own, _) = super::own_templates::created(&api, crate::sandbox::template("")).await;
    body["pdfTemplate"] = own["theme"].clone();
    assert_eq!(
        api.post("/certificates", &body).await.expect(422).code(),
        "VALIDATION_ERROR"
    );
}

/// The downloaded PDF has exactly the bytes that the renderer returns for these options.
#[tokio::test(flavor = "multi_thread")]
async fn generated_pdf_uses_the_options() {
    let api = Api::start().await;
    let logo = uploaded(&api).await;
    let options = json!({ "accent": "#7a1f3d", "logo": logo, "signerName": "Elena Marín" });
    let body = definition(&json!({ "theme": "corporate", "options": options }));
    let defined = api.post("/certificates", &body).await.expect(201);
    let id = defined.body["data"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let people = "Name,Email,Document number\nJosé Núñez,jose@example.com,1\n";
    api.upload(
        "/attendees/bulk-upload",
        file("p.csv", people).text("certificateId", id),
    )
    .await
    .expect(200);
    let generated = |body: &Value| {
        body["data"]
            .as_array()
            .is_some_and(|items| items.len() == 1)
    };
    let list = api
        .until(
            "the PDF is made",
            "/generated-certificates?state=generated",
            generated,
        )
        .await;
    let public_id = list["data"][0]["publicId"].as_str().expect("an id");
    let page = format!("/certificate/{public_id}");
    let pdf = api
        .public(&format!("{page}/download"))
        .await
        .bytes()
        .await
        .expect("bytes");

    let about = Answered::of(api.public(&format!("{page}.json")).await)
        .await
        .expect(200);
    let issued = about.body["data"]["issueDate"].as_str().expect("a date");
    let mut parts = issued[..10]
        .split('-')
        .map(|part| part.parse::<u16>().expect("a number"));
    let year = parts.next().unwrap();
    let month = parts.next().unwrap();
    let day = parts.next().unwrap();
    let month = time::Month::try_from(u8::try_from(month).unwrap()).unwrap();
    let issue_date = time::Date::from_calendar_date(year.into(), month, u8::try_from(day).unwrap());
    let bytes = api
        .app
        .client
        .get(&logo)
        .send()
        .await
        .expect("answered")
        .bytes()
        .await
        .expect("bytes");
    let text = |text: &str| OptionInput::Text(text.to_owned().into());
    let logo = Design {
        sha256: HEXLOWER.encode(&Sha256::digest(&bytes)),
        bytes,
    };
    let job = RenderJob {
        theme: "corporate".to_owned(),
        theme_version: 1,
        renderer_version: laureate::certificate_pdf::RENDERER_VERSION.to_owned(),
        options: BTreeMap::from([
            ("accent".to_owned(), text("#7a1f3d")),
            ("signerName".to_owned(), text("Elena Marín")),
            ("logo".to_owned(), OptionInput::Image(logo)),
        ]),
        locale: Locale::En,
        issue_date: issue_date.expect("a date"),
        public_id: public_id.to_owned(),
        verification_url: api.app.url(&page),
        full_name: "José Núñez".to_owned().into(),
        certificate_name: "Speaker".to_owned(),
        event_name: "Summit 2026".to_owned(),
        client: "Acme".to_owned(),
        document_number: Some("1".to_owned().into()),
        event_link: None,
        email: None,
        design: None,
    };
    let plain = RenderJob {
        options: BTreeMap::new(),
        ..job.clone()
    };
    let rendered = Renderer::new().expect("loads").render(&[job, plain]);
    let bytes: Vec<_> = rendered
        .into_iter()
        .map(|one| one.expect("renders").to_bytes())
        .collect();
    assert_eq!(pdf, bytes[0]);
    assert_ne!(pdf, bytes[1]);
}
