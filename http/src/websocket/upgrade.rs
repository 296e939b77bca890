//! From an HTTP request to a socket.
//!
//! Owns      what happens between actix-http's upgrade and the socket's own task.
//! Promises  frames that were sent behind the handshake are not lost; the upgrade ends at once, so
//!           that actix-http frees its buffers; a refused client can read why.
//! Does not  judge the request: that is `handshake` and the application.

use std::{rc::Rc, time::Duration};

use actix_codec::Framed;
use actix_http::{Method, Request, RequestHead, h1::Codec};
use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    Application, Refusal, Refused, handshake, reader::Reader, socket::Seat, worker::Worker,
};

/// How long a refused client may take to read the answer and go.
const REFUSAL_LINGER: Duration = Duration::from_secs(1);

/// Grants or refuses an upgrade.
pub(crate) async fn upgrade<A: Application>(
    worker: Rc<Worker<A>>,
    request: Request,
    framed: Framed<TcpStream, Codec>,
) {
    let parts = framed.into_parts();
    // Answers to requests that were pipelined before this one may still wait to be written.
    let mut response = parts.write_buf;
    match admit(&worker, request.head()) {
        Ok((accept, seat, admission)) => {
            response.extend_from_slice(&handshake::grant(&accept));
            open(worker, parts.io, seat, admission, response, parts.read_buf);
        }
        Err(refusal) => {
            response.extend_from_slice(&refusal.encode(request.head().method != Method::HEAD));
            // A client that does not read its refusal within the time is no loss.
            let _ = timeout(REFUSAL_LINGER, refuse(parts.io, response)).await;
        }
    }
}

fn admit<A: Application>(
    worker: &Worker<A>,
    head: &RequestHead,
) -> Result<(String, Seat, A::Admission), Refusal> {
    let accept = worker.rules.check(head).map_err(|reason| worker.refused(reason))?;
    let hub = &worker.hub;
    let seat = Seat::take(&hub.metrics, hub.config.sockets_max)
        .ok_or_else(|| worker.refused(Refused::Full))?;
    match worker.ask(|app| app.admit(head, head.peer_addr)) {
        Some(Ok(admission)) => Ok((accept, seat, admission)),
        Some(Err(refusal)) => {
            hub.metrics.refused_one(Refused::Application);
            Err(refusal)
        }
        None => Err(worker.refused(Refused::Application)),
    }
}

impl<A: Application> Worker<A> {
    /// Counts a refusal of the layer's own and lets the application dress it.
    pub(crate) fn refused(&self, reason: Refused) -> Refusal {
        self.hub.metrics.refused_one(reason);
        let plain = reason.plain();
        self.ask(|app| app.refusal(reason, plain.clone())).unwrap_or(plain)
    }

    /// The answer to a plain request to the sockets' path.
    pub(crate) fn refuse_plain(&self, head: &RequestHead) -> Refusal {
        self.refused(self.rules.check(head).err().unwrap_or(Refused::Plain))
    }
}

fn open<A: Application>(
    worker: Rc<Worker<A>>,
    stream: TcpStream,
    seat: Seat,
    admission: A::Admission,
    response: BytesMut,
    early: BytesMut,
) {
    let mut unwritten = response.freeze();
    match stream.try_write(&unwritten) {
        Ok(written) => drop(unwritten.split_to(written)),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
        Err(_) => return,
    }
    // A copy, so that a rest of a few bytes does not hold the whole buffer.
    let unwritten = Bytes::copy_from_slice(&unwritten);
    let Some(socket) = worker.hub.open(stream, seat, unwritten) else { return };
    let id = socket.id;
    worker.hub.metrics.bytes_in.add(early.len() as u64);
    // Before `opened`, so that its end is seen whatever the application does.
    let reader = Reader::new(worker.clone(), socket, early.to_vec());
    worker.tell(id, |app| app.opened(id, admission));
    actix_rt::spawn(reader);
}

/// Writes the answer, ends our half and waits for the client to end its own: a connection that is
/// dropped with unread bytes is reset, and the answer may be lost with it.
async fn refuse(mut stream: TcpStream, response: BytesMut) -> std::io::Result<()> {
    stream.write_all(&response).await?;
    stream.shutdown().await?;
    let mut unread = [0; 512];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}
