//! Limits the bytes of response bodies that are in memory because clients have not read them yet.
//! One limit applies to all clients together, another to each client.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};

use crate::http::server::client_address::ClientAddress;
use crate::http::server::shares::{ClientShare, ClientShares, Share, Shares};
use crate::http::{ApiError, ErrorCode, HttpState};

/// Size in bytes below which a body is not limited. The limit of connections also limits the total
/// size of small bodies.
const COUNTED: usize = 64 << 10;
/// Largest frame of a body, in bytes.
const PIECE: usize = 32 << 10;
/// Value of `Retry-After` in the response that replaces a rejected one.
const LATER: Duration = Duration::from_secs(5);
/// The limit of one client is the common limit divided by this number.
const PART_OF_CLIENT: usize = 4;

/// Limits of the bytes of bodies that clients have not read yet.
pub struct Bodies {
    all: Arc<Shares<()>>,
    clients: ClientShares,
}

impl Bodies {
    /// Creates the limits: `most` bytes for all clients, and a quarter of that for each client.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            all: Shares::new(most),
            clients: ClientShares::new(most / PART_OF_CLIENT),
        }
    }
}

/// Body with its share of the limits. It is split into small frames, because hyper drops a body
/// after it has buffered the last frame. With one large frame, the share would be released too
/// early.
struct Held {
    body: Body,
    /// Part of the last frame that has not been passed on yet.
    rest: Bytes,
    _share: (Share<()>, ClientShare),
}

/// Rejects a response whose body would exceed a limit. An accepted body keeps its share until its
/// last frame has been passed on.
pub async fn bodies(State(http): State<HttpState>, request: Request, next: Next) -> Response {
    let client = request
        .extensions()
        .get::<ClientAddress>()
        .copied()
        .unwrap_or(ClientAddress::Unknown);
    let response = next.run(request).await;
    let size = response
        .body()
        .size_hint()
        .exact()
        .and_then(|size| usize::try_from(size).ok());
    let Some(size) = size.filter(|size| *size >= COUNTED) else {
        return response;
    };
    let Some(of_client) = http.bodies.clients.take(client, size) else {
        let message = "you have not read the earlier responses yet; read them, then try again";
        return ApiError::new(ErrorCode::TooManyRequests, message)
            .retry_after(LATER)
            .into_response();
    };
    let Some(of_all) = http.bodies.all.take((), size) else {
        let message = "too many responses wait until clients read them; try again";
        return ApiError::new(ErrorCode::Busy, message)
            .retry_after(LATER)
            .into_response();
    };
    response.map(|body| {
        Body::new(Held {
            body,
            rest: Bytes::new(),
            _share: (of_all, of_client),
        })
    })
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return other,
            }
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        match self.body.size_hint().exact() {
            Some(size) => SizeHint::with_exact(size + rest),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn held_body_is_sent_unchanged_in_pieces() {
        let bodies = Bodies::new(1 << 20);
        let shares = || {
            (
                bodies.all.take((), 100_000),
                bodies.clients.take(ClientAddress::Unknown, 100_000),
            )
        };
        let (Some(all), Some(client)) = shares() else {
            panic!("there is room")
        };
        let content = Bytes::from(vec![7; 100_000]);
        let mut held = Held {
            body: Body::from(content.clone()),
            rest: Bytes::new(),
            _share: (all, client),
        };
        assert_eq!(held.size_hint().exact(), Some(100_000));
        let mut context = Context::from_waker(std::task::Waker::noop());
        let first = Pin::new(&mut held).poll_frame(&mut context);
        let Poll::Ready(Some(Ok(first))) = first else {
            panic!("a piece")
        };
        assert_eq!(first.into_data().map(|data| data.len()).ok(), Some(PIECE));
        assert_eq!(held.size_hint().exact(), Some(100_000 - PIECE as u64));
        let rest = to_bytes(Body::new(held), 100_000).await.unwrap();
        assert_eq!(rest, content.slice(PIECE..));
    }

    #[test]
    fn one_client_can_hold_a_quarter_of_the_memory_for_bodies() {
        let bodies = Bodies::new(4_000);
        let of = |amount| bodies.clients.take(ClientAddress::Unknown, amount);
        let first = of(600);
        assert!(first.is_some() && of(500).is_none() && of(400).is_some());
    }
}
