//! A way to the server that can fall silent: no connection ends, and nothing gets through.

use eventwright::testing::Database;
use sqlx::postgres::PgConnectOptions;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

use super::Result;

pub struct Network {
    /// Of the database, by this way.
    pub url: String,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy)]
struct State {
    passes: bool,
    /// Connections of an earlier life are forgotten: none of their sides is ever told.
    life: u32,
}

impl Network {
    pub async fn to(database: &Database) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (user, place) = database.url().rsplit_once('@').ok_or("no user in the URL")?;
        let (_, path) = place.split_once('/').ok_or("no database in the URL")?;
        let url = format!("{user}@{}/{path}", listener.local_addr()?);
        let (state, seen) = watch::channel(State { passes: true, life: 0 });
        let server = (*database.pool().connect_options()).clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), seen.clone()));
            }
        });
        Ok(Self { url, state })
    }

    /// Nothing gets through, and what is on its way is lost.
    pub fn falls_silent(&self) {
        self.state.send_modify(|state| state.passes = false);
    }

    /// New connections get through, and those that there were are told that they are over.
    pub fn is_mended(&self) {
        self.state.send_modify(|state| state.passes = true);
    }

    /// New connections get through, and those that there are don't any more.
    pub fn forgets(&self) {
        self.state.send_modify(|state| state.life += 1);
    }
}

async fn pass(mut client: TcpStream, server: PgConnectOptions, mut state: watch::Receiver<State>) -> Result {
    let life = state.wait_for(|state| state.passes).await?.life;
    let socket = server.get_socket().map(|path| path.to_owned());
    let path = socket.unwrap_or_else(|| server.get_host().into()).join(format!(".s.PGSQL.{}", server.get_port()));
    let piped = async {
        if path.is_absolute() {
            copy_bidirectional(&mut client, &mut UnixStream::connect(path).await?).await
        } else {
            let mut server = TcpStream::connect((server.get_host(), server.get_port())).await?;
            copy_bidirectional(&mut client, &mut server).await
        }
    };
    tokio::select! {
        ended = piped => { ended?; }
        stopped = state.wait_for(|state| !state.passes || state.life != life) => { stopped?; }
    }
    // open, but dead, until the network is mended, or for ever
    state.wait_for(|state| state.passes && state.life == life).await?;
    Ok(())
}
