use proptest::prelude::*;

use super::*;

const HEX: &str = "00112233445566778899aabbccddeeff";
const ID: PublicId = PublicId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);

#[test]
fn all_written_forms_of_a_number_parse_to_the_same_id() {
    let readable = ID.readable();
    let spaced = readable.replace('-', " ");
    let joined = readable.replace('-', "");
    let similar = joined.replace('0', "o").replace('1', "l");
    let forms = [
        HEX,
        &readable,
        &spaced,
        &joined,
        &similar,
        &readable.to_lowercase(),
    ];
    for form in forms
        .into_iter()
        .map(str::to_owned)
        .chain([HEX.to_uppercase(), HEX.replace('0', "O")])
    {
        let written = [
            form.clone(),
            format!("{form}."),
            format!("{form},"),
            format!("({form})"),
            format!("  {form}\t\r\n"),
            format!("{form}/"),
            format!("“{form}”"),
            format!("«{form}»"),
            format!("‘{form}’."),
            format!("<{form}>"),
            format!("{form}\u{200b}\u{feff}"),
            format!("{form}%20"),
            format!("%20{form}%2E"),
            format!("{form}%2520"),
            format!("{form}%E2%80%9D"),
            format!("{form}%"),
            format!("**{form}**"),
            format!("{form};"),
            format!("{form}!"),
            format!("{form}.json"),
            format!("{form}.PDF"),
            format!("https://example.org/certificate/{form}"),
            format!("HTTPS://EXAMPLE.ORG/CERTIFICATE/{form}"),
            format!("https://example.org/certificate/{form}/download"),
            format!("https://example.org/api/v1/certificate/{form}/download/"),
            format!("https://example.org/certificate/{form}?lang=es#top"),
            format!("https://example.org/verify?number={form}&lang=es"),
            format!("example.org/verify/{form}"),
        ];
        for text in written {
            assert_eq!(PublicId::parse(&text), Ok(ID), "{text:?}");
        }
    }
}

#[test]
fn full_width_digits_and_other_dashes_are_accepted() {
    assert_eq!(PublicId::parse(&HEX.replace('0', "０")), Ok(ID));
    let dashes = ID.readable().replace('-', "\u{2013}");
    assert_eq!(PublicId::parse(&dashes), Ok(ID));
    assert_eq!(
        PublicId::parse(&dashes.replace('\u{2013}', "\u{a0}")),
        Ok(ID)
    );
}

#[test]
fn invalid_number_is_rejected_with_a_reason() {
    let readable = ID.readable();
    for (text, error) in [
        ("", NotPublicId::Empty),
        (" -/. ", NotPublicId::Empty),
        (&HEX[1..], NotPublicId::Length),
        (&readable[..31], NotPublicId::Length),
        (&format!("{HEX}0"), NotPublicId::Length),
        (&"0".repeat(MAX_BYTES + 1), NotPublicId::Length),
        (&HEX.replacen('a', "g", 1), NotPublicId::Letter),
        (&HEX.replacen('a', "а", 1), NotPublicId::Letter),
        (&readable.replacen('0', "U", 1), NotPublicId::Letter),
        (&format!("Z{}", &readable[1..]), NotPublicId::Check),
    ] {
        assert_eq!(PublicId::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn check_characters_match_crockford_base32() {
    for (number, check) in [
        (0, "0"),
        (31, "Z"),
        (32, "*"),
        (33, "~"),
        (34, "$"),
        (35, "="),
        (36, "U"),
        (37, "0"),
    ] {
        let readable = PublicId(number).readable();
        assert!(readable.ends_with(check), "{readable}");
        assert_eq!(readable.len(), READABLE_DIGITS + GROUPS.len());
        for text in [
            readable.clone(),
            format!("{readable}."),
            format!("{readable}*"),
            readable.to_lowercase(),
        ] {
            assert_eq!(PublicId::parse(&text), Ok(PublicId(number)), "{text}");
        }
    }
}

#[test]
fn only_canonical_ids_are_printed_in_groups() {
    assert_eq!(printed(HEX), ID.readable());
    for other in ["SAMPLE-NOT-VALID", "xY7", ""] {
        assert_eq!(printed(other), other);
    }
}

#[test]
fn short_address_has_the_host_of_the_server() {
    for (address, short) in [
        ("https://example.org/certificate/00", "example.org/verify"),
        (
            "http://localhost:3969/certificate/00",
            "localhost:3969/verify",
        ),
        (
            "https://example.org/certificate/portal/certificate/00",
            "example.org/certificate/portal/verify",
        ),
        ("https://example.org/c/00", ""),
        ("", ""),
    ] {
        assert_eq!(short_address(address), short, "{address}");
    }
}

proptest! {
    #[test]
    fn every_number_is_parsed_from_both_forms(number in any::<u128>()) {
        let id = PublicId(number);
        prop_assert_eq!(PublicId::parse(&id.to_string()), Ok(id));
        prop_assert_eq!(PublicId::parse(&id.readable()), Ok(id));
        prop_assert_eq!(PublicId::parse(&id.readable().to_lowercase().replace('-', "")), Ok(id));
        prop_assert_eq!(printed(&id.to_string()), id.readable());
    }

    #[test]
    fn separators_are_ignored(
        number in any::<u128>(), hex in any::<bool>(), seed in proptest::collection::vec("[-–—_ .,;:!()“”«»'\"\\u{a0}\\u{200b}]{0,3}", 40),
    ) {
        let id = PublicId(number);
        let form = if hex { id.to_string() } else { id.readable() };
        let written: String = form.chars().zip(seed.iter().cycle()).map(|(c, s)| format!("{s}{c}")).collect();
        prop_assert_eq!(PublicId::parse(&written), Ok(id), "{}", written);
    }

    #[test]
    fn one_wrong_character_or_two_swapped_ones_are_detected(
        number in any::<u128>(), at in 0..27_usize, other in 0..32_usize, swapped in 0..25_usize,
    ) {
        let id = PublicId(number);
        let mut wrong: Vec<u8> = id.readable().replace('-', "").into_bytes();
        let changed = DIGITS[other];
        if wrong[at] != changed {
            wrong[at] = changed;
            prop_assert!(PublicId::parse(std::str::from_utf8(&wrong).expect("ASCII")).is_err());
        }
        let mut wrong: Vec<u8> = id.readable().replace('-', "").into_bytes();
        if wrong[swapped] != wrong[swapped + 1] {
            wrong.swap(swapped, swapped + 1);
            prop_assert!(PublicId::parse(std::str::from_utf8(&wrong).expect("ASCII")).is_err());
        }
    }

    #[test]
    fn parsing_never_panics(text in any::<String>()) {
        let _ = PublicId::parse(&text);
        let _ = PublicId::parse(&format!("certificate/{text}"));
        let _ = (printed(&text), short_address(&text));
    }
}
