//! A chat server in a few hundred lines, correct or with one fault.
//!
//! Owns      the listener and a thread per connection.
//! Promises  in the order of one lock: what is acknowledged is in the log, and what is in the log is
//!           pushed. Everything ends when it is dropped.
//! Does not  store, bound or check anything that the harness does not need.

mod fault;
mod log;
mod serve;
mod socket;
mod world;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

pub(crate) use fault::Fault;
use world::World;

/// See the module.
pub(crate) struct Fake {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    world: Mutex<World>,
    is_over: AtomicBool,
    connections: Mutex<Vec<(TcpStream, JoinHandle<()>)>>,
}

impl Fake {
    pub(crate) fn start(fault: Fault) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(fault)),
            is_over: AtomicBool::new(false),
            connections: Mutex::new(Vec::new()),
        });
        let accepting = shared.clone();
        let thread = std::thread::spawn(move || accepting.accept(&listener));
        Fake { address, shared, listener: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether the fault has happened.
    pub(crate) fn has_struck(&self) -> bool {
        self.shared.world.lock().unwrap().has_struck()
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for (number, stream) in (0..).zip(listener.incoming().map_while(Result::ok)) {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let (shared, theirs) = (self.clone(), stream.try_clone().unwrap());
            let thread = std::thread::spawn(move || socket::serve(&shared.world, number, theirs));
            self.connections.lock().unwrap().push((stream, thread));
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        for (stream, thread) in self.shared.connections.lock().unwrap().drain(..) {
            // It may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
            let _ = thread.join();
        }
    }
}
