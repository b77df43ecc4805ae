//! The server that `DATABASE_URL` names: is it there?

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use super::Error;

const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const DEFAULT_PORT: u16 = 5432;

/// Connects to the host and port, so that a test fails here with the reason, not later in a pool's timeout.
///
/// Only plain `host:port` URLs are tried: sockets, several hosts and parameters are the driver's to understand.
pub(super) fn check(url: &str) -> Result<(), Error> {
    let wrong = |reason: &str| Error::DatabaseUrl { reason: reason.into() };
    let rest = url
        .strip_prefix("postgres://")
        .or_else(|| url.strip_prefix("postgresql://"))
        .ok_or_else(|| wrong("it does not begin with postgres://"))?;
    if rest.contains("host=") || rest.contains("port=") {
        return Ok(());
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host_and_port = authority.rsplit('@').next().unwrap_or_default();
    if host_and_port.contains([',', '%']) {
        return Ok(());
    }
    let (host, port) = split(host_and_port).ok_or_else(|| wrong("its port is not a number below 65536"))?;
    reach(host, port).map_err(|reason| Error::Unreachable { address: format!("{host}:{port}"), reason })
}

/// Host and port, of which each has a default; an IPv6 address is in brackets.
fn split(host_and_port: &str) -> Option<(&str, u16)> {
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (host_and_port, DEFAULT_PORT),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some((if host.is_empty() { "localhost" } else { host }, port))
}

fn reach(host: &str, port: u16) -> io::Result<()> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ANSWERS_WITHIN) {
            Ok(_) => return Ok(()),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
