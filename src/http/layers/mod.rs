//! Layers around every request, from the outside in: addresses of certificates ([`public_address`]), `OPTIONS`
//! ([`arrival`]), [`observe`], [`headers`], compression and CORS ([`wire`]), [`error_pages`], [`envelope`], room for
//! [`bodies`], panics and overload ([`guard`]), address and body ([`arrival`] again), and the route's demands on its
//! caller ([`guard`] again).

pub mod arrival;
pub mod bodies;
pub mod conditional;
pub mod envelope;
pub mod error_pages;
pub mod guard;
pub mod headers;
pub mod observe;
pub mod public_address;
pub mod wire;
