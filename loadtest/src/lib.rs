//! Puts load on a Salon server and proves that nothing is lost.
//!
//! Owns      the scenarios, the client, the oracle and the reports of the binary `loadtest`.
//! Promises  exit code 0 when everything was checked and right, 1 when something is wrong, 2 when
//!           the run could not be done.
//! Does not  know the server's inside: it depends on the protocol crate and on nothing else of ours.
//!
//! The way of a run: [`run()`] reads the `arguments`, sets a `stage` (with a `server`), plays a
//! `scenario`, and hands its [`report`] out. A scenario makes a `crowd` (accounts, rooms, sockets),
//! drives it through [`client`] with the messages of `traffic` or its own, and tells [`oracle`]
//! everything that it sees. What Salon is measured beside is the [`floor`] and the [`peers`].

pub mod arguments;
pub mod client;
pub mod clock;
pub mod crowd;
pub mod failure;
pub mod floor;
pub mod interrupt;
pub mod measure;
pub mod names;
pub mod oracle;
pub mod pace;
pub mod peers;
pub mod random;
pub mod report;
pub mod run;
pub mod sampler;
pub mod scenario;
pub mod server;
pub mod stage;
pub mod traffic;
pub mod wire;

pub use arguments::{Arguments, Common, Scenario};
pub use failure::Failure;
pub use interrupt::Interrupt;
pub use run::{EXIT_FAILURE, EXIT_FINDINGS, play, run};
