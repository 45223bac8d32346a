//! Headers of forms and exports in six languages.

use super::*;

#[test]
fn headers_of_forms_and_exports_are_known() {
    use Column::*;
    for (column, headers) in [
        (
            Email,
            "Dirección de correo electrónico | Correo institucional | User Email | E-mail Address | Email \
             address | E-mail 1 - Value | E-Mail-Adresse | Adresse e-mail | Indirizzo email | Endereço de \
             e-mail | Courriel | ¿Cuál es tu correo electrónico? | Correo electrónico * | E-mail: | Email \
             (obligatorio)",
        ),
        (
            DocumentNumber,
            "DNI | D.N.I. | NIE | DNI/NIE | Cédula | Cédula de ciudadanía | Nº de cédula | C.C. | RUT | RUN | \
             CPF | CURP | Pasaporte | Passport No. | ID number | Número de identificación | Documento de \
             identidad | Número de documento (sin puntos) | Codice fiscale | Personalausweisnummer | Government \
             ID Number | Ingrese su número de documento | 2. Número de documento | N° documento",
        ),
        (
            FullName,
            "Nombre completo | Apellidos y Nombres | Nombres y apellidos | Nombre(s) y apellido(s) | Nome \
             completo | Nom et prénom | Vor- und Nachname | Nome e cognome | Full Name | Nombre para el \
             certificado | Name on certificate | Nombre y apellidos del participante | Escriba su nombre \
             completo | Nombre completo (como aparece en su documento) | 1. Nombre completo | ФИО | Name and \
             surname",
        ),
        (FirstName, "First name | Given Name | Primer nombre | Prénom | Vorname | Primeiro nome"),
        (MiddleName, "Middle name | Segundo nombre | Otros nombres | Additional Name | Отчество"),
        (
            LastName,
            "Apellidos | Apellido(s) | Primer apellido | 1er apellido | Apellido paterno | Surname | Last Name \
             | Family name | Sobrenome | Cognome | Nachname | Nom | Nom de famille | Фамилия",
        ),
        (SecondLastName, "Segundo apellido | 2º apellido | Apellido materno | Second surname"),
        (NameSuffix, "Suffix | Name Suffix"),
        (Country, "País | Country/Region | Pays | Land | Paese | País de residencia"),
        (Gender, "Sexo | Género | Sexe | Geschlecht | Genere"),
        (DocumentType, "Tipo de documento | Tipo de identificación | ID type"),
    ] {
        for header in headers.split(" | ") {
            assert_eq!(recognise(header), Some(Meaning::Column(column)), "{header}");
        }
    }
    let plains = "Nombre | Nombre(s) | Name | Nome | Name (Original Name) | Nombre del estudiante | Nombre:";
    for plain in plains.split(" | ") {
        assert_eq!(recognise(plain), Some(Meaning::PlainName), "{plain}");
    }
    assert_eq!(recognise("User Name (Original Name)"), Some(Meaning::DisplayName));
}

#[test]
fn other_headers_are_unknown_and_only_parts_of_a_name_are_suspicious() {
    let headers = "Marca temporal | Timestamp | Company | Company Name | Nombre de la empresa | Nombre del curso | \
             Username | Nombre de usuario | Nickname | Manager's Name | E-mail Display Name | Nombre del \
             certificado | Teléfono | Nota | Asistió | Join time | Job Title | Approval Status | Yomi Name | \
             Nombre de la madre | Topic";
    for header in headers.split(" | ") {
        let meaning = recognise(header).filter(|meaning| *meaning != Meaning::DisplayName);
        assert_eq!((meaning, may_be_name(header)), (None, false), "{header}");
    }
    let headers = "Apellido de casada | Maiden name | Tercer apellido | Nombre social | Nombre artístico | Initials \
             of name";
    for header in headers.split(" | ") {
        assert_eq!((recognise(header), may_be_name(header)), (None, true), "{header}");
    }
}
