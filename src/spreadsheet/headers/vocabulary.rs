//! Known headers, mainly in English, Spanish, Portuguese, French, German and Italian, and words
//! that are ignored or indicate a purpose.

use super::{Column, Meaning};

/// Phrases by meaning, separated by commas. Case, accents, punctuation and [`FILLERS`] are ignored.
pub(super) const PHRASES: &[(Meaning, &str)] = &[
    (
        Meaning::PlainName,
        "nombre, nombres, name, names, nome, nomes, nombre original, имя, όνομα, ime, jmeno, meno, ad, adı, adi, isim, \
         naam, namn, navn, nimi, emri",
    ),
    (
        Meaning::Column(Column::FullName),
        "surname given name, surname given names, surname first name, surname forename, surname forenames, surname \
         names, family name given name, family name given names, family name first name, last name given name, last \
         name given names, last names first names, last first, last first name, first last, apellido primer nombre, \
         apellidos primer nombre, sobrenome nome, apelido nome, achternaam voornaam, efternamn fornamn, nazwisko imie, \
         prijmeni jmeno, priezvisko meno, фамилия имя, nombre apellido, nombre apellidos, nombres apellidos, nombres apellido, apellidos nombres, apellido \
         nombre, apellidos nombre, apellido nombres, nombre completo, nombres completos, nombre completo \
         apellidos, nombres apellidos completos, apellidos nombres completos, full name, complete name, \
         fullname, name full, first last name, first name last name, name surname, surname name, last name \
         first name, legal name, full legal name, nome completo, nome sobrenome, nome apelido, nome cognome, \
         cognome nome, nom complet, nom prenom, prenom nom, nom prenoms, prenoms nom, vollstandiger name, \
         vollständiger name, vor nachname, vorname nachname, nachname vorname, name vorname, vorname name, \
         фио, полное имя, imie nazwisko, jmeno prijmeni, meno priezvisko, ad soyad, adı soyadı, adi soyadi, \
         ime prezime, for efternamn, for och efternamn, voor en achternaam, voor achternaam, imie i nazwisko, ime i prezime, ho va ten, ho \
         ten, 氏名, 姓名, お名前, 名前",
    ),
    (
        Meaning::Column(Column::FirstName),
        "primer nombre, nombre primero, nombre pila, nombres pila, first name, firstname, given name, given \
         names, forename, forenames, primeiro nome, nome proprio, nomes proprios, prenom, prenoms, premier \
         prenom, vorname, vornamen, rufname, primo nome, first names, prenom usuel, prenoms usuels, nombre 1, nombre1, 1er nombre, 1o nombre, 1ro nombre, name first, \
         first, fname, f name, given, nome proprio, voornaam, fornamn, fornavn, imie, etunimi, prenume, krestni jmeno, \
         rodne meno, nome di battesimo",
    ),
    (
        Meaning::Column(Column::MiddleName),
        "segundo nombre, segundos nombres, otros nombres, nombre segundo, middle name, middle names, middlename, \
         second name, additional name, additional names, other names, middle initial, nome meio, segundo nome, \
         nombre medio, deuxieme prenom, autres prenoms, zweiter vorname, weitere vornamen, secondo nome, \
         отчество, patronymic, patronimico, nombre 2, nombre2, 2do nombre, 2o nombre, 2nd name, middle, mid name, m i, name \
         middle, middle init, zweitname, zweiter name, patronym, patronymikon, second given name, tussenvoegsel, \
         tussenvoegsels, tweede naam, andet fornavn, drugie imie, mellannamn, mellomnavn",
    ),
    (
        Meaning::Column(Column::LastName),
        "apellido, apellidos, primer apellido, apellido primero, apellido paterno, 1er apellido, 1 apellido, \
         apellido 1, apellido1, surname, surnames, last name, last names, lastname, family name, family names, \
         paternal surname, first surname, sobrenome, sobrenomes, ultimo nome, apelido, apelidos, nome familia, \
         nom, nom famille, nachname, familienname, zuname, cognome, cognomi, фамилия, επώνυμο, apellido familiar, ap paterno, a paterno, ape paterno, apell paterno, apepat, apepaterno, apellido pat, apellido \
         p, paterno, primer ap, 1er ap, p apellido, apell, apellido i, 1ro apellido, 1o apellido, apellido legal, \
         last, l name, lname, name last, family, surename, sur name, familyname, nombre familia, legal last name, legal \
         surname, achternaam, familienaam, efternamn, etternavn, efternavn, nazwisko, prijmeni, priezvisko, soyadı, \
         soyadi, soyad, soyisim, prezime, priimek, sukunimi, nume familie, cognom, cognoms, sobre nome, uzvards, \
         pavarde, perekonnanimi, прізвище, επιθετο",
    ),
    (
        Meaning::Column(Column::SecondLastName),
        "segundo apellido, apellido segundo, apellido materno, 2do apellido, 2o apellido, 2 apellido, apellido \
         2, apellido2, second surname, maternal surname, second last name, second family name, mothers last \
         name, segundo sobrenome, secondo cognome, zweiter nachname, deuxieme nom, ap materno, a materno, ape materno, apell materno, apemat, apematerno, apellido mat, \
         apellido m, materno, segundo ap, 2do ap, 2o ap, s apellido, apellido ii, 2nd surname, 2nd last name",
    ),
    (
        Meaning::Column(Column::NameSuffix),
        "suffix, name suffix, sufijo, sufijo nombre, suffisso, namenszusatz, sufixo, jr sr, suffix jr sr",
    ),
    (
        Meaning::CertificateName,
        "nombre para certificado, nombre en certificado, nombre para diploma, nombre en diploma, nombre diploma, \
         nombre para constancia, nombre en constancia, nombre a imprimir, nombre para imprimir, name on \
         certificate, name as on certificate, name for certificate, name in certificate, name to print, name on \
         diploma, name for diploma, nome para certificado, nome para o certificado, nome no certificado, nome para diploma, nome no diploma, \
         nom sur certificat, nom pour certificat, nom sur attestation, nom pour attestation, nome per certificato, \
         nome sul certificato, nome per attestato, name auf dem zertifikat, name auf zertifikat, name fur \
         zertifikat, name fur das zertifikat, name auf der urkunde, name fur die urkunde, nombre completo para \
         certificado, nombre completo en certificado, nombre completo para diploma, full name for certificate, full \
         name on certificate, nombre apellidos para certificado, nombres apellidos para certificado, nombre \
         apellido para certificado, nombre apellidos en certificado, nombres apellidos en certificado, nome \
         completo para certificado",
    ),
    (
        Meaning::DisplayName,
        "user name original name, nombre usuario nombre original, display name, nombre mostrar, nombre visible, \
         participante, participantes, participant, participants, estudiante, estudiantes, student, students, \
         alumno, alumna, alumnos, alumno a, asistente, asistentes, attendee, attendees, learner, teilnehmer, \
         teilnehmerin, partecipante, aluno, aluna, участник, студент",
    ),
    (
        Meaning::Column(Column::Email),
        "email, e mail, mail, correo, correos, correo electronico, correo e, e correo, direccion correo, \
         direccion correo electronico, direccion email, direccion e mail, correo institucional, correo \
         electronico institucional, correo personal, correo electronico personal, correo contacto, cuenta \
         correo, correo gmail, email address, e mail address, electronic mail, address email, mail address, user \
         email, contact email, personal email, work email, email primary, primary email, email 1 value, e mail 1 \
         value, email 1, email personal, email institucional, endereco email, endereco e mail, correio \
         eletronico, e mail institucional, e mail pessoal, email pessoal, courriel, adresse email, adresse e \
         mail, adresse mail, adresse electronique, adresse courriel, mel, e mail adresse, email adresse, \
         mailadresse, indirizzo email, indirizzo e mail, posta elettronica, indirizzo posta elettronica, \
         indirizzo mail, электронная почта, адрес электронной почты, почта",
    ),
    (
        Meaning::Column(Column::DocumentType),
        "tipo documento, tipo doc, tipo identificacion, tipo documento identidad, tipo documento identificacion, \
         clase documento, document type, type document, id type, identity document type, type piece identite, \
         dokumenttyp, ausweisart, tipo di documento",
    ),
    (
        Meaning::Column(Column::DocumentNumber),
        "documento, document, numero documento, num documento, nro documento, no documento, n documento, nr \
         documento, documento numero, document number, document no, number document, numero document, documento \
         identidad, documento identificacion, numero documento identidad, numero documento identificacion, nro \
         documento identidad, no documento identidad, n documento identidad, identificacion, numero \
         identificacion, nro identificacion, no identificacion, n identificacion, numero identidad, cedula, \
         cedula ciudadania, cedula identidad, cedula ciudadania extranjeria, numero cedula, nro cedula, no \
         cedula, n cedula, numero cedula ciudadania, numero cedula identidad, cedula pasaporte, cedula o \
         pasaporte, cc, c c, ci, c i, dni, numero dni, nro dni, no dni, n dni, dni nie, dni o nie, nif, nie, nif \
         nie, dni nie pasaporte, dni pasaporte, rut, run, rut run, rut pasaporte, numero rut, nro rut, n rut, \
         cpf, numero cpf, n cpf, cpf numero, rg, curp, rfc, cuil, cuit, dpi, pasaporte, numero pasaporte, nro \
         pasaporte, n pasaporte, passport, passport number, passport no, passaporte, numero passaporte, \
         passeport, numero passeport, reisepass, reisepassnummer, passnummer, ausweisnummer, personalausweis, \
         personalausweisnummer, dokumentnummer, codice fiscale, numero documento identita, documento identita, \
         passaporto, numero passaporto, id number, id no, identity number, identity document, identity document \
         number, identity card, identity card number, identification, identification number, national id, \
         national id number, government id, government id number, numero id, tarjeta identidad, carne identidad, \
         carnet identidad, carne extranjeria, cartao cidadao, numero cartao cidadao, bilhete identidade, numero \
         documento identidade, piece identite, numero piece identite, numero carte identite, carte identite, \
         номер документа, паспорт, ssn, social security number, doc, doc no, doc number, doc identidad, ti, t i, numero cedula o pasaporte, cedula o dni, nro doc, n doc, no \
         doc, num doc, numero doc",
    ),
    (
        Meaning::Column(Column::Country),
        "pais, country, pais residencia, pais origen, country region, country residence, pays, land, paese, \
         nazione, pais region, страна",
    ),
    (
        Meaning::Column(Column::Gender),
        "genero, gender, sexo, sex, sexe, genre, geschlecht, genere, sesso, пол",
    ),
    (
        Meaning::Column(Column::CertificateId),
        "certificate id, id certificado, id certificate, certificado id, certificateid",
    ),
];

/// Words that are ignored: articles, prepositions, requests of a form, and roles of the person.
pub(super) const FILLERS: &str = "de del da do dos das la las el los le les the of your tu tus su sus votre seu sua ihr ihre il di delle y e \
     and et und a por favor please escriba escribe ingrese ingresa introduzca introduce indique indica digite \
     enter write cual es what is qual digita informe obligatorio requerido required participante participantes \
     participant participants estudiante estudiantes student alumno alumna alumnos aluno aluna asistente \
     asistentes attendee attendees learner inscrito inscrita registrant persona person teilnehmer teilnehmers \
     partecipante";

/// Words that begin an explanation, as in "Nombre tal como aparece en su documento".
pub(super) const EXPLAINING: &str =
    "como tal as que segun according conforme exactly exactamente comme wie igual";

/// Words for a certificate.
pub(super) const PURPOSES: &str = "certificado certificados certificate certificates diploma diplomas constancia constancias zertifikat urkunde \
     attestation certificat attestato certidao";

/// Words between a part of the name and a word for the certificate.
pub(super) const FOR_CERTIFICATE: &str = "para for on en in no na im auf dem fur sur pour per your su sus completo completos full complete";
