//! Layers around every request, from the outside in: canonical URLs of certificates
//! ([`public_address`]), `OPTIONS` ([`arrival`]), [`observe`], [`headers`], compression and CORS
//! ([`wire`]), [`error_pages`], [`envelope`], unread [`bodies`], concurrent requests ([`guard`]),
//! panics ([`envelope`] again), URL and body ([`arrival`] again), [`conditional`] reads, and the
//! requirements of the route ([`guard`] again).

pub mod arrival;
pub mod bodies;
pub mod conditional;
pub mod envelope;
pub mod error_pages;
pub mod guard;
pub mod headers;
pub mod observe;
pub mod public_address;
mod unexpected_body;
pub mod wire;
