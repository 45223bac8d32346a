use std::fmt::Write as _;

use super::*;

fn svg(inside: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
         viewBox='0 0 297 210'>{inside}</svg>"
    )
}

fn refused(text: &str) -> String {
    assert!(
        looks_like_svg(text.as_bytes()),
        "{}",
        &text[..text.len().min(200)]
    );
    draw(text.as_bytes()).expect_err("refused").to_string()
}

#[test]
fn drawing_is_rasterized_at_print_size() {
    let text = svg(
        "<rect width='297' height='210' fill='#fff8e8'/><circle cx='60' cy='60' r='30' fill='red'/>",
    );
    let drawn = draw(text.as_bytes()).unwrap().into_rgba8();
    assert_eq!(drawn.dimensions(), (3508, 2480));
    assert_eq!(drawn.get_pixel(700, 700).0, [255, 0, 0, 255]);
    assert_eq!(drawn.get_pixel(3000, 2000).0, [255, 248, 232, 255]);
}

#[test]
fn output_of_editors_is_accepted() {
    let text = format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n\
         <!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>\n{}",
        svg(
            "<metadata><r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#' r:about=''/></metadata>\
             <i:namedview xmlns:i='http://www.inkscape.org/namespaces/inkscape' id='v'/>\
             <style>.a{fill:url(#g)}</style><defs><linearGradient id='g'><stop offset='0' stop-color='red'/>\
             </linearGradient><g id='s'><rect class='a' width='9' height='9'/></g></defs>\
             <use xlink:href='#s' x='5'/><a href='https://example.com'><path d='M0 0L9 9' stroke='#000' \
             stroke-dasharray='1 2'/></a>"
        )
    );
    assert!(draw(text.as_bytes()).is_ok());
}

#[test]
fn embedded_picture_is_drawn_and_a_huge_one_is_refused() {
    use base64::Engine as _;
    let embedded = |image: image::DynamicImage| {
        let mut png = std::io::Cursor::new(Vec::new());
        image.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let data = base64::engine::general_purpose::STANDARD.encode(png.into_inner());
        svg(&format!(
            "<image width='297' height='210' xlink:href='data:image/png;base64,{data}'/>"
        ))
    };
    let green = image::RgbImage::from_pixel(30, 21, image::Rgb([0, 128, 0]));
    let drawn = draw(embedded(green.into()).as_bytes())
        .unwrap()
        .into_rgba8();
    assert_eq!(drawn.get_pixel(1700, 1200).0, [0, 128, 0, 255]);
    let huge = embedded(image::GrayImage::new(4_100, 4_100).into());
    assert!(refused(&huge).contains("an embedded picture of 4100 × 4100 pixels"));
    let inner = svg("<image href='data:image/svg+xml;base64,PHN2Zy8+'/>");
    assert!(refused(&inner).contains("embedded picture that is not JPEG, PNG or WebP"));
}

#[test]
fn active_or_external_content_is_refused_by_name() {
    for (inside, what) in [
        ("<script>alert(1)</script>", "an element <script>"),
        ("<rect onload='alert(1)'/>", "scripts"),
        (
            "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'/></foreignObject>",
            "<foreignObject>",
        ),
        ("<animate attributeName='x'/>", "an element <animate>"),
        (
            "<text>Name</text>",
            "texts; the server does not have its fonts",
        ),
        ("<image href='/etc/passwd'/>", "references to other files"),
        (
            "<image href='file:///etc/passwd'/>",
            "references to other files",
        ),
        (
            "<image xlink:href='https://example.com/x.png'/>",
            "references to other files",
        ),
        ("<use href='other.svg#a'/>", "references to other files"),
        (
            "<rect style='fill:url( https://example.com/x.svg#a )'/>",
            "references to other files",
        ),
        (
            "<style>@import 'https://example.com/x.css';</style>",
            "references to other files",
        ),
        (
            "<style>rect{fill:URL(//example.com)}</style>",
            "references to other files",
        ),
        (
            "<filter id='f'><feTurbulence numOctaves='999999'/></filter>",
            "<feTurbulence>",
        ),
    ] {
        let message = refused(&svg(inside));
        assert!(message.contains(what), "{inside}: {message}");
    }
}

#[test]
fn entities_are_refused_before_parsing() {
    let laughs = "<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>\
                  <svg xmlns='http://www.w3.org/2000/svg'><title>&b;</title></svg>";
    let file = "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>";
    let hidden = "<!DOCTYPE svg SYSTEM 'a>b' [<!ENTITY x 'y'>]><svg>&x;</svg>";
    for text in [laughs, file, hidden] {
        assert!(refused(text).contains("entities"), "{text}");
    }
}

#[test]
fn excessive_svg_content_of_every_kind_is_refused() {
    let nested = format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000));
    // Eight levels with ten uses each: 100 million rectangles after expansion.
    let mut uses = "<defs><g id='l0'><rect width='1' height='1'/></g>".to_owned();
    for level in 1..9 {
        let inner = format!("<use href='#l{}'/>", level - 1).repeat(10);
        let _ = write!(uses, "<g id='l{level}'>{inner}</g>");
    }
    let uses = format!("{uses}</defs><use href='#l8'/>");
    let many = "<rect width='1' height='1'/>".repeat(250_000);
    let dashes = "<path d='M0 0H1000000' stroke='#000' stroke-dasharray='0.0001'/>".to_owned();
    let large = "<rect width='9999' height='9999'/>".repeat(2_000);
    let layers = format!(
        "{}<rect width='9' height='9'/>{}",
        "<g opacity='.9'>".repeat(30),
        "</g>".repeat(30)
    );
    let shared = format!(
        "<mask id='m'><rect width='297' height='210' fill='#fff'/></mask>{}",
        "<rect width='297' height='210' mask='url(#m)'/>".repeat(5_000)
    );
    let circle = "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>".to_owned();
    let styles = format!(
        "<style>{}</style>{}",
        "rect{x:1}".repeat(5_000),
        "<rect/>".repeat(5_000)
    );
    let attributes = format!(
        "<rect {}/>",
        (0..500).fold(String::new(), |all, n| format!("{all} data-a{n}='1'"))
    );
    for inside in [
        nested, uses, many, dashes, large, layers, shared, circle, styles, attributes,
    ] {
        let message = refused(&svg(&inside));
        assert!(message.contains("too "), "{}: {message}", &inside[..60]);
    }
}

/// Returns about 10 MB of repetitions of `piece`, each with its index.
fn much(piece: impl Fn(usize) -> String) -> String {
    let mut all = String::new();
    for n in 0.. {
        all.push_str(&piece(n));
        if all.len() > 10_000_000 {
            break;
        }
    }
    all
}

/// Each of these inputs would take minutes to hours, because the tree parser compares every item
/// with all others.
#[test]
fn svg_with_megabytes_of_repeated_items_is_refused_quickly() {
    let attributes = format!("<rect {}/>", much(|n| format!(" a{n}='1'")));
    let namespaces = format!("<rect {}/>", much(|n| format!(" xmlns:n{n}='u{n}'")));
    let declared = much(|n| format!("<g xmlns:n{n}='u{n}'/>"));
    let nested = format!(
        "{}{}",
        "<style>".repeat(500_000),
        "</style>".repeat(500_000)
    );
    let around = format!(
        "<style>{}</style>",
        much(|_| "<style>a{}</style>".to_owned())
    );
    let long_style = format!(
        "<style>{}</style><rect width='9' height='9'/>",
        much(|n| format!(".a{n}{{x:1}}"))
    );
    let comments = much(|_| "<!---->".to_owned());
    for (inside, what) in [
        (attributes, "too many attributes"),
        (namespaces, "too many attributes"),
        (declared, "too many namespaces"),
        (nested, "inside of a <style>"),
        (around, "inside of a <style>"),
        (long_style, "too many styles"),
        (comments, "too many elements"),
    ] {
        let message = refused(&svg(&inside));
        assert!(message.contains(what), "{}: {message}", &inside[..60]);
    }
    let doctypes = "<!DOCTYPE svg>".repeat(700_000);
    for text in [format!("{doctypes}{}", svg("")), svg(&doctypes)] {
        assert!(
            refused(&format!("<?xml version='1.0'?><!--<svg-->{text}")).contains("document type")
        );
    }
}

#[test]
fn real_drawings_are_within_the_limits() {
    let attributes: String = (0..120).map(|n| format!(" data-a{n}='1'")).collect();
    let deep = format!(
        "{}<rect width='9' height='9'/>{}",
        "<g>".repeat(60),
        "</g>".repeat(60)
    );
    let pasted =
        "<g xmlns='http://www.w3.org/2000/svg' xmlns:x='u'><rect width='9' height='9'/></g>"
            .repeat(300);
    let styles: String = (0..2_000).map(|n| format!(".a{n}{{fill:red}}")).collect();
    for inside in [
        format!("<rect width='9' height='9'{attributes}/>"),
        deep,
        pasted,
        format!("<style><![CDATA[{styles}]]></style><rect width='9' height='9'/>"),
    ] {
        let drawn = draw(svg(&inside).as_bytes());
        assert!(drawn.is_ok(), "{}: {:?}", &inside[..40], drawn.err());
    }
}

#[test]
fn files_that_are_not_valid_svg_are_refused() {
    assert!(!looks_like_svg(b"Name,Email\n<svg"));
    assert!(!looks_like_svg(b"%PDF-1.7 <svg"));
    assert!(refused("<svg").contains("damaged"));
    assert!(refused("<svg xmlns='http://www.w3.org/2000/svg'><rect/>").contains("damaged"));
    assert!(refused(&svg("")).contains("no visible content"));
    let line = svg("<rect width='9' height='1'/>").replace("0 0 297 210", "0 0 100000 1");
    assert!(refused(&line).contains("proportions"));
    let utf16: Vec<u8> = "<svg".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(!looks_like_svg(&utf16));
}
