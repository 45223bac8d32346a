//! Generator for CSV files of any length with fictional people, for the demo and for load tests.

use std::io::{self, Write};

/// Name in its original script, and its ASCII form for an e-mail address.
type Name = (&'static str, &'static str);

/// Country with the names that people of that country get.
struct Origin {
    country: &'static str,
    document_type: &'static str,
    /// True if the family name is before the given name.
    family_first: bool,
    women: &'static [Name],
    men: &'static [Name],
    families: &'static [Name],
}

const ORIGINS: &[Origin] = &[
    Origin {
        country: "Colombia",
        document_type: "Cédula",
        family_first: false,
        women: &[
            ("María José", "mariajose"),
            ("Lucía", "lucia"),
            ("Ximena", "ximena"),
            ("Inés", "ines"),
        ],
        men: &[
            ("Andrés", "andres"),
            ("Iñigo", "inigo"),
            ("Joaquín", "joaquin"),
            ("Óscar", "oscar"),
        ],
        families: &[
            ("Muñoz", "munoz"),
            ("Peña Ríos", "penarios"),
            ("García", "garcia"),
            ("Ibáñez", "ibanez"),
        ],
    },
    Origin {
        country: "United Kingdom",
        document_type: "Passport",
        family_first: false,
        women: &[
            ("Ada", "ada"),
            ("Grace", "grace"),
            ("Zoë", "zoe"),
            ("Siobhán", "siobhan"),
        ],
        men: &[
            ("Alan", "alan"),
            ("Owen", "owen"),
            ("Rhys", "rhys"),
            ("Fergus", "fergus"),
        ],
        families: &[
            ("O'Connell", "oconnell"),
            ("Whitlock", "whitlock"),
            ("Byrne-Hale", "byrnehale"),
            ("Pryce", "pryce"),
        ],
    },
    Origin {
        country: "Türkiye",
        document_type: "Kimlik",
        family_first: false,
        women: &[
            ("Gülşen", "gulsen"),
            ("Işıl", "isil"),
            ("Çiğdem", "cigdem"),
            ("Şule", "sule"),
        ],
        men: &[
            ("İbrahim", "ibrahim"),
            ("Oğuz", "oguz"),
            ("Ümit", "umit"),
            ("Yiğit", "yigit"),
        ],
        families: &[
            ("Yıldız", "yildiz"),
            ("Çağlayan", "caglayan"),
            ("Şahinoğlu", "sahinoglu"),
            ("Öztürk", "ozturk"),
        ],
    },
    Origin {
        country: "Việt Nam",
        document_type: "Passport",
        family_first: true,
        women: &[
            ("Thị Ánh", "thianh"),
            ("Thùy Dương", "thuyduong"),
            ("Bích Phượng", "bichphuong"),
            ("Hồng", "hong"),
        ],
        men: &[
            ("Văn Đức", "vanduc"),
            ("Quốc Việt", "quocviet"),
            ("Hữu Thắng", "huuthang"),
            ("Minh", "minh"),
        ],
        families: &[
            ("Nguyễn", "nguyen"),
            ("Trần", "tran"),
            ("Đặng", "dang"),
            ("Lê", "le"),
        ],
    },
    Origin {
        country: "Ελλάδα",
        document_type: "Ταυτότητα",
        family_first: false,
        women: &[
            ("Δήμητρα", "dimitra"),
            ("Ελένη", "eleni"),
            ("Ζωή", "zoi"),
            ("Ιωάννα", "ioanna"),
        ],
        men: &[
            ("Γιώργος", "giorgos"),
            ("Θεόδωρος", "theodoros"),
            ("Νίκος", "nikos"),
            ("Σπύρος", "spyros"),
        ],
        families: &[
            ("Αλεξίου", "alexiou"),
            ("Καλογήρου", "kalogirou"),
            ("Ρήγα", "riga"),
            ("Χατζή", "chatzi"),
        ],
    },
    Origin {
        country: "Україна",
        document_type: "Паспорт",
        family_first: false,
        women: &[
            ("Ольга", "olha"),
            ("Юлія", "yuliia"),
            ("Ївга", "yivha"),
            ("Соломія", "solomiia"),
        ],
        men: &[
            ("Андрій", "andrii"),
            ("Єгор", "yehor"),
            ("Юрій", "yurii"),
            ("Ґеорґій", "georgii"),
        ],
        families: &[
            ("Шевчук", "shevchuk"),
            ("Коваль", "koval"),
            ("Щербань", "shcherban"),
            ("Гнатюк", "hnatiuk"),
        ],
    },
    Origin {
        country: "Polska",
        document_type: "Dowód osobisty",
        family_first: false,
        women: &[
            ("Łucja", "lucja"),
            ("Świętosława", "swietoslawa"),
            ("Zofia", "zofia"),
            ("Bożena", "bozena"),
        ],
        men: &[
            ("Wojciech", "wojciech"),
            ("Łukasz", "lukasz"),
            ("Zdzisław", "zdzislaw"),
            ("Grześ", "grzes"),
        ],
        families: &[
            ("Wróbel", "wrobel"),
            ("Dąbek", "dabek"),
            ("Źrebiec", "zrebiec"),
            ("Kaźmierczak", "kazmierczak"),
        ],
    },
];

/// Writes a CSV file with a header row and `people` fictional people to `out`. The same `seed`
/// gives the same bytes. All e-mail addresses are different and end in example.com. Document
/// numbers are different for up to 90 million people.
pub fn made_up_people(people: usize, seed: u64, out: impl Write) -> io::Result<()> {
    let mut sheet = csv::Writer::from_writer(out);
    let header = [
        "Nombre completo",
        "Country",
        "Tipo documento",
        "Número documento",
        "Gender",
        "Correo electrónico",
    ];
    sheet.write_record(header).map_err(writers_error)?;
    let mut draws = Draws(seed);
    for index in 0..people as u64 {
        let origin = draws.one_of(ORIGINS);
        let is_woman = draws.next() & 1 == 0;
        let (given, given_ascii) = draws.one_of(if is_woman { origin.women } else { origin.men });
        let (family, family_ascii) = draws.one_of(origin.families);
        let name = if origin.family_first {
            format!("{family} {given}")
        } else {
            format!("{given} {family}")
        };
        let email = format!("{given_ascii}.{family_ascii}.{}@example.com", index + 1);
        let gender = if is_woman { "F" } else { "M" };
        let document = document_number(index, seed).to_string();
        let row = [
            &name,
            origin.country,
            origin.document_type,
            &document,
            gender,
            &email,
        ];
        sheet.write_record(row).map_err(writers_error)?;
    }
    sheet.flush()
}

/// Returns the I/O error inside of a `csv` error.
fn writers_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Returns a number of 8 digits. The factor is coprime to 90,000,000, so different indexes give
/// different numbers.
const fn document_number(index: u64, seed: u64) -> u64 {
    const NUMBERS: u64 = 90_000_000;
    10_000_000 + ((index % NUMBERS) * 7_368_787 + seed % NUMBERS) % NUMBERS
}

/// SplitMix64 (Steele, Lea and Flood, 2014): a small random number generator with the same output
/// on every platform.
struct Draws(u64);

impl Draws {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    const fn one_of<T>(&mut self, choices: &'static [T]) -> &'static T {
        &choices[(self.next() % choices.len() as u64) as usize]
    }
}
