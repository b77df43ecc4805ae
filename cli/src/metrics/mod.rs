//! `eventwright metrics`: what the database tells of log and groups, for Prometheus, and probes.

mod text;

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use eventwright::{Groups, LogStatus, OffsetDateTime, Schema};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

use crate::{Outcome, database::Database};

/// Prometheus' own default for a scrape.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serve metrics for Prometheus, and probes
///
/// At /metrics, what the database tells of the log and its groups at that moment: lag, held events, dead letters. /health/live answers
/// as long as the program runs, /health/ready where the database answers, too.
///
/// One process for each database is enough. What subscribers and publishers do is measured in their own processes.
#[derive(Args)]
pub(crate) struct Metrics {
    #[command(flatten)]
    database: Database,
    /// Where to listen: an address and a port (0: any that is free)
    #[arg(long, default_value = "127.0.0.1:9464")]
    listen: SocketAddr,
}

struct Source {
    pool: PgPool,
    schema: Schema,
}

impl Metrics {
    pub(crate) fn run(self) -> Outcome {
        crate::block_on(async {
            let pool = self.database.connect().await?;
            let source = Arc::new(Source { pool, schema: self.database.schema });
            let listener =
                TcpListener::bind(self.listen).await.map_err(|e| format!("can't listen at {}: {e}", self.listen))?;
            tell(&format!("metrics at http://{}/metrics", listener.local_addr()?));
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => drop(tokio::spawn(serve(stream, Arc::clone(&source)))),
                        // out of file descriptors, say: others may become free
                        Err(error) => {
                            tell(&format!("no connection: {error}"));
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        }
                    },
                    _ = interrupt.recv() => break,
                    _ = terminate.recv() => break,
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn serve(stream: TcpStream, source: Arc<Source>) {
    let answer = service_fn(|request| {
        let source = Arc::clone(&source);
        async move { Ok::<_, Infallible>(source.answer(&request).await) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // whoever hangs up in the middle is gone
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

impl Source {
    async fn answer<B>(&self, request: &Request<B>) -> Response<String> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        match request.uri().path() {
            "/metrics" => match self.in_time(self.metrics()).await {
                Ok(page) => response(StatusCode::OK, page),
                Err(error) => response(StatusCode::SERVICE_UNAVAILABLE, error),
            },
            "/health/live" => response(StatusCode::OK, "alive\n"),
            "/health/ready" => match self.in_time(LogStatus::of(&self.pool, &self.schema)).await {
                Ok(_) => response(StatusCode::OK, "ready\n"),
                Err(error) => response(StatusCode::SERVICE_UNAVAILABLE, error),
            },
            _ => response(StatusCode::NOT_FOUND, "there are /metrics, /health/live and /health/ready\n"),
        }
    }

    async fn metrics(&self) -> Result<String, eventwright::Error> {
        let log = LogStatus::of(&self.pool, &self.schema).await?;
        let groups = Groups::new(self.pool.clone()).schema(self.schema.clone()).list().await?;
        Ok(text::page(&log, &groups, OffsetDateTime::now_utc()))
    }

    /// The answer, or why there is none. The reason goes to our own log as well, where an operator looks.
    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, eventwright::Error>>) -> Result<T, String> {
        let reason = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the database did not answer within {PATIENCE:?}"),
        };
        tell(&reason);
        Err(format!("{reason}\n"))
    }
}

/// Unlike `eprintln!`, no panic where nobody reads our log any more.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn response(status: StatusCode, body: impl Into<String>) -> Response<String> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
