//! What happens around every request, from the outside in: [`observe`], [`headers`], [`envelope`], panics
//! and overload ([`guard`]), and at last what a route asks of its caller ([`guard`] again).

pub mod conditional;
pub mod envelope;
pub mod guard;
pub mod headers;
pub mod observe;
