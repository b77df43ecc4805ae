//! The network between a process and a server.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    Passes,
    /// Takes what it is given and passes nothing on; both sides believe in their connections.
    Swallows,
    /// Resets the connections that there are, and refuses others.
    Cuts,
}

/// Passes connections on to a server.
pub(crate) struct Proxy {
    port: u16,
    network: watch::Sender<Network>,
}

impl Proxy {
    pub(crate) async fn to(server: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (network, seen) = watch::channel(Network::Passes);
        tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                tokio::spawn(pass(client, server, seen.clone()));
            }
        });
        Ok(Self { port, network })
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://app@127.0.0.1:{}/chaos?sslmode=disable", self.port)
    }

    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

/// Passes bytes both ways until one side ends; what ends, ends for the other side, too.
async fn pass(mut client: TcpStream, server: u16, mut network: watch::Receiver<Network>) {
    loop {
        let now = *network.borrow_and_update();
        match now {
            Network::Passes => break,
            Network::Cuts => return reset(&[&client]),
            Network::Swallows => {
                if network.changed().await.is_err() {
                    return;
                }
            }
        }
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return reset(&[&client]) };
    let (mut from_client, mut from_server) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        let now = *network.borrow_and_update();
        match now {
            Network::Cuts => return reset(&[&client, &server]),
            Network::Swallows => {
                if network.changed().await.is_err() {
                    return;
                }
                continue;
            }
            Network::Passes => {}
        }
        tokio::select! {
            changed = network.changed() => if changed.is_err() { return },
            read = client.read(&mut from_client) => match read {
                Ok(length) if length > 0 => if server.write_all(&from_client[..length]).await.is_err() { return },
                _ => return,
            },
            read = server.read(&mut from_server) => match read {
                Ok(length) if length > 0 => if client.write_all(&from_server[..length]).await.is_err() { return },
                _ => return,
            },
        }
    }
}

/// Has them closed by RST.
fn reset(sockets: &[&TcpStream]) {
    for socket in sockets {
        // one that is closed already needs none
        let _ = socket.set_zero_linger();
    }
}
