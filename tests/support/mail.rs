//! Mail as it arrives: in the folder of a test's server, or at a mail server that is not ours.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use super::database::environment;
use super::waiting::eventually;

/// The letters in a folder.
pub struct Letters(PathBuf);

/// A letter as plain text.
#[derive(Clone, Debug)]
pub struct Letter {
    pub subject: String,
    pub text: String,
}

impl Letter {
    /// What follows the # in its link.
    pub fn token(&self) -> String {
        let link = self.text.lines().find(|line| line.starts_with("http")).and_then(|line| line.split_once('#'));
        link.unwrap_or_else(|| panic!("no link: {}", self.text)).1.trim().to_owned()
    }
}

impl Letters {
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Every letter to the address, oldest first.
    pub fn to(&self, address: &str) -> Vec<Letter> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.0)
            .map(|files| files.flatten().map(|file| file.path()).collect())
            .unwrap_or_default();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
        // Their names are ids, which sort by time.
        files.sort();
        files.iter().filter_map(|file| read(file, address)).collect()
    }

    /// Waits until so many letters to the address are there, and gives the last.
    pub async fn last_of(&self, count: usize, address: &str) -> Letter {
        eventually("a letter", async || self.to(address).get(count - 1).cloned()).await
    }
}

fn read(file: &Path, address: &str) -> Option<Letter> {
    let message = std::fs::read_to_string(file).expect("a message is text").replace("\r\n", "\n");
    let (head, body) = message.split_once("\n\n").expect("headers and a body");
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if header("To:") != Some(address) {
        return None;
    }
    let plain = body.split("Content-Type: text/plain").nth(1).expect("a plain part");
    let text = plain.split_once("\n\n").expect("a body").1.split("\n--").next().unwrap_or_default();
    // Soft line breaks and equal signs are all that our letters make quoted-printable change.
    let text = text.replace("=\n", "").replace("=3D", "=");
    Some(Letter { subject: header("Subject:").unwrap_or_default().to_owned(), text })
}

/// A mail server of its own process.
pub struct MailServer {
    process: Child,
    lines: Receiver<Value>,
    pub port: u16,
}

impl MailServer {
    /// Starts one that first refuses so many messages.
    pub fn start(refusals: u32) -> Self {
        let mut process = Command::new(environment("TRELLIS_NODE"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("mail/sink.mjs"))
            .arg(refusals.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let output = BufReader::new(process.stdout.take().expect("an output"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let value: Value = serde_json::from_str(&line).expect("a line is JSON");
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        let patience = std::time::Duration::from_secs(20);
        let first = lines.recv_timeout(patience).expect("the mail server listens");
        let port = first["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        Self { process, lines, port }
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// The next message it takes or refuses.
    pub async fn next(&self) -> Value {
        eventually("a message", async || self.lines.try_recv().ok()).await
    }

    /// What it took so far and nobody asked for.
    pub fn rest(&self) -> Vec<Value> {
        self.lines.try_iter().collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
