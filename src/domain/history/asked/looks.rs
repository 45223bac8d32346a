//! Arbitrary commands and sample events of designs and templates.

use super::Asked;
use crate::domain::certification::design::samples::image;
use crate::domain::certification::design::{
    Design, DesignCommand, DesignDeleted, DesignEvent, DesignImage, DesignTakenIntoUse,
    DesignUploaded,
};
use crate::domain::certification::template::samples::files;
use crate::domain::certification::template::{
    Template, TemplateActivated, TemplateCommand, TemplateCreated, TemplateEvent, TemplateRetired,
    TemplateVersionAdded,
};

impl Asked for Design {
    fn command(which: u32, text: &str, _: u32) -> DesignCommand {
        match which % 3 {
            0 => DesignCommand::Upload(image(text)),
            1 => DesignCommand::TakeIntoUse,
            _ => DesignCommand::Delete,
        }
    }

    fn samples(text: &str, n: u32) -> Vec<DesignEvent> {
        let described = DesignImage {
            description: Some(text.to_owned()),
            width: n,
            ..image(text)
        };
        vec![
            DesignUploaded { image: image(text) }.into(),
            DesignUploaded { image: described }.into(),
            DesignTakenIntoUse {}.into(),
            DesignDeleted {}.into(),
        ]
    }
}

impl Asked for Template {
    fn command(which: u32, text: &str, n: u32) -> TemplateCommand {
        match which % 4 {
            0 => TemplateCommand::Create {
                name: text.to_owned(),
                files: files(text),
            },
            1 => TemplateCommand::AddVersion(files(text)),
            2 => TemplateCommand::Activate(n),
            _ => TemplateCommand::Retire,
        }
    }

    fn samples(text: &str, n: u32) -> Vec<TemplateEvent> {
        vec![
            TemplateCreated {
                name: text.to_owned(),
                files: files(text),
            }
            .into(),
            TemplateVersionAdded {
                version: n,
                files: files(text),
            }
            .into(),
            TemplateActivated { version: n }.into(),
            TemplateRetired {}.into(),
        ]
    }
}
