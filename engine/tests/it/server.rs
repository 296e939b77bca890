//! A server of the test's own.
//!
//! Owns      the process and its folder; both are gone when the test ends, however it ends.
//! Promises  the port is the system's choice; nobody waits by sleeping.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The binary under test.
pub(crate) const SALON: &str = env!("CARGO_BIN_EXE_salon");

/// Somebody who has registered.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) refresh: String,
}

pub(crate) const PASSWORD: &str = "correct horse";

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    settings: Vec<(String, String)>,
}

/// `salon` with the settings of tests, and no others.
pub(crate) fn salon(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(SALON);
    command.args(words).current_dir(folder).env_clear();
    command.env("SALON_LISTEN", "127.0.0.1:0").env("SALON_DATA_DIR", folder.join("data"));
    // Passwords are checked by the dozen here.
    command.env("SALON_ARGON2_MEMORY_KIB", "8").env("SALON_ARGON2_PASSES", "1");
    command
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::start_with(&[])
    }

    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Server {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let settings: Vec<_> = settings.iter().map(owned).collect();
        let folder = tempfile::tempdir().unwrap();
        let (child, address) = launch(folder.path(), &settings);
        Server { child, address, folder, settings }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .unwrap();
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().unwrap()
    }

    /// Starts it again, after it has ended, on the same folder.
    pub(crate) fn start_again(&mut self) {
        (self.child, self.address) = launch(self.folder.path(), &self.settings);
    }

    /// Another command of the binary, on the same folder. Status and both outputs.
    pub(crate) fn run(&self, words: &[&str]) -> (bool, String) {
        run(salon(self.folder.path(), words))
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.call("GET", path, token, None)
    }

    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        self.call("POST", path, token, Some(body))
    }

    /// The answer to a request over HTTP; a body that is not JSON comes as a text.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        if !token.is_empty() {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut answer = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json");
                agent.run(request.body(body.to_string()).unwrap()).unwrap()
            }
            None => agent.run(request.body(()).unwrap()).unwrap(),
        };
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().unwrap();
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, value)
    }

    pub(crate) fn register(&self, name: &str) -> Person {
        let body = json!({ "username": name, "password": PASSWORD });
        let (status, answer) = self.post("/api/auth/register", "", &body);
        assert_eq!(status, 201, "{answer}");
        person(&answer)
    }

    pub(crate) fn login(&self, name: &str) -> Person {
        let body = json!({ "username": name, "password": PASSWORD });
        let (status, answer) = self.post("/api/auth/login", "", &body);
        assert_eq!(status, 200, "{answer}");
        person(&answer)
    }
}

fn person(answer: &Value) -> Person {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Person {
        id: text(&answer["user"]["id"]),
        token: text(&answer["access_token"]),
        refresh: text(&answer["refresh_token"]),
    }
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> (bool, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    text.push_str(&String::from_utf8(output.stderr).unwrap());
    (output.status.success(), text)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(folder: &Path, settings: &[(String, String)]) -> (Child, SocketAddr) {
    let mut command = salon(folder, &["serve"]);
    command.envs(settings.iter().map(|(key, value)| (key, value)));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
    let Some(address) = address.and_then(|text| text.trim().parse().ok()) else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("the server said {line:?} instead of where it listens");
    };
    (child, address)
}
