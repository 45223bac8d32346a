//! Estimate of the cost of rasterization.
//!
//! The renderer can't be interrupted, so its cost is estimated in advance. Time and memory depend
//! on three quantities: the nodes and the points of their paths, the painted areas, and the layers
//! that exist at the same time.

use resvg::usvg::{Group, Node, Path, Rect, Tree};

use super::super::NotTaken;
use super::pictures::Pictures;
use super::{AS_PICTURE, PRINTED_SIDE};

/// Maximum total of nodes and path points, including the points of dashes. A node that is drawn
/// several times is counted each time.
const MAX_STEPS: u64 = 8_000_000;
/// Maximum number of painted pixels, as a multiple of the largest canvas. This takes a few seconds.
const MAX_CANVASES: f64 = 300.0;
/// Maximum number of layers that exist at the same time. A layer takes up to 35 MB.
const MAX_LAYERS: u32 = 10;

struct Weight {
    steps: u64,
    pixels: f64,
    scale: f64,
    /// Cost of drawing an embedded picture: the number of pixels of the largest one.
    picture: f64,
}

/// Rejects a drawing that would take too much time or memory. `scale` is in pixels per unit.
pub(super) fn check(tree: &Tree, scale: f32, pictures: &Pictures) -> Result<(), NotTaken> {
    #[allow(clippy::cast_precision_loss, reason = "the value is only an estimate")]
    let picture = pictures.largest() as f64;
    let mut weight = Weight {
        steps: 0,
        pixels: 0.0,
        scale: f64::from(scale),
        picture,
    };
    weight.group(tree.root(), 0)
}

impl Weight {
    fn group(&mut self, group: &Group, layers: u32) -> Result<(), NotTaken> {
        let mut layers = layers;
        if group.should_isolate() {
            layers += 1;
            // A layer is painted once, and additionally for each filter, clip and mask.
            let passes: usize = group
                .filters()
                .iter()
                .map(|filter| 2 * filter.primitives().len())
                .sum();
            let passes =
                passes + 1 + 2 * usize::from(group.mask().is_some() || group.clip_path().is_some());
            #[allow(clippy::cast_precision_loss, reason = "the number is small")]
            self.paint(group.abs_layer_bounding_box().to_rect(), passes as f64)?;
        }
        if layers > MAX_LAYERS {
            return Err(NotTaken::svg(
                "too many nested layers",
                "flatten them, or export it as PNG or JPEG",
            ));
        }
        for node in group.children() {
            self.steps(1)?;
            match node {
                Node::Group(inner) => self.group(inner, layers)?,
                Node::Path(path) => self.path(path)?,
                Node::Image(_) => self.pixels(self.picture)?,
                // Without fonts, usvg creates no text nodes.
                Node::Text(_) => {}
            }
            let mut outcome = Ok(());
            // The content of clip paths, masks and patterns is drawn again for each use.
            node.subroots(|inner| {
                if outcome.is_ok() {
                    outcome = self.group(inner, layers + 1);
                }
            });
            outcome?;
        }
        Ok(())
    }

    fn path(&mut self, path: &Path) -> Result<(), NotTaken> {
        let points = path.data().points();
        self.steps(points.len() as u64)?;
        if path.fill().is_some() {
            self.paint(path.abs_bounding_box(), 1.0)?;
        }
        let Some(stroke) = path.stroke() else {
            return Ok(());
        };
        let transform = path.abs_transform();
        let stretch = f64::from(
            transform
                .sx
                .hypot(transform.ky)
                .max(transform.kx.hypot(transform.sy)),
        );
        let between = |pair: &[resvg::tiny_skia::Point]| {
            f64::from((pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y))
        };
        let length: f64 = points.windows(2).map(between).sum();
        if let Some(dashes) = stroke.dasharray() {
            let period: f64 = dashes.iter().copied().map(f64::from).sum();
            #[allow(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an estimate between 0 and 1e12"
            )]
            self.steps((length / period.max(1e-6) * dashes.len() as f64).min(1e12) as u64)?;
        }
        let wide = (f64::from(stroke.width().get()) * stretch * self.scale).max(1.0);
        let area = length * stretch * self.scale * wide;
        let bounds = path.abs_stroke_bounding_box();
        self.pixels(area.min(4.0 * self.area(bounds)))
    }

    fn paint(&mut self, bounds: Rect, times: f64) -> Result<(), NotTaken> {
        self.pixels(self.area(bounds) * times)
    }

    /// Returns the number of pixels within `bounds`. The result is at most the size of four
    /// canvases, because the renderer visits no more.
    fn area(&self, bounds: Rect) -> f64 {
        let most = f64::from(PRINTED_SIDE) * 2.0;
        let side = |length: f32| (f64::from(length) * self.scale).clamp(1.0, most);
        side(bounds.width()) * side(bounds.height())
    }

    fn steps(&mut self, more: u64) -> Result<(), NotTaken> {
        self.steps = self.steps.saturating_add(more);
        if self.steps > MAX_STEPS {
            Err(NotTaken::svg("too many elements or points", AS_PICTURE))
        } else {
            Ok(())
        }
    }

    fn pixels(&mut self, more: f64) -> Result<(), NotTaken> {
        self.pixels += more;
        let canvas = f64::from(PRINTED_SIDE) * f64::from(PRINTED_SIDE);
        // In this form, the comparison also rejects NaN.
        if self.pixels <= MAX_CANVASES * canvas {
            Ok(())
        } else {
            Err(NotTaken::svg("too many overlapping areas", AS_PICTURE))
        }
    }
}
