//! Checks a job and converts it to the input of its template.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::design::{Background, Tone};
use super::page::{self, PageFacts};
use super::pdf::Texts;
use super::picture::Picture;
use super::text::{self, Line};
use super::world::{Pictures, picture_path};
use super::{OptionInput, Prepared, RenderError, RenderJob, Renderer, Template, prefix_cache};
use crate::domain::certification::manifest::{OptionKind, QrPlace, VARIABLES};
use crate::domain::certification::public_id::{printed, short_address};
use crate::domain::{Locale, Personal};

/// Maximum lengths of the public id and of the URL, in bytes.
const MAX_ID: usize = 64;
const MAX_ADDRESS: usize = 500;

/// Input of a template for one certificate. The type has no `Debug` or `Display`, because it
/// contains personal data.
#[derive(serde::Serialize)]
pub(super) struct PageData {
    locale: Locale,
    date: DateParts,
    name: Line,
    award: Line,
    event: Option<Line>,
    client: Line,
    document: Option<Line>,
    id: String,
    address: String,
    /// URL of the page on which the number can be entered, without the scheme. Empty if there is
    /// none.
    verify: String,
    design: Option<Tone>,
    page: PageSize,
    qr: QrPlace,
    /// Variables that the manifest names. The text is empty if the job has no value.
    fields: BTreeMap<&'static str, String>,
    /// All options, each with the given value, the default value, or none.
    options: BTreeMap<String, Option<String>>,
}

/// Size of the page, in millimetres.
#[derive(serde::Serialize)]
struct PageSize {
    width: f64,
    height: f64,
}

#[derive(serde::Serialize)]
struct DateParts {
    year: i32,
    month: u8,
    day: u8,
}

/// Decoded pictures of one job.
#[derive(Default)]
pub(super) struct JobPictures {
    pub(super) background: Option<Arc<Background>>,
    /// Pictures of options, in the order of the manifest.
    pub(super) options: Vec<Arc<Picture>>,
}

impl PageData {
    /// Returns the texts that differ between certificates of one definition and day.
    pub(super) fn texts(&self) -> Texts {
        Texts {
            name: self.name.as_str().to_owned(),
            document: self
                .document
                .as_ref()
                .map(|line| line.as_str().to_owned())
                .unwrap_or_default(),
            public_id: self.id.clone(),
            address: self.address.clone(),
        }
    }
}

impl PageData {
    /// Returns all texts that a template can show.
    pub(super) fn shown(&self) -> impl Iterator<Item = &str> {
        let lines = [
            Some(&self.name),
            Some(&self.award),
            Some(&self.client),
            self.event.as_ref(),
            self.document.as_ref(),
        ];
        let options = self.options.values().flatten().map(String::as_str);
        lines
            .into_iter()
            .flatten()
            .map(Line::as_str)
            .chain(self.fields.values().map(String::as_str))
            .chain(options)
    }

    /// Returns the name on the certificate.
    pub(super) fn name(&self) -> &str {
        self.name.as_str()
    }
}

impl JobPictures {
    /// Returns the pictures as files that the template can read.
    pub(super) fn files(&self) -> Pictures {
        Pictures {
            design: self
                .background
                .as_ref()
                .map(|background| background.jpeg.clone()),
            options: self
                .options
                .iter()
                .map(|picture| picture.bytes.clone())
                .collect(),
            decoded: self
                .background
                .iter()
                .map(|background| background.decoded)
                .sum::<usize>()
                + self
                    .options
                    .iter()
                    .map(|picture| picture.decoded)
                    .sum::<usize>(),
        }
    }

    /// Returns the digests of the pictures, each with the name of its option. They are equal for
    /// jobs of the same look.
    pub(super) fn digests(&self, template: &Template, job: &RenderJob) -> Vec<String> {
        let design = self.background.as_ref().and(job.design.as_ref());
        let mut digests = vec![
            design
                .map(|design| design.sha256.clone())
                .unwrap_or_default(),
        ];
        for option in &template.manifest().options {
            if let Some(OptionInput::Image(image)) = job.options.get(&option.name) {
                digests.push(format!("{} {}", option.name, image.sha256));
            }
        }
        digests
    }
}

impl Renderer {
    /// Returns the job's pictures, from the cache or newly decoded.
    pub(super) fn pictures(
        &self,
        template: &Template,
        job: &RenderJob,
    ) -> Result<JobPictures, RenderError> {
        let design = job.design.as_ref().filter(|_| template.manifest().design);
        let mut options = Vec::new();
        for option in &template.manifest().options {
            if let Some(OptionInput::Image(image)) = job.options.get(&option.name) {
                let picture = self.pictures.prepare(image, || ());
                options.push(picture.map_err(|error| of_option(error, &option.name))?);
            }
        }
        let Some(design) = design else {
            return Ok(JobPictures {
                background: None,
                options,
            });
        };
        let mut is_new = false;
        let background = self.designs.prepare(design, || {
            is_new = true;
            self.warm_up(template);
        })?;
        if is_new {
            self.decoded(background.decoded);
        }
        Ok(JobPictures {
            background: Some(background),
            options,
        })
    }

    /// Checks a job and computes the input of its template.
    pub(super) fn prepare<'a>(
        &self,
        template: &Template,
        job: &'a RenderJob,
        pictures: &JobPictures,
    ) -> Result<Prepared<'a>, RenderError> {
        let fonts = &self.assets.fonts;
        text::ascii("public_id", &job.public_id, MAX_ID)?;
        text::ascii("verification_url", &job.verification_url, MAX_ADDRESS)?;
        if !(1..=9999).contains(&job.issue_date.year()) {
            let problem = "must lie between the years 1 and 9999".to_owned();
            return Err(RenderError::InvalidText {
                field: "issue_date",
                problem,
            });
        }
        let name = Line::required("full_name", job.full_name.reveal_str(), fonts)?;
        let award = Line::required("certificate_name", &job.certificate_name, fonts)?;
        let client = Line::required("client", &job.client, fonts)?;
        let event = Line::new("event_name", &job.event_name, fonts)?;
        let document = match &job.document_number {
            Some(number) => Line::new("document_number", number.reveal_str(), fonts)?,
            None => None,
        };
        let facts = PageFacts {
            locale: job.locale,
            issue_date: job.issue_date,
            public_id: job.public_id.clone(),
            title: Personal::new(format!("{} – {}", award.as_str(), name.as_str())),
            author: client.as_str().to_owned(),
            qr: page::qr_code(&job.verification_url)?,
        };
        let date = DateParts {
            year: job.issue_date.year(),
            month: job.issue_date.month().into(),
            day: job.issue_date.day(),
        };
        let setup = template.page_setup(job);
        let (width, height) = setup.page.millimetres();
        let data = PageData {
            locale: job.locale,
            date,
            fields: self.fields(template, job)?,
            options: self.options(template, job, pictures)?,
            name,
            award,
            event,
            client,
            document,
            id: printed(&job.public_id),
            address: job.verification_url.clone(),
            verify: short_address(&job.verification_url),
            design: pictures
                .background
                .as_ref()
                .map(|background| background.tone),
            page: PageSize { width, height },
            qr: setup.qr,
        };
        let common = vec![
            job.client.clone(),
            job.certificate_name.clone(),
            job.event_name.clone(),
            job.event_link.clone().unwrap_or_default(),
            job.issue_date.to_string(),
            format!("{:?}", prefix_cache::optional_texts_of(job)),
            short_address(&job.verification_url),
        ];
        Ok(Prepared {
            job,
            data,
            facts,
            common,
        })
    }

    /// Returns the variables that the manifest names. Others are absent: a template that uses one
    /// then fails instead of leaving a gap on the page.
    fn fields(
        &self,
        template: &Template,
        job: &RenderJob,
    ) -> Result<BTreeMap<&'static str, String>, RenderError> {
        let mut fields = BTreeMap::new();
        for name in VARIABLES
            .into_iter()
            .filter(|name| template.manifest().variables.iter().any(|v| v == name))
        {
            let Some(text) = field(name, job) else {
                continue;
            };
            let line = Line::new(name, &text, &self.assets.fonts)?;
            fields.insert(
                name,
                line.map(|line| line.as_str().to_owned())
                    .unwrap_or_default(),
            );
        }
        Ok(fields)
    }

    fn options(
        &self,
        template: &Template,
        job: &RenderJob,
        pictures: &JobPictures,
    ) -> Result<BTreeMap<String, Option<String>>, RenderError> {
        let manifest = template.manifest();
        let wrong = |name: &str, problem: String| RenderError::Option {
            name: name.to_owned(),
            problem,
        };
        if let Some(name) = job
            .options
            .keys()
            .find(|name| manifest.option(name).is_none())
        {
            return Err(wrong(name, "is not an option of this template".to_owned()));
        }
        let mut paths = pictures.options.iter().enumerate();
        let mut values = BTreeMap::new();
        for option in &manifest.options {
            let value = match (option.kind, job.options.get(&option.name)) {
                (OptionKind::Image, Some(OptionInput::Image(_))) => paths
                    .next()
                    .map(|(n, picture)| picture_path(n, picture.extension)),
                (OptionKind::Image, None) => None,
                (_, None) => Some(option.default.clone().unwrap_or_default()),
                (_, Some(OptionInput::Text(text))) => {
                    option
                        .check_text(text.reveal_str())
                        .map_err(|problem| wrong(&option.name, problem))?;
                    let line = Line::new("options", text.reveal_str(), &self.assets.fonts)?;
                    Some(
                        line.map(|line| line.as_str().to_owned())
                            .unwrap_or_default(),
                    )
                }
                (_, Some(OptionInput::Image(_))) => {
                    return Err(wrong(
                        &option.name,
                        "takes a text, not a picture".to_owned(),
                    ));
                }
            };
            values.insert(option.name.clone(), value);
        }
        Ok(values)
    }
}

/// Converts an error about a design into an error about the option `name`.
fn of_option(error: RenderError, name: &str) -> RenderError {
    match error {
        RenderError::Design { reason } => RenderError::Option {
            name: name.to_owned(),
            problem: format!("cannot be used: {reason}"),
        },
        other => other,
    }
}

/// Returns the text of a variable. The text is empty if the job has no value. Returns `None` for an
/// unknown variable.
fn field(name: &str, job: &RenderJob) -> Option<String> {
    let personal = |text: &Option<Personal<String>>| {
        text.as_ref()
            .map(Personal::reveal_str)
            .unwrap_or_default()
            .to_owned()
    };
    Some(match name {
        "attendeeName" | "full_name" | "learner_name" => job.full_name.reveal_str().to_owned(),
        "certificateName" | "certificate_name" | "course_name" => job.certificate_name.clone(),
        "eventName" | "event_name" => job.event_name.clone(),
        "eventLink" => job.event_link.clone().unwrap_or_default(),
        "downloadLink" => format!("{}/download", job.verification_url),
        "year" => job.issue_date.year().to_string(),
        "client" | "organization" => job.client.clone(),
        "completion_date" => in_words(job.issue_date, job.locale),
        "learner_email" => personal(&job.email),
        "document_number" => personal(&job.document_number),
        _ => return None,
    })
}

const MONTHS: [(&str, &str); 12] = [
    ("January", "enero"),
    ("February", "febrero"),
    ("March", "marzo"),
    ("April", "abril"),
    ("May", "mayo"),
    ("June", "junio"),
    ("July", "julio"),
    ("August", "agosto"),
    ("September", "septiembre"),
    ("October", "octubre"),
    ("November", "noviembre"),
    ("December", "diciembre"),
];

/// Returns a date in words in the given language.
fn in_words(date: time::Date, locale: Locale) -> String {
    let day = date.day();
    let year = date.year();
    let (english, spanish) = MONTHS[usize::from(u8::from(date.month())) - 1];
    match locale {
        Locale::En => format!("{day} {english} {year}"),
        Locale::Es => format!("{day} de {spanish} de {year}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate_pdf::tests::job;

    #[test]
    fn every_variable_has_a_text() {
        let mut job = job("Ada Lovelace");
        job.event_link = Some("https://example.org/summit".to_owned());
        job.email = Some("ada@example.org".to_owned().into());
        for name in VARIABLES {
            assert!(!field(name, &job).expect("a variable").is_empty(), "{name}");
        }
        assert_eq!(field("salary", &job), None);
        job.locale = Locale::Es;
        assert_eq!(
            field("completion_date", &job).expect("is one"),
            "21 de noviembre de 2026"
        );
        assert!(
            field("downloadLink", &job)
                .expect("is one")
                .ends_with("/download")
        );
    }
}
