//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::config::{Config, Settings};
use crate::run::serve;

/// Durable chat and live photo sessions over persistent sockets, in one binary.
#[derive(Debug, Parser)]
#[command(name = "salon", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// A file with settings; `salon.toml` if it is there. Flags and variables win over it.
    #[arg(long, global = true, env = "SALON_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server. Without any setting: on 127.0.0.1:8080, with everything in ./salon-data.
    Serve,
    /// Look at the settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Apply pending migrations to the database.
    Migrate,
    /// Ask a running server whether it is alive; the exit status tells.
    Healthcheck,
    /// Manage accounts, also beside a running server.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Write everything into a new folder, also beside a running server.
    Backup {
        /// The folder; it must not exist yet.
        folder: PathBuf,
    },
    /// Fill an empty store from a backup. The server must not run.
    Restore {
        /// The folder that `backup` wrote.
        folder: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every setting with its value and meaning, as a file that could be used.
    Print,
    /// Say whether the settings make sense.
    Check,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Make an administrator. The password is read from standard input.
    Create {
        /// The username.
        username: String,
    },
    /// Give an account a role.
    SetRole {
        /// The username.
        username: String,
        /// The role.
        role: RoleName,
    },
    /// Disable an account: its sockets close, it can no longer log in.
    Disable {
        /// The username.
        username: String,
    },
    /// Enable a disabled account.
    Enable {
        /// The username.
        username: String,
    },
}

/// A role that can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    User,
    Admin,
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> ExitCode {
        let Cli { command, config, settings } = self;
        let config = match Config::load(config, settings) {
            Ok(config) => config,
            Err(error) => return failed(&error),
        };
        let outcome = match command {
            Command::Serve => serve(config),
            Command::Config { command: ConfigCommand::Print } => commands::config_print(&config),
            Command::Config { command: ConfigCommand::Check } => commands::config_check(&config),
            Command::Migrate => commands::migrate(&config),
            Command::Healthcheck => commands::healthcheck(&config),
            Command::Admin { command } => match command {
                AdminCommand::Create { username } => commands::admin_create(&config, &username),
                AdminCommand::SetRole { username, role } => {
                    commands::admin_set_role(&config, &username, role)
                }
                AdminCommand::Disable { username } => {
                    commands::admin_set_enabled(&config, &username, false)
                }
                AdminCommand::Enable { username } => {
                    commands::admin_set_enabled(&config, &username, true)
                }
            },
            Command::Backup { folder } => commands::backup(&config, &folder),
            Command::Restore { folder } => commands::restore(&config, &folder),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        }
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("salon: {error:#}");
    ExitCode::FAILURE
}
