//! Tests of the oracle: every check catches a broken stream, and a correct run is silent.

mod broken;
mod correct;
mod random;
mod story;
