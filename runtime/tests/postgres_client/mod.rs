//! As much of the Postgres wire protocol as it takes to ask one question (Postgres documentation, chapter "Frontend/Backend
//! Protocol"): the server is tested without a driver.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

/// The first column of the first row of the answer; else what the server, or the connection, says is wrong.
pub(crate) fn ask(url: &str, query: &str) -> Result<String, String> {
    converse(url, query).map_err(|error| error.to_string())
}

fn converse(url: &str, query: &str) -> io::Result<String> {
    let address = url.strip_prefix("postgres://").and_then(|rest| rest.split_once('/'));
    let (account, address) = address.and_then(|(address, _)| address.split_once('@')).expect("account@address");
    let (user, password) = account.split_once(':').expect("user:password");
    let mut server = TcpStream::connect(address)?;

    let startup = format!("\0\x03\0\0user\0{user}\0database\0postgres\0\0");
    server.write_all(&(startup.len() as u32 + 4).to_be_bytes())?;
    server.write_all(startup.as_bytes())?;

    let mut answer = None;
    loop {
        let (kind, body) = receive(&mut server)?;
        match (kind, body.as_slice()) {
            (b'R', [0, 0, 0, 3]) => send(&mut server, b'p', password)?,
            (b'Z', _) if answer.is_none() => {
                send(&mut server, b'Q', query)?;
                answer = Some(String::new());
            }
            (b'Z', _) => return Ok(answer.unwrap_or_default()),
            // the number of columns, the length of the first, the first
            (b'D', row) => answer = Some(String::from_utf8_lossy(&row[6..]).into_owned()),
            (b'E', message) => {
                return Err(io::Error::other(String::from_utf8_lossy(message).into_owned()));
            }
            _ => {}
        }
    }
}

fn send(server: &mut TcpStream, kind: u8, text: &str) -> io::Result<()> {
    server.write_all(&[kind])?;
    server.write_all(&(text.len() as u32 + 5).to_be_bytes())?;
    server.write_all(text.as_bytes())?;
    server.write_all(&[0])
}

fn receive(server: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 5];
    server.read_exact(&mut header)?;
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    let mut body = vec![0; length as usize - 4];
    server.read_exact(&mut body)?;
    Ok((header[0], body))
}
