//! People in earlier rows of the same file.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use crate::domain::certification::person::{PersonEntry, folded_name};
use crate::domain::{AttendeeId, CertificateId, Personal};

/// Fields that must be equal in all rows about a person, in addition to the identifying fields.
const FIELDS: [&str; 4] = ["fullName", "country", "documentType", "gender"];

/// People in the rows so far. It needs about 60 bytes per person.
#[derive(Debug, Default)]
pub struct Seen {
    people: HashMap<AttendeeId, FirstRow>,
    certificates: Vec<CertificateId>,
    /// Certificates after the first one, for people who get several.
    further: HashSet<(AttendeeId, u32)>,
}

#[derive(Debug)]
struct FirstRow {
    row: u32,
    /// Hashes of [`FIELDS`]; 0 for a blank field.
    fields: [u32; 4],
    /// Index of the person's first certificate in `certificates`.
    certificate: Option<u32>,
}

/// Contradiction between two rows about one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Number of the earlier row in the whole file.
    pub row: u32,
    /// Field that differs.
    pub field: &'static str,
}

/// Result of recording a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// True if an earlier row is about the same person.
    pub is_repeated: bool,
    /// True if the person gets a certificate that no earlier row gave to the person.
    pub earns: bool,
}

impl Seen {
    /// Returns the number of the first row about a person, if any.
    #[must_use]
    pub fn row_of(&self, id: AttendeeId) -> Option<u32> {
        self.people.get(&id).map(|first| first.row)
    }

    /// Returns the first field in which a row differs from the earlier rows about the same person.
    /// Blank fields are not compared. Case, accents and spaces are ignored.
    #[must_use]
    pub fn contradiction(&self, id: AttendeeId, entry: &PersonEntry) -> Option<Contradiction> {
        let first = self.people.get(&id)?;
        let differs = |(one, other): (&u32, &u32)| *one != 0 && *other != 0 && one != other;
        let place = first.fields.iter().zip(&hashes(entry)).position(differs)?;
        Some(Contradiction {
            row: first.row,
            field: FIELDS[place],
        })
    }

    /// Records a row about a person. `row` is its number in the whole file.
    pub fn note(
        &mut self,
        id: AttendeeId,
        row: u32,
        entry: &PersonEntry,
        certificate_id: Option<CertificateId>,
    ) -> Noted {
        let certificate = certificate_id.map(|certificate_id| self.place(certificate_id));
        let fields = hashes(entry);
        let Some(first) = self.people.get_mut(&id) else {
            self.people.insert(
                id,
                FirstRow {
                    row,
                    fields,
                    certificate,
                },
            );
            return Noted {
                is_repeated: false,
                earns: certificate.is_some(),
            };
        };
        for (known, new) in first.fields.iter_mut().zip(fields) {
            if *known == 0 {
                *known = new;
            }
        }
        let earns = match (certificate, first.certificate) {
            (None, _) => false,
            (Some(new), Some(known)) if new == known => false,
            (Some(new), None) => {
                first.certificate = Some(new);
                true
            }
            (Some(new), Some(_)) => self.further.insert((id, new)),
        };
        Noted {
            is_repeated: true,
            earns,
        }
    }

    fn place(&mut self, certificate_id: CertificateId) -> u32 {
        let known = self
            .certificates
            .iter()
            .rposition(|known| *known == certificate_id);
        let place = known.unwrap_or_else(|| {
            self.certificates.push(certificate_id);
            self.certificates.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }
}

fn hashes(entry: &PersonEntry) -> [u32; 4] {
    let text =
        |text: &Option<Personal<String>>| text.as_ref().map_or(0, |text| hash(text.reveal_str()));
    [
        hash(entry.full_name.reveal_str()),
        text(&entry.country),
        text(&entry.document_type),
        text(&entry.gender),
    ]
}

/// Returns a hash that is never 0.
fn hash(text: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    folded_name(text).hash(&mut hasher);
    // proof: the upper half of 64 bits fits into 32 bits.
    u32::try_from(hasher.finish() >> 32)
        .unwrap_or(u32::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::RawPerson;

    const ANA: AttendeeId = AttendeeId(Uuid::from_u128(1));
    const COURSE: CertificateId = CertificateId(Uuid::from_u128(2));
    const OTHER: CertificateId = CertificateId(Uuid::from_u128(3));

    fn entry(name: &str, country: &str) -> PersonEntry {
        let full_name = Some(name.to_owned());
        let country = Some(country.to_owned());
        RawPerson {
            full_name,
            country,
            ..RawPerson::default()
        }
        .check_entry()
        .expect("a name")
    }

    #[test]
    fn a_person_is_counted_once_and_gets_each_certificate_once() {
        let mut seen = Seen::default();
        let ana = entry("Ana", "");
        let noted: Vec<_> = [Some(COURSE), Some(COURSE), Some(OTHER), Some(OTHER), None]
            .into_iter()
            .map(|certificate| seen.note(ANA, 2, &ana, certificate))
            .map(|noted| (noted.is_repeated, noted.earns))
            .collect();
        assert_eq!(
            noted,
            [
                (false, true),
                (true, false),
                (true, true),
                (true, false),
                (true, false)
            ]
        );
        assert_eq!(seen.row_of(ANA), Some(2));
    }

    #[test]
    fn a_person_without_a_certificate_can_get_one_from_a_later_row() {
        let mut seen = Seen::default();
        assert!(!seen.note(ANA, 2, &entry("Ana", ""), None).earns);
        assert!(seen.note(ANA, 3, &entry("Ana", ""), Some(COURSE)).earns);
        assert!(!seen.note(ANA, 4, &entry("Ana", ""), Some(COURSE)).earns);
    }

    #[test]
    fn contradiction_between_rows_is_found_by_field() {
        let mut seen = Seen::default();
        assert_eq!(seen.contradiction(ANA, &entry("Ana", "Perú")), None);
        seen.note(ANA, 2, &entry("Ana Rojas", ""), None);
        assert_eq!(seen.contradiction(ANA, &entry("ANA  ROJAS", "Perú")), None);
        let name = Contradiction {
            row: 2,
            field: "fullName",
        };
        assert_eq!(
            seen.contradiction(ANA, &entry("Ana Mora", "Perú")),
            Some(name)
        );
        seen.note(ANA, 3, &entry("Ana Rojas", "Perú"), None);
        assert_eq!(seen.contradiction(ANA, &entry("Ana Rojas", "peru")), None);
        let country = Contradiction {
            row: 2,
            field: "country",
        };
        assert_eq!(
            seen.contradiction(ANA, &entry("Ana Rojas", "Chile")),
            Some(country)
        );
    }
}
