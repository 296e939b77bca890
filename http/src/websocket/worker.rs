//! One worker thread: its sockets and the application they belong to.
//!
//! Owns      what the socket tasks, the pump and the upgrade service of a thread share.
//! Promises  there is one per thread, however many addresses the server listens on; a panic of the
//!           application goes no further than here.
//! Does not  outlive the services and tasks of its thread.

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::{Rc, Weak},
    sync::Arc,
};

use super::{
    Application, SocketConfig, SocketId, SocketMetrics, Sockets, close, handshake::Rules, hub::Hub,
    pump::Pump,
};

/// Bytes that one read can bring.
const READ_BYTES_MAX: usize = 64 * 1024;

pub(crate) struct Worker<A> {
    pub(super) hub: Rc<Hub>,
    pub(super) rules: Arc<Rules>,
    /// Where every read of this thread goes; what has to be kept is copied from here.
    pub(super) scratch: RefCell<Box<[u8]>>,
    application: A,
}

thread_local! {
    /// The services of several addresses are made one after the other on the same thread. Weak,
    /// so that the application is dropped with the runtime that its parts live in.
    static WORKER: RefCell<Option<Weak<dyn Any>>> = const { RefCell::new(None) };
}

impl<A: Application> Worker<A> {
    /// The worker of this thread, which is started if it is not there yet.
    pub(crate) fn of_this_thread(
        config: &SocketConfig,
        rules: &Arc<Rules>,
        metrics: &Arc<SocketMetrics>,
        application: impl FnOnce(Sockets) -> A,
    ) -> Rc<Worker<A>> {
        let known = WORKER.with_borrow(|worker| worker.as_ref().and_then(Weak::upgrade));
        if let Some(Ok(worker)) = known.map(Rc::downcast) {
            return worker;
        }
        let hub = Rc::new(Hub::new(config.clone(), metrics.clone()));
        let worker = Rc::new(Worker {
            application: application(Sockets(hub.clone())),
            hub,
            rules: rules.clone(),
            scratch: RefCell::new(vec![0; READ_BYTES_MAX].into_boxed_slice()),
        });
        let any: Rc<dyn Any> = worker.clone();
        WORKER.set(Some(Rc::downgrade(&any)));
        actix_rt::spawn(Pump::new(worker.clone()));
        worker
    }
}

impl<A> Worker<A> {
    /// Asks the application; `None` if it panicked.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&A) -> T) -> Option<T> {
        // What a panic leaves half done is the application's; it is told so in its contract.
        let answer = catch_unwind(AssertUnwindSafe(|| question(&self.application)));
        if answer.is_err() {
            tracing::error!("a callback of the socket application panicked");
        }
        answer.ok()
    }

    /// Tells the application about a socket, which it loses if it panics over it.
    pub(super) fn tell(&self, id: SocketId, what: impl FnOnce(&A)) {
        if self.ask(what).is_none()
            && let Some(socket) = self.hub.get(id)
        {
            self.hub.close(&socket, close::INTERNAL_ERROR, "internal error");
        }
    }
}
