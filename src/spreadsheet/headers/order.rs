//! Headers of full names that have the surname first.

use super::recognised::{head_of, words};

/// Words of a surname, folded.
const SURNAMES: &str = "apellido apellidos surname surnames last family lastname familyname sobrenome sobrenomes apelido apelidos \
     cognome cognomi cognom cognoms nachname familienname zuname achternaam efternamn etternavn efternavn nazwisko prijmeni \
     priezvisko soyad prezime фамилия прізвище";
/// Words of given names, folded.
const GIVEN: &str = "nombre nombres name names first given forename forenames firstname nome nomes prenom prenoms vorname vornamen \
     voornaam fornamn fornavn imie jmeno meno ad ime имя";

/// Returns true for a header such as "Apellidos y nombres", "Last name, first name" or "Name (Last,
/// First)".
pub(super) fn is_surname_first(header: &str) -> bool {
    let header = head_of(header);
    let remark = header
        .split_once(['(', '['])
        .map_or("", |(_, remark)| remark);
    has_surname_first(header) || has_surname_first(remark)
}

fn has_surname_first(text: &str) -> bool {
    // "Last name" becomes "last", because "name" alone is a given name.
    let mut words = words(text);
    words.dedup_by(|word, before| {
        matches!(before.as_str(), "last" | "family") && matches!(word.as_str(), "name" | "names")
    });
    let first = |list: &str| {
        words
            .iter()
            .position(|word| list.split_whitespace().any(|known| known == word))
    };
    let (surname, given) = match words.first().map(String::as_str) {
        // In "Name, Vorname" and "Nom et prénom", the first word is the family name.
        Some("name") => (Some(0), first("vorname vornamen")),
        Some("nom") => (Some(0), first("prenom prenoms")),
        _ => (first(SURNAMES), first(GIVEN)),
    };
    surname
        .zip(given)
        .is_some_and(|(surname, given)| surname < given)
}

#[cfg(test)]
mod tests {
    use super::is_surname_first;

    #[test]
    fn header_determines_whether_the_surname_is_first() {
        for header in [
            "Apellidos y nombres",
            "APELLIDOS, NOMBRES",
            "Apellido y nombre del alumno",
            "Last name, first name",
            "Last, First",
            "Surname, given name",
            "Family name / Given name",
            "Name (Last, First)",
            "Nombre completo (apellidos, nombres)",
            "Cognome e nome",
            "Name, Vorname",
            "Nachname, Vorname",
            "Nom et prénom",
            "Nazwisko i imię",
        ] {
            assert!(is_surname_first(header), "{header}");
        }
        for header in [
            "Name",
            "Student",
            "Full name",
            "Nombre completo",
            "Nombres y apellidos",
            "First name, last name",
            "Last name",
            "Nome e cognome",
            "Vorname, Nachname",
            "Prénom et nom",
            "Name (First, Last)",
            "",
        ] {
            assert!(!is_surname_first(header), "{header}");
        }
    }
}
