//! Checks of a manifest.

use super::option::MAX_LENGTH;
use super::{
    Bilingual, Manifest, ManifestError, ORIENTATION, OptionKind, PAPER, PageSetup, SAMPLE_IMAGES,
    SampleValue, TemplateOption, VARIABLES,
};

/// Maximum number of options.
const MAX_OPTIONS: usize = 24;
/// Maximum number of options of the kind image. Each image gets one of 8 fixed paths.
const MAX_IMAGES: usize = 8;
/// Largest number of page formats besides the default one.
const MAX_PAGES: usize = 3;
/// Largest number of choices of an option.
const MAX_CHOICES: usize = 20;
/// Allowed range of the margin, in millimetres.
const MARGIN: std::ops::RangeInclusive<f64> = 0.0..=60.0;
/// Allowed range of the QR code's side length, in millimetres. Readers can't scan a smaller code
/// from paper.
const QR_SIZE: std::ops::RangeInclusive<f64> = 15.0..=60.0;
/// Width of the quiet zone around a QR code, as a fraction of the code's side length: 4 of 33
/// modules (ISO/IEC 18004).
const QUIET: f64 = 4.0 / 33.0;

/// Errors of a manifest, each with its field.
struct Problems(Vec<String>);

impl Problems {
    fn needs(&mut self, good: bool, field: &str, problem: &str) {
        if !good {
            self.0.push(format!("{field}: {problem}"));
        }
    }

    fn text(&mut self, field: &str, text: &str, most: usize) {
        let good = !text.trim().is_empty()
            && text.chars().count() <= most
            && !text.chars().any(char::is_control);
        self.needs(
            good,
            field,
            &format!("give 1 to {most} characters, without control characters"),
        );
    }

    fn bilingual(&mut self, field: &str, text: &Bilingual, most: usize) {
        self.text(&format!("{field}.en"), &text.en, most);
        self.text(&format!("{field}.es"), &text.es, most);
    }
}

impl Manifest {
    /// Checks the limits of all fields.
    ///
    /// # Errors
    /// All errors that were found, each with its field.
    pub fn check(&self) -> Result<(), ManifestError> {
        let mut problems = Problems(Vec::new());
        problems.bilingual("title", &self.title, 100);
        problems.bilingual("description", &self.description, 500);
        problems.needs(
            MARGIN.contains(&self.margin),
            "margin",
            "give 0 to 60 (millimetres)",
        );
        let default_page = PageSetup {
            page: self.page,
            qr: self.qr,
        };
        check_code(&mut problems, "", default_page);
        for (n, setup) in self.other_pages.iter().enumerate().take(MAX_PAGES) {
            check_code(&mut problems, &format!("otherPages[{n}]."), *setup);
        }
        self.check_pages(&mut problems);
        for (n, variable) in self.variables.iter().enumerate() {
            let once = !self.variables[..n].contains(variable);
            problems.needs(
                once,
                "variables",
                &format!("{} occurs twice", quoted(variable)),
            );
            let known = VARIABLES.contains(&variable.as_str());
            let none = format!(
                "{} is not a variable; give some of {}",
                quoted(variable),
                VARIABLES.join(", ")
            );
            problems.needs(known, "variables", &none);
        }
        self.check_options(&mut problems);
        self.check_sample(&mut problems);
        if problems.0.is_empty() {
            Ok(())
        } else {
            Err(ManifestError(problems.0))
        }
    }

    /// Checks that the options for paper and orientation offer exactly the pages of the manifest.
    fn check_pages(&self, problems: &mut Problems) {
        let offered = |name: &str, default: &str| match self.option(name) {
            Some(option) if option.kind == OptionKind::Choice && !self.other_pages.is_empty() => {
                let is_default = option.default.as_deref() == Some(default);
                (option.choices.clone(), is_default)
            }
            _ => (vec![default.to_owned()], true),
        };
        let (sizes, size_is_default) = offered(PAPER, self.page.size.as_str());
        let (sides, side_is_default) = offered(ORIENTATION, self.page.orientation.as_str());
        problems.needs(
            size_is_default && side_is_default,
            "page",
            "must be the default of the options paper and orientation",
        );
        let others = self.other_pages.iter().map(|setup| setup.page);
        let mut pages: Vec<String> = std::iter::once(self.page)
            .chain(others)
            .map(|page| format!("{} {}", page.size.as_str(), page.orientation.as_str()))
            .collect();
        let mut choices: Vec<String> = sizes
            .iter()
            .flat_map(|size| sides.iter().map(move |side| format!("{size} {side}")))
            .collect();
        pages.sort_unstable();
        choices.sort_unstable();
        let problem = format!(
            "the options paper and orientation offer {}; give one page for each, with page",
            choices.join(", ")
        );
        problems.needs(pages == choices, "otherPages", &problem);
    }

    fn check_options(&self, problems: &mut Problems) {
        let images = self
            .options
            .iter()
            .filter(|option| option.kind == OptionKind::Image)
            .count();
        problems.needs(
            self.options.len() <= MAX_OPTIONS,
            "options",
            "give at most 24",
        );
        problems.needs(
            images <= MAX_IMAGES,
            "options",
            "give at most 8 of the kind image",
        );
        for (n, option) in self.options.iter().enumerate().take(MAX_OPTIONS) {
            let field = format!("options[{n}]");
            let once = self.options[..n]
                .iter()
                .all(|other| other.name != option.name);
            problems.needs(is_name(&option.name), &format!("{field}.name"), NAME);
            problems.needs(once, &format!("{field}.name"), "occurs twice");
            problems.bilingual(&format!("{field}.title"), &option.title, 100);
            check_values(problems, &field, option);
        }
    }

    fn check_sample(&self, problems: &mut Problems) {
        for (name, value) in &self.sample {
            let field = format!("sample.{name}");
            match value {
                SampleValue::Same(text) => self.check_sample_text(problems, name, &field, text),
                SampleValue::PerLanguage(texts) => {
                    self.check_sample_text(problems, name, &format!("{field}.en"), &texts.en);
                    self.check_sample_text(problems, name, &format!("{field}.es"), &texts.es);
                }
            }
        }
    }

    fn check_sample_text(&self, problems: &mut Problems, name: &str, field: &str, text: &str) {
        match self.option(name) {
            Some(option) if option.kind == OptionKind::Image => {
                let known = SAMPLE_IMAGES.contains(&text);
                problems.needs(
                    known,
                    field,
                    &format!("give one of {}", SAMPLE_IMAGES.join(", ")),
                );
            }
            Some(option) => {
                if let Err(problem) = option.check_text(text) {
                    problems.needs(false, field, &problem);
                }
            }
            None => {
                problems.needs(
                    VARIABLES.contains(&name),
                    field,
                    "is neither a variable nor one of the options",
                );
                problems.text(field, text, MAX_LENGTH);
            }
        }
    }
}

/// Checks that the QR code lies on its page. `prefix` is the field's path up to `qr`.
fn check_code(problems: &mut Problems, prefix: &str, setup: PageSetup) {
    let qr = setup.qr;
    problems.needs(
        QR_SIZE.contains(&qr.size),
        &format!("{prefix}qr.size"),
        "give 15 to 60 (millimetres)",
    );
    let (width, height) = setup.page.millimetres();
    let quiet = QUIET * qr.size;
    let far = (1.0 + QUIET) * qr.size;
    let inside = |place: f64, side: f64| place >= quiet && place + far <= side;
    let outside = "the code and four modules around it must lie on the page";
    problems.needs(inside(qr.x, width), &format!("{prefix}qr.x"), outside);
    problems.needs(inside(qr.y, height), &format!("{prefix}qr.y"), outside);
}

fn check_values(problems: &mut Problems, field: &str, option: &TemplateOption) {
    let choice = option.kind == OptionKind::Choice;
    let choices = format!("{field}.choices");
    problems.needs(
        choice || option.choices.is_empty(),
        &choices,
        "is for the kind choice only",
    );
    problems.needs(
        !choice || (1..=MAX_CHOICES).contains(&option.choices.len()),
        &choices,
        "give 1 to 20",
    );
    for one in option.choices.iter().take(MAX_CHOICES) {
        problems.text(&choices, one, 40);
    }
    let length = format!("{field}.maxLength");
    problems.needs(
        option.kind == OptionKind::Text || option.max_length.is_none(),
        &length,
        "is for the kind text only",
    );
    let bounded = option
        .max_length
        .is_none_or(|most| (1..=MAX_LENGTH).contains(&most));
    problems.needs(bounded, &length, "give 1 to 300");
    let default = format!("{field}.default");
    match (&option.default, option.kind) {
        (Some(_), OptionKind::Image) => problems.needs(false, &default, "an image has none"),
        (None, OptionKind::Colour | OptionKind::Choice) => {
            problems.needs(false, &default, "is missing")
        }
        (Some(text), _) => {
            if let Err(problem) = option.check_text(text) {
                problems.needs(false, &default, &problem);
            }
        }
        (None, OptionKind::Image | OptionKind::Text) => {}
    }
}

/// Rule for the name of an option. A name with `_` would have two spellings in JSON bodies, so only
/// letters and digits are allowed.
const NAME: &str = "give a letter of a to z, then at most 31 letters and digits";

fn is_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn quoted(name: &str) -> String {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("{shown:?}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::Locale;
    use crate::domain::certification::manifest::{OptionValue, OptionValues};

    fn good() -> Value {
        json!({
            "title": {"en": "Plain", "es": "Sencillo"},
            "description": {"en": "A page.", "es": "Una página."},
            "page": {"size": "a4", "orientation": "landscape"},
            "margin": 18,
            "qr": {"x": 233, "y": 148, "size": 24},
            "variables": ["full_name", "year"],
            "options": [
                {"name": "accent", "kind": "colour", "default": "#8a6420", "title": {"en": "Accent", "es": "Acento"}},
                {"name": "line", "kind": "text", "maxLength": 5, "title": {"en": "Line", "es": "Línea"}},
                {"name": "logo", "kind": "image", "default": null, "title": {"en": "Logo", "es": "Logo"}},
                {"name": "seal", "kind": "choice", "default": "no", "choices": ["no", "yes"], "title": {"en": "Seal", "es": "Sello"}},
            ],
            "sample": {"full_name": "Ada Lovelace", "logo": "logo.png", "seal": "yes"},
        })
    }

    fn problems(manifest: &Value) -> Vec<String> {
        Manifest::parse(manifest.to_string().as_bytes())
            .err()
            .map_or_else(Vec::new, |error| error.0)
    }

    #[test]
    fn valid_manifest_is_accepted() {
        assert_eq!(problems(&good()), Vec::<String>::new());
        let mut bilingual = good();
        bilingual["sample"]["course_name"] =
            json!({"en": "Analytical Engines", "es": "Máquinas analíticas"});
        let manifest = Manifest::parse(bilingual.to_string().as_bytes()).expect("good");
        let shown = |locale| manifest.sample["course_name"].in_locale(locale);
        assert_eq!(
            (shown(Locale::En), shown(Locale::Es)),
            ("Analytical Engines", "Máquinas analíticas")
        );
        assert_eq!(
            manifest.sample["full_name"].in_locale(Locale::Es),
            "Ada Lovelace"
        );
    }

    #[test]
    fn each_problem_is_reported_with_its_field() {
        for (pointer, value, field) in [
            ("/title/en", json!(" "), "title.en"),
            ("/margin", json!(61), "margin"),
            ("/qr/size", json!(4), "qr.size"),
            ("/qr/x", json!(272), "qr.x"),
            ("/qr/y", json!(1), "qr.y"),
            ("/variables/1", json!("salary"), "variables"),
            ("/variables/1", json!("full_name"), "variables"),
            ("/options/0/name", json!("Accent colour"), "options[0].name"),
            ("/options/1/name", json!("accent"), "options[1].name"),
            ("/options/0/default", json!("red"), "options[0].default"),
            ("/options/0/default", Value::Null, "options[0].default"),
            ("/options/1/maxLength", json!(301), "options[1].maxLength"),
            (
                "/options/2/default",
                json!("logo.png"),
                "options[2].default",
            ),
            ("/options/3/choices", json!([]), "options[3].choices"),
            ("/sample/logo", json!("/etc/passwd"), "sample.logo"),
            ("/sample/seal", json!("perhaps"), "sample.seal"),
            (
                "/sample/seal",
                json!({"en": "yes", "es": "quizás"}),
                "sample.seal.es",
            ),
            (
                "/sample/full_name",
                json!({"en": " ", "es": "Ada"}),
                "sample.full_name.en",
            ),
        ] {
            let mut manifest = good();
            *manifest.pointer_mut(pointer).expect("it is there") = value;
            let found = problems(&manifest);
            assert!(
                found
                    .iter()
                    .any(|problem| problem.starts_with(&format!("{field}: "))),
                "{pointer}: {found:?}"
            );
        }
        for neither in [
            json!(7),
            json!({"en": "Ada"}),
            json!({"en": "Ada", "es": "Ada", "fr": "Ada"}),
        ] {
            let mut manifest = good();
            manifest["sample"]["full_name"] = neither;
            let found = problems(&manifest);
            assert!(
                found[0].starts_with(
                    "sample.full_name: a sample must be a text, or an object with the texts en and es"
                ),
                "{found:?}"
            );
        }
        let mut unknown = good();
        unknown["colour"] = json!("red");
        assert!(problems(&unknown)[0].starts_with("colour: unknown field"));
        assert_eq!(
            problems(&json!("x".repeat(70_000))),
            ["is larger than 64 KiB"]
        );
    }

    #[test]
    fn paper_and_orientation_options_must_match_the_pages_of_the_manifest() {
        let mut manifest = good();
        let page = |size: &str, orientation: &str| {
            json!({
                "page": {"size": size, "orientation": orientation},
                "qr": {"x": 20, "y": 20, "size": 20},
            })
        };
        manifest["otherPages"] = json!([page("letter", "landscape")]);
        let offered = |found: Vec<String>| found.join("; ");
        let found = offered(problems(&manifest));
        assert!(
            found.starts_with("otherPages: the options paper and orientation offer a4 landscape;"),
            "{found}"
        );
        let title = json!({"en": "Paper", "es": "Papel"});
        let options = manifest["options"].as_array_mut().expect("a list");
        options.push(json!({
            "name": "paper", "kind": "choice", "default": "a4", "choices": ["a4", "letter"], "title": title,
        }));
        assert_eq!(problems(&manifest), Vec::<String>::new());
        let parsed = Manifest::parse(manifest.to_string().as_bytes()).expect("good");
        let width = |paper, side| parsed.page_setup(paper, side).page.millimetres().0;
        assert_eq!(width(None, None), 297.0);
        assert_eq!(width(Some("letter"), None), 279.4);
        assert_eq!(width(Some("a4"), Some("landscape")), 297.0);
        let options = manifest["options"].as_array_mut().expect("a list");
        options.push(json!({
            "name": "orientation", "kind": "choice", "default": "portrait", "title": title,
            "choices": ["landscape", "portrait"],
        }));
        let found = problems(&manifest);
        assert!(
            found[0].starts_with("page: must be the default"),
            "{found:?}"
        );
        assert!(
            found[1].contains("a4 landscape, a4 portrait, letter landscape"),
            "{found:?}"
        );
        manifest["otherPages"][0]["qr"]["x"] = json!(270);
        assert!(problems(&manifest)[0].starts_with("otherPages[0].qr.x: "));
    }

    #[test]
    fn values_are_checked_against_their_options() {
        let manifest = Manifest::parse(good().to_string().as_bytes()).expect("good");
        let picture = || {
            OptionValue::Image(crate::domain::certification::certificate::DesignRef {
                key: "a".to_owned(),
                sha256: "ab".repeat(32),
            })
        };
        let wrong = |name: &str, value: OptionValue| {
            let values = OptionValues::from([(name.to_owned(), value)]);
            manifest
                .problems_with(&values)
                .pop()
                .map(|(_, problem)| problem)
        };
        for (name, value) in [
            ("accent", "#00FFaa"),
            ("line", "five!"),
            ("line", ""),
            ("seal", "no"),
        ] {
            assert_eq!(wrong(name, value.into()), None, "{name}");
        }
        assert_eq!(wrong("logo", picture()), None);
        for (name, value) in [
            ("accent", "#fff"),
            ("accent", "red"),
            ("line", "sixsix"),
            ("line", "a\nb"),
            ("seal", "maybe"),
            ("logo", "x"),
            ("shadow", "x"),
        ] {
            assert!(wrong(name, value.into()).is_some(), "{name}");
        }
        assert!(wrong("accent", picture()).is_some());
    }
}
