//! Defining certificates. The definition and the marks on its designs are written in one commit.

use std::collections::BTreeSet;

use super::{CommandContext, CommandError, Commands, Done, IfVersion, Transaction};
use crate::domain::certification::certificate::{
    Certificate, CertificateCommand, CertificateState, Definition,
};
use crate::domain::certification::design::{Design, DesignCommand, id_of_key};
use crate::domain::certification::manifest::OptionValue;
use crate::domain::{CertificateId, DesignId, Refusal};

/// Defines a certificate and marks its designs as used.
///
/// # Errors
/// The definition is refused, a design was deleted, or the log can't be used. In all cases, nothing
/// is written.
pub async fn define_certificate(
    commands: &Commands,
    context: &CommandContext,
    id: CertificateId,
    definition: Definition,
) -> Result<Done<Certificate>, CommandError> {
    let command = &CertificateCommand::Define(definition);
    let committed = commands.transact(context, |transaction| async move {
        take_designs_into_use(&transaction, command).await?;
        transaction.decide::<Certificate>(id, command).await
    });
    Ok(Done::of(committed.await?))
}

/// Changes a certificate that has the expected version, and marks its designs as used.
///
/// # Errors
/// As for [`define_certificate`], or the certificate has another version.
pub async fn redefine_certificate(
    commands: &Commands,
    context: &CommandContext,
    id: CertificateId,
    if_version: &IfVersion,
    redefine: impl Fn(&CertificateState) -> Result<CertificateCommand, Refusal>,
) -> Result<Done<Certificate>, CommandError> {
    let redefine = &redefine;
    let committed = commands.transact(context, |transaction| async move {
        let loaded = match transaction.look::<Certificate>(id).await?.executed_before() {
            Ok(done) => return Ok(done),
            Err(loaded) => loaded,
        };
        let version = loaded.position;
        let command = redefine(&loaded.state)?;
        take_designs_into_use(&transaction, &command).await?;
        let done = transaction.decide_loaded(id, loaded, &command)?;
        // Checked last, so that the error for a missing certificate takes precedence.
        if_version.check(version)?;
        Ok(done)
    });
    Ok(Done::of(committed.await?))
}

/// Marks the designs as used. This is decided before the certificate, so that the certificate's
/// event is the last of the commit.
async fn take_designs_into_use(
    transaction: &Transaction,
    command: &CertificateCommand,
) -> Result<(), CommandError> {
    let (CertificateCommand::Define(definition) | CertificateCommand::Redefine(definition)) =
        command
    else {
        return Ok(());
    };
    for design in designs(definition) {
        transaction
            .decide::<Design>(design, &DesignCommand::TakeIntoUse)
            .await?;
    }
    Ok(())
}

/// Returns the designs used as background and as pictures of options, without duplicates.
fn designs(definition: &Definition) -> BTreeSet<DesignId> {
    let images = definition
        .pdf_template
        .options
        .values()
        .filter_map(|value| match value {
            OptionValue::Image(image) => Some(image),
            OptionValue::Text(_) => None,
        });
    definition
        .design
        .iter()
        .chain(images)
        .filter_map(|design| id_of_key(&design.key))
        .collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::certification::certificate::DesignRef;
    use crate::domain::certification::certificate::samples::definition;

    #[test]
    fn each_design_of_a_definition_is_returned_once() {
        let named = |n: u128| DesignRef {
            key: format!(
                "certificates/design_images/acme_2026/frame_{}.jpg",
                Uuid::from_u128(n)
            ),
            sha256: "ab".repeat(32),
        };
        let mut definition = definition();
        definition.design = Some(named(1));
        for (name, n) in [("logo", 2), ("signature", 1), ("seal", 2)] {
            definition
                .pdf_template
                .options
                .insert(name.to_owned(), OptionValue::Image(named(n)));
        }
        let ids: Vec<_> = designs(&definition).into_iter().collect();
        assert_eq!(ids, [1, 2].map(|n| DesignId(Uuid::from_u128(n))));
    }
}
