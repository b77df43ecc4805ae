//! As much of the Postgres wire protocol as it takes to ask one question (Postgres documentation, chapter "Frontend/Backend
//! Protocol"): the server is tested without a driver.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
};

/// The first column of the first row of the answer; else what the server, or the connection, says is wrong.
pub(crate) fn ask(url: &str, query: &str) -> Result<String, String> {
    converse(url, query).map_err(|error| error.to_string())
}

fn converse(url: &str, query: &str) -> io::Result<String> {
    let directory = url.strip_prefix("postgres://postgres@").and_then(|rest| rest.strip_suffix(":5432/postgres"));
    let directory = directory.expect("the URL of a socket").replace("%2F", "/");
    let mut server = UnixStream::connect(format!("{directory}/.s.PGSQL.5432"))?;

    let startup = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0";
    server.write_all(&(startup.len() as u32 + 4).to_be_bytes())?;
    server.write_all(startup)?;

    let mut answer = None;
    loop {
        let (kind, body) = receive(&mut server)?;
        match kind {
            b'Z' if answer.is_none() => {
                send(&mut server, b'Q', query)?;
                answer = Some(String::new());
            }
            b'Z' => return Ok(answer.unwrap_or_default()),
            // the number of columns, the length of the first, the first
            b'D' => answer = Some(String::from_utf8_lossy(&body[6..]).into_owned()),
            b'E' => return Err(io::Error::other(String::from_utf8_lossy(&body).into_owned())),
            _ => {}
        }
    }
}

fn send(server: &mut UnixStream, kind: u8, text: &str) -> io::Result<()> {
    server.write_all(&[kind])?;
    server.write_all(&(text.len() as u32 + 5).to_be_bytes())?;
    server.write_all(text.as_bytes())?;
    server.write_all(&[0])
}

fn receive(server: &mut UnixStream) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 5];
    server.read_exact(&mut header)?;
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    let mut body = vec![0; length as usize - 4];
    server.read_exact(&mut body)?;
    Ok((header[0], body))
}
