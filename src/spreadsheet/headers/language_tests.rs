//! Tests with headers of forms and exports in six languages.

use super::suspicion::{self, Suspicion};
use super::*;

#[test]
fn headers_of_forms_and_exports_are_recognised() {
    use Column::*;
    for (column, headers) in [
        (
            Email,
            "Correo / E-mail | Email address (correo) | Dirección de correo electrónico | Correo institucional | User Email | E-mail Address | Email \
             address | E-mail 1 - Value | E-Mail-Adresse | Adresse e-mail | Indirizzo email | Endereço de \
             e-mail | Courriel | ¿Cuál es tu correo electrónico? | Correo electrónico * | E-mail: | Email \
             (obligatorio)",
        ),
        (
            DocumentNumber,
            "Nº DNI/NIE/Pasaporte | Número de cédula o pasaporte | CI/Pasaporte | Doc. | T.I. | DNI | D.N.I. | NIE | DNI/NIE | Cédula | Cédula de ciudadanía | Nº de cédula | C.C. | RUT | RUN | \
             CPF | CURP | Pasaporte | Passport No. | ID number | Número de identificación | Documento de \
             identidad | Número de documento (sin puntos) | Codice fiscale | Personalausweisnummer | Government \
             ID Number | Ingrese su número de documento | 2. Número de documento | N° documento",
        ),
        (
            FullName,
            "Nombre completo | Apellidos y Nombres | Nombres y apellidos | Nombre(s) y apellido(s) | Nome \
             completo | Nom et prénom | Vor- und Nachname | Nome e cognome | Full Name | Imię i nazwisko | Jméno a \
             příjmení | Ad Soyad | Voor- en achternaam | Nombre / Apellido | Nombre y apellido / Full name | Nombre y apellidos del participante | Escriba su nombre \
             completo | Nombre completo (como aparece en su documento) | 1. Nombre completo | ФИО | Name and \
             surname",
        ),
        (
            FirstName,
            "Prénom usuel | Nombre 1 | 1er Nombre | Nombre / First name | Nombre (First name) | Name (First) | \
             Voornaam | Förnamn | Imię | Primer nombre para el certificado | First name | Given Name | Primer nombre | Prénom | Vorname | Primeiro nome",
        ),
        (
            MiddleName,
            "2do Nombre | Nombre 2 | Nombre2 | M.I. | MI | Middle | Zweitname | Name (Middle) | Patronym | \
             Tussenvoegsel | Middle name | Segundo nombre | Otros nombres | Additional Name | Отчество",
        ),
        (
            LastName,
            "AP. PATERNO | Ap_paterno | A. Paterno | Paterno | apepat | Primer Ap. | 1er. Apellido | Apell. | Last | \
             LName | L. Name | Family | Surename | Family name | Achternaam | Efternamn | Nazwisko | Příjmení | \
             Soyadı | SOYADI | Prezime | Sukunimi | Priezvisko | Apellido / Last name | Name (Last) | Apellido I | \
             Apellidos para el certificado | Last name for certificate | Surname on certificate | Apellidos \
             completos para certificado | P. Apellido | Apellidos | Apellido(s) | Primer apellido | 1er apellido | Apellido paterno | Surname | Last Name \
             | Family name | Sobrenome | Cognome | Nachname | Nom | Nom de famille | Фамилия",
        ),
        (
            SecondLastName,
            "AP. MATERNO | Materno | apemat | A. Materno | Apellido materno para el diploma | Apellido II | \
             2do Ap. | S. Apellido | Segundo apellido | 2º apellido | Apellido materno | Second surname",
        ),
        (NameSuffix, "Suffix | Name Suffix"),
        (
            Country,
            "País | Country/Region | Pays | Land | Paese | País de residencia",
        ),
        (Gender, "Sexo | Género | Sexe | Geschlecht | Genere"),
        (
            DocumentType,
            "Tipo de documento | Tipo de identificación | ID type",
        ),
    ] {
        for header in headers.split(" | ") {
            assert_eq!(recognise(header), Some(Meaning::Column(column)), "{header}");
        }
    }
    let plains =
        "Nombre | Nombre(s) | Name | Nome | Name (Original Name) | Nombre del estudiante | Nombre:";
    for plain in plains.split(" | ") {
        assert_eq!(recognise(plain), Some(Meaning::PlainName), "{plain}");
    }
    for header in [
        "User Name (Original Name)",
        "Participante",
        "Estudiante",
        "Student",
        "Участник",
    ] {
        assert_eq!(recognise(header), Some(Meaning::DisplayName), "{header}");
    }
    let certificates = "Nombre para el certificado | Name on certificate | Nombre diploma | Nombre a imprimir | Name as on \
             certificate | Nombre completo para el certificado | Nome para o certificado";
    for header in certificates.split(" | ") {
        assert_eq!(
            recognise(header),
            Some(Meaning::CertificateName),
            "{header}"
        );
    }
    assert_eq!(recognise("Name (Prefix)"), None);
}

#[test]
fn other_headers_are_unknown_and_only_parts_of_a_name_are_suspicious() {
    let headers = "Marca temporal | Timestamp | Company | Company Name | Nombre de la empresa | Nombre del curso | \
             Username | Nombre de usuario | Nickname | Manager's Name | E-mail Display Name | Nombre del \
             certificado | Teléfono | Nota | Asistió | Join time | Job Title | Approval Status | Yomi Name | \
             Nombre de la madre | Topic";
    for header in headers.split(" | ") {
        let meaning = recognise(header).filter(|meaning| *meaning != Meaning::DisplayName);
        let suspicion = suspicion::suspicion(header, true).map(|(kind, _)| kind);
        let is_part = suspicion.is_some_and(|kind| kind != Suspicion::CertificateName);
        assert_eq!((meaning, is_part), (None, false), "{header}");
    }
    let headers = "Apellido de casada | Maiden name | Tercer apellido | Nombre social | Nombre artístico | Initials \
             of name";
    for header in headers.split(" | ") {
        let is_suspicious = suspicion::suspicion(header, true).is_some();
        assert_eq!((recognise(header), is_suspicious), (None, true), "{header}");
    }
}
