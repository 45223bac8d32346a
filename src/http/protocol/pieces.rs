//! Files that are sent while they are still being written.
//!
//! The writer sends [`END`] only when the file is complete. If the writer fails, panics or is
//! stopped, it does not send [`END`]. The response then ends with an error, so the client knows
//! that the file is incomplete.

use std::io;

use axum::body::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;

/// Piece of a file. `None` is the end of the file.
pub type Piece = Option<Bytes>;

/// End of a file.
pub const END: Piece = None;

/// Returns the pieces of a file as a stream. The stream owns `guard` until it ends or is dropped.
pub fn streamed<G: Send + 'static>(
    pieces: mpsc::Receiver<io::Result<Piece>>,
    guard: G,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let stream = stream::unfold(Some((pieces, guard)), async |open| {
        let (mut pieces, guard) = open?;
        match pieces.recv().await {
            Some(Ok(Some(piece))) => Some((Ok(piece), Some((pieces, guard)))),
            Some(Ok(END)) => None,
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((Err(io::Error::other("the file was cut off")), None)),
        }
    });
    // A compressor polls the stream again after its end, and `unfold` would then panic.
    stream.fuse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;
    use crate::http::server::shares::Shares;

    /// Returns the bytes of a file, and true if the file ended without an error.
    async fn read(sent: Vec<io::Result<Piece>>) -> (Vec<u8>, bool) {
        let (sender, receiver) = mpsc::channel(sent.len().max(1));
        for piece in sent {
            sender.send(piece).await.unwrap();
        }
        drop(sender);
        let mut pieces = Box::pin(streamed(receiver, ()));
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(_) => return (bytes, false),
            }
        }
        assert!(pieces.next().await.is_none());
        (bytes, true)
    }

    #[tokio::test]
    async fn file_without_an_end_marker_is_incomplete() {
        let piece = |text: &'static str| Ok(Some(Bytes::from_static(text.as_bytes())));
        let whole = read(vec![piece("a"), piece("b"), Ok(END)]).await;
        assert_eq!(whole, (b"ab".to_vec(), true));
        assert_eq!(read(vec![Ok(END)]).await, (vec![], true));
        assert_eq!(read(vec![piece("a")]).await, (b"a".to_vec(), false));
        assert_eq!(read(vec![]).await, (vec![], false));
        let failed = read(vec![
            piece("a"),
            Err(io::ErrorKind::TimedOut.into()),
            piece("b"),
        ])
        .await;
        assert_eq!(failed, (b"a".to_vec(), false));
    }

    #[tokio::test]
    async fn guard_is_held_until_the_stream_ends() {
        let shares = Shares::new(1);
        let user = UserId(uuid::Uuid::nil());
        let (sender, receiver) = mpsc::channel(1);
        let share = shares.take(user, 1).unwrap();
        let mut pieces = Box::pin(streamed(receiver, share));
        sender
            .send(Ok(Some(Bytes::from_static(b"piece"))))
            .await
            .unwrap();
        assert_eq!(pieces.next().await.unwrap().unwrap(), "piece");
        assert!(shares.take(user, 1).is_none());
        sender.send(Ok(END)).await.unwrap();
        assert!(pieces.next().await.is_none());
        assert!(shares.take(user, 1).is_some());
    }
}
