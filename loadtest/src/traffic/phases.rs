//! The course of a run: warming up, measuring, draining.
//!
//! Owns      when is what, and the figures of the measured part.
//! Promises  figures are of the measured part alone; the oracle looks at everything. A run ends early
//!           when something is wrong, and draining ends when nothing comes any more.
//! Does not  report.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Traffic;
use crate::client::Net;
use crate::clock::{MILLISECOND_NS, SECOND_NS, until};
use crate::failure::Failure;
use crate::measure::{Counts, CpuMeter, Latency, Progress};
use crate::pace::{Schedule, Window};

/// How often the oracle is asked whether something is wrong already.
const LOOK_EVERY_NS: u64 = 50 * MILLISECOND_NS;

/// How long a run is and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Not measured.
    pub warm_up: Duration,
    /// Measured.
    pub measure: Duration,
    /// Ends the run after so many messages, if it has not ended yet.
    pub messages_max: Option<u64>,
    /// Messages per second by schedule; `None`: the next one when one is done.
    pub per_second: Option<u64>,
}

/// What the measured part has brought.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// How long it was.
    pub seconds: f64,
    /// What happened in it.
    pub counts: Counts,
    /// Processor time of the server in it; 0 when it is not known.
    pub server_cpu_ns: u64,
    /// From sending to each delivery.
    pub delivery: Latency,
    /// From sending to the acknowledgement.
    pub ack: Latency,
}

impl Measured {
    /// Adds what another thread has measured at the same time.
    pub fn absorb(&mut self, other: &Measured) {
        self.seconds = self.seconds.max(other.seconds);
        self.counts.messages += other.counts.messages;
        self.counts.acks += other.counts.acks;
        self.counts.deliveries += other.counts.deliveries;
        self.counts.errors += other.counts.errors;
        self.server_cpu_ns += other.server_cpu_ns;
        self.delivery.absorb(&other.delivery);
        self.ack.absorb(&other.ack);
    }

    /// Deliveries per second.
    pub fn deliveries_per_s(&self) -> f64 {
        self.counts.deliveries as f64 / self.seconds.max(1e-9)
    }

    /// The server's processor time per delivery, in microseconds.
    pub fn cpu_us_per_delivery(&self) -> f64 {
        self.server_cpu_ns as f64 / 1_000.0 / (self.counts.deliveries as f64).max(1.0)
    }
}

struct Marks {
    at_ns: u64,
    counts: Counts,
    cpu_ns: u64,
}

impl Traffic<'_> {
    /// Runs `plan` and drains. `cpu`: the process whose time is measured.
    pub fn run(
        &mut self,
        net: &mut Net,
        plan: Plan,
        mut cpu: Option<CpuMeter>,
        progress: &Progress,
    ) -> Result<Measured, Failure> {
        let clock = self.target.clock;
        let begun_ns = clock.now_ns();
        let measure_ns = begun_ns + plan.warm_up.as_nanos() as u64;
        let end_ns = measure_ns.saturating_add(plan.measure.as_nanos() as u64);
        let last = plan.messages_max.map(|messages| self.sent.len() as u64 + messages);
        let mut schedule = plan.per_second.map(|rate| Schedule::new(begun_ns, rate));
        self.forget_latencies();
        let mut from = self.mark(begun_ns, cpu.as_mut());
        let mut warm = plan.warm_up.is_zero();
        let (mut looked_ns, mut now_ns) = (begun_ns, begun_ns);
        if schedule.is_none() {
            self.ready = self.active.clone().map(|sender| sender as u32).collect();
        }
        while now_ns < end_ns
            && !self.is_over()
            && last.is_none_or(|last| (self.sent.len() as u64) < last)
        {
            if !warm && now_ns >= measure_ns {
                warm = true;
                self.forget_latencies();
                from = self.mark(now_ns, cpu.as_mut());
            }
            let wait = self.send_due(net, &mut schedule, last, now_ns);
            net.turn(self, wait).map_err(Failure::system("waiting for sockets"))?;
            progress.publish(self.counts, &mut self.told);
            now_ns = clock.now_ns();
            if now_ns - looked_ns > LOOK_EVERY_NS {
                looked_ns = now_ns;
                self.tell_latency(progress);
                self.target.interrupt.check()?;
                if self.is_spoiled() {
                    break;
                }
            }
        }
        let to = self.mark(clock.now_ns(), cpu.as_mut());
        let (delivery, ack) = (self.delivery.clone(), self.ack.clone());
        self.drain(net, progress)?;
        Ok(between(&from, &to, delivery, ack))
    }

    /// Once a second, for those who watch.
    fn tell_latency(&mut self, progress: &Progress) {
        if self.now_ns.saturating_sub(self.lately_ns) > SECOND_NS && self.lately.count() > 0 {
            progress.set_ack_p99_ms(self.lately.quantile_ms(0.99));
            self.lately.clear();
            self.lately_ns = self.now_ns;
        }
    }

    /// Whether somebody else has ended the run.
    fn is_over(&self) -> bool {
        self.over.is_some_and(|over| over.load(Ordering::Relaxed))
    }

    /// Whether going on makes no sense.
    fn is_spoiled(&self) -> bool {
        !self.troubles.is_empty() || self.oracle.has_findings()
    }

    fn forget_latencies(&mut self) {
        self.delivery.clear();
        self.ack.clear();
    }

    fn mark(&self, at_ns: u64, cpu: Option<&mut CpuMeter>) -> Marks {
        Marks { at_ns, counts: self.counts, cpu_ns: cpu.map_or(0, CpuMeter::total_ns) }
    }

    /// Sends what is due and says how long the loop may wait.
    fn send_due(
        &mut self,
        net: &mut Net,
        schedule: &mut Option<Schedule>,
        last: Option<u64>,
        now_ns: u64,
    ) -> Duration {
        let Some(schedule) = schedule else {
            self.send_ready(net, last);
            return self.target.turn_max();
        };
        // Whoever is done does not matter here.
        self.ready.clear();
        while last.is_none_or(|last| (self.sent.len() as u64) < last) {
            let Some((number, intended_ns)) = schedule.take(now_ns) else { break };
            let sender = self.active.start + (number % self.active.len() as u64) as usize;
            self.send(net, sender as u32, intended_ns);
        }
        // Epoll waits whole milliseconds, rounded up: shortly before the time, look again and again.
        let due_ns = schedule.next_ns().saturating_sub(MILLISECOND_NS);
        until(now_ns, due_ns, self.target.turn_max())
    }

    /// Sends nothing more and waits until everybody has everything, or nothing comes any more.
    fn drain(&mut self, net: &mut Net, progress: &Progress) -> Result<(), Failure> {
        let patience_ns = self.target.patience.as_nanos() as u64;
        let (mut seen, mut since_ns) = (self.counts, self.target.clock.now_ns());
        while !self.is_complete() {
            net.turn(self, self.target.turn_max()).map_err(Failure::system("waiting"))?;
            self.ready.clear();
            progress.publish(self.counts, &mut self.told);
            self.target.interrupt.check()?;
            let now_ns = self.target.clock.now_ns();
            if self.counts != seen {
                (seen, since_ns) = (self.counts, now_ns);
            } else if now_ns - since_ns > patience_ns {
                let open = self.sent.len() as u64 - self.answered;
                self.trouble(format!(
                    "nothing came for {} s; {open} messages without an answer",
                    patience_ns / SECOND_NS
                ));
                break;
            } else if self.is_spoiled() && now_ns - since_ns > patience_ns.min(SECOND_NS) {
                break;
            }
        }
        self.ready.clear();
        for sender in &mut self.senders {
            sender.window = Window::new(self.style.window);
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.answered == self.sent.len() as u64
            && (0..self.clients.len())
                .all(|client| self.clients[client].is_away || self.has_all(client))
    }
}

fn between(from: &Marks, to: &Marks, delivery: Latency, ack: Latency) -> Measured {
    let counts = Counts {
        connections: 0,
        messages: to.counts.messages - from.counts.messages,
        acks: to.counts.acks - from.counts.acks,
        deliveries: to.counts.deliveries - from.counts.deliveries,
        errors: to.counts.errors - from.counts.errors,
    };
    Measured {
        seconds: (to.at_ns - from.at_ns) as f64 / SECOND_NS as f64,
        counts,
        server_cpu_ns: to.cpu_ns.saturating_sub(from.cpu_ns),
        delivery,
        ack,
    }
}
