//! Projections of one program in one namespace, with their schema names and the search path for
//! readers.

use thiserror::Error;

use super::definition::{BadHandler, Projection};
use super::embedded;
use crate::database::meta_schema;
use crate::event_log::upcast::UPCASTERS_VERSION;

/// Projections that one program maintains and reads.
#[derive(Clone, Debug)]
pub struct ProjectionSet {
    namespace: String,
    members: Vec<Member>,
}

/// Projection with its fingerprint and the schema name derived from it.
#[derive(Clone, Debug)]
pub struct Member {
    /// The projection.
    pub projection: Projection,
    /// Fingerprint; see [`Projection::fingerprint`].
    pub fingerprint: String,
    /// Schema name: `<namespace>_<projection>_<first 12 hex digits of the fingerprint>`.
    pub schema: String,
}

/// Error when a projection set is created, or when a projection is selected from it.
#[derive(Debug, Error)]
pub enum BadSet {
    /// A file under `projections/` violates the rules of the folder.
    #[error(transparent)]
    Handler(#[from] BadHandler),
    /// The namespace can't be used in a schema name.
    #[error(
        "the namespace \"{0}\" is not usable; give 1 to 32 lower-case letters, digits or underscores"
    )]
    Namespace(String),
    /// No projection has this name.
    #[error("there is no projection \"{name}\"; the projections are {known}")]
    Unknown {
        /// Requested name.
        name: String,
        /// Existing names, separated by commas.
        known: String,
    },
}

impl Member {
    /// Returns the schema name for a copy of this member's tables. `kind` is `new` for a rebuild,
    /// `old` for replaced tables, `ver` for a verification, and `bld` for the first build.
    pub(super) fn copy(&self, kind: &str) -> String {
        format!("{}_{kind}", self.schema)
    }
}

impl ProjectionSet {
    /// Returns the projections that are embedded in this program.
    ///
    /// # Errors
    /// Fails unless the namespace has 1 to 32 lower-case letters, digits or underscores.
    pub fn embedded(namespace: &str) -> Result<Self, BadSet> {
        Self::of(namespace, embedded::projections()?)
    }

    /// Returns a set of the given projections, for tests of the runner.
    ///
    /// # Errors
    /// Fails unless the namespace has 1 to 32 lower-case letters, digits or underscores.
    pub fn of(namespace: &str, projections: Vec<Projection>) -> Result<Self, BadSet> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !(1..=32).contains(&namespace.len()) || !namespace.bytes().all(plain) {
            return Err(BadSet::Namespace(namespace.to_owned()));
        }
        let mut members: Vec<Member> = projections
            .into_iter()
            .map(|projection| {
                let fingerprint = projection.fingerprint(UPCASTERS_VERSION);
                let schema = format!("{namespace}_{}_{}", projection.name, &fingerprint[..12]);
                Member {
                    projection,
                    fingerprint,
                    schema,
                }
            })
            .collect();
        members.sort_by(|a, b| a.projection.name.cmp(&b.projection.name));
        Ok(Self {
            namespace: namespace.to_owned(),
            members,
        })
    }

    /// Returns the namespace, which is the prefix of every schema name.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the projections, sorted by name.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the members with these names, sorted by name. Returns all members if `names` is
    /// empty.
    ///
    /// # Errors
    /// Fails if the set has no projection with one of these names.
    pub fn select(&self, names: &[&str]) -> Result<Vec<&Member>, BadSet> {
        for name in names {
            if !self
                .members
                .iter()
                .any(|member| member.projection.name == *name)
            {
                let known = self
                    .members
                    .iter()
                    .map(|m| m.projection.name.as_str())
                    .collect::<Vec<_>>();
                return Err(BadSet::Unknown {
                    name: (*name).to_owned(),
                    known: known.join(", "),
                });
            }
        }
        let chosen =
            |member: &&Member| names.is_empty() || names.contains(&member.projection.name.as_str());
        Ok(self.members.iter().filter(chosen).collect())
    }

    /// Returns a set with only these projections. Namespace and schemas are the same.
    ///
    /// # Errors
    /// Fails if the set has no projection with one of these names.
    pub fn only(&self, names: &[&str]) -> Result<Self, BadSet> {
        let members = self.select(names)?.into_iter().cloned().collect();
        Ok(Self {
            namespace: self.namespace.clone(),
            members,
        })
    }

    /// Returns the search path for connections that read. It makes the tables of this program
    /// visible.
    #[must_use]
    pub fn search_path(&self) -> String {
        let meta = meta_schema(&self.namespace);
        search_path(
            self.members
                .iter()
                .map(|member| member.schema.as_str())
                .chain([meta.as_str()]),
        )
    }
}

/// Formats schema names as a search path.
pub(super) fn search_path<'a>(schemas: impl Iterator<Item = &'a str>) -> String {
    schemas
        .map(|schema| format!("\"{schema}\""))
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_names_fit_postgres_even_with_a_suffix() {
        let set = ProjectionSet::embedded(&"n".repeat(32)).expect("a good namespace");
        for member in set.members() {
            assert!(
                member.schema.len() + "_new".len() <= 63,
                "{}",
                member.schema
            );
        }
    }

    #[test]
    fn unknown_names_are_refused_with_the_known_ones() {
        let set = ProjectionSet::embedded("t").expect("a good namespace");
        assert_eq!(set.select(&[]).expect("all").len(), set.members().len());
        assert_eq!(set.select(&["jobs"]).expect("one").len(), 1);
        let error = set
            .select(&["job"])
            .expect_err("no such projection")
            .to_string();
        assert!(
            error.contains("\"job\"") && error.contains("jobs, overview"),
            "{error}"
        );
    }

    #[test]
    fn invalid_namespaces_are_refused() {
        for bad in ["", "a-b", "A", "a\"b", &"x".repeat(33)] {
            assert!(ProjectionSet::embedded(bad).is_err(), "{bad}");
        }
    }
}
