//! The task of one socket.
//!
//! Owns      reading, and waiting for room to write.
//! Promises  reads through the thread's one scratch buffer; keeps nothing but an unfinished message;
//!           after a bounded number of reads others get their turn; reads nothing from a peer that
//!           does not take its answers.
//! Does not  write what is pending on an unblocked socket: that is the pump's.

use std::{
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Application, Message,
    frame::{Event, Limits, Parser},
    socket::{Phase, Socket},
    worker::Worker,
};

/// Reads of one socket before the other tasks of the thread get a turn.
const STEPS_PER_TURN: usize = 4;

pub(super) struct Reader<A: Application> {
    worker: Rc<Worker<A>>,
    socket: Rc<Socket>,
    parser: Parser,
    /// Input that was read but could not be handled yet: frames that came with the handshake, or
    /// behind a message whose answer filled the backlog. Boxed because a socket's task should be
    /// small: tokio rounds it up to 128 bytes.
    #[expect(clippy::box_collection, reason = "8 bytes instead of 24 in every idle socket")]
    stash: Option<Box<Vec<u8>>>,
}

enum Step {
    More,
    Wait,
    End,
}

impl<A: Application> Reader<A> {
    /// `early`: bytes that came behind the handshake.
    pub(super) fn new(worker: Rc<Worker<A>>, socket: Rc<Socket>, early: Vec<u8>) -> Self {
        let stash = (!early.is_empty()).then(|| Box::new(early));
        Reader { worker, socket, parser: Parser::default(), stash }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        self.step_writing(cx);
        let hub = &self.worker.hub;
        match self.socket.phase.get() {
            Phase::Dead => Step::End,
            // The flush that makes room wakes this task.
            Phase::Open if hub.is_paused(&self.socket) => Step::Wait,
            phase if phase <= Phase::Closing => match self.stash.take() {
                Some(mut stash) => {
                    self.take_in(&mut stash);
                    Step::More
                }
                None => self.step_reading(cx),
            },
            _ => self.step_reading(cx),
        }
    }

    /// Waits for room if the kernel had none, and sends FIN when everything is said.
    fn step_writing(&self, cx: &mut Context<'_>) {
        let (hub, socket) = (&self.worker.hub, &*self.socket);
        if socket.blocked.get() {
            let ready = socket.stream.borrow().poll_write_ready(cx);
            match ready {
                Poll::Ready(Ok(())) => hub.flush_unblocked(socket),
                Poll::Ready(Err(_)) => hub.lose(socket),
                Poll::Pending => {}
            }
        }
        if socket.phase.get() == Phase::Finishing && socket.outbox.get().is_empty() {
            let shut = Pin::new(&mut *socket.stream.borrow_mut()).poll_shutdown(cx);
            match shut {
                Poll::Ready(Err(_)) => hub.lose(socket),
                _ => hub.go_on(socket, Phase::Lingering),
            }
        }
    }

    fn step_reading(&mut self, cx: &mut Context<'_>) -> Step {
        let worker = self.worker.clone();
        let mut scratch = worker.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch);
        // A read that fills less than the buffer has emptied the kernel's; tokio remembers that, so
        // the next call waits without another system call.
        let read = Pin::new(&mut *self.socket.stream.borrow_mut()).poll_read(cx, &mut buffer);
        let read_bytes = buffer.filled().len();
        match read {
            Poll::Pending => Step::Wait,
            Poll::Ready(Ok(())) if read_bytes > 0 => {
                let now = worker.hub.now();
                self.socket.with_timers(|timers| timers.heard(now));
                worker.hub.metrics.bytes_in.add(read_bytes as u64);
                self.take_in(&mut scratch[..read_bytes]);
                Step::More
            }
            Poll::Ready(_) => {
                worker.hub.lose(&self.socket);
                Step::End
            }
        }
    }

    /// Handles input, as far as it may be handled now.
    fn take_in(&mut self, input: &mut [u8]) {
        let (worker, socket) = (&self.worker, &self.socket);
        let hub = &worker.hub;
        if socket.phase.get() >= Phase::Finishing {
            return;
        }
        let limits = Limits {
            frame_bytes_max: hub.config.frame_bytes_max,
            message_bytes_max: hub.config.message_bytes_max,
        };
        let fed = self.parser.feed(limits, input, |event| {
            match event {
                Event::Close(code) => hub.peer_closed(socket, code),
                // We have said Close: nothing but the peer's is of interest any more.
                _ if !socket.is_open() => {}
                Event::Text(text) => {
                    worker.tell(socket.id, |app| app.message(socket.id, Message::Text(text)));
                }
                Event::Binary(bytes) => {
                    worker.tell(socket.id, |app| app.message(socket.id, Message::Binary(bytes)));
                }
                Event::Ping(payload) => hub.pong(socket, payload),
                Event::Pong => {}
            }
            if socket.phase.get() >= Phase::Finishing || hub.is_paused(socket) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        match fed {
            Ok(fed) => {
                hub.metrics.frames_in.add(fed.frames);
                let rest = &input[fed.bytes..];
                if !rest.is_empty() && socket.phase.get() < Phase::Finishing {
                    self.stash.get_or_insert_default().extend_from_slice(rest);
                }
            }
            Err(failure) => hub.fail(socket, failure),
        }
    }
}

impl<A: Application> Future for Reader<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.socket.remember_task(cx.waker());
        for _ in 0..STEPS_PER_TURN {
            match this.step(cx) {
                Step::More => {}
                Step::Wait => return Poll::Pending,
                Step::End => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<A: Application> Drop for Reader<A> {
    fn drop(&mut self) {
        self.worker.hub.remove(&self.socket);
    }
}
