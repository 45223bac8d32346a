//! Tests: no part of a name is lost silently, and harmless columns do not reject a file.

use crate::domain::certification::reading::Reading;
use crate::spreadsheet::fixture::names_of;

/// Returns the name of a person below these headers, or the code of the error.
fn name(headers: &[&str], values: &[&str]) -> String {
    let quoted = |cells: &[&str]| {
        let cells = cells
            .iter()
            .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        cells.collect::<Vec<_>>().join(",")
    };
    let text = format!(
        "{},Correo\n{},a@example.org\n",
        quoted(headers),
        quoted(values)
    );
    match names_of(&text, &Reading::default()) {
        Ok(names) => names.join("|"),
        Err(error) => error.code().to_owned(),
    }
}

const UNKNOWN: &str = "UNKNOWN_NAME_COLUMN";

#[test]
fn surnames_below_unusual_headers_are_read() {
    for (headers, values, expected) in [
        (
            &["NOMBRES", "AP. PATERNO", "AP. MATERNO"][..],
            &["Ana", "Rojas", "Peña"][..],
            "Ana Rojas Peña",
        ),
        (
            &["Nombres", "Paterno", "Materno"],
            &["Ana", "Rojas", "Peña"],
            "Ana Rojas Peña",
        ),
        (
            &["Nombres", "Apellidos", "Ap. Materno"],
            &["Ana", "Rojas", "Peña"],
            "Ana Rojas Peña",
        ),
        (
            &["Nombres", "Apellidos para el certificado"],
            &["Ana", "Rojas"],
            "Ana Rojas",
        ),
        (
            &[
                "Nombre para el certificado",
                "Apellidos para el certificado",
            ],
            &["Ana", "Rojas"],
            "Ana Rojas",
        ),
        (
            &["Nombre 1", "Nombre 2", "Apellido 1", "Apellido 2"],
            &["Ana", "Luz", "Rojas", "Peña"],
            "Ana Luz Rojas Peña",
        ),
        (
            &["1er Nombre", "2do Nombre", "1er Apellido"],
            &["Ana", "Luz", "Rojas"],
            "Ana Luz Rojas",
        ),
        (
            &["First Name", "M.I.", "Last Name"],
            &["Ana", "M.", "Rojas"],
            "Ana M. Rojas",
        ),
        (
            &["Name (First)", "Name (Middle)", "Name (Last)"],
            &["Ana", "Luz", "Rojas"],
            "Ana Luz Rojas",
        ),
        (
            &["Voornaam", "Tussenvoegsel", "Achternaam"],
            &["Jan", "van der", "Berg"],
            "Jan van der Berg",
        ),
        (&["Imię", "Nazwisko"], &["Ana", "Rojas"], "Ana Rojas"),
        (&["First", "Last"], &["Ana", "Rojas"], "Ana Rojas"),
        (
            &["Nombre / First name", "Apellido / Last name"],
            &["Ana", "Rojas"],
            "Ana Rojas",
        ),
        (
            &["Nombre", "Nombre diploma"],
            &["Ana", "Ana Rojas"],
            "Ana Rojas",
        ),
        (
            &["Nombre", "Apellido", "Nombre para el certificado"],
            &["Ana", "Rojas", "Ana R. Peña"],
            "Ana R. Peña",
        ),
        (
            &["Nombre", "Apellido", "Nombre para el certificado"],
            &["Ana", "Rojas", ""],
            "Ana Rojas",
        ),
        (
            &["Nombre completo", "Name on certificate"],
            &["Ana Rojas", "Ana R. Peña"],
            "Ana R. Peña",
        ),
        (&["Participante"], &["Ana Rojas"], "Ana Rojas"),
        (
            &["Estudiante", "Nombre", "Apellido"],
            &["2010", "Ana", "Rojas"],
            "Ana Rojas",
        ),
    ] {
        assert_eq!(name(headers, values), expected, "{headers:?}");
    }
    let long = "Apellidos (escríbalos exactamente como aparecen en su documento de identidad, con tildes y en mayúsculas \
                y minúsculas, porque así se imprimirán en el certificado del curso; no se harán correcciones \
                posteriores a la entrega de los certificados)";
    assert_eq!(name(&["Nombres", long], &["Ana", "Rojas"]), "Ana Rojas");
}

#[test]
fn no_surname_column_next_to_a_first_name_is_dropped_silently() {
    let headers = "Apellido | Ap. | Ap | Ape | Apell. | Apdo | Ap. Paterno | A. Paterno | A. Materno | apepat | apematerno | \
        paterno | materno | 1º Apellido | 1er. Apellido | 1ro Apellido | Apellido I | Apellido II | Apellido (1) | Primer Ap. \
        | Segundo Ap. | Apellidos del alumno | Los apellidos | Apellido/s | Apellido y | Apelidos | Apllidos | Appellido | \
        Apelldios | Last | Lname | L. Name | Last_Name | Family | Familia | Second name | Surename | Sur name | Cognom | \
        Abizena | Apelido(s) | Sobre nome | Nazwisko | Příjmení | Achternaam | Efternamn | Soyadı | Vezetéknév | Nume de \
        familie | Priezvisko | Prezime | Sukunimi | 姓 | фамилия | Отчество | Patronym | Middle | MI | M.I. | Mid Name | 2nd \
        name | 2do nombre | 2° nombre | Segundo | Nombre 2 | Nombre2 | Segundo nombre | Otros nombres | Suffix | Nombre \
        social | Nombre artístico | Chosen name | Nombre para el certificado | Certificate name | Nombre certificado | \
        Nombre a imprimir | Nombre diploma | Zweitname | Geburtsname | Mädchenname | Maiden name | De casada | Nom de jeune \
        fille | Nom d'usage | Nombre legal | Legal last name | Apellido legal | Nome do meio | Nome de família | \
        Apellidos para el certificado | Last name for certificate | Surname on certificate | Apellidos completos para \
        certificado | Apellido materno para el diploma | Apellidos - Curso | Apellidos del usuario | Apellidos del docente \
        | Apellidos del contacto | Apellidos del cliente | Mbiemri | Klanname";
    for header in headers.split('|').map(str::trim) {
        let name = name(&["Nombre", header], &["Ana", "Valor"]);
        assert!(name != "Ana", "{header}: {name}");
    }
}

#[test]
fn file_with_a_doubtful_name_column_is_refused() {
    let question = "Si desea que su segundo apellido aparezca en el certificado, escríbalo aquí";
    for (headers, values) in [
        (
            &["Nombre", "Apellido", question][..],
            &["Ana", "Rojas", "Peña"][..],
        ),
        (&["Nombre y apellidos", ""], &["Ana", "Rojas"]),
        (&["Nombres", "Apellidos", ""], &["Ana", "Rojas", "Peña"]),
        (&["Nombre", "", ""], &["Ana", "", "Peña"]),
        (&["Nombre", "Unnamed: 1"], &["Ana", "Rojas"]),
        (&["Nombre", "Columna2"], &["Ana", "rojas"]),
        (&["Nombre", "Nombre certificado"], &["Ana", "Ana Rojas"]),
        (
            &["Nombre", "Apellido", "Certificate name"],
            &["Ana", "Rojas", "Ana Peña"],
        ),
        (
            &["Nombres", "Apellidos", "De casada"],
            &["Ana", "Rojas", "de Mora"],
        ),
        (
            &["Nombres", "Apellidos", "Segundo"],
            &["Ana", "Rojas", "Peña"],
        ),
        (&["Klanname", "Nombre"], &["Rojas", "Ana"]),
    ] {
        assert_eq!(name(headers, values), UNKNOWN, "{headers:?}");
    }
}

#[test]
fn columns_that_cannot_be_a_name_part_do_not_change_the_name() {
    let question = "¿Desea que su segundo apellido aparezca en el certificado?";
    for (headers, values) in [
        (
            &["Nombre", "Apellido", question][..],
            &["Ana", "Rojas", "Sí"][..],
        ),
        (&["Nombre", "Apellido", ""], &["Ana", "Rojas", ""]),
        (&["Nombre", "Apellido", ""], &["Ana", "Rojas", "12"]),
        (&["Nombre", "Apellido", ""], &["Ana", "Rojas", "x"]),
        (
            &["Nombre", "Apellido", "Unnamed: 2"],
            &["Ana", "Rojas", "ok"],
        ),
        (
            &["Nombre", "Apellido", "Buyer First Name", "Buyer Last Name"],
            &["Ana", "Rojas", "Luis", "Mora"],
        ),
        (
            &["Nombre", "Apellido", "Certificate name"],
            &["Ana", "Rojas", "Curso de Rust"],
        ),
        (
            &["Nombre", "Apellido", "Apellidos del contacto"],
            &["Ana", "Rojas", "Gil"],
        ),
        (&["", "Nombre", "Apellido"], &["1", "Ana", "Rojas"]),
    ] {
        assert_eq!(name(headers, values), "Ana Rojas", "{headers:?}");
    }
}

#[test]
fn columns_unrelated_to_the_name_are_accepted() {
    let columns = "Company=Acme | Empresa=Acme | Company name=Acme Ltd | Nombre de la empresa=Acme | Course=Rust | Curso=Rust | \
        Nombre del curso=Rust | Ciudad=Bogotá | City=Lima | Municipio=Soacha | Departamento=Ventas | Department=Sales | Cargo=Jefa \
        | Job title=Engineer | Puesto=Analista | Contact name=Luis | Nombre de contacto=Luis | Familiar=Luis | Nombre del \
        familiar=Luis | Teléfono=Fijo | Celular=No tiene | Estado=Activo | Status=Approved | Rol=Ponente | Role=Speaker | \
        País de nacimiento=Perú | Provincia=Lima | Region=Norte | Grupo=Azul | Team=Blue | Nickname=Anita | Apodo=Anita | \
        Username=Ana | Nombre de usuario=Ana | Universidad=Nacional | Institución=Nacional | Institution=National | Facultad=\
        Derecho | Carrera=Derecho | Programa=Derecho | Escuela=Norte | Profesión=Abogada | Ocupación=Docente | Área=Ventas | \
        Sección=Norte | Sede=Norte | Nivel=Alto | Turno=Tarde | Modalidad=Virtual | Asistencia=Presente | Asistió=Sí | \
        Observaciones=Ninguna | Comments=Great | Idioma=Inglés | Language=English | Ticket Type=General | Approval Status=\
        Approved | Guest=No | Title=Dra. | Título=Doctora | Prefijo=Dra. | Name Prefix=Dr. | Salutation=Mrs | Anrede=Frau | \
        Nombre de la madre=Eva | Manager's Name=Eva | Nombre del docente=Eva | Nombre del taller=Rust | Event Name=Rust | \
        Evento=Rust | Nombre del evento=Rust | File name=lista | Domain Name=acme | Group name=Azul | Registration Time=Tarde | \
        Join time=Tarde | Marca temporal=Hoy | Especialidad=Pediatría | Servicio de salud, EPS o seguro médico=Sura | \
        Category=Alumni | Talla=Mediana | Dieta=Vegana | ¿Cómo se enteró del evento?=Amigos | Last login=Never | Family \
        members=Three | Bank name=Acme | Nombre del proyecto=Sol | Product Name=Sol | Host=Eva | Buyer Name=Eva | Parentesco=Madre";
    let columns: Vec<(&str, &str)> = columns
        .split('|')
        .filter_map(|column| column.trim().split_once('='))
        .collect();
    assert!(columns.len() > 80);
    for (header, value) in columns {
        assert_eq!(
            name(&["Nombre", header], &["Ana", value]),
            "Ana",
            "{header}"
        );
        assert_eq!(
            name(&[header, "Name"], &[value, "Ana Rojas"]),
            "Ana Rojas",
            "{header}"
        );
        assert_eq!(
            name(&["Nombre", "Apellido", header], &["Ana", "Rojas", value]),
            "Ana Rojas",
            "{header}"
        );
        assert_eq!(
            name(&["Nombre completo", header], &["Ana Rojas", value]),
            "Ana Rojas",
            "{header}"
        );
    }
    for unknown in ["Sabor", "Constelación", "Sabor de la torta"] {
        assert_eq!(
            name(&["Nombre", unknown], &["Ana Rojas", "Vainilla"]),
            "Ana Rojas",
            "{unknown}"
        );
    }
}

#[test]
fn proposed_mapping_makes_the_file_readable() {
    let output = |headers: &str, values: &str| {
        let error =
            names_of(&format!("{headers}\n{values}\n"), &Reading::default()).expect_err(headers);
        assert_eq!(error.code(), UNKNOWN, "{headers}");
        error.to_string()
    };
    let long = format!("Apellidos del contacto {}", "x".repeat(90));
    for (headers, values, column, proposal) in [
        ("Nombre,,Correo", "Ana,Rojas,a@x.org", "B", "lastName"),
        (
            "Nombre,Unnamed: 1,Correo",
            "Ana,Rojas,a@x.org",
            "Unnamed: 1",
            "lastName",
        ),
        (
            "Nombre,Familia,Correo",
            "Ana,Rojas,a@x.org",
            "Familia",
            "lastName",
        ),
        (
            "Nombre,Apellido,Segundo,Correo",
            "Ana,Rojas,Peña,a@x.org",
            "Segundo",
            "secondLastName",
        ),
        (
            "Nombre,Nombre certificado,Correo",
            "Ana,Ana Rojas,a@x.org",
            "Nombre certificado",
            "fullName",
        ),
        (
            "Nombre,Buyer Last Name,Correo",
            "Ana,Mora,a@x.org",
            "Buyer Last Name",
            "ignore",
        ),
        (
            &format!("Nombre,{long},Correo"),
            "Ana,Mora,a@x.org",
            "B",
            "ignore",
        ),
    ] {
        let message = output(headers, values);
        let mapping = format!("{{\"{column}\": \"{proposal}\"}}");
        assert!(
            message.contains(&mapping) && message.contains("row 2"),
            "{message}"
        );
        for field in [
            Some(proposal.to_owned()).filter(|field| field != "ignore"),
            None,
        ] {
            let reading = Reading {
                mapping: [(column.to_owned(), field)].into(),
                ..Reading::default()
            };
            assert!(
                names_of(&format!("{headers}\n{values}\n"), &reading).is_ok(),
                "{headers}"
            );
        }
    }
}

#[test]
fn contradicting_column_can_be_ignored_by_mapping() {
    let text = "Nombre,Correo,Correo\nAna Rojas,a@x.org,b@x.org\n";
    let error = names_of(text, &Reading::default()).expect_err("two addresses");
    assert!(error.to_string().contains("{\"C\": \"ignore\"}"), "{error}");
    let reading = Reading {
        mapping: [("C".to_owned(), None)].into(),
        ..Reading::default()
    };
    assert_eq!(
        names_of(text, &reading).expect("one address"),
        ["Ana Rojas"]
    );
}

#[test]
fn original_name_in_brackets_is_used_as_the_name() {
    for (value, expected) in [
        ("Ana R (Ana María Rojas Peña)", "Ana María Rojas Peña"),
        ("iPhone de Luis (Luis Mora)", "Luis Mora"),
        ("Ana Rojas", "Ana Rojas"),
        // One word in brackets may be a nickname or an organisation.
        ("Ana Rojas (UdeA)", "INVALID_NAME"),
        ("Ana Rojas (she/her)", "Ana Rojas"),
        ("Ana Rojas (ella)", "Ana Rojas"),
        ("Ana Gil (Universidad Nacional)", "INVALID_NAME"),
        ("iPhone (Ana Gil / UNAM)", "INVALID_NAME"),
        ("5215512345678 (Ana Gil)", "Ana Gil"),
        ("Pepe (José Mora)", "José Mora"),
        ("Ana (she/her) (Ana Rojas)", "Ana Rojas"),
        ("A (Ana (Anita) Rojas)", "Ana (Anita) Rojas"),
        ("Ana Rojas ()", "Ana Rojas"),
        ("Ana) Rojas", "Ana) Rojas"),
        ("(Ana Rojas)", "(Ana Rojas)"),
    ] {
        for header in [
            "Name (Original Name)",
            "User Name (Original Name)",
            "Nombre (nombre original)",
        ] {
            assert_eq!(name(&[header], &[value]), expected, "{header}");
        }
        assert_eq!(name(&["Nombre completo"], &[value]), value);
    }
}

#[test]
fn missing_document_is_named_only_where_documents_are_required() {
    let error = names_of("Nombre,Teléfono\nAna,1\n", &Reading::default()).expect_err("no address");
    let message = error.to_string();
    assert!(
        message.contains("email") && !message.contains("documentNumber"),
        "{message}"
    );
}

#[test]
fn header_row_is_found_below_at_most_199_title_rows() {
    let titles = |count: usize| "Informe del curso\n".repeat(count);
    let rows = "Nombre,Apellido,Correo\nAna,Rojas,a@x.org\n";
    for count in [0, 24, 25, 40, 199] {
        let names = names_of(&format!("{}{rows}", titles(count)), &Reading::default());
        assert_eq!(names.expect("found"), ["Ana Rojas"], "{count}");
    }
    let error =
        names_of(&format!("{}{rows}", titles(200)), &Reading::default()).expect_err("too far");
    assert!(!error.to_string().contains("row 1"), "{error}");
}

#[test]
fn yes_or_no_answer_in_a_certificate_name_column_is_rejected() {
    let headers = [
        "Nombre",
        "Apellido",
        "Nombre para el certificado (si es distinto)",
    ];
    let named = |answer: &str| name(&headers, &["Ana", "Gil", answer]);
    assert_eq!(named("Ana Gil Mora"), "Ana Gil Mora");
    for same in ["", "-", "N/A"] {
        assert_eq!(named(same), "Ana Gil", "{same}");
    }
    for answer in ["No", "Sí", "Igual", "El mismo", "same"] {
        assert_eq!(named(answer), "INVALID_NAME", "{answer}");
    }
}

#[test]
fn consent_column_is_not_read_as_a_name() {
    for answer in [
        "Sí, autorizo",
        "Acepto",
        "De acuerdo",
        "Aceito",
        "Yes, I agree",
        "No",
    ] {
        let headers = [
            "Nombre",
            "Apellidos",
            "Autorizo el uso de mi nombre e imagen",
        ];
        assert_eq!(
            name(&headers, &["Ana", "Gil", answer]),
            "Ana Gil",
            "{answer}"
        );
    }
}

#[test]
fn failed_formula_in_a_surname_is_a_row_error() {
    for broken in ["#N/A", "#N/D", "#REF!"] {
        let named = name(&["Nombre", "Apellidos"], &["Ana", broken]);
        assert!(named != "Ana" && !named.contains(' '), "{broken}: {named}");
    }
}

#[test]
fn proposal_for_contradicting_names_keeps_the_parts() {
    let text = "Name,First name,Last name,Email\nAna Gil,Anita,Gil,a@example.org\n";
    let error = names_of(text, &Reading::default())
        .expect_err("two first names")
        .to_string();
    assert!(error.contains("{\"Name\": \"ignore\"}"), "{error}");
}
