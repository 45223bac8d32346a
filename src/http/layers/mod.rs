//! What happens around every request, from the outside in: `OPTIONS` ([`arrival`]), [`observe`], [`headers`],
//! compression and CORS ([`wire`]), [`envelope`], room for [`bodies`], panics and overload ([`guard`]), address and body ([`arrival`] again), and at last what a route asks of its caller ([`guard`] again).

pub mod arrival;
pub mod bodies;
pub mod conditional;
pub mod envelope;
pub mod guard;
pub mod headers;
pub mod observe;
pub mod wire;
