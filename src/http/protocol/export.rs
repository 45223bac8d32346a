//! Export of a whole list as a file. The rows are read in batches in one transaction and streamed
//! to the client.
//!
//! Memory holds one batch of rows and the batches that the client has not read yet. An export is
//! cut off if the client reads too slowly or if it takes too long, because an open transaction
//! blocks PostgreSQL's vacuum.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio_postgres::IsolationLevel;

use super::pieces::{END, Piece, streamed};
use crate::database::DatabaseError;
use crate::http::{ApiError, ErrorCode, HttpState};
use crate::projection::queries::FromRow;
use crate::projection::queries::listing::{Conditions, Table, all};
use crate::spreadsheet::export::{ExportFormat, SheetWriter, Value};

/// Rows per batch.
const PIECE: i32 = 1_000;
/// Batches that are buffered for the client.
const AHEAD: usize = 2;
/// Longest time that the client may take for one batch.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Longest duration of an export.
const MAX_TIME: Duration = Duration::from_secs(15 * 60);

/// Row of an exported table.
pub trait ExportRow: Send + 'static {
    /// Names of the columns.
    const HEADERS: &'static [&'static str];

    /// Returns the row's cells, one per column.
    fn cells(&self) -> Vec<Value<'_>>;
}

/// List to export and format of the file.
pub struct Export {
    /// Start of the file's name. The date and the extension follow.
    pub name: &'static str,
    /// Name of the sheet.
    pub sheet: &'static str,
    /// Table that the rows come from.
    pub table: &'static Table,
    /// Conditions that the exported rows meet.
    pub conditions: Conditions,
    /// Format of the file.
    pub format: ExportFormat,
}

impl Export {
    /// Starts the export and returns a response that streams it. `shown` converts each row.
    ///
    /// # Errors
    /// 503 if too many exports are running or the database is unavailable.
    pub async fn answer<T: FromRow, R: ExportRow>(
        self,
        http: &HttpState,
        shown: impl Fn(T) -> R + Send + Sync + 'static,
    ) -> Result<Response, ApiError> {
        let busy = || {
            ApiError::new(
                ErrorCode::Busy,
                "other exports are under way; try again in a minute",
            )
        };
        let slot = http.export_slots.clone().try_acquire_owned();
        let slot = slot.map_err(|_| busy().retry_after(Duration::from_secs(60)))?;
        let client = http.database().await?;
        let format = self.format;
        let name = self.name;
        let today = http.now().date();
        let (sender, mut receiver) = mpsc::channel(AHEAD);
        let exporting = tokio::spawn(async move {
            let _slot = slot;
            let read = tokio::time::timeout(MAX_TIME, self.read(client, sender, shown)).await;
            let read = read.unwrap_or_else(|_| Err(ApiError::internal("the export took too long")));
            match &read {
                Ok(rows) => tracing::info!(rows, export = name, "exported"),
                Err(error) => {
                    tracing::warn!(
                        export = name,
                        cause = error.cause.as_deref().unwrap_or(""),
                        "export failed"
                    );
                }
            }
            read
        });
        let Some(first) = receiver.recv().await else {
            let ended = exporting.await.map_err(ApiError::internal)?;
            return Err(ended
                .err()
                .unwrap_or_else(|| ApiError::internal("the export has no file")));
        };
        let headers = [
            (CONTENT_TYPE, format.media_type().to_owned()),
            (
                CONTENT_DISPOSITION,
                format!(
                    "attachment; filename=\"{name}_{today}.{}\"",
                    format.extension()
                ),
            ),
        ];
        let pieces = stream::iter(first.transpose()).chain(streamed(receiver, ()));
        Ok((headers, Body::from_stream(pieces.fuse())).into_response())
    }

    /// Reads all rows, sends them in batches, then sends the end of the file. Returns the number of
    /// rows.
    async fn read<T: FromRow, R: ExportRow>(
        self,
        mut client: deadpool_postgres::Client,
        sender: mpsc::Sender<io::Result<Piece>>,
        shown: impl Fn(T) -> R,
    ) -> Result<u64, ApiError> {
        let snapshot = client
            .build_transaction()
            .read_only(true)
            .isolation_level(IsolationLevel::RepeatableRead);
        let transaction = snapshot.start().await.map_err(DatabaseError::from)?;
        let (sql, values) = all(self.table, &self.conditions);
        let portal = transaction
            .bind(&sql, &values)
            .await
            .map_err(DatabaseError::from)?;
        let mut writer =
            SheetWriter::new(self.format, self.sheet, R::HEADERS).map_err(ApiError::internal)?;
        let mut read = 0;
        loop {
            let rows = transaction
                .query_portal(&portal, PIECE)
                .await
                .map_err(DatabaseError::from)?;
            read += rows.len() as u64;
            let is_last = rows.len() < PIECE as usize;
            let rows = rows
                .iter()
                .map(|row| T::from_row(row).map(&shown))
                .collect::<Result<Vec<R>, _>>();
            let rows = rows.map_err(DatabaseError::from)?;
            // Packing takes milliseconds, so it runs on a blocking thread and does not delay other
            // requests.
            let packed = tokio::task::spawn_blocking(move || pack(writer, &rows, is_last)).await;
            let (left, bytes) = packed
                .map_err(ApiError::internal)?
                .map_err(ApiError::internal)?;
            send(&sender, Some(bytes.into())).await?;
            match left {
                Some(left) => writer = left,
                None => break,
            }
        }
        send(&sender, END).await?;
        Ok(read)
    }
}

/// Sends a piece, and waits until the client has room for it.
async fn send(sender: &mpsc::Sender<io::Result<Piece>>, piece: Piece) -> Result<(), ApiError> {
    match tokio::time::timeout(MAX_WAIT, sender.send(Ok(piece))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(ApiError::internal(
            "the client of the export closed the connection",
        )),
        Err(_) => Err(ApiError::internal("the client of the export is too slow")),
    }
}

fn pack<R: ExportRow>(
    mut writer: SheetWriter,
    rows: &[R],
    is_last: bool,
) -> std::io::Result<(Option<SheetWriter>, Vec<u8>)> {
    for row in rows {
        writer.row(&row.cells())?;
    }
    if is_last {
        return Ok((None, writer.finish()?));
    }
    let bytes = writer.take();
    Ok((Some(writer), bytes))
}
