//! Raster images as image XObjects (ISO 32000-1, 8.9).

use image::{DynamicImage, GenericImageView as _};
use pdf_writer::{Filter, Finish, Name, Ref};
use typst::foundations::{Bytes, Smart};
use typst::visualize::{ExchangeFormat, Image, ImageKind, ImageScaling, RasterFormat, RasterImage};

use super::Unsupported;
use super::file::{Deflate, Objects};

/// Writes an image, with its transparency as a soft mask. Returns the reference of the image.
///
/// # Errors
/// Returns [`Unsupported`] if the image isn't a raster image, is rotated, has a colour profile, or
/// requests smooth scaling.
pub(super) fn write(
    objects: &mut Objects,
    deflate: &mut Deflate,
    image: &Image,
    srgb: Ref,
) -> Result<Ref, Unsupported> {
    let ImageKind::Raster(raster) = image.kind() else {
        return Err(Unsupported("drawing"));
    };
    // PDF/A forbids smoothing of images (`Interpolate`), and it would change the compared pixels in
    // tests.
    if raster.icc().is_some()
        || image.scaling() != Smart::Auto
            && image.scaling() != Smart::Custom(ImageScaling::Pixelated)
    {
        return Err(Unsupported("image with a profile or its own scaling"));
    }
    if raster.exif_rotation().is_some_and(|turn| turn != 1) {
        return Err(Unsupported("turned image"));
    }
    if is_plain_jpeg(raster) {
        let id = objects.next();
        let gray = matches!(**raster.dynamic(), DynamicImage::ImageLuma8(_));
        embed(
            objects,
            id,
            raster,
            &Samples {
                bytes: raster.data(),
                filter: Filter::DctDecode,
                gray,
                mask: None,
            },
            srgb,
        );
        return Ok(id);
    }
    let pixels = raster.dynamic().to_rgba8();
    let id = objects.next();
    let mask = pixels
        .pixels()
        .any(|pixel| pixel[3] != u8::MAX)
        .then(|| objects.next());
    let colours: Vec<u8> = pixels
        .pixels()
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let packed = deflate.zlib(&colours);
    embed(
        objects,
        id,
        raster,
        &Samples {
            bytes: &packed,
            filter: Filter::FlateDecode,
            gray: false,
            mask,
        },
        srgb,
    );
    if let Some(mask) = mask {
        let packed = deflate.zlib(&pixels.pixels().map(|pixel| pixel[3]).collect::<Vec<u8>>());
        embed(
            objects,
            mask,
            raster,
            &Samples {
                bytes: &packed,
                filter: Filter::FlateDecode,
                gray: true,
                mask: None,
            },
            srgb,
        );
    }
    Ok(id)
}

/// Image that a prefix contains.
pub(super) struct Embedded {
    /// Original file. The decoded pixels are not kept.
    data: Bytes,
    pub(super) id: Ref,
}

impl Embedded {
    pub(super) fn new(image: &Image, id: Ref) -> Option<Self> {
        let ImageKind::Raster(raster) = image.kind() else {
            return None;
        };
        Some(Self {
            data: raster.data().clone(),
            id,
        })
    }

    /// Returns true if `image` has the same data. Its other properties are ignored.
    pub(super) fn is(&self, image: &Image) -> bool {
        let ImageKind::Raster(other) = image.kind() else {
            return false;
        };
        let same_place =
            self.data.as_ptr() == other.data().as_ptr() && self.data.len() == other.data().len();
        same_place || self.data == *other.data()
    }
}

/// Returns true for a greyscale or three-colour JPEG, which can be embedded unchanged.
fn is_plain_jpeg(raster: &RasterImage) -> bool {
    raster.format() == RasterFormat::Exchange(ExchangeFormat::Jpg)
        && matches!(
            **raster.dynamic(),
            DynamicImage::ImageRgb8(_) | DynamicImage::ImageLuma8(_)
        )
        && raster.dynamic().dimensions() == (raster.width(), raster.height())
}

struct Samples<'a> {
    bytes: &'a [u8],
    filter: Filter,
    gray: bool,
    mask: Option<Ref>,
}

fn embed(objects: &mut Objects, id: Ref, raster: &RasterImage, samples: &Samples<'_>, srgb: Ref) {
    objects.here(id);
    let mut image = objects.chunk.image_xobject(id, samples.bytes);
    image.bits_per_component(8).filter(samples.filter);
    // Decoded images are far smaller than the maximum of `i32`.
    image.width(i32::try_from(raster.width()).unwrap_or(i32::MAX));
    image.height(i32::try_from(raster.height()).unwrap_or(i32::MAX));
    if samples.gray {
        image.color_space().device_gray();
    } else {
        image.pair(Name(b"ColorSpace"), srgb);
    }
    if let Some(mask) = samples.mask {
        image.s_mask(mask);
    }
    image.finish();
}
