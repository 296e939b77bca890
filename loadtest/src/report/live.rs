//! What is shown while it happens.
//!
//! Owns      the line that changes on a terminal, and the plain lines elsewhere.
//! Promises  standard output gets nothing but the result; this goes to standard error.
//! Does not  know what the numbers mean.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// See the module. Clones show on the same line.
#[derive(Clone, Debug)]
pub struct Live {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Live {
    /// A moving line when standard error is a terminal, else plain lines; nothing when `quiet`.
    pub fn new(quiet: bool) -> Live {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {prefix} {msg}")
            {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Live { bar, quiet }
    }

    /// What is being done from now on.
    pub fn phase(&self, what: impl Into<String>) {
        let what = what.into();
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(what);
                bar.set_message("");
            }
            None if self.quiet => {}
            None => eprintln!("{what}"),
        }
    }

    /// How it goes, once a second.
    pub fn tick(&self, second: f64, numbers: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(numbers.to_owned()),
            None if self.quiet => {}
            None => eprintln!("{second:>6.0} s  {numbers}"),
        }
    }

    /// Nothing more is shown.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Something that stays to be read.
    pub fn note(&self, what: &str) {
        match &self.bar {
            Some(bar) => bar.println(what),
            None if self.quiet => {}
            None => eprintln!("{what}"),
        }
    }
}
