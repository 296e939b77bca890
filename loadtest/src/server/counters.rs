//! What a server says of itself at `/metrics`.
//!
//! Owns      the two counters that tell how many frames go into one write.
//! Promises  asks over a connection of its own, which the server counts as none of its sockets.
//! Does not  need them: a server that says nothing is measured without.

use std::net::SocketAddr;

use super::probe::body_of;

/// The server's counters at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Writes to sockets: one system call each.
    pub writes: u64,
    /// Events written to sockets; answers are not among them.
    pub deliveries: u64,
}

impl Counters {
    /// Asks. `None`: the server does not tell.
    pub fn ask(address: SocketAddr) -> Option<Counters> {
        match body_of(address, "/metrics") {
            Ok((200, body)) => read(&body),
            _ => None,
        }
    }

    /// Events per write since `before`, 0 when nothing was written.
    pub fn deliveries_per_write(&self, before: &Counters) -> f64 {
        let deliveries = self.deliveries.saturating_sub(before.deliveries);
        let writes = self.writes.saturating_sub(before.writes);
        deliveries as f64 / (writes as f64).max(1.0)
    }
}

fn read(body: &str) -> Option<Counters> {
    let value = |name: &str| {
        let mut lines = body.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        lines.next()?.trim().parse().ok()
    };
    let writes = value("salon_socket_writes_total")?;
    Some(Counters { writes, deliveries: value("salon_deliveries_total")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_prometheus() {
        let body = "# TYPE salon_socket_writes counter\nsalon_socket_writes_total 20\n\
                    salon_deliveries_total 100\n# EOF\n";
        let before = read(body).unwrap();
        assert_eq!(before, Counters { writes: 20, deliveries: 100 });
        let after = Counters { writes: 30, deliveries: 150 };
        assert_eq!(after.deliveries_per_write(&before), 5.0);
        assert_eq!(before.deliveries_per_write(&before), 0.0);
        assert_eq!(read("salon_socket_writes_total 20\n"), None);
    }
}
