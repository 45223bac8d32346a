//! Search texts: the form of a text in which it is searched and sorted.
//!
//! [`search_key!`] is the only normalization. PostgreSQL applies it to stored texts and to search
//! words, so both always have the same form. A `schema.sql` writes it as `search_key(column)`.

/// Characters that spellings of one name differ in: apostrophes, hyphens, periods and middle dots,
/// as a regular expression within an SQL literal.
macro_rules! separators {
    () => {
        concat!(
            // Apostrophes, also those that keyboards and transliterations use instead.
            r"[''`\u00b4\u02b9-\u02bf\u02c8\u055a\u05f3\u05f4\u1fbd\u1fbf\u2018-\u201b\u2032\u2035\ua78b\ua78c\uff07",
            // Hyphens and dashes.
            r"\u00ad\u058a\u05be\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d",
            // Periods and middle dots.
            r".\u00b7\u0387\u2022\u2024\u2027\u2219\u22c5\u2e31\u3002\u30fb\ua78f\uff0e\uff61\uff65-]"
        )
    };
}

/// SQL expression of a text as searched and sorted: without accents, case and separators, and with
/// plain letters in place of those that have no decomposition. A text that only has ASCII
/// characters takes a faster way to the same result.
macro_rules! search_key {
    ($text:expr) => {
        concat!(
            "CASE WHEN octet_length(",
            $text,
            ") = char_length(",
            $text,
            ") THEN translate(lower(",
            $text,
            " COLLATE \"C\"), '''`.-', '') ELSE replace(translate(lower(regexp_replace(normalize(",
            $text,
            // A spacing accent such as U+00B4 is decomposed to a space and a mark.
            r", NFKD), ' ?[\u0300-\u036f]+|",
            $crate::projection::queries::search::separators!(),
            "', '', 'g')), 'łøđħı', 'lodhi'), 'ß', 'ss') END"
        )
    };
}

/// SQL expression: the pattern of `LIKE` for texts that contain `$text`.
macro_rules! pattern {
    ($text:expr) => {
        concat!(
            "'%' || regexp_replace(",
            $text,
            r", '([\\%_])', '\\\1', 'g') || '%'"
        )
    };
}

/// SQL condition: a text in the form of [`search_key!`] contains the search word `$$`. A search
/// word with separators also finds texts that contain its parts as separate words. Each search word
/// also finds texts in which a space follows the word's first letter. So `oneil`, `o'neil` and
/// `O’Neil` find "O'Neil" and "O Neil". An index of words in `schema.sql` has the same expression
/// of the text.
macro_rules! contains_word {
    ($key:expr) => {
        concat!(
            "(' ' || ",
            $key,
            ") LIKE ANY (ARRAY[",
            $crate::projection::queries::search::pattern!(
                $crate::projection::queries::search::search_key!("$$::text")
            ),
            ", ",
            $crate::projection::queries::search::pattern!(
                $crate::projection::queries::search::search_key!(concat!(
                    "btrim(regexp_replace($$::text, '",
                    $crate::projection::queries::search::separators!(),
                    "', ' ', 'g'))"
                ))
            ),
            ", ",
            $crate::projection::queries::search::pattern!(concat!(
                "regexp_replace(",
                $crate::projection::queries::search::search_key!("$$::text"),
                r", '^(.)(.+)$', ' \1 \2')"
            )),
            "])"
        )
    };
}

/// SQL condition: a text in lower case, such as an e-mail address, contains the search word `$$`.
macro_rules! contains_code {
    ($text:expr) => {
        concat!(
            $text,
            " LIKE ",
            $crate::projection::queries::search::pattern!("lower($$::text)")
        )
    };
}

/// SQL expression of a document number as compared: in lower case, without spaces, periods, hyphens
/// and slashes.
macro_rules! document_key {
    ($number:expr) => {
        concat!("translate(lower(", $number, "), ' .-/', '')")
    };
}

pub(crate) use {contains_code, contains_word, document_key, pattern, search_key, separators};

/// Replaces each `search_key(column)` of a projection's schema by the SQL expression.
#[must_use]
pub fn with_search_keys(schema: &str) -> String {
    let mut parts = schema.split("search_key(");
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (column, rest) = part.split_once(')').unwrap_or((part, ""));
        sql.push_str(&search_key!("$$").replace("$$", column));
        sql.push_str(rest);
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_has_the_expression_of_each_column() {
        let sql = with_search_keys("a text AS (search_key(full_name)) STORED, b text");
        let expression = search_key!("full_name");
        assert_eq!(sql, format!("a text AS ({expression}) STORED, b text"));
        assert_eq!(with_search_keys("no key"), "no key");
    }
}
