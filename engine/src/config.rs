//! Every setting, once: its flag, its variable, its key in the file, its default, its meaning.
//!
//! A flag wins over a variable, a variable over the file, the file over the default. What nobody
//! knows is an error, so that a misspelt setting is not silently the default.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use salon_http::auth::{PasswordCost, Secret};
use salon_protocol::limits;
use salon_storage::blob::S3Config;
use salon_storage::sql::{Database, Durability, Rules};
use serde::{Deserialize, Serialize};

use crate::bucket::bucket;

/// Development or production.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Environment {
    #[default]
    Development,
    Production,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    On,
    Off,
}

/// How SQLite writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Synchronous {
    Full,
    Normal,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// A text that must not be printed.
#[derive(Clone, Deserialize)]
pub(crate) struct Hidden(pub(crate) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\"(hidden)\"")
    }
}

impl std::str::FromStr for Hidden {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Hidden(text.to_owned()))
    }
}

/// Several values: separated by commas on the command line, a list in the file.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct List<T>(Vec<T>);

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl<T: std::str::FromStr> std::str::FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map(List)
    }
}

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident $flag:literal $variable:literal $hint:literal: $type:ty
       = $default:literal;)+) => {
        /// Settings as they were given.
        #[derive(Clone, Debug, Default, Args, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Settings {
            $(
                $(#[doc = $doc])+
                #[doc = concat!(" [default: ", $default, "]")]
                #[arg(long = $flag, env = $variable, value_name = $hint, global = true,
                      hide_env_values = true)]
                $name: Option<$type>,
            )+
        }

        impl Settings {
            /// These, and where they say nothing the others.
            fn or(self, other: Settings) -> Settings {
                Settings { $($name: self.$name.or(other.$name)),+ }
            }
        }

        /// Name, variable, default and meaning of every setting.
        const TABLE: &[(&str, &str, &str, &[&str])] =
            &[$((stringify!($name), $variable, $default, &[$($doc),+])),+];

        impl Settings {
            /// The value of every setting that was given, for people.
            fn shown(&self) -> Vec<Option<String>> {
                vec![$(self.$name.as_ref().map(|value| format!("{value:?}"))),+]
            }
        }
    };
}

settings! {
    /// Addresses to listen on; port 0 lets the system choose.
    listen "listen" "SALON_LISTEN" "ADDRESS,…": List<String> = "127.0.0.1:8080";
    /// The folder with the database, files and the lock.
    data_dir "data-dir" "SALON_DATA_DIR" "FOLDER": PathBuf = "./salon-data";
    /// PostgreSQL instead of SQLite: `postgres://user:password@host/database`.
    database_url "database-url" "SALON_DATABASE_URL" "URL": Hidden = "SQLite in data_dir";
    /// Where pictures are: `local` is a folder in data_dir; `s3://bucket/prefix` S3, R2 or MinIO.
    blobs "blobs" "SALON_BLOBS" "local|URL": String = "local";
    /// Where the bucket is, if not at Amazon: `https://account.r2.cloudflarestorage.com`.
    s3_endpoint "s3-endpoint" "SALON_S3_ENDPOINT" "URL": String = "Amazon's";
    /// The bucket's region.
    s3_region "s3-region" "SALON_S3_REGION" "NAME": String = "us-east-1, which R2 takes, too";
    /// The id of an access key for the bucket.
    s3_key_id "s3-key-id" "SALON_S3_KEY_ID" "TEXT": Hidden = "what Amazon gives to the machine";
    /// Its secret.
    s3_secret "s3-secret" "SALON_S3_SECRET" "TEXT": Hidden = "what Amazon gives to the machine";
    /// `production` refuses settings that are only good for trying things out.
    env "env" "SALON_ENV" "NAME": Environment = "development";
    /// The secret that signs access tokens, at least 32 bytes.
    jwt_secret "jwt-secret" "SALON_JWT_SECRET" "TEXT": Hidden = "one that the database keeps";
    /// Older secrets whose tokens are still accepted.
    jwt_secrets_accepted "jwt-secrets-accepted" "SALON_JWT_SECRETS_ACCEPTED" "TEXT,…": List<Hidden> = "none";
    /// Web pages that may open sockets, as `https://host[:port]`.
    allowed_origins "allowed-origins" "SALON_ALLOWED_ORIGINS" "ORIGIN,…": List<String> = "the server's own";
    /// Rates per address, user and command. `off` is for load tests; bounds on sizes stay.
    rate_limits "rate-limits" "SALON_RATE_LIMITS" "on|off": Switch = "on";
    /// The client's address is the last one in `X-Forwarded-For`, which our own proxy writes.
    trust_proxy "trust-proxy" "SALON_TRUST_PROXY" "BOOL": bool = "false";
    /// Threads for sockets, HTTP and actors.
    workers "workers" "SALON_WORKERS" "COUNT": usize = "one per processor";
    /// Sockets that are open at once.
    sockets_max "sockets-max" "SALON_SOCKETS_MAX" "COUNT": u64 = "100000";
    /// Connections to the database for reading.
    readers "readers" "SALON_READERS" "COUNT": u32 = "one per processor, at least 2";
    /// `full`: what is acknowledged survives a power cut. `normal`: only the end of the process.
    synchronous "synchronous" "SALON_SYNCHRONOUS" "full|normal": Synchronous = "full";
    /// How long a message can be recalled by its sender.
    recall_seconds "recall-seconds" "SALON_RECALL_SECONDS" "SECONDS": i64 = "120";
    /// Whether anybody can be brought into a group without being asked; otherwise only friends.
    open_membership "open-membership" "SALON_OPEN_MEMBERSHIP" "BOOL": bool = "true";
    /// Whether two who share a room may open a direct room without being friends.
    direct_strangers "direct-strangers" "SALON_DIRECT_STRANGERS" "BOOL": bool = "false";
    /// How long a stop may take.
    drain_seconds "drain-seconds" "SALON_DRAIN_SECONDS" "SECONDS": u64 = "25";
    /// Memory for one password hash (argon2id), in KiB.
    argon2_memory_kib "argon2-memory-kib" "SALON_ARGON2_MEMORY_KIB" "KIB": u32 = "19456";
    /// Passes over that memory.
    argon2_passes "argon2-passes" "SALON_ARGON2_PASSES" "COUNT": u32 = "2";
    /// Whoever shows it as a bearer token may read /metrics from anywhere.
    metrics_token "metrics-token" "SALON_METRICS_TOKEN" "TEXT": Hidden = "only this machine may";
    /// The font that is tried first for watermarks with a text; then those that the machine has.
    watermark_font "watermark-font" "SALON_WATERMARK_FONT" "FILE": PathBuf = "those of the machine";
    /// What is logged: `info`, or filters such as `warn,salon_http=debug`.
    log "log" "SALON_LOG" "FILTER": String = "info";
    /// How log lines look.
    log_format "log-format" "SALON_LOG_FORMAT" "text|json": LogFormat = "text on a terminal, else json";
}

/// Settings with their defaults, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) data_dir: PathBuf,
    pub(crate) database: Database,
    /// `None`: a folder in `data_dir`.
    pub(crate) bucket: Option<S3Config>,
    pub(crate) jwt_secret: Option<Secret>,
    pub(crate) jwt_secrets_accepted: Vec<Secret>,
    pub(crate) allowed_origins: Option<Vec<String>>,
    pub(crate) rate_limits: bool,
    pub(crate) trust_proxy: bool,
    pub(crate) workers: usize,
    pub(crate) sockets_max: u64,
    pub(crate) readers: u32,
    pub(crate) durability: Durability,
    pub(crate) rules: Rules,
    pub(crate) drain_seconds: u64,
    pub(crate) password_cost: PasswordCost,
    pub(crate) metrics_token: Option<String>,
    pub(crate) watermark_font: Option<PathBuf>,
    pub(crate) log: String,
    pub(crate) log_format: Option<LogFormat>,
    given: Settings,
}

/// The file that is read when none is named.
const FILE: &str = "salon.toml";
/// Variables that are ours and no settings.
const OTHER_VARIABLES: &[&str] = &["SALON_CONFIG"];

impl Config {
    /// Reads the file, puts all together, checks.
    pub fn load(file: Option<PathBuf>, settings: Settings) -> anyhow::Result<Config> {
        check_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))?;
        let path = match file {
            Some(path) => Some(path),
            None => Some(PathBuf::from(FILE)).filter(|path| path.is_file()),
        };
        let from_file = match path {
            Some(path) => read_file(&path)?,
            None => Settings::default(),
        };
        Config::new(settings.or(from_file))
    }

    fn new(given: Settings) -> anyhow::Result<Config> {
        let shown = given.clone();
        let production = given.env == Some(Environment::Production);
        let data_dir = given.data_dir.unwrap_or_else(|| PathBuf::from("./salon-data"));
        let config = Config {
            listen: addresses(given.listen)?,
            database: database(given.database_url, &data_dir)?,
            bucket: bucket(
                given.blobs,
                (given.s3_endpoint, given.s3_region),
                (given.s3_key_id, given.s3_secret),
            )?,
            data_dir,
            jwt_secret: given.jwt_secret.map(|text| secret("jwt_secret", text)).transpose()?,
            jwt_secrets_accepted: given
                .jwt_secrets_accepted
                .map_or_else(Vec::new, |list| list.0)
                .into_iter()
                .map(|text| secret("jwt_secrets_accepted", text))
                .collect::<anyhow::Result<_>>()?,
            allowed_origins: given.allowed_origins.map(|list| list.0),
            rate_limits: given.rate_limits != Some(Switch::Off),
            trust_proxy: given.trust_proxy.unwrap_or(false),
            workers: given.workers.unwrap_or_else(processors),
            sockets_max: given.sockets_max.unwrap_or(100_000),
            readers: given.readers.unwrap_or_else(|| processors().clamp(2, 16) as u32),
            durability: match given.synchronous {
                Some(Synchronous::Normal) => Durability::Normal,
                _ => Durability::Full,
            },
            rules: Rules {
                recall_window_ms: given
                    .recall_seconds
                    .map_or(limits::RECALL_WINDOW_MS, |seconds| seconds.saturating_mul(1_000)),
                open_membership: given.open_membership.unwrap_or(true),
                direct_strangers: given.direct_strangers.unwrap_or(false),
            },
            drain_seconds: given.drain_seconds.unwrap_or(25),
            password_cost: PasswordCost {
                memory_kib: given.argon2_memory_kib.unwrap_or(19_456),
                passes: given.argon2_passes.unwrap_or(2),
            },
            metrics_token: given.metrics_token.map(|token| token.0),
            watermark_font: given.watermark_font,
            log: given.log.unwrap_or_else(|| "info".into()),
            log_format: given.log_format,
            given: shown,
        };
        config.check(production)?;
        Ok(config)
    }

    fn check(&self, production: bool) -> anyhow::Result<()> {
        let bounds = [
            ("workers", self.workers as u64, 1, 512),
            ("readers", self.readers.into(), 1, 64),
            ("sockets_max", self.sockets_max, 1, 10_000_000),
            ("drain_seconds", self.drain_seconds, 0, 600),
            (
                "recall_seconds",
                (self.rules.recall_window_ms / 1_000).cast_unsigned(),
                0,
                31_536_000,
            ),
            ("argon2_memory_kib", self.password_cost.memory_kib.into(), 8, 1_048_576),
            ("argon2_passes", self.password_cost.passes.into(), 1, 20),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                bail!("{name}: {value} is not between {least} and {most}");
            }
        }
        if production {
            self.check_production()?;
        }
        Ok(())
    }

    fn check_production(&self) -> anyhow::Result<()> {
        let cost = PasswordCost::default();
        if self.password_cost.memory_kib < cost.memory_kib
            || self.password_cost.passes < cost.passes
        {
            bail!("argon2_memory_kib, argon2_passes: too little for production");
        }
        if !self.rate_limits {
            bail!("rate_limits: off is not for production");
        }
        if let Some(secret) = &self.jwt_secret
            && secret.is_monotonous()
        {
            bail!("jwt_secret: too simple for production; take 32 random bytes");
        }
        Ok(())
    }

    /// As a file that could be used, with the meaning of every setting.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = String::from("# Salon. A setting with a # before it has its default.\n");
        for ((name, variable, default, doc), given) in TABLE.iter().zip(self.given.shown()) {
            text.push('\n');
            for line in *doc {
                text.push_str(&format!("#{line}\n"));
            }
            text.push_str(&format!("# Variable: {variable}. Default: {default}.\n"));
            match given {
                Some(value) => text.push_str(&format!("{name} = {}\n", toml_value(&value))),
                None => text.push_str(&format!("# {name} =\n")),
            }
        }
        text
    }
}

/// The debug form of our values is nearly TOML: only words of enums are not.
fn toml_value(value: &str) -> String {
    let word =
        value.chars().all(|c| c.is_ascii_alphabetic()) && value != "true" && value != "false";
    if word { format!("\"{}\"", value.to_lowercase()) } else { value.to_owned() }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Variables that begin like ours and are not.
fn check_variables(names: impl Iterator<Item = String>) -> anyhow::Result<()> {
    for name in names.filter(|name| name.starts_with("SALON_")) {
        let known = TABLE.iter().any(|(_, variable, ..)| *variable == name);
        if !known && !OTHER_VARIABLES.contains(&name.as_str()) {
            bail!("the variable {name} is no setting; `salon config print` lists all");
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> anyhow::Result<Settings> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

fn addresses(given: Option<List<String>>) -> anyhow::Result<Vec<SocketAddr>> {
    let given = given.map_or_else(|| vec!["127.0.0.1:8080".into()], |list| list.0);
    if given.is_empty() {
        bail!("listen: names no address");
    }
    given
        .iter()
        .map(|text| text.trim().parse().with_context(|| format!("listen: {text:?} is no address")))
        .collect()
}

fn database(url: Option<Hidden>, data_dir: &Path) -> anyhow::Result<Database> {
    match url {
        None => Ok(Database::Sqlite(data_dir.to_owned())),
        Some(Hidden(url)) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(Database::Postgres(url))
        }
        Some(_) => bail!("database_url: expected postgres://…; for SQLite set data_dir"),
    }
}

fn secret(name: &str, Hidden(text): Hidden) -> anyhow::Result<Secret> {
    Secret::new(text).map_err(|error| anyhow::anyhow!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Config> {
        Config::new(toml::from_str(text)?)
    }

    fn error(text: &str) -> String {
        format!("{:#}", parse(text).unwrap_err())
    }

    #[test]
    fn nothing_at_all_is_enough() {
        let config = parse("").unwrap();
        assert_eq!(config.listen, ["127.0.0.1:8080".parse().unwrap()]);
        assert_eq!(config.database, Database::Sqlite("./salon-data".into()));
        assert_eq!(config.durability, Durability::Full);
        assert!(config.rate_limits && config.rules == Rules::default());
        assert_eq!(config.password_cost, PasswordCost::default());
    }

    #[test]
    fn mistakes_name_the_setting() {
        assert!(error("lisen = [\"127.0.0.1:1\"]").contains("lisen"));
        assert!(error("listen = [\"here\"]").contains("listen"));
        assert!(error("jwt_secret = \"short\"").contains("jwt_secret"));
        assert!(error("database_url = \"mysql://x\"").contains("database_url"));
        assert!(error("workers = 0").contains("workers"));
        assert!(error("rate_limits = \"maybe\"").contains("rate_limits"));
        let misspelt = ["PATH".to_owned(), "SALON_LISTN".to_owned()];
        assert!(check_variables(misspelt.into_iter()).is_err());
        let known = ["SALON_LISTEN".to_owned(), "SALON_CONFIG".to_owned()];
        assert!(check_variables(known.into_iter()).is_ok());
    }

    #[test]
    fn production_refuses_what_is_only_for_trying() {
        let production = |text: &str| parse(&format!("env = \"production\"\n{text}"));
        production("").unwrap();
        production("argon2_memory_kib = 8").unwrap_err();
        production("rate_limits = \"off\"").unwrap_err();
        production(&format!("jwt_secret = \"{}\"", "a".repeat(32))).unwrap_err();
        production("jwt_secret = \"kZ8sQ1v0xN3mR7tY5uB2wE9pL4aC6dF8\"").unwrap();
    }

    #[test]
    fn what_is_printed_can_be_read_again_and_hides_secrets() {
        let text = format!(
            "listen = [\"127.0.0.1:1\", \"[::1]:2\"]\njwt_secret = \"{}\"\nrate_limits = \"off\"\n\
             workers = 3\ntrust_proxy = true\nlog = \"warn\"\nsynchronous = \"normal\"\n\
             blobs = \"s3://photos\"\ns3_key_id = \"secretsecret\"\ns3_secret = \"secretsecret\"",
            "secret".repeat(6)
        );
        let printed = parse(&text).unwrap().to_toml();
        assert!(!printed.contains("secretsecret"), "{printed}");
        let printed = printed.replace("(hidden)", &"x".repeat(40));
        let again = parse(&printed).unwrap();
        assert_eq!((again.listen.len(), again.workers, again.trust_proxy), (2, 3, true));
        assert_eq!((again.rate_limits, again.durability), (false, Durability::Normal));
        for (name, ..) in TABLE {
            assert!(printed.contains(&format!("{name} =")), "{name}");
        }
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let flags = Settings { workers: Some(7), ..Settings::default() };
        let file: Settings = toml::from_str("workers = 3\nreaders = 9").unwrap();
        let config = Config::new(flags.or(file)).unwrap();
        assert_eq!((config.workers, config.readers), (7, 9));
    }
}
