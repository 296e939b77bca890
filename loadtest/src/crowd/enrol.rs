//! Accounts, made over HTTP.
//!
//! Owns      registering, and logging in where a name is taken already.
//! Promises  the accounts come in the order of the names, whoever was answered first.
//! Does not  log out.

use serde::Deserialize;

use super::{Account, Job, Target, drive};
use crate::client::{Closed, Handler, Kind, Net, Peer, Request, json_body};
use crate::failure::Failure;
use crate::names::PASSWORD;

/// Connections that are used at once, with one request under way on each.
const CONNECTIONS_MAX: usize = 64;
/// Lost connections and refusals without success in between that end the job.
const SETBACKS_MAX: u32 = 200;

/// Registers or logs in all `names`, each on the device `device`.
pub fn enrol(target: &Target, names: &[String], device: &str) -> Result<Vec<Account>, Failure> {
    let mut net = target.net()?;
    let connections = CONNECTIONS_MAX.min(names.len());
    let mut job = Enrolment {
        names,
        device,
        next: 0,
        queue: Vec::new(),
        lines: vec![Line::Closed; connections],
        accounts: vec![None; names.len()],
        done: 0,
        setbacks: 0,
        failure: None,
    };
    drive(&mut net, &mut job, target)?;
    Ok(job.accounts.into_iter().flatten().collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Errand {
    user: usize,
    login: bool,
}

/// One connection, by its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Closed,
    Opening,
    Busy(Errand),
}

struct Enrolment<'a> {
    names: &'a [String],
    device: &'a str,
    next: usize,
    /// What has to be done again.
    queue: Vec<Errand>,
    lines: Vec<Line>,
    accounts: Vec<Option<Account>>,
    done: usize,
    setbacks: u32,
    failure: Option<Failure>,
}

#[derive(Deserialize)]
struct LoggedIn {
    user: Who,
    access_token: String,
}

#[derive(Deserialize)]
struct Who {
    id: salon_protocol::UserId,
}

impl Enrolment<'_> {
    fn next_errand(&mut self) -> Option<Errand> {
        self.queue.pop().or_else(|| {
            let user = self.next;
            (user < self.names.len()).then(|| {
                self.next += 1;
                Errand { user, login: false }
            })
        })
    }

    fn go(&mut self, net: &mut Net, peer: Peer) {
        let Some(errand) = self.next_errand() else {
            self.lines[peer.tag as usize] = Line::Closed;
            return net.leave(peer.id);
        };
        self.lines[peer.tag as usize] = Line::Busy(errand);
        let name = &self.names[errand.user];
        let path = if errand.login { "/api/auth/login" } else { "/api/auth/register" };
        let body = json_body(&serde_json::json!({
            "username": name, "password": PASSWORD, "device": self.device,
        }));
        net.http(peer.id, Request { method: "POST", path, token: None, body: &body });
    }

    fn set_back(&mut self, errand: Option<Errand>, what: &str) {
        self.queue.extend(errand);
        self.setbacks += 1;
        if self.setbacks > SETBACKS_MAX {
            self.failure
                .get_or_insert_with(|| Failure::Server(format!("accounts cannot be made: {what}")));
        }
    }

    fn answered(&mut self, errand: Errand, status: u16, body: &[u8]) {
        match status {
            200 | 201 => match serde_json::from_slice::<LoggedIn>(body) {
                Ok(LoggedIn { user, access_token }) => {
                    let name = self.names[errand.user].clone();
                    let account = Account { user: user.id, name, token: access_token };
                    self.accounts[errand.user] = Some(account);
                    self.done += 1;
                    self.setbacks = 0;
                }
                Err(error) => {
                    let what = format!("the answer to a login is not understood: {error}");
                    self.failure = Some(Failure::Server(what));
                }
            },
            409 if !errand.login => self.queue.push(Errand { login: true, ..errand }),
            429 | 503 => self.set_back(Some(errand), &words(status, body)),
            401 if errand.login => {
                let name = &self.names[errand.user];
                self.failure = Some(Failure::Server(format!(
                    "the user {name} exists with another password; choose another --run tag"
                )));
            }
            _ => {
                let path = if errand.login { "login" } else { "register" };
                let words = words(status, body);
                self.failure =
                    Some(Failure::Server(format!("POST /api/auth/{path} answered {words}")));
            }
        }
    }
}

fn words(status: u16, body: &[u8]) -> String {
    let body: String = String::from_utf8_lossy(body).chars().take(300).collect();
    format!("{status} {body}")
}

impl Handler for Enrolment<'_> {
    fn opened(&mut self, net: &mut Net, peer: Peer) {
        self.go(net, peer);
    }

    fn response(&mut self, net: &mut Net, peer: Peer, status: u16, body: &[u8]) {
        if let Line::Busy(errand) = self.lines[peer.tag as usize] {
            self.answered(errand, status, body);
        }
        self.go(net, peer);
    }

    fn closed(&mut self, _: &mut Net, peer: Peer, why: Closed) {
        let line = std::mem::replace(&mut self.lines[peer.tag as usize], Line::Closed);
        match line {
            Line::Busy(errand) => self.set_back(Some(errand), &why.to_string()),
            Line::Opening => self.set_back(None, &why.to_string()),
            Line::Closed => {}
        }
    }
}

impl Job for Enrolment<'_> {
    fn begin(&mut self, net: &mut Net, _: u64) -> Result<(), Failure> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut left = self.names.len() - self.next + self.queue.len();
        for tag in 0..self.lines.len() {
            if self.lines[tag] == Line::Closed && left > 0 {
                left -= 1;
                net.connect(Kind::Http, tag as u32).map_err(Failure::system("connecting"))?;
                self.lines[tag] = Line::Opening;
            }
        }
        Ok(())
    }

    fn progress(&self) -> u64 {
        self.done as u64
    }

    fn is_done(&self) -> bool {
        self.done == self.names.len()
    }

    fn waits_for(&self) -> String {
        format!("{} of {} accounts made", self.done, self.names.len())
    }
}
