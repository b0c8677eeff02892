//! A server that is a program of this machine: a line to its input is a message, and so is a line of its output.

mod group;
mod home;
mod lines;
mod spawning;
mod watchdog;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, WeakSender};

use self::group::Group;
use self::lines::{Line, Lines};
use super::exchange::{Exchange, Listener};
use super::messages::{self, Answer};
use super::{Bounds, Failure};
use crate::platform::config::SecretText;

pub use home::remove_left_homes;
pub use spawning::hide_environment;

/// Messages that wait to be written. A program that reads none of them has no use of more.
const WAITING: usize = 256;
/// Of what it writes to its error output, the end is kept.
const ERROR_BYTES: usize = 4 * 1024;
/// How long a program may take to end once its input has.
const BY_ITSELF: Duration = Duration::from_millis(500);
/// How long it may take once it was asked to.
const WHEN_ASKED: Duration = Duration::from_millis(250);
/// How long it has to hear that it is not waited for any more.
const ABANDONED: Duration = Duration::from_millis(100);

pub struct Process {
    exchange: Exchange,
    /// Nothing, once the program was told to end.
    running: Option<Running>,
}

struct Running {
    outgoing: mpsc::Sender<Vec<u8>>,
    group: Arc<Group>,
}

impl Running {
    async fn end(self, by_itself: Duration, when_asked: Duration) {
        // What waits is still written; then the input ends.
        drop(self.outgoing);
        self.group.end(by_itself, when_asked).await;
    }
}

impl Process {
    pub async fn start(
        command: &str,
        arguments: &[String],
        environment: &BTreeMap<String, SecretText>,
        bounds: &Bounds,
    ) -> Result<Self, Failure> {
        let (group, pipes) = spawning::spawn(command, arguments, environment, &bounds.commands).await?;
        let exchange = Exchange::new();
        let (outgoing, waiting) = mpsc::channel(WAITING);
        let errors = Tail::default();
        tokio::spawn(write(waiting, pipes.input));
        let kept = tokio::spawn(errors.clone().keep(pipes.errors));
        let reader = Reader {
            exchange: exchange.clone(),
            replies: outgoing.downgrade(),
            group: Arc::clone(&group),
            most_bytes: bounds.message_bytes(),
        };
        tokio::spawn(async move {
            let exchange = reader.exchange.clone();
            let failure = match reader.read(pipes.output).await {
                Ending::TooLong(most_bytes) => Failure::TooLarge { what: "one message", most_bytes },
                Ending::Ended(status) => {
                    // It has ended, and so does its error output, unless something else holds it open.
                    tokio::time::timeout(ABANDONED, kept).await.ok();
                    Failure::Crashed { status, output: errors.text() }
                }
            };
            exchange.end(failure);
        });
        Ok(Self { exchange, running: Some(Running { outgoing, group }) })
    }

    fn send(&self, message: &Value) -> Result<(), Failure> {
        let running = self.running.as_ref().ok_or(Failure::SessionEnded)?;
        let line = format!("{message}\n").into_bytes();
        running.outgoing.try_send(line).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::protocol("it does not read its input"),
            mpsc::error::TrySendError::Closed(_) => Failure::SessionEnded,
        })
    }

    pub async fn ask(&self, id: u64, message: &Value, listener: Listener<'_>) -> Result<Answer, Failure> {
        let expected = self.exchange.expecting(id)?;
        if let Err(failure) = self.send(message) {
            // The reader knows better why nothing can be written.
            return if failure == Failure::SessionEnded { expected.answer(listener).await } else { Err(failure) };
        }
        expected.answer(listener).await
    }

    pub fn tell(&self, message: &Value) -> Result<(), Failure> {
        self.send(message)
    }

    pub fn cancel(&self, id: u64) {
        // One that does not read will be ended all the same.
        self.send(&messages::cancellation(id)).ok();
    }

    pub fn has_ended(&self) -> bool {
        self.exchange.has_ended()
    }

    pub fn take_change(&self) -> bool {
        self.exchange.take_change()
    }

    /// Ends the program, gently if it can be.
    pub async fn close(mut self) {
        if let Some(running) = self.running.take() {
            running.end(BY_ITSELF, WHEN_ASKED).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without a runtime, the group is killed right here, as it is dropped.
        if let (Some(running), Ok(runtime)) = (self.running.take(), Handle::try_current()) {
            runtime.spawn(running.end(ABANDONED, Duration::ZERO));
        }
    }
}

async fn write(mut waiting: mpsc::Receiver<Vec<u8>>, mut input: ChildStdin) {
    while let Some(line) = waiting.recv().await {
        if input.write_all(&line).await.is_err() {
            // That it has ended is seen at its output.
            return;
        }
    }
}

enum Ending {
    TooLong(usize),
    Ended(Option<i32>),
}

struct Reader {
    exchange: Exchange,
    replies: WeakSender<Vec<u8>>,
    group: Arc<Group>,
    most_bytes: usize,
}

impl Reader {
    async fn read(self, output: ChildStdout) -> Ending {
        let mut lines = Lines::new(output, self.most_bytes);
        let mut line = Vec::new();
        let is_too_long = loop {
            match lines.read(&mut line).await {
                Ok(Line::Whole) => self.take(&line),
                Ok(Line::TooLong) => break true,
                Ok(Line::End) | Err(_) => break false,
            }
        };
        match is_too_long {
            true => {
                self.group.end(Duration::ZERO, Duration::ZERO).await;
                Ending::TooLong(self.most_bytes)
            }
            false => Ending::Ended(self.group.end(BY_ITSELF, Duration::ZERO).await),
        }
    }

    fn take(&self, line: &[u8]) {
        let reply = self.exchange.receive(line);
        if let (Some(reply), Some(outgoing)) = (reply, self.replies.upgrade()) {
            // A program that asks more than it reads gets no answer.
            outgoing.try_send(format!("{reply}\n").into_bytes()).ok();
        }
    }
}

/// The end of a stream that is read to its end.
#[derive(Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    async fn keep(self, mut stream: impl AsyncRead + Unpin) {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&buffer[..read]);
            let surplus = kept.len().saturating_sub(ERROR_BYTES);
            kept.drain(..surplus);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}
