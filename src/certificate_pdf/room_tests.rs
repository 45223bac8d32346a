//! Tests that lines with high and deep letters don't touch each other in any theme.

use typst::layout::{Abs, Transform};
use typst::text::TextItem;
use typst_layout::Page;

use super::pdf::joined;
use super::tests::{RENDERER, job, page_of};
use super::theme_tests::on_every_page;
use super::*;
use crate::domain::Locale;

/// Names with parts far above or far below the line.
const HARD: [&str; 22] = [
    "Ada Lovelace",
    "Óscar Ángel Ñandú Žižka",
    "Åse Ůlová",
    "Ấu Ẩn Ỗng Ếch",
    "Ǘ Ǻ Ḯ Ṻ",
    "Ģirts Ķīsis",
    "Ç̆elik M̂̃bala N̩kechi",
    "Rs̛̄ p̣mŹṗ Ẹ̃́",
    "Ἀθηνᾶ Ἧρα Ἦρα",
    "Мари́я Ё́ Ӂ̂",
    "श्रीकृष्ण त्रिपाठी",
    "कैं र्कीं ट्ठू द्द्रू",
    "เป็ด ปี่ทอง ฏุกฏู ฐิติญู",
    "น้ำผึ้ง กู้เกียรติ",
    "مُحَمَّدٌ لِلّٰهِ",
    "لٍ كًا جِجِ",
    "שָׁלוֹם בֹּ ךָ",
    "ლელა ჯავახიშვილი",
    "Ֆրանց Փջջ",
    "髙橋 깰꾭",
    "Nguyễn Thị Hoàng",
    "Đặng Ẵm Ằng",
];

/// Line of text and its painted area, in points from the upper left corner of the page.
struct Line {
    text: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Line {
    fn of(text: &TextItem, place: Transform) -> Option<Self> {
        let face = text.font.ttf();
        let em = text.size.to_pt() / f64::from(face.units_per_em());
        let mut pen = 0.0;
        let mut ink = None;
        for glyph in &text.glyphs {
            let x = pen + glyph.x_offset.at(text.size).to_pt();
            let y = glyph.y_offset.at(text.size).to_pt();
            pen += glyph.x_advance.at(text.size).to_pt();
            let Some(bounds) = face.glyph_bounding_box(ttf(glyph.id)) else {
                continue;
            };
            let [left, low, right, high] = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max]
                .map(|units| f64::from(units) * em);
            let x = place.tx.to_pt() + x;
            let y = place.ty.to_pt() - y;
            let glyph = (x + left, y - high, x + right, y - low);
            let whole = ink.get_or_insert(glyph);
            *whole = (
                whole.0.min(glyph.0),
                whole.1.min(glyph.1),
                whole.2.max(glyph.2),
                whole.3.max(glyph.3),
            );
        }
        let (left, top, right, bottom) = ink?;
        Some(Self {
            text: text.text.to_string(),
            left,
            top,
            right,
            bottom,
        })
    }

    /// Returns true if the painted areas of two lines are less than `gap` points apart.
    fn is_near(&self, other: &Self, gap: f64) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom + gap
            && other.top < self.bottom + gap
    }
}

fn ttf(id: u16) -> rustybuzz::ttf_parser::GlyphId {
    rustybuzz::ttf_parser::GlyphId(id)
}

/// Returns the lines of a page with their baselines. Parts in other fonts or at other heights
/// belong to the same line.
fn lines(page: &Page) -> Vec<(Abs, Line)> {
    let mut texts: Vec<(Transform, TextItem)> = Vec::new();
    page::for_each_text(&page.frame, Transform::identity(), &mut |text, place| {
        let before = texts
            .last_mut()
            .and_then(|last| Some((joined(last.0, &last.1, text, place)?, last)));
        match before {
            Some((whole, last)) => *last = whole,
            None => texts.push((place, text.clone())),
        }
        Ok(())
    })
    .expect("the visitor returns no error");
    texts
        .iter()
        .filter_map(|(place, text)| Some((place.ty, Line::of(text, *place)?)))
        .collect()
}

#[test]
fn lines_do_not_touch_each_other() {
    for theme in RENDERER.themes() {
        for (n, name) in HARD.into_iter().enumerate() {
            let sample = theme.sample(Locale::ALL[n % 2], time::macros::date!(2026 - 11 - 21));
            let job = RenderJob {
                full_name: name.to_owned().into(),
                ..sample
            };
            for job in on_every_page(theme, &job) {
                let lines = lines(&page_of(&job));
                for (at, (baseline, line)) in lines.iter().enumerate() {
                    for (other_baseline, other) in &lines[at + 1..] {
                        let is_apart = baseline == other_baseline || !line.is_near(other, 1.0);
                        assert!(
                            is_apart,
                            "{}/{} {name}: \"{}\" and \"{}\"",
                            theme.name(),
                            theme.version(),
                            line.text,
                            other.text
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn only_high_letters_move_the_line_above_the_name() {
    let height_of_lead = |name: &str| {
        let page = page_of(&RenderJob {
            theme: "minimal".to_owned(),
            theme_version: 1,
            ..job(name)
        });
        lines(&page)
            .into_iter()
            .find(|(_, line)| line.text == "Awarded to")
            .expect("the lead")
            .0
    };
    let usual = height_of_lead("Ada Lovelace");
    for name in ["Óscar Žižka", "Ελένη", "Արամ", "王"] {
        assert_eq!(height_of_lead(name), usual, "{name}");
    }
    for name in ["Ấu", "ปี่", "ट्ठू", "M̂̃"] {
        assert_ne!(height_of_lead(name), usual, "{name}");
    }
}
