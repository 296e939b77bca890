//! Pictures: what an upload is, what viewers get of it, and what its owner may know about it.
//!
//! Owns: recognising JPEG, PNG and WebP by content, bounds before decoding, decoding, orientation, sRGB,
//! variants, watermarks, the placeholder, EXIF, and originals without metadata.
//!
//! Promises: bytes in, bytes out. A hostile picture costs its own call only: its memory is bounded by
//! its header ([`Header::memory_bytes`]), a panic of a decoder is [`Refusal::Broken`], and the
//! [`Deadline`] is looked at between all steps, and between rows where the decoder has rows.
//!
//! Does not: know rooms, actors, sockets or storage; start threads; read files; look for fonts. The
//! caller decides on which thread, and how many calls at once.
//!
//! ```
//! # fn main() -> Result<(), salon_pictures::Refusal> {
//! # let bytes = include_bytes!("../tests/it/tiny.png").to_vec();
//! use salon_pictures::{Deadline, Options, process};
//!
//! let outcome = process(&bytes, &Options::default(), &Deadline::none())?;
//! assert_eq!((outcome.glance.width, outcome.glance.height), (3, 2)); // publish it now
//! for variant in outcome.variants {
//!     let variant = variant?; // keep `variant.jpeg`, and tell that it is ready
//!     assert!(variant.width <= variant.side);
//! }
//! # Ok(())
//! # }
//! ```

mod colour;
mod contain;
mod deadline;
mod decode;
mod encode;
mod glance;
mod header;
mod limits;
mod mark;
mod metadata;
mod orientation;
mod pixels;
mod process;
mod refusal;
mod resize;
mod strip;
mod ycc;

pub use deadline::Deadline;
pub use glance::Glance;
pub use header::{Claim, Header, Inspection, Kind, inspect};
pub use limits::Limits;
pub use mark::{Mark, Placement};
pub use metadata::{Metadata, Place, Taken};
pub use orientation::Orientation;
pub use process::{Options, Outcome, SIDES, Variant, Variants, process};
pub use refusal::{Excess, Refusal};
pub use strip::strip;
