//! Requests that are answered before their body is over.
//!
//! actix-http reads on to the end of a chunked body that nobody wants any more, however long that
//! takes: one client could keep any number of connections for ever. While somebody holds the body,
//! it ends the connection behind the answer instead, within its `disconnect_timeout`, as it does
//! with a body of known length. A body that was read to its end keeps its connection.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};
use bytes::Bytes;
use futures_util::{Stream as _, stream};

/// An answer's body that holds the request's until it has gone out.
pub(crate) struct Holding {
    body: BoxBody,
    _request: Option<Rc<RefCell<Payload>>>,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.get_mut().body.as_pin_mut().poll_next(cx)
    }
}

/// The middleware.
pub(crate) async fn hold_request_body<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Holding>, Error> {
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let held = chunked.then(|| Rc::new(RefCell::new(request.take_payload())));
    if let Some(held) = held.clone() {
        let read = move |cx: &mut Context<'_>| Pin::new(&mut *held.borrow_mut()).poll_next(cx);
        request.set_payload(Payload::Stream { payload: Box::pin(stream::poll_fn(read)) });
    }
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| Holding { body: body.boxed(), _request: held }))
}
