//! Words that indicate the topic of unknown headers, in lower case and without accents.

/// Words for a person's name.
pub(super) const NAME_WORDS: &str = "nombre nombres name names firstname middlename fullname forename nome nomes nom prenom prenoms vorname \
     vornamen voornaam fornamn patronymic patronimico nombre2 nombre3 имя отчество jmeno naam namn navn fname mname";

/// Words for a person's surname.
pub(super) const SURNAME_WORDS: &str = "apellido apellidos apellida apellidas apell surname surnames lastname sobrenome sobrenomes apelido apelidos \
     cognome cognomi cognom cognoms abizena abizenak nachname familienname zuname geburtsname madchenname achternaam \
     familienaam efternamn etternavn efternavn nazwisko prijmeni priezvisko soyadı soyadi soyad soyisim prezime priimek \
     sukunimi vezeteknev csaladnev uzvards pavarde perekonnanimi mbiemri mbiemer lname familyname paterno materno \
     paterna materna apepat apemat appaterno apmaterno фамилия прізвище прозвище επωνυμο επιθετο 姓 姓氏 苗字 名字";

/// Whole headers of a part of the name, without blanks. As single words, they also occur in other
/// headers.
pub(super) const SHORT_SURNAMES: &str = "ap ape aps apes apdo last family familia familyn segundo segunda decasada casada ho ho2 2do 2nd sur apps mi";

/// Words for a surname that are compared with a tolerance: one wrong letter, or two in forms of
/// "apellido".
pub(super) const MISSPELT: [&str; 9] = [
    "apellido",
    "apellidos",
    "surname",
    "lastname",
    "nachname",
    "cognome",
    "sobrenome",
    "apelido",
    "apelidos",
];

/// Words that indicate the name of a thing or of another person.
pub(super) const OTHER_NAMES: &str = "company empresa entreprise firma azienda organization organizacion organisation organizacao institution \
     institucion instituicao institut instituto school escuela escola colegio universidad university \
     universidade facultad entidad course curso cursos cours kurs corso event evento evenement taller workshop \
     webinar topic programa program user usuario utilisateur benutzer utente username display nickname nick apodo \
     alias badge yomi phonetic file archivo arquivo fichier datei group grupo groupe gruppe team equipo department \
     departamento ciudad city municipio manager managers jefe boss assistant assistants spouse conyuge madre padre \
     mother father parent abuelo abuela acudiente tutor contacto contact emergency emergencia referral profesor \
     docente teacher instructor trainer ponente speaker domain host sheet producto product proyecto project bank banco \
     cliente client prefix prefijo salutation sede cargo buyer comprador compradora purchaser payer pagador billing \
     facturacion titular familiar responsable supervisor coordinador asesor";

/// Words of columns that are often next to a name, but no part of it.
pub(super) const HARMLESS: &str = "email correo mail telefono tel telephone phone celular movil mobile whatsapp fax address direccion barrio zona \
     region provincia estado state country pais nacionalidad nationality lugar place location ubicacion residencia \
     origen procedencia comuna distrito localidad pueblo town street calle job title titulo titel trabajo puesto \
     position role rol funcion function ocupacion occupation profesion profession carrera career oficio area seccion \
     section division unidad unit dependencia gerencia nivel level grado grade curso semestre turno shift jornada \
     modalidad mode horario schedule dia day fecha date hora time mes month ano year inicio fin start end status \
     estatus situacion asistio asistencia attendance attended presente aprobado approved resultado result nota notas \
     score calificacion puntaje observaciones observacion comentario comentarios comment comments remarks notes \
     respuesta answer pregunta question genero sexo gender sex edad age civil idioma language lengua tipo type \
     category categoria clase class ticket entrada order pedido pago payment metodo method forma canal channel source \
     fuente medio origin referido tag etiqueta color talla size dieta diet food comida alergias turma serie plan \
     especialidad specialty disciplina sector industria industry rubro red social twitter linkedin instagram \
     institution guest invitado documento document id codigo code numero number nro tratamiento honorific anrede \
     salutation prefijo dr profesional matricula idiomas pronoun pronouns pronombre pronombres generacion generation \
     ort stadt land strasse beruf ville pays cidade profissao cargo formacao paese citta tema modulo module topic \
     taller sala room mesa table aula salon grupo equipo team interes interest interests hobby hobbies motivo reason \
     sangre eps seguro insurance parentesco relacion relationship marca temporal timestamp registro registered registrado login logout join \
     leave member members miembros nacimiento birth salud medico servicio opinion experiencia experience";
