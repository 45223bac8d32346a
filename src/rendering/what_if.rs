//! Comparison of issued certificates with the same certificates drawn with another template.
//! Nothing is stored.

use bytes::Bytes;

use super::{Rendering, RenderingError};
use crate::certificate_pdf::raster;
use crate::domain::certification::issuance::CertificateRequested;
use crate::sandbox::Form;

/// Resolution in dpi. It is high enough to detect a moved letter.
const DPI: u16 = 48;

impl Rendering {
    /// Compares each pair: a certificate as pinned and the same certificate with another template.
    /// Returns true for each pair that looks different.
    ///
    /// Both are drawn by this program, without the stored PDF, so that only the difference between
    /// the two requests counts.
    pub async fn what_if(
        &self,
        pairs: &[(CertificateRequested, CertificateRequested)],
    ) -> Vec<Result<bool, RenderingError>> {
        let was: Vec<_> = pairs.iter().map(|(was, _)| was).collect();
        let would_be: Vec<_> = pairs.iter().map(|(_, would_be)| would_be).collect();
        let was = self.pictures(&was, DPI).await;
        let would_be = self.pictures(&would_be, DPI).await;
        let number = was.len();
        let differ = |(was, would_be): (Result<Bytes, _>, Result<Bytes, _>)| {
            let was = was?;
            let would_be = would_be?;
            Ok(was != would_be && raster::differ(&was, &would_be)?)
        };
        let compare = move || was.into_iter().zip(would_be).map(differ).collect();
        let interrupted = |_| {
            (0..number)
                .map(|_| Err(RenderingError::Interrupted))
                .collect()
        };
        tokio::task::spawn_blocking(compare)
            .await
            .unwrap_or_else(interrupted)
    }

    /// Draws a PNG with three pictures side by side: the certificate as pinned, with the other
    /// template, and the differences.
    ///
    /// # Errors
    /// One of the two certificates can't be drawn.
    pub async fn what_if_picture(
        &self,
        was: &CertificateRequested,
        would_be: &CertificateRequested,
        dpi: u16,
    ) -> Result<Bytes, RenderingError> {
        let was = self.picture(was, dpi).await?;
        let would_be = self.picture(would_be, dpi).await?;
        let drawn =
            tokio::task::spawn_blocking(move || raster::side_by_side(&was, &would_be)).await;
        Ok(drawn.map_err(|_| RenderingError::Interrupted)??.into())
    }

    /// Draws the pictures of requests, in order.
    async fn pictures(
        &self,
        requests: &[&CertificateRequested],
        dpi: u16,
    ) -> Vec<Result<Bytes, RenderingError>> {
        let mut pictures = self.draw_as(requests, Form::Png { dpi }).await;
        let is_shipped = |request: &&CertificateRequested| request.page.own_template.is_none();
        let shipped: Vec<_> = requests.iter().copied().filter(is_shipped).collect();
        let rendered = self.render_shipped(&shipped).await;
        let drawn = tokio::task::spawn_blocking(move || {
            let png = |pdf: Result<crate::certificate_pdf::RenderedCertificate, RenderingError>| {
                Ok(Bytes::from(raster::png(&pdf?.to_bytes(), dpi)?))
            };
            rendered
                .into_iter()
                .map(png)
                .collect::<Vec<Result<Bytes, RenderingError>>>()
        });
        let mut drawn = drawn.await.unwrap_or_default().into_iter();
        for (place, _) in requests
            .iter()
            .enumerate()
            .filter(|(_, request)| is_shipped(request))
        {
            pictures[place] = drawn.next().unwrap_or(Err(RenderingError::Interrupted));
        }
        pictures
    }
}
